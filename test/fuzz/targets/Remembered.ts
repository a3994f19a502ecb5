/** The plugin's own directory: records, and the state files of the original plugin. */
import * as assert from "node:assert/strict"
import { Effect, Exit, Logger, Result } from "effect"
import { engineFor, services } from "../../../src/app/Composition.ts"
import { restoreRound } from "../../../src/attachment/heal/RestoreRound.ts"
import { list } from "../../../src/attachment/node/Listing.ts"
import * as Switches from "../../../src/attachment/node/Switches.ts"
import { isSound } from "../../../src/attachment/records/RecordFormat.ts"
import { isRecord } from "../../../src/attachment/records/RecordGuard.ts"
import type { Records } from "../../../src/attachment/records/Records.ts"
import type { Variables } from "../../../src/cni/types/Environment.ts"
import type { Edges } from "../../../src/platform/Edges.ts"
import type { SharedDir } from "../../../src/shared-dir/SharedDir.ts"
import type { Node } from "../../dry-run/support/MemoryNode.ts"
import type { Target } from "../support/Fuzz.ts"
import { jsonNear } from "../support/Inputs.ts"
import { call, directoriesOf, network, recordPath, state, watchedNode, within } from "../support/Watched.ts"

const text = JSON.stringify(network)

const record = {
  format: 1,
  network: "net",
  containerId: "0958c8871b32cafe",
  ifName: "net1",
  netns: "/var/run/netns/c1",
  pod: { namespace: "default", name: "web-0", uid: "0c8d1fa4-8a9f-4c25-9c5e-1d2f3a4b5c6d" },
  invocation: "3f0c1d6e-6a1f-4a53-9f0e-0f6d5a1c2b3d",
  since: "2026-11-23T23:24:13.722Z",
  handle: "0958c8871b32-net1",
  place: {
    directory: "/run/userspace/0958c8871b32",
    socketName: "0958c8871b32-net1",
    socketPath: "/run/userspace/0958c8871b32/0958c8871b32-net1",
    switchPath: "/run/userspace/0958c8871b32/0958c8871b32-net1",
    configPath: "/run/userspace/0958c8871b32/configData-0958c8871b32-net1.json",
    group: "qemu"
  },
  made: ["/run/userspace/0958c8871b32", "/run/userspace"],
  mac: "02:00:00:00:00:01",
  deviceInfo: "/run/devinfo/a.json",
  configuration: text,
  args: "K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0"
}

/** The directories in a record, if it is valid. */
const ledTo = (text: string): ReadonlyArray<string> => {
  const found: unknown = Result.getOrUndefined(Result.try(() => JSON.parse(text)))
  return isRecord(found) && isSound(found) ? [found.place.directory, found.deviceInfo ?? "/run"] : []
}

/** Beside it, with a sound record. */
const beside: Variables = { CNI_CONTAINERID: "feedfeedfeedbeef" }
const isBeside = ({ containerId }: { readonly containerId: string }) => containerId === beside["CNI_CONTAINERID"]

const collecting = JSON.stringify({
  ...network,
  "cni.dev/valid-attachments": [{ containerID: beside["CNI_CONTAINERID"], ifname: "net1" }]
})

const quiet = <A, E>(node: Node, self: Effect.Effect<A, E, Edges | Records | SharedDir>) =>
  Effect.orDie(
    self.pipe(
      Effect.provide(services("/var/lib/cni/usrspcni")),
      Effect.provide(node.edges),
      Effect.provide(Logger.layer([]))
    )
  )

const listed = (node: Node) =>
  quiet(
    node,
    Effect.scoped(
      Effect.flatMap(Switches.make(engineFor), (switches) => list(switches, { controls: [], variables: {} }))
    )
  )

const restored = (node: Node) => quiet(node, restoreRound({ variables: {}, engine: engineFor, millis: 0 }))

/** Operations on all records: a broken one neither changes nor hides the sound one. */
const amongOthers = Effect.fnUntraced(function* (input: string) {
  const node = watchedNode()
  assert.ok(Exit.isSuccess(yield* call(node, "ADD", text)))
  assert.ok(Exit.isSuccess(yield* call(node, "ADD", text, beside)))
  node.files.put(recordPath, "file", input, 0o600)
  const directories = [...directoriesOf(text), ...ledTo(input)]
  const before = state(node)
  const { attachments } = yield* listed(node)
  assert.deepEqual(state(node), before)
  assert.ok(attachments.some((one) => isBeside(one) && one.recorded && one.port !== null))
  assert.ok(attachments.length <= 3)
  const all = (yield* within(node, directories, restored(node))).attachments
  assert.ok(all.some(({ record, result }) => isBeside(record) && result.outcome === "there"))
  const collected = yield* within(node, directories, call(node, "GC", collecting))
  if (Exit.isSuccess(collected)) {
    const { attachments } = yield* listed(node)
    assert.deepEqual(attachments.filter(({ port }) => port !== null).map(isBeside), [true])
  }
  assert.ok(Exit.isSuccess(yield* call(node, "CHECK", text, beside)))
  assert.ok(Exit.isSuccess(yield* call(node, "DEL", text, beside)))
})

/** Whatever the record contains now, the attachment can be inspected and deleted, and the next ADD succeeds. */
const records: Target = {
  name: "records",
  inputs: jsonNear(record),
  property: (input) =>
    Effect.gen(function* () {
      const node = watchedNode()
      assert.ok(Exit.isSuccess(yield* call(node, "ADD", text)))
      node.files.put(recordPath, "file", input, 0o600)
      const directories = [...directoriesOf(text), ...ledTo(input)]
      yield* within(node, [], call(node, "CHECK", text))
      yield* within(node, directories, call(node, "DEL", text))
      // A record of another network, or with an invalid configuration, blocks nothing either.
      if (node.files.get(recordPath) !== undefined) node.files.remove(recordPath)
      yield* within(node, directories, call(node, "DEL", text))
      assert.ok(Exit.isSuccess(yield* call(node, "ADD", text)))
      yield* amongOthers(input)
    }),
  runs: 25
}

const legacy: Target = {
  name: "legacy-state",
  inputs: jsonNear(
    { vhostname: "vhost-0958c8871b32-net1", vhostmac: "02:00:00:00:00:01", ifmac: "02:00:00:00:00:02" },
    { swIfIndex: 1, memifSocketId: 1 }
  ),
  property: (input) =>
    Effect.gen(function* () {
      const node = watchedNode()
      const state = "/var/lib/cni/usrspcni/data/local-0958c8871b32-net1.json"
      node.files.put(state, "file", input, 0o644)
      assert.ok(Exit.isSuccess(yield* within(node, directoriesOf(text), call(node, "DEL", text))))
      assert.equal(node.files.get(state), undefined)
    }),
  runs: 20
}

export const targets: ReadonlyArray<Target> = [records, legacy]
