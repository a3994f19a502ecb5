/** The text of a plan: the documentation shows the real output. */
import { readFileSync } from "node:fs"
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Sockets } from "../../src/platform/Sockets.ts"
import { network, withHost } from "../dry-run/support/Calls.ts"
import { make } from "../dry-run/support/MemoryNode.ts"
import * as NodeSockets from "../platform/support/node/NodeSockets.ts"
import { start } from "../vpp/server/VppServer.ts"
import { temporaryDirectory } from "../vpp/support/TestVpp.ts"
import { attached, file, type } from "./support/Terminal.ts"

/** The page's blocks without a language. */
const documented = (network: string) =>
  [...readFileSync("docs/dry-run.md", "utf8").matchAll(/\n```\n(Dry run of .*?)```\n/gs)]
    .map(([, text = ""]) => text)
    .find((text) => text.split("\n")[0]?.endsWith(`network ${network}.`)) ?? ""

const anonymous = (text: string) => text.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")

it.effect("of ADD is the one in docs/dry-run.md", () =>
  Effect.gen(function* () {
    const node = make()
    node.files.put("/usr/lib/cni/host-local", "file", "", 0o755)
    const line = "add --dry-run --config examples/ovs-standalone.conf --container-id try --cni-path /usr/lib/cni"
    const { stderr, stdout, well } = yield* type(node, line.split(" "))
    assert.isTrue(well, stderr)
    assert.strictEqual(anonymous(stdout), anonymous(documented("ovs-standalone")))
  })
)

const apiSocket = "/run/vpp/api.sock"

it.live("of ADD on VPP is the one in docs/dry-run.md", () =>
  Effect.gen(function* () {
    const server = yield* start({ path: `${yield* temporaryDirectory}/api.sock` })
    const node = make()
    node.files.put("/usr/lib/cni/host-local", "file", "", 0o755)
    node.files.put(apiSocket, "socket")
    const sockets = Layer.effect(
      Sockets,
      Effect.map(Sockets, ({ connect }) =>
        Sockets.of({ connect: (path) => connect(path === apiSocket ? server.path : path) })
      )
    )
    const edges = Layer.merge(node.edges, Layer.provide(sockets, NodeSockets.layer))
    const line = "add --dry-run --config examples/90-userspace.conf --container-id try --cni-path /usr/lib/cni"
    const { stderr, stdout, well } = yield* type({ ...node, edges }, line.split(" "))
    assert.isTrue(well, stderr)
    const plain = (text: string) => text.replaceAll(/(userspace\/1\/\w{20})\/[0-9a-f]{8}\//g, "$1/UUID/")
    assert.strictEqual(plain(stdout), plain(documented("memif-network")))
  })
)

it.effect("of DEL", () =>
  Effect.gen(function* () {
    const node = make()
    const config = ["--config", yield* file("net.conf", network), ...attached]
    yield* type(node, ["add", ...config])
    const { stdout } = yield* type(node, ["del", "--dry-run", ...config])
    assert.strictEqual(
      stdout.replaceAll(/usp\w{12}/g, "PORT"),
      `Dry run of DEL: net1 of container c1, network net-a.
Nothing was changed.
Open vSwitch was read at /var/run/openvswitch/db.sock.

1. mark the record
     ~ mode      0400  /var/lib/cni/usrspcni/attachments/c1-net1.json

2. return the addresses
     run /opt/cni/bin/host-local DEL

3. unplug the port
     one transaction on /var/run/openvswitch/db.sock:
       only if ports of br-a == PORT,br-a
       mutate Open_vSwitch bridges delete br-a
       mutate Open_vSwitch next_cfg += 1
     the same as:
       ovs-vsctl --no-wait del-br br-a

4. clear the shared directory
     - file       /run/userspace/c1/configData-c1-net1.json
     - directory  /run/userspace/c1
     - directory  /run/userspace

5. remove the record
     - file       /var/lib/cni/usrspcni/attachments/c1-net1.json
     - directory  /var/lib/cni/usrspcni/attachments
     - directory  /var/lib/cni/usrspcni

DEL does not roll back: every step runs even if another fails, and the next DEL does the rest.
`
    )
  })
)

it.effect("of a call that would fail ends at the failure, and prints it as the call does", () =>
  Effect.gen(function* () {
    const node = make()
    node.files.remove("/opt/cni/bin/host-local")
    const config = ["--config", yield* file("net.conf", network), ...attached]
    const { stderr, stdout, well } = yield* type(node, ["add", "--dry-run", ...config])
    assert.isFalse(well)
    assert.include(stdout, "     run host-local ADD: not found along CNI_PATH\n")
    assert.isTrue(stdout.endsWith("\nADD would fail here, and roll back.\n"))
    assert.strictEqual(
      stderr,
      `userspace: dry run of ADD failed (code 104)
  IPAM plugin host-local ADD: not found along CNI_PATH=/opt/cni/bin
  -> Install host-local in a directory of CNI_PATH (usually /opt/cni/bin), or correct ipam.type.
`
    )
  })
)

it.effect("with --json is one document, also when it fails", () =>
  Effect.gen(function* () {
    const well = yield* file("net.conf", network)
    const wrong = yield* file("net.conf", withHost({ iftype: "memif" }))
    const later = yield* file("net.conf", { ...network, cniVersion: "2.0.0" })
    const plan = (verb: string, config: string) =>
      Effect.map(type(make(), [verb, "--dry-run", "--json", "--config", config, ...attached]), ({ stdout, well }) => ({
        well,
        document: JSON.parse(stdout)
      }))
    const good = yield* plan("add", well)
    assert.deepStrictEqual([good.well, good.document.dryRun, good.document.error], [true, true, null])
    const bad = yield* plan("add", wrong)
    assert.deepStrictEqual([bad.well, bad.document.error.code, bad.document.steps], [false, 7, []])
    const none = yield* plan("check", later)
    assert.deepStrictEqual([none.well, none.document.code], [false, 1])
  })
)

it.effect("says that there is nothing to do", () =>
  Effect.gen(function* () {
    const { ipam: _, ...conf } = network
    const config = ["--config", yield* file("net.conf", conf), ...attached]
    const { stdout } = yield* type(make(), ["del", "--dry-run", ...config])
    assert.include(stdout, "\nNothing to do.\n")
  })
)
