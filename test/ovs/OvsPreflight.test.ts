/**
 * The checks before and after a change, row by row, without a switch: causes that the suites cannot create on demand; and, on
 * real files and sockets, what may be removed from a path, and what is in the way.
 */

import { lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { OvsVhostPort } from "../../src/cni/network/HostPort.ts"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import type { Applied, Survey } from "../../src/ovs/client/OvsClient.ts"
import * as Marks from "../../src/ovs/client/PortPlan.ts"
import { type PortPlan, portPlan } from "../../src/ovs/client/PortPlan.ts"
import type { BridgeRow, InterfaceRow, RootRow } from "../../src/ovs/client/Transactions.ts"
import { differences } from "../../src/ovs/OvsInspect.ts"
import { failure, preflight, socketDirectory } from "../../src/ovs/OvsPreflight.ts"
import { Files } from "../../src/platform/Files.ts"
import { Sockets } from "../../src/platform/Sockets.ts"
import * as NodeSockets from "../platform/support/node/NodeSockets.ts"
import { ovsPort } from "../vswitch/support/MinimalPorts.ts"

const attachment = { network: "net", containerId: "c1", ifName: "net1", netns: "", pod: undefined }
const plan = (mode: "client" | "server", more: { readonly mtu?: number } = {}) => {
  const port: OvsVhostPort = { ...ovsPort, control: "", netType: "bridge", mode, ovsSocketDir: "/run/ovs", ...more }
  return portPlan(
    { attachment, invocation: "i", socketPath: "/run/v/s", mac: "02:00:00:00:00:01", addresses: [] },
    port
  )
}
const client = plan("client")
const server = plan("server")

const root: RootRow = {
  _uuid: "r",
  cur_cfg: 1,
  next_cfg: 1,
  dpdk_initialized: true,
  iface_types: ["dpdkvhostuserclient", "dpdkvhostuser"]
}
const bridge: BridgeRow = {
  _uuid: "b",
  name: "br0",
  datapath_type: "netdev",
  datapath_id: "0000000000000001",
  fail_mode: undefined,
  external_ids: {}
}
const row: InterfaceRow = {
  _uuid: "i",
  name: client.name,
  type: "dpdkvhostuserclient",
  options: { "vhost-server-path": "/run/v/s" },
  ofport: 1,
  error: undefined,
  link_state: "down",
  mtu: 0,
  mtu_request: undefined,
  ingress_policing_rate: 0,
  ingress_policing_burst: 0,
  status: {},
  external_ids: {}
}

describe("before the change", () => {
  const free: Survey = {
    root,
    bridge: undefined,
    portByName: undefined,
    portsByMark: [],
    interfacesBySocket: []
  }
  const cases: ReadonlyArray<readonly [string, Partial<RootRow>, number, RegExp]> = [
    [
      "never started",
      { iface_types: [], dpdk_initialized: false },
      ErrorCodes.TryAgainLater,
      /has not connected to the database/
    ],
    ["without DPDK", { dpdk_initialized: false }, ErrorCodes.DpdkMissing, /DPDK is not initialized/],
    [
      "without vhost",
      { iface_types: ["internal", "dpdk"] },
      ErrorCodes.DpdkMissing,
      /does not support interface type dpdkvhostuserc/
    ]
  ]
  for (const [what, change, code, words] of cases) {
    it(`an ovs-vswitchd ${what}`, () => {
      const refusal = preflight(client, { ...free, root: { ...root, ...change } })
      assert.strictEqual(refusal?.code, code)
      assert.match(refusal?.answer ?? "", words)
    })
  }
  it("passes a sound switch", () => assert.isUndefined(preflight(client, free)))
})

describe("after the change", () => {
  const applied: Applied = { interface: row, bridge }
  const could = (name: string, why: string) => `could not open network device ${name} (${why})`
  const cases: ReadonlyArray<readonly [string, typeof client, Applied, number, RegExp]> = [
    [
      "DPDK gone",
      client,
      { ...applied, interface: { ...row, ofport: -1, error: could("p", "Address family not supported by protocol") } },
      ErrorCodes.DpdkMissing,
      /Address family/
    ],
    [
      "a stale file where the socket shall be",
      server,
      { ...applied, interface: { ...row, ofport: -1, error: could("p", "Unknown error -1") } },
      ErrorCodes.SocketPath,
      /could not create its socket \/run\/ovs\/usp/
    ],
    [
      "any other reason",
      client,
      { ...applied, interface: { ...row, ofport: -1, error: could("p", "No such device") } },
      ErrorCodes.SwitchRefused,
      /No such device/
    ],
    [
      "no datapath",
      client,
      { interface: { ...row, ofport: undefined }, bridge: { ...bridge, datapath_id: undefined } },
      ErrorCodes.SwitchRefused,
      /could not create bridge br0/
    ],
    [
      "no number and no reason",
      client,
      { ...applied, interface: { ...row, ofport: undefined } },
      ErrorCodes.SwitchRefused,
      /assigned no port number/
    ],
    [
      "removed meanwhile",
      client,
      { interface: undefined, bridge },
      ErrorCodes.TryAgainLater,
      /removed by another process/
    ]
  ]
  for (const [what, wanted, outcome, code, words] of cases) {
    it(what, () => {
      const refusal = failure(wanted, outcome)
      assert.strictEqual(refusal?.code, code)
      assert.match(refusal?.answer ?? "", words)
    })
  }
  it("passes a sound port", () => assert.isUndefined(failure(client, applied)))
})

describe("differences", () => {
  const port = {
    _uuid: "p",
    name: client.name,
    interfaces: ["i"],
    tag: undefined,
    trunks: [],
    vlan_mode: undefined,
    external_ids: {}
  }
  const found = { port, bridge, interface: row, learns: true }
  const name = client.name
  const what = (wanted: typeof client, change: Partial<typeof row>) =>
    differences(wanted, { ...found, interface: { ...row, ...change } }).map((one) => one.what)

  it("are empty for a sound port", () => assert.deepStrictEqual(what(client, {}), []))
  it("in type, error and port number", () => {
    assert.deepStrictEqual(what(client, { type: "internal", ofport: -1, error: "No such device" }), [
      `type of port ${name} is internal, not dpdkvhostuserclient`,
      `port ${name} has failed: No such device`
    ])
    assert.deepStrictEqual(what(client, { ofport: -1 }), [`port ${name} is not on the switch (ofport -1)`])
  })
  it("in an MTU that was requested and not applied, as soon as it is known", () => {
    const wanted = plan("client", { mtu: 9000 })
    assert.deepStrictEqual(what(wanted, { mtu_request: 9000, mtu: 0 }), [])
    assert.deepStrictEqual(what(wanted, { mtu_request: 9000, mtu: 9000 }), [])
    assert.deepStrictEqual(what(wanted, { mtu_request: 9000, mtu: 1500 }), [`MTU of port ${name} is 1500, not 9000`])
  })
  it("in an interface that is gone", () => {
    const gone = differences(client, { ...found, interface: undefined }).map((one) => one.what)
    assert.deepStrictEqual(gone, [`interface of port ${name} is missing`])
  })
})

describe("marks", () => {
  const Part = Schema.NonEmptyString
  it.prop("an owner is read back, whatever the names", [Part, Part, Part, Part], ([network, id, ifName, socket]) => {
    const owned = { network, containerId: id, ifName, netns: "", pod: undefined }
    assert.deepStrictEqual(Marks.ownerOf(Marks.portMark(owned, "i", socket)), {
      network,
      containerId: id,
      ifName,
      pod: undefined,
      socketPath: socket
    })
  })
  it("an incomplete mark is ignored", () => {
    const whole = Marks.portMark(attachment, "i", "/s")
    for (const key of ["userspace-cni", "userspace-cni-network", "userspace-cni-container", "userspace-cni-ifname"]) {
      const { [key]: _, ...rest } = whole
      assert.isUndefined(Marks.ownerOf(rest), key)
    }
    assert.isUndefined(Marks.ownerOf({ ...whole, "userspace-cni": "2" }))
  })
})

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(`${tmpdir()}/place-`)),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const place = Effect.gen(function* () {
  return socketDirectory(yield* Files, yield* Sockets)
}).pipe(Effect.provide([Files.layer, NodeSockets.layer]))

const listening = (path: string) =>
  Effect.acquireRelease(
    Effect.callback<Net.Server>((resume) => {
      const server = Net.createServer((socket) => socket.destroy())
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

/** What a killed process leaves: `close` would remove it. */
const left = Effect.fnUntraced(function* (path: string) {
  yield* Effect.scoped(
    Effect.andThen(
      listening(`${path}.live`),
      Effect.sync(() => renameSync(`${path}.live`, path))
    )
  )
})

const at = (socket: string, type: PortPlan["type"] = "dpdkvhostuser") => ({ socket, type })

describe("SocketDirectory", () => {
  it.live("removes a socket on which nobody listens, and nothing else", () =>
    Effect.gen(function* () {
      const root = yield* directory
      const { clear } = yield* place
      yield* left(`${root}/left`)
      assert.isTrue(yield* clear(`${root}/left`))
      assert.isFalse(yield* clear(`${root}/left`))
      yield* listening(`${root}/heard`)
      writeFileSync(`${root}/file`, "")
      mkdirSync(`${root}/directory`)
      yield* left(`${root}/target`)
      symlinkSync(`${root}/target`, `${root}/link`)
      for (const name of ["heard", "file", "directory", "link"]) {
        assert.isFalse(yield* clear(`${root}/${name}`), name)
        assert.isDefined(lstatSync(`${root}/${name}`, { throwIfNoEntry: false }), name)
      }
    })
  )

  it.live("accepts a directory, or a link to one", () =>
    Effect.gen(function* () {
      const root = yield* directory
      const { directoryProblem } = yield* place
      mkdirSync(`${root}/real`)
      writeFileSync(`${root}/file`, "")
      symlinkSync("real", `${root}/link`)
      symlinkSync("gone", `${root}/dangling`)
      symlinkSync(`${root}/link`, `${root}/again`)
      symlinkSync(`${root}/round`, `${root}/round`)
      assert.isDefined(yield* directoryProblem(at(`${root}/round/s`)))
      for (const name of ["real", "link", "again"])
        assert.isUndefined(yield* directoryProblem(at(`${root}/${name}/s`)), name)
      for (const name of ["gone", "file", "dangling", "file/below"]) {
        assert.isDefined(yield* directoryProblem(at(`${root}/${name}/s`)), name)
      }
    })
  )

  it.live("in server mode the socket must be at the expected path when the port is created", () =>
    Effect.gen(function* () {
      const root = yield* directory
      const { madeProblem } = yield* place
      yield* left(`${root}/made`)
      writeFileSync(`${root}/file`, "")
      assert.isUndefined(yield* madeProblem(at(`${root}/made`)))
      for (const name of ["file", "gone"]) {
        assert.include((yield* madeProblem(at(`${root}/${name}`)))?.cure, "Set OVS_SOCKDIR", name)
        assert.isUndefined(yield* madeProblem(at(`${root}/${name}`, "dpdkvhostuserclient")), name)
      }
    })
  )

  it.live("in server mode the path must be free or a socket; in client mode it is the application's", () =>
    Effect.gen(function* () {
      const root = yield* directory
      const { serverProblem } = yield* place
      yield* left(`${root}/left`)
      writeFileSync(`${root}/file`, "")
      symlinkSync("left", `${root}/link`)
      for (const name of ["free", "left"]) assert.isUndefined(yield* serverProblem(at(`${root}/${name}`)), name)
      for (const [name, kind] of [
        ["file", "file"],
        ["link", "symlink"],
        ["", "directory"]
      ]) {
        assert.include((yield* serverProblem(at(`${root}/${name}`)))?.answer, `a ${kind} exists at ${root}`)
      }
      assert.isUndefined(yield* serverProblem(at(`${root}/file`, "dpdkvhostuserclient")))
    })
  )
})
