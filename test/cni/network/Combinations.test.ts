/** Values that are each valid and cannot be combined: refused when the configuration is read, with the reason. */
import { assert, describe, it } from "@effect/vitest"
import { isMemif, isOvs, memif, ovs, portOf, readingOf, vpp, wrongWith } from "../support/Reading.ts"

const bridged = (bridge?: object) => ({ ...vpp, netType: "bridge", ...(bridge === undefined ? {} : { bridge }) })
const domain = "is not the number of a bridge domain, 1 to 16777215"

const refused: ReadonlyArray<readonly [what: string, host: object, problem: string]> = [
  [
    "memif on Open vSwitch",
    { ...ovs, iftype: "memif" },
    'host.iftype: "memif" is not vhostuser (Open vSwitch has no memif; engine vpp has)'
  ],
  [
    "an address on an Open vSwitch port",
    { ...ovs, netType: "interface" },
    'host.netType: "interface" is not bridge or none (Open vSwitch ports have no addresses; engine vpp has)'
  ],
  ["a VLAN mode without a VLAN", { ...ovs, bridge: { vlanMode: "access" } }, 'vlanMode: "access" needs bridge.vlanId'],
  [
    "an access port with trunks",
    { ...ovs, bridge: { vlanMode: "access", vlanId: 5, trunks: [6] } },
    'host.bridge.vlanMode: "access" cannot be combined with bridge.trunks'
  ],
  [
    "a trunk with an untagged VLAN",
    { ...ovs, bridge: { vlanMode: "trunk", vlanId: 5 } },
    'host.bridge.vlanMode: "trunk" cannot be combined with bridge.vlanId'
  ],
  ["a bridge with a slash", { ...ovs, bridge: { bridgeName: "a/b" } }, '"a/b" is not a bridge name'],
  ["a bridge with a blank", { ...ovs, bridge: { bridgeName: "a b" } }, '"a b" is not a bridge name'],
  ["a bridge domain with a name", bridged({ bridgeName: "br0" }), `host.bridge.bridgeName: "br0" ${domain}`],
  ["bridge domain 0", bridged({ bridgeName: "0" }), `host.bridge.bridgeName: "0" ${domain}`],
  ["bridge domain 0, the older way", bridged({ bridgeId: 0 }), `host.bridge.bridgeId: 0 ${domain}`],
  ["bridge domain 16777216", bridged({ bridgeName: "16777216" }), `host.bridge.bridgeName: "16777216" ${domain}`],
  ["a bridge domain of many digits", bridged({ bridgeName: "9".repeat(40) }), domain],
  ["a negative bridge domain", bridged({ bridgeName: "-4" }), `host.bridge.bridgeName: "-4" ${domain}`],
  ["a bridge domain in hexadecimal", bridged({ bridgeName: "0x4" }), `host.bridge.bridgeName: "0x4" ${domain}`],
  ["no bridge domain", bridged({}), "host.bridge.bridgeName: is missing"],
  ["no bridge", bridged(), "host.bridge.bridgeName: is missing"],
  ["a memif without a role", { ...memif, memif: {} }, "host.memif.role: is missing"],
  ["a memif without its section", { engine: "vpp", iftype: "memif" }, "host.memif.role: is missing"],
  [
    "memif mode inject-punt",
    { ...memif, memif: { role: "master", mode: "inject-punt" } },
    'host.memif.mode: "inject-punt" is not ethernet or ip (VPP crashes when it is asked for such an interface)'
  ],
  [
    "an IP memif in a bridge domain",
    { ...memif, netType: "bridge", bridge: { bridgeName: "4" }, memif: { role: "master", mode: "ip" } },
    'host.memif.mode: "ip" is not ethernet, which a bridge domain needs'
  ],
  [
    "a VLAN on a VPP port that is in no bridge domain",
    { ...vpp, netType: "interface", bridge: { vlanId: 7 } },
    "host.bridge.vlanId: 7 needs netType bridge (VPP has VLANs in bridge domains)"
  ],
  [
    "a VLAN of a bridge whose number is too high for some",
    { ...memif, netType: "bridge", memif: { role: "master" }, bridge: { bridgeName: "4096", vlanId: 7 } },
    'host.bridge.bridgeName: "4096" is not from 1 to 4095, as vlanId needs (VLAN 7 of bridge N is VPP\'s bridge domain N * 4096 + 7): give the bridge a lower number'
  ],
  [
    "the same, by bridgeId",
    { ...memif, netType: "bridge", memif: { role: "master" }, bridge: { bridgeId: 16777215, vlanId: 4094 } },
    "host.bridge.bridgeId: 16777215 is not from 1 to 4095"
  ],
  ["an MTU that no link has", { ...ovs, mtu: 67 }, "host.mtu: 67 is not 0 or 68 to 65535"]
]

it.each(refused)("%s", (_, host, problem) => {
  const { code, msg } = wrongWith(host)
  assert.strictEqual(code, 7)
  assert.include(msg, problem)
})

it("inject-punt, which crashes the container's VPP, is refused as well", () => {
  const { code, msg } = wrongWith(memif, { container: { memif: { mode: "inject-punt" } } })
  assert.strictEqual(code, 7)
  assert.include(msg, 'container.memif.mode: "inject-punt" is not ethernet or ip')
})

it.each([
  [memif, { memif: { role: "master" } }, "container.memif.role is master"],
  [memif, { memif: { mode: "ip" } }, "container.memif.mode is ip"],
  [{ ...ovs, vhost: { mode: "client" } }, { vhost: { mode: "client" } }, "container.vhost.mode is client"],
  [{ ...vpp, vhost: { mode: "client" } }, { vhost: { mode: "client" } }, "container.vhost.mode is client"]
])("two ends that can never connect give a warning: %j and %j", (host, container, warning) => {
  assert.deepStrictEqual(readingOf({ name: "net", host, container }).warnings, [
    `${warning}, which does not match the host's end: leave it out`
  ])
  assert.deepStrictEqual(readingOf({ name: "net", host, container: {} }).warnings, [])
})

it("a memif secret that app-netutil cannot read gives a warning without the secret", () => {
  const warningsOf = (host: object, container: object = {}) => readingOf({ name: "net", host, container }).warnings
  for (const warnings of [
    warningsOf({ ...memif, memif: { ...memif.memif, secret: "a=secret" } }),
    warningsOf(memif, { memif: { secret: "a=secret" } })
  ]) {
    assert.lengthOf(warnings, 1)
    assert.match(warnings.join(), /memif secret contains `=`.*app-netutil/)
    assert.notInclude(warnings.join(), "a=secret")
  }
  assert.deepStrictEqual(warningsOf({ ...memif, memif: { ...memif.memif, secret: "a-secret" } }), [])
})

it("a key that only Open vSwitch has gives a warning on VPP", () => {
  const bridge = { bridgeName: "4", trunks: [1], vlanMode: "trunk" }
  const vhost = { queues: 2, ingressPolicingRate: 1000 }
  const { warnings } = readingOf({ name: "net", host: { ...vpp, netType: "bridge", bridge, vhost } })
  assert.deepStrictEqual(
    warnings,
    ["bridge.trunks", "bridge.vlanMode", "vhost.queues", "vhost.ingressPolicingRate"].map(
      (key) => `host.${key} has no effect on vpp: only ovs-dpdk supports it`
    )
  )
})

it("several are refused together", () => {
  const { msg } = wrongWith({ engine: "ovs-dpdk", iftype: "memif", netType: "interface", mtu: 1 })
  for (const path of ["host.iftype", "host.netType", "host.mtu"]) assert.include(msg, path)
})

describe("valid on the other switch, or ignored", () => {
  it.each([
    ["a bridge domain without netType bridge", { ...vpp, bridge: { bridgeName: "br0" } }],
    ["an address on a VPP port", { ...vpp, netType: "interface" }],
    ["an IP memif alone", { ...memif, memif: { role: "slave", mode: "ip" }, netType: "interface" }],
    ["trunks without a VLAN", { ...ovs, bridge: { trunks: [1, 2] } }],
    ["a trunk by name", { ...ovs, bridge: { trunks: [1, 2], vlanMode: "trunk" } }],
    ["a bridge id on Open vSwitch", { ...ovs, bridge: { bridgeId: 0 } }]
  ])("%s", (_, host) => {
    assert.strictEqual(portOf(host).engine, host.engine)
  })
})

describe("the MAC address", () => {
  const macOf = (host: object, more: object, args = "") => portOf({ ...ovs, ...host }, more, { args }).mac

  it("is the runtime's, then the pod's, the container's, the host's; in lower case", () => {
    const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map((digit) => `02:00:00:00:00:0${digit}`)
    const args = { cni: { MAC: c } }
    const runtimeConfig = { mac: a?.toUpperCase() }
    const container = { mac: d }
    assert.strictEqual(macOf({ mac: e }, { runtimeConfig, args, container }, `MAC=${b}`), a)
    assert.strictEqual(macOf({ mac: e }, { args, container }, `MAC=${b}`), b)
    assert.strictEqual(macOf({ mac: e }, { args, container }), c)
    assert.strictEqual(macOf({ mac: e }, { container }), d)
    assert.strictEqual(macOf({ mac: e }, {}), e)
    assert.isUndefined(macOf({}, {}))
  })

  it.each(["01:00:5e:00:00:01", "02-00-00-00-00-01", "x".repeat(500)])("%s from a pod is refused", (mac) => {
    const { code, msg } = wrongWith(ovs, {}, { args: `MAC=${mac}` })
    assert.strictEqual(code, 7)
    assert.include(msg, "is not a unicast MAC address")
    assert.isBelow(msg.length, 250)
  })
})

describe("an OVN port", () => {
  it("comes from CNI_ARGS or Multus' cni-args, and changes the default bridge to br-int", () => {
    const ports = [
      portOf(ovs, {}, { args: "OvnPort=lsp1" }),
      portOf(ovs, { args: { cni: { OvnPort: "lsp1" } } }),
      portOf(ovs, { args: { cni: { ovnport: "lsp1" } } })
    ]
    for (const port of ports) {
      assert.ok(isOvs(port))
      assert.strictEqual(port.ovnPort, "lsp1")
      assert.strictEqual(port.bridge, "br-int")
    }
  })

  it("keeps a configured bridge", () => {
    const port = portOf({ ...ovs, bridge: { bridgeName: "br-x" } }, {}, { args: "OvnPort=lsp1" })
    assert.ok(isOvs(port))
    assert.strictEqual(port.bridge, "br-x")
  })
})

it("server mode on Open vSwitch warns and names the cure; client mode and VPP do not", () => {
  const warningsOf = (host: object) => readingOf({ name: "n", host }).warnings
  assert.lengthOf(warningsOf(ovs), 1)
  assert.include(warningsOf({ ...ovs, vhost: { mode: "server" } }).join(), 'host.vhost.mode to "client"')
  assert.deepStrictEqual(warningsOf({ ...ovs, vhost: { mode: "client" } }), [])
  assert.deepStrictEqual(warningsOf(vpp), [])
  assert.ok(isMemif(portOf(memif)))
})
