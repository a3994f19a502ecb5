/** `userspace restore`: its output for a switch that lost ports, for one that did not, and when it fails. */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { TestConsole } from "effect/testing"
import { commandLine } from "../../src/cli/CommandLine.ts"
import { network } from "../dry-run/support/Calls.ts"
import { make } from "../dry-run/support/MemoryNode.ts"
import * as VppNode from "../dry-run/support/VppNode.ts"
import { file, type } from "./support/Terminal.ts"

const netns = "/var/run/netns/c1"

const anonymous = (text: string) =>
  text
    .replaceAll(/usp\w{12}/g, "PORT")
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")

/** Containers with ports that the database has lost. */
const emptied = Effect.fnUntraced(function* (...containers: ReadonlyArray<string>) {
  const node = make()
  const config = yield* file("net.conf", network)
  for (const id of containers) {
    const { stderr, well } = yield* type(node, ["add", "--config", config, "--container-id", id, "--netns", netns])
    assert.isTrue(well, stderr)
  }
  node.ovs.empty()
  return node
})

describe("on Open vSwitch", () => {
  it.effect("a dry run prints what would be restored, and changes nothing", () =>
    Effect.gen(function* () {
      const node = yield* emptied("c1")
      const before = node.state()
      const { stderr, stdout, well } = yield* type(node, ["restore", "--dry-run"])
      assert.isTrue(well, stderr)
      assert.deepStrictEqual(node.state(), before)
      const lines = anonymous(stdout).split("\n")
      assert.deepStrictEqual(lines.slice(0, 6), [
        "Dry run of restore.",
        "Nothing was changed.",
        "Open vSwitch was read at /var/run/openvswitch/db.sock.",
        "",
        "1. net1 of container c1, network net-a",
        "     one transaction on /var/run/openvswitch/db.sock:"
      ])
      assert.include(stdout, "     the same as:\n       ovs-vsctl add-br br-a")
      assert.deepStrictEqual(lines.slice(-6), [
        "",
        "INTERFACE  CONTAINER  NETWORK  POD  RESULT",
        "net1       c1         net-a    -    would be restored: port PORT",
        "",
        "1 attachment: 1 would be restored.",
        ""
      ])
      const { attachments, dryRun } = JSON.parse((yield* type(node, ["restore", "--dry-run", "--json"])).stdout)
      assert.isTrue(dryRun)
      assert.deepStrictEqual(
        attachments.map((one: { readonly outcome: string; readonly changes: ReadonlyArray<{ kind: string }> }) => [
          one.outcome,
          one.changes.map(({ kind }) => kind)
        ]),
        [["restored", ["ovsdb"]]]
      )
      assert.deepStrictEqual(node.state(), before)
    })
  )

  it.effect("restores, and then finds nothing to do", () =>
    Effect.gen(function* () {
      const node = yield* emptied("c1", "c2")
      const first = yield* type(node, ["restore"])
      assert.isTrue(first.well, first.stderr)
      assert.strictEqual(
        anonymous(first.stdout),
        `INTERFACE  CONTAINER  NETWORK  POD  RESULT
net1       c1         net-a    -    restored: port PORT
net1       c2         net-a    -    restored: port PORT

2 attachments: 2 restored.
`
      )
      const { attachments } = JSON.parse((yield* type(node, ["restore", "--json"])).stdout)
      assert.deepStrictEqual(JSON.parse(anonymous(JSON.stringify(attachments[1]))), {
        network: "net-a",
        containerId: "c2",
        ifName: "net1",
        pod: null,
        outcome: "there",
        port: "PORT",
        made: [],
        reason: null,
        error: null
      })
    })
  )

  it.effect("uses the state directory of the networks", () =>
    Effect.gen(function* () {
      const node = yield* emptied("c1")
      const planned = yield* type(node, ["restore", "--dry-run", "--state-dir", "/var/lib/cni/other"])
      assert.strictEqual(
        planned.stdout,
        "Dry run of restore.\nNothing was changed.\n\nNo attachment has a record in /var/lib/cni/other.\n"
      )
    })
  )

  it.effect("reports a switch that is down once, in three parts, with all its attachments", () =>
    Effect.gen(function* () {
      const node = yield* emptied("c1", "c2", "c3", "c4", "c5")
      node.refusal = "ECONNREFUSED"
      const { stderr, stdout, well } = yield* type(node, ["restore", "--timeout", "0s"])
      assert.isFalse(well)
      assert.include(stdout, "net1       c5         net-a    -    failed\n\n5 attachments: 5 failed.")
      assert.strictEqual(
        anonymous(stderr),
        `userspace: cannot restore 5 attachments (code 11)
  Open vSwitch: restore port PORT: connect on /var/run/openvswitch/db.sock: ECONNREFUSED
  net1 of container c1, net1 of container c2, net1 of container c3 and 2 more
  -> Check that ovsdb-server runs on this node, that /var/run/openvswitch/db.sock is its socket (host.socket, OVS_RUNDIR), and that the plugin may write to it.
`
      )
      node.refusal = undefined
      assert.isTrue((yield* type(node, ["restore"])).well)
    })
  )

  it.effect("names a damaged record, restores the others, and fails", () =>
    Effect.gen(function* () {
      const node = yield* emptied("c1", "c2")
      const path = "/var/lib/cni/usrspcni/attachments/c1-net1.json"
      node.files.put(path, "file", node.files.get(path)?.content.slice(0, 300) ?? "", 0o600)
      for (const line of [["restore", "--dry-run"], ["restore"]]) {
        const { stderr, stdout, well } = yield* type(node, line)
        assert.isFalse(well)
        assert.include(stdout, "1 attachment: 1 ")
        assert.include(
          stderr,
          `cannot restore an attachment (code 5)\n  read the record ${path}: the file is corrupt\n  -> Delete`
        )
      }
      const { stdout } = yield* type(node, ["restore", "--json"])
      assert.include(stdout, `"damaged":[{"code":5,"failed":"read the record ${path}: the file is corrupt"`)
    })
  )

  it.effect("fails for one and continues with the others", () =>
    Effect.gen(function* () {
      const node = yield* emptied("c1", "c2", "c3")
      node.files.remove("/run/userspace/c1/.userspace-cni")
      node.files.remove("/run/userspace/c1/configData-c1-net1.json")
      node.files.remove("/run/userspace/c1")
      const record = node.files.get("/var/lib/cni/usrspcni/attachments/c3-net1.json")
      if (record !== undefined) record.mode = 0o400
      const { stderr, stdout, well } = yield* type(node, ["restore", "--timeout", "0"])
      assert.isFalse(well)
      assert.strictEqual(
        anonymous(stdout),
        `INTERFACE  CONTAINER  NETWORK  POD  RESULT
net1       c1         net-a    -    failed
net1       c2         net-a    -    restored: port PORT
net1       c3         net-a    -    skipped: its ADD is still running, or its DEL has started

3 attachments: 1 restored, 1 skipped, 1 failed.
`
      )
      assert.strictEqual(
        stderr,
        `userspace: cannot restore net1 of container c1 (code 105)
  the shared directory /run/userspace/c1 is missing
  -> Delete the pod so that it is recreated.
`
      )
    })
  )
})

describe("on VPP", () => {
  const typed = (line: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(commandLine(line, {}))
      const errors = (yield* TestConsole.errorLines).join("\n")
      assert.isTrue(Exit.isSuccess(exit), errors)
      return JSON.parse(String((yield* TestConsole.logLines).at(-1)))
    }).pipe(Effect.provide([TestConsole.layer, NodeServices.layer, VppNode.edges]))

  it.live.each(VppNode.hosts)("%s: the plan is what is then done", ([, host]) =>
    Effect.gen(function* () {
      const { directory, heard, real, server, state } = yield* VppNode.make()
      yield* real("ADD", host)
      const attachedState = state()
      yield* Effect.promise(() => server.restart())
      heard.length = 0
      const before = state()
      const restore = ["restore", "--json", "--state-dir", `${directory}/state`]
      const plan = yield* typed([...restore, "--dry-run"])
      assert.deepStrictEqual(heard, [])
      assert.strictEqual(state(), before)
      const [planned] = plan.attachments
      assert.strictEqual(planned.outcome, "restored")

      const [done] = (yield* typed(restore)).attachments
      const { changes, ...same } = planned
      assert.deepStrictEqual(done, same)
      assert.deepStrictEqual(
        changes.flatMap(({ calls = [] }: { readonly calls?: ReadonlyArray<{ readonly message: string }> }) =>
          calls.map(({ message }) => message)
        ),
        heard.map(({ name }) => name).filter((name) => !/^sockclnt/.test(name))
      )
      yield* real("CHECK", host)
      // Except MAC addresses, which VPP chooses at random.
      const plain = (text: string) => text.replaceAll(/02:fe(:[0-9a-f]{2}){4}/g, "MAC")
      assert.strictEqual(plain(state()), plain(attachedState))

      heard.length = 0
      const [there] = (yield* typed(restore)).attachments
      assert.strictEqual(there.outcome, "there")
      assert.deepStrictEqual(
        heard.filter(({ name }) => !/^sockclnt/.test(name)),
        []
      )
      yield* real("DEL", host)
    })
  )
})
