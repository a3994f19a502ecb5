/** docs/troubleshooting.md is correct about the log at debug level, and about deadlines. */
import { spawnSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schema } from "effect"
import { KubernetesDeadlines } from "../../src/kubernetes/ApiServer.ts"
import { OvsDeadlines } from "../../src/ovs/client/JsonRpc.ts"
import { stdinSeconds } from "../../src/platform/process/StandardStreams.ts"
import { Deadlines } from "../../src/program/Step.ts"
import { VppDeadlines } from "../../src/vpp/client/Session.ts"
import { netns } from "../dry-run/support/MemoryNode.ts"
import { read, root, rowsBelow } from "./support/Markdown.ts"
import { bases, type Json, put } from "./support/Networks.ts"

const page = read("docs/troubleshooting.md")

describe("the steps of ADD at debug level", () => {
  const [, block = ""] = /^At `debug`[\s\S]*?^```\n([\s\S]*?)^```$/m.exec(page) ?? []
  const documented = [...block.matchAll(/ span="([^"]+)"/g)].map(([, name = ""]) => name)
  const base = {
    ...bases["ovs-dpdk"],
    logLevel: "debug",
    logFormat: "json",
    ipam: { type: "host-local", subnet: "10.9.8.0/24" }
  }

  const Line = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.String)))

  /** Spans directly below that of ADD, in the order of their end: of the real program, on a node in memory. */
  const stepsOf = (conf: Json) => {
    const { status, stderr } = spawnSync(process.execPath, [`${root}/test/program/support/memory-plugin.ts`], {
      input: JSON.stringify(conf),
      env: {
        CNI_COMMAND: "ADD",
        CNI_CONTAINERID: "c1",
        CNI_NETNS: netns,
        CNI_IFNAME: "net1",
        CNI_PATH: "/opt/cni/bin"
      },
      encoding: "utf8",
      timeout: 60_000
    })
    assert.strictEqual(status, 0, stderr)
    const lines = stderr.split("\n").slice(0, -1)
    const spans = lines.map((line) => Line(line)).filter(({ span }) => span !== undefined)
    const whole = spans.find(({ span }) => span === "ADD")?.["id"] ?? assert.fail(stderr)
    return spans.filter(({ parent }) => parent === whole).map(({ span = "" }) => span)
  }

  it("are one span each, in this order", () => {
    assert.isAbove(documented.length, 6)
    assert.deepStrictEqual(stepsOf(put(base, "host.vhost.mode", "client")), documented)
  })

  it("and the conditional ones, each at the documented place", () => {
    const steps = stepsOf({
      ...put(base, "host.vhost.mode", "server"),
      capabilities: { CNIDeviceInfoFile: true },
      runtimeConfig: { CNIDeviceInfoFile: "/run/devinfo/a.json" }
    })
    const more = steps.filter((step) => !documented.includes(step))
    assert.deepStrictEqual(more, ["publish the socket", "open the socket", "write the device information"])
    for (const step of more) assert.include(page, `\`${step}\``)
    assert.deepStrictEqual(
      steps.filter(
        (step) => more.includes(step) || step === "plug the port" || step === "publish the container config"
      ),
      ["plug the port", ...more, "publish the container config"]
    )
  })
})

describe("the deadlines", () => {
  const rows = rowsBelow("docs/troubleshooting.md", "How long it waits")

  it.effect("match the source, row by row", () =>
    Effect.gen(function* () {
      const general = yield* Deadlines
      const ovs = yield* OvsDeadlines
      const vpp = yield* VppDeadlines
      const kubernetes = yield* KubernetesDeadlines
      const seconds: Readonly<Record<string, number>> = {
        "the configuration on stdin, to its end": stdinSeconds,
        "Open vSwitch: the socket of the database accepts": Duration.toSeconds(ovs.connect),
        "Open vSwitch: an answer of the database": Duration.toSeconds(ovs.reply),
        "Open vSwitch: ovs-vswitchd, while it does nothing": Duration.toSeconds(ovs.apply),
        "Open vSwitch: the calls that take a failed port back, together": Duration.toSeconds(ovs.withdraw),
        "VPP: a turn, of which there are eight": vpp.turn / 1000,
        "VPP: the connection and its hello": vpp.answer / 1000,
        "VPP: an answer": vpp.answer / 1000,
        "VPP: its goodbye": vpp.goodbye / 1000,
        "an IPAM plugin, each call": general.ipam,
        "the API server: one request": kubernetes.answer,
        "the API server: a request with all its retries": kubernetes.total,
        "one question of STATUS": general.status,
        "the undo of one step": general.undo,
        "the whole call": general.total
      }
      assert.deepStrictEqual(
        rows.map(([what, longest = ""]) => [what, Number(/^(\d+) s\b/.exec(longest)?.[1])]),
        Object.entries(seconds)
      )
    })
  )

  it.effect("have a row each", () =>
    Effect.gen(function* () {
      const all = [yield* Deadlines, yield* OvsDeadlines, yield* VppDeadlines, yield* KubernetesDeadlines]
      // VPP's connection and its replies share one; stdin's is not a reference.
      assert.lengthOf(rows, all.flatMap((each) => Object.keys(each)).length + 2)
    })
  )
})
