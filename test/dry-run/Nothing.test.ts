/**
 * A dry run changes nothing: not the switch, no file, no lease; no program runs, and nothing is written to a server.
 */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { changes } from "../../src/ovs/client/OvsdbMessages.ts"
import { type Conf, dry, network, real, type Verb, withHost } from "./support/Calls.ts"
import { make, type Node } from "./support/MemoryNode.ts"

const attached =
  (conf: Conf = network) =>
  (node: Node) =>
    Effect.asVoid(real(node, "ADD", conf))

const refuse = (node: Node) =>
  Effect.sync(() => {
    node.refusal = "ENOENT"
  })

const server = withHost({ vhost: { mode: "server" } })
const situations: ReadonlyArray<readonly [string, Verb, Conf, (node: Node) => Effect.Effect<void, unknown>]> = [
  ["ADD on an empty node", "ADD", network, () => Effect.void],
  ["ADD in server mode", "ADD", server, () => Effect.void],
  [
    "ADD with a group and a directory that is there",
    "ADD",
    withHost({ vhost: { mode: "client", group: "qemu" } }),
    (node) => Effect.sync(() => node.files.put("/run/userspace/c1", "directory"))
  ],
  ["ADD of what is there", "ADD", network, attached()],
  ["ADD without an address left", "ADD", { ...network, ipam: { type: "host-local" } }, () => Effect.void],
  ["ADD without a switch", "ADD", network, refuse],
  [
    "ADD with a directory in the way",
    "ADD",
    network,
    (node) => Effect.sync(() => node.files.put("/run/userspace", "file"))
  ],
  ["DEL of what is there", "DEL", network, attached()],
  ["DEL in server mode", "DEL", server, attached(server)],
  ["DEL of nothing", "DEL", network, () => Effect.void],
  [
    "DEL with the record lost",
    "DEL",
    network,
    (node) => Effect.map(real(node, "ADD"), () => node.files.remove("/var/lib/cni/usrspcni/attachments/c1-net1.json"))
  ],
  ["CHECK of what is there", "CHECK", network, attached()],
  ["CHECK of nothing", "CHECK", network, () => Effect.void]
]

it.effect.each(situations)("%s", ([, verb, conf, prepare]) =>
  Effect.gen(function* () {
    const node = make()
    yield* prepare(node)
    const before = node.state()
    node.transactions.length = 0
    node.runs.length = 0
    yield* dry(node, verb, conf)
    assert.deepStrictEqual(node.state(), before)
    assert.deepStrictEqual(node.runs, [])
    assert.isFalse(node.transactions.some(changes))
    assert.isTrue(node.requests.every(({ method }) => method === "GET"))
  })
)

it.effect("the same calls, executed, do change something", () =>
  Effect.gen(function* () {
    const node = make()
    const before = node.state()
    yield* real(node, "ADD")
    assert.notDeepEqual(node.state(), before)
    assert.isTrue(node.transactions.some(changes))
    assert.isNotEmpty(node.runs)
    yield* real(node, "DEL")
    assert.deepStrictEqual(node.state(), before)
  })
)
