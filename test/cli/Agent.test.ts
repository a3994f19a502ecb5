/** `userspace agent --once` on a node in memory: its output, as table and as JSON, and its exit. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Entering } from "../../src/cli/input/Host.ts"
import { portName } from "../../src/identity/Attachment.ts"
import { make, type Node } from "../dry-run/support/MemoryNode.ts"
import { add, recordOf, removePort, sandboxOf } from "./support/Attached.ts"
import { file, type } from "./support/Terminal.ts"

const portOf = (containerId: string) => portName({ network: "net-a", containerId, ifName: "net1" })

const damaged = Effect.fnUntraced(function* () {
  const node = make()
  for (const id of ["c1", "c2", "c3", "c4"]) yield* add(node, id)
  yield* removePort(node, portOf("c1"))
  node.sandboxes.delete(sandboxOf("c2"))
  node.files.remove(recordOf("c3-net1"))
  return node
})

const once = (node: Node, ...args: ReadonlyArray<string>) => type(node, ["agent", "--once", ...args])

describe("a round by hand", () => {
  it.effect("prints what it would do, changes nothing, and then does it", () =>
    Effect.gen(function* () {
      const node = yield* damaged()
      const before = node.state()
      const planned = yield* once(node, "--dry-run")
      assert.deepStrictEqual([planned.well, planned.stderr], [true, ""])
      assert.strictEqual(
        planned.stdout,
        `Dry run of a round of healing: 3 attachments. Nothing was changed.

NETWORK  POD  CONTAINER  INTERFACE  FOUND       RESULT
net-a    -    c1         net1       missing     would recreate it; the switch has no port for it
net-a    -    c2         net1       stale       a later round deletes it; its sandbox /var/run/netns/c2 is gone
net-a    -    c3         net1       unrecorded  not changed; port ${portOf("c3")} has the plugin's mark, but no record
`
      )
      assert.deepStrictEqual(node.state(), before)
      const done = yield* once(node, "--json")
      assert.isTrue(done.well, done.stderr)
      const { dryRun, findings, looked, problems } = JSON.parse(done.stdout)
      assert.deepStrictEqual([dryRun, looked, problems], [false, 3, []])
      assert.deepStrictEqual(findings[0], {
        finding: "missing",
        network: "net-a",
        pod: null,
        containerId: "c1",
        ifName: "net1",
        engine: "ovs-dpdk",
        control: "/var/run/openvswitch/db.sock",
        words: "the switch has no port for it",
        outcome: "done",
        did: `recreated: port ${portOf("c1")}`,
        error: null
      })
      assert.deepStrictEqual(
        findings.map(({ outcome }: { readonly outcome: string }) => outcome),
        ["done", "waits", "reported"]
      )
      assert.include(node.ovs.dump().join(), portOf("c1"))
    })
  )

  it.effect("says so when nothing is wrong, and when there are no attachments", () =>
    Effect.gen(function* () {
      const node = make()
      assert.strictEqual((yield* once(node)).stdout, "Inspected 0 attachments.\n\nNo differences.\n")
      yield* add(node, "c1")
      assert.strictEqual((yield* once(node)).stdout, "Inspected 1 attachment.\n\nNo differences.\n")
    })
  )

  it.effect("fails with what failed and its cure", () =>
    Effect.gen(function* () {
      const node = make()
      yield* add(node, "c1")
      node.refusal = "ECONNREFUSED"
      const { stderr, stdout, well } = yield* once(node)
      assert.isFalse(well)
      assert.include(stdout, "Inspected 1 attachment.")
      assert.match(
        stderr,
        /^userspace: the round is incomplete; the next round tries again\n {2}Open vSwitch: .*\n {2}-> /
      )
    })
  )

  it.effect("sets a damaged record aside, and names it", () =>
    Effect.gen(function* () {
      const node = make()
      yield* add(node, "c1")
      node.files.put(recordOf("c1-net1"), "file", "{", 0o600)
      const { stdout, well } = yield* once(node)
      assert.isTrue(well)
      assert.match(stdout, /damaged +set aside as \S+c1-net1\.damaged; \S/)
    })
  )
})

it.effect.each(["--dry-run", "--json"])("%s belongs to one round", (flag) =>
  Effect.gen(function* () {
    const { stderr, well } = yield* type(make(), ["agent", flag])
    assert.isFalse(well)
    assert.include(stderr, "--once is missing")
  })
)

describe("the file of resources", () => {
  const resources = JSON.stringify({ resources: [{ name: "br-dpdk", engine: "ovs-dpdk", count: 4 }] })

  it.effect("of the agent's container goes with it to the node, where the file is not", () =>
    Effect.gen(function* () {
      const path = yield* file("resources.json", resources)
      const carried: Array<string | undefined> = []
      const args = ["agent", "--host", "--resources", path]
      const entering = (_: number, { env }: { readonly env: Readonly<Record<string, string | undefined>> }) => {
        carried.push(env["USERSPACE_RESOURCES"])
        return Effect.fail("far enough")
      }
      const first = yield* Effect.provideService(type(make(), args), Entering, entering)
      assert.include(first.stderr, "far enough")
      const there = ["agent", "--host", "--resources", "/nowhere/resources.json"]
      const again = type(make(), there, { USERSPACE_RESOURCES: resources })
      assert.include((yield* Effect.provideService(again, Entering, entering)).stderr, "far enough")
      assert.deepStrictEqual(carried, [resources, resources])
    })
  )

  it.effect("is refused with what is wrong, before anything is served", () =>
    Effect.gen(function* () {
      const path = yield* file("resources.json", { resources: [{ name: "br", engine: "ovs-dpdk", cuont: 4 }] })
      const { stderr, well } = yield* type(make(), ["agent", "--resources", path])
      assert.isFalse(well)
      assert.match(stderr, /^userspace: cannot use the resources\n(.*\n)*.*cuont/)
      assert.include((yield* type(make(), ["agent", "--resources", "/nowhere"])).stderr, "/nowhere does not exist")
    })
  )
})
