/** docs/restarts.md shows the real output; its service is valid for systemd and the command line. */

import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Restored } from "../../src/attachment/heal/RestoreRound.ts"
import type { Record } from "../../src/attachment/records/Record.ts"
import { restoreTable } from "../../src/cli/commands/Restore.ts"
import { plain } from "../../src/cli/print/Printer.ts"
import { CniError, ErrorCodes } from "../../src/cni/types/CniError.ts"
import { type } from "../cli/support/Terminal.ts"
import { make } from "../dry-run/support/MemoryNode.ts"
import { read } from "./support/Markdown.ts"

const record = (containerId: string, ifName: string, network: string, pod?: string): Record => ({
  format: 1,
  network,
  containerId,
  ifName,
  netns: "",
  ...(pod === undefined ? {} : { pod: { namespace: "default", name: pod, uid: "" } }),
  invocation: "",
  since: "",
  handle: "",
  place: { directory: "", socketName: "", socketPath: "", switchPath: "", configPath: "" },
  made: [],
  mac: "",
  configuration: "",
  args: ""
})

const shown: ReadonlyArray<Restored> = [
  {
    record: record("0958c8871b32cafe", "net1", "memif-netw", "web-0"),
    result: {
      outcome: "restored",
      port: "memif1377398240/0",
      made: ["interface memif1377398240/0", "socket /run/u/0958c8871b32/memif-0958c8871b32-net1.sock"]
    }
  },
  {
    record: record("0958c8871b32cafe", "net2", "ovs-netw", "web-0"),
    result: { outcome: "there", port: "usp6qmbqjaf4dkd" }
  },
  {
    record: record("7d1c0b6a9e55cafe", "net1", "memif-netw", "web-1"),
    result: { outcome: "skipped", reason: "its sandbox /var/run/netns/cni-5a3c is gone" }
  },
  {
    record: record("c41f22e0d9a3cafe", "net1", "memif-netw"),
    result: { outcome: "failed", error: CniError.of(ErrorCodes.CheckFailed, "", "") }
  }
]

it("the table of docs/restarts.md is printed by restore", () => {
  const [, block] = /\n```\n(INTERFACE .*?)\n```\n/s.exec(read("docs/restarts.md")) ?? []
  assert.strictEqual(block, restoreTable(shown, { ...plain, stateDir: "", dry: false }))
})

describe("examples/node/userspace-restore.service", () => {
  const lines = read("examples/node/userspace-restore.service")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
  const setting = (key: string) => lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1) ?? ""

  it("has sections and settings, and nothing else", () => {
    for (const line of lines) assert.match(line, /^(\[(Unit|Service|Install)\]|[A-Z][A-Za-z]+=\S.*)$/)
  })

  it("starts after the switches whose start triggers it, once each time", () => {
    assert.sameMembers(setting("After").split(" "), ["vpp.service", "ovs-vswitchd.service"])
    assert.strictEqual(setting("WantedBy"), setting("After"))
    assert.strictEqual(setting("PartOf"), setting("After"))
    // With RemainAfterExit it would not run again.
    assert.strictEqual(setting("Type"), "oneshot")
    assert.strictEqual(setting("RemainAfterExit"), "")
  })

  it.effect("runs a command that exists", () =>
    Effect.gen(function* () {
      const [program, ...words] = setting("ExecStart").split(" ")
      assert.strictEqual(program, "/opt/cni/bin/userspace")
      const { stderr, well } = yield* type(make(), words)
      assert.isTrue(well, stderr)
    })
  )
})

describe("examples/node/userspace-gc", () => {
  const settings = (name: string) =>
    new Map(
      read(`examples/node/userspace-gc.${name}`)
        .split("\n")
        .flatMap((line) =>
          [...line.matchAll(/^([A-Z][A-Za-z]+)=(\S.*)$/g)].map(([, key, value]) => [key, value] as const)
        )
    )

  it.effect("runs a command that exists, and ends", () =>
    Effect.gen(function* () {
      const [program, ...words] = (settings("service").get("ExecStart") ?? "").split(" ")
      assert.strictEqual(program, "/opt/cni/bin/userspace")
      assert.deepStrictEqual([settings("service").get("Type"), words.includes("--every")], ["oneshot", false])
      const { stderr, well } = yield* type(make(), words)
      assert.isTrue(well, stderr)
    })
  )

  it("repeats after each round, also a failed one", () => {
    const timer = settings("timer")
    assert.deepStrictEqual([timer.get("OnActiveSec"), timer.get("OnUnitInactiveSec")], ["1min", "1min"])
    assert.strictEqual(timer.get("WantedBy"), "timers.target")
    assert.isUndefined(timer.get("Unit"))
  })
})
