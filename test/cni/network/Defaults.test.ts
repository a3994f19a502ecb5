/** The meaning of a minimal configuration: the original plugin's defaults. */
import { assert, describe, it } from "@effect/vitest"
import { memifPort, ovsPort, vppVhostPort } from "../../vswitch/support/MinimalPorts.ts"
import { isOvs, memif, ovs, portOf, vpp } from "../support/Reading.ts"

describe("the smallest configuration", () => {
  it("on Open vSwitch", () => assert.deepStrictEqual(portOf(ovs), ovsPort))

  it("memif on VPP", () => assert.deepStrictEqual(portOf(memif), memifPort))

  it("vhost-user on VPP", () => assert.deepStrictEqual(portOf(vpp), vppVhostPort))
})

describe("the bridge domain", () => {
  const networkOf = (bridge: object) => {
    const port = portOf({ ...vpp, netType: "bridge", bridge })
    return port.engine === "vpp" ? port.network : undefined
  }

  it("is bridgeName, or bridgeId when that is absent", () => {
    assert.deepStrictEqual(networkOf({ bridgeName: "4", bridgeId: 5, vlanId: 7 }), {
      netType: "bridge",
      bridgeDomain: 4,
      vlan: 7
    })
    for (const bridge of [{ bridgeId: 5 }, { bridgeName: "", bridgeId: 5 }]) {
      assert.deepStrictEqual(networkOf(bridge), { netType: "bridge", bridgeDomain: 5, vlan: undefined })
    }
  })
})

describe("the control socket", () => {
  const ovsOf = (host: object, variables: Readonly<Record<string, string>>) => {
    const port = portOf({ ...ovs, ...host }, {}, { variables })
    assert.ok(isOvs(port))
    return [port.control, port.ovsSocketDir]
  }

  it("of Open vSwitch follows OVS_RUNDIR; OVS_SOCKDIR is the directory of its sockets", () => {
    assert.deepStrictEqual(ovsOf({}, { OVS_RUNDIR: "/r" }), ["/r/db.sock", "/r"])
    assert.deepStrictEqual(ovsOf({}, { OVS_RUNDIR: "/r", OVS_SOCKDIR: "/s" }), ["/r/db.sock", "/s"])
    assert.deepStrictEqual(ovsOf({}, { OVS_RUNDIR: "", OVS_SOCKDIR: "" }), [
      "/var/run/openvswitch/db.sock",
      "/var/run/openvswitch"
    ])
  })

  it("is host.socket if that is set", () => {
    assert.deepStrictEqual(ovsOf({ socket: "/x/y.sock" }, { OVS_RUNDIR: "/r" }), ["/x/y.sock", "/x"])
    assert.deepStrictEqual(ovsOf({ socket: "/x/y.sock" }, { OVS_SOCKDIR: "/s" }), ["/x/y.sock", "/s"])
    assert.strictEqual(portOf({ ...vpp, socket: "/x/api.sock" }).control, "/x/api.sock")
  })
})

describe("MTU and group", () => {
  it("the host's MTU has priority over the container's; 0 leaves the switch's default", () => {
    assert.strictEqual(portOf({ ...ovs, mtu: 9000 }, { container: { mtu: 1500 } }).mtu, 9000)
    assert.strictEqual(portOf(ovs, { container: { mtu: 1500 } }).mtu, 1500)
    assert.isUndefined(portOf({ ...ovs, mtu: 0 }).mtu)
  })

  it("the group is used for memif as well: both ends need the directory", () => {
    assert.strictEqual(portOf({ ...memif, vhost: { group: "vpp" } }).group, "vpp")
    assert.strictEqual(portOf({ ...ovs, vhost: { group: "107" } }).group, "107")
  })
})

describe("VLANs", () => {
  const vlansOf = (bridge: object) => {
    const port = portOf({ ...ovs, bridge })
    assert.ok(isOvs(port))
    return [port.vlan, port.trunks, port.vlanMode]
  }

  it("a VLAN alone is an access port, trunks alone a trunk, both a trunk with a native VLAN", () => {
    assert.deepStrictEqual(vlansOf({ vlanId: 7 }), [7, [], undefined])
    assert.deepStrictEqual(vlansOf({ trunks: [8, 9] }), [undefined, [8, 9], undefined])
    assert.deepStrictEqual(vlansOf({ vlanId: 7, trunks: [8] }), [7, [8], "native-untagged"])
    assert.deepStrictEqual(vlansOf({ vlanId: 7, trunks: [8], vlanMode: "native-tagged" }), [7, [8], "native-tagged"])
  })
})
