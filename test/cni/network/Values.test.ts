/** The error about an invalid value: its path, the value, what is allowed; and which values are valid. */
import { assert, describe, it } from "@effect/vitest"
import { failureOf, memif, ovs, portOf, vpp, wrongWith } from "../support/Reading.ts"

/** The problems of an error of code 7, as a list. */
const problems = (host: unknown, more: object = {}) => {
  const { code, details, msg } = wrongWith(host, more)
  assert.strictEqual(code, 7)
  assert.notStrictEqual(details, "")
  const prefix = "the network configuration is not valid: "
  assert.ok(msg.startsWith(prefix))
  return msg.slice(prefix.length).split("; ")
}

const fileName = "a file name of at most 80 letters, digits, `_`, `.` and `-`"
const group = "a group name or number of at most 32 letters, digits, `_`, `.` and `-`"
const absolute = "an absolute path (at most 1024 characters, no control characters)"
const pluginName = "the name of an IPAM plugin (at most 255 letters, digits, `_`, `.` and `-`)"
const levels = "panic or error or warning or info or debug or verbose"
const networkName = "a network name (letters, digits, `_`, `.`, `-`, first a letter or digit, at most 253)"
const vlan = "a VLAN from 1 to 4094 (leave it out for none)"
const ringSize = "a power of two from 2 to 16384"
const mac = "a unicast MAC address such as 02:00:00:00:00:01"

/** Keys of `host`: value, its text in the message, what is allowed. */
const ofHost: ReadonlyArray<readonly [path: string, value: unknown, allowed: string]> = [
  ["engine", "ovs", "vpp or ovs-dpdk"],
  ["engine", 1, "vpp or ovs-dpdk"],
  ["iftype", "vhostuserr", "memif or vhostuser"],
  ["netType", "l2", "bridge or interface or none"],
  ["mtu", "1500", "an integer from 0 to 65535"],
  ["mtu", 1500.5, "an integer from 0 to 65535"],
  ["mtu", -1, "an integer from 0 to 65535"],
  ["mtu", 65536, "an integer from 0 to 65535"],
  ["mtu", 67, "0 or 68 to 65535 (RFC 791: no link has less than 68)"],
  ["mac", "01:00:00:00:00:00", mac],
  ["mac", "02:00:00:00:00", mac],
  ["mac", 2, mac],
  ["socket", "db.sock", absolute],
  ["socket", "/a\nb", absolute],
  ["memif", "master", "an object"],
  ["vhost", [], "an object"],
  ["bridge", 4, "an object"],
  ["memif.role", "client", "master or slave"],
  ["memif.mode", "l2", "ethernet or ip or inject-punt"],
  ["memif.socketfile", "a/b", fileName],
  ["memif.socket", "abstrakt", "file or abstract"],
  ["memif.rxQueues", 0, "an integer from 1 to 255"],
  ["memif.txQueues", 256, "an integer from 1 to 255"],
  ["memif.ringSize", 1000, ringSize],
  ["memif.ringSize", 1, ringSize],
  ["memif.ringSize", 32768, ringSize],
  ["memif.ringSize", "1024", ringSize],
  ["memif.ringSize", 2.5, ringSize],
  ["memif.bufferSize", 0, "an integer from 1 to 65535"],
  ["memif.noZeroCopy", 1, "true or false"],
  ["memif.useDma", "yes", "true or false"],
  ["vhost.mode", "master", "client or server"],
  ["vhost.group", 107, group],
  ["vhost.group", "a:b", group],
  ["vhost.socketfile", "..", fileName],
  ["vhost.queues", 0, "an integer from 1 to 1024"],
  ["vhost.enableGso", "true", "true or false"],
  ["vhost.enablePacked", 0, "true or false"],
  ["vhost.enableEventIdx", [], "true or false"],
  ["vhost.ingressPolicingRate", -1, "an integer from 0 to 4294967295"],
  ["vhost.ingressPolicingBurst", 4294967296, "an integer from 0 to 4294967295"],
  ["bridge.bridgeName", 4, "text"],
  ["bridge.bridgeId", 16777216, "an integer from 0 to 16777215"],
  ["bridge.bridgeId", "4", "an integer from 0 to 16777215"],
  ["bridge.vlanId", 0, vlan],
  ["bridge.vlanId", 4095, vlan],
  ["bridge.vlanId", "7", vlan],
  ["bridge.trunks", 7, "a list"],
  ["bridge.vlanMode", "native", "access or trunk or native-tagged or native-untagged or dot1q-tunnel"]
]

const nested = (path: string, value: unknown): object => {
  const [first = "", ...rest] = path.split(".")
  return { [first]: rest.length === 0 ? value : nested(rest.join("."), value) }
}

describe("host", () => {
  it.each(ofHost)("%s: %j is not %s", (path, value, allowed) => {
    assert.deepStrictEqual(problems({ ...ovs, ...nested(path, value) }), [
      `host.${path}: ${JSON.stringify(value)} is not ${allowed}`
    ])
  })

  it("bridge.bridgeName of 256 characters is too long, and is quoted in part", () => {
    assert.deepStrictEqual(problems({ ...ovs, bridge: { bridgeName: "b".repeat(256) } }), [
      `host.bridge.bridgeName: "${"b".repeat(59)}... is not at most 255 characters`
    ])
  })

  it.each([
    ["vhost.socketfile", "s".repeat(81), fileName],
    ["memif.socketfile", "s".repeat(81), fileName],
    ["vhost.group", "g".repeat(33), group],
    ["socket", "/".padEnd(1025, "d"), absolute]
  ])("%s that is too long is reported with the maximum length", (path, value, allowed) => {
    const text = JSON.stringify(value)
    const shown = text.length > 60 ? `${text.slice(0, 60)}...` : text
    assert.deepStrictEqual(problems({ ...ovs, ...nested(path, value) }), [`host.${path}: ${shown} is not ${allowed}`])
  })

  it("is validated itself", () => {
    assert.deepStrictEqual(problems([]), ["host: [] is not an object"])
    assert.deepStrictEqual(problems("ovs"), ['host: "ovs" is not an object'])
    assert.deepStrictEqual(problems(undefined), ["host: is missing"])
    assert.deepStrictEqual(problems({}), ["host.engine: is missing", "host.iftype: is missing"])
  })

  it("each element of trunks has its path", () => {
    assert.deepStrictEqual(problems({ ...ovs, bridge: { trunks: [1, 0, "x", null, 4095] } }), [
      `host.bridge.trunks.1: 0 is not ${vlan}`,
      `host.bridge.trunks.2: "x" is not ${vlan}`,
      `host.bridge.trunks.3: null is not ${vlan}`,
      `host.bridge.trunks.4: 4095 is not ${vlan}`
    ])
  })

  it("all problems are reported at once", () => {
    assert.lengthOf(problems({ engine: "x", iftype: "y", mtu: "z", bridge: { vlanId: 0 }, vhost: { mode: 1 } }), 5)
  })
})

describe("container", () => {
  const alike = ofHost.filter(([path, value]) => path !== "socket" && value !== 67)

  it.each(alike)("%s: %j is not %s", (path, value, allowed) => {
    assert.deepStrictEqual(problems(ovs, { container: nested(path, value) }), [
      `container.${path}: ${JSON.stringify(value)} is not ${allowed}`
    ])
  })
})

describe("the network", () => {
  it.each([
    ["name", 3, networkName],
    ["name", "a/b", networkName],
    ["name", "-a", networkName],
    ["name", "a b", networkName],
    ["sharedDir", "relative", absolute],
    ["kubeconfig", "relative", absolute],
    ["stateDir", 1, absolute],
    ["logFile", "log.txt", absolute],
    ["logFormat", "xml", "text or json"],
    ["logLevel", 5, levels],
    ["logLevel", ["debug"], levels],
    ["logLevel", {}, levels],
    ["type", 5, "text"],
    ["ipam", "host-local", "an object"],
    ["ipam", { type: "../evil" }, undefined],
    ["dns", [], "an object"],
    ["args", "a", "an object"],
    ["capabilities", [true], "an object"],
    ["runtimeConfig", 1, "an object"]
  ])("%s: %j is not %s", (key, value, allowed) => {
    const expected =
      allowed === undefined
        ? `ipam.type: "../evil" is not ${pluginName}`
        : `${key}: ${JSON.stringify(value)} is not ${allowed}`
    assert.deepStrictEqual(problems(ovs, { [key]: value }), [expected])
  })

  it("reports missing keys", () => {
    assert.include(failureOf({ host: ovs }).msg, "name: is missing")
    assert.deepStrictEqual(problems(ovs, { ipam: {} }), ["ipam.type: is missing"])
  })

  it.each(["sharedDir", "kubeconfig", "stateDir", "logFile"])(
    "%s that is too long is reported with the maximum length",
    (key) => {
      const [problem = "", ...others] = problems(ovs, { [key]: "/".padEnd(1025, "d") })
      assert.deepStrictEqual(others, [])
      assert.match(problem, new RegExp(`^${key}: "/d+\\.\\.\\. is not an absolute path \\(at most 1024 characters,`))
    }
  )
})

describe("values at their limits", () => {
  it.each([
    [{ ...ovs, mtu: 0 }],
    [{ ...ovs, mtu: 68 }],
    [{ ...ovs, mtu: 65535 }],
    [{ ...ovs, bridge: { vlanId: 1, trunks: [1, 4094] } }],
    [{ ...ovs, bridge: { vlanId: 4094 } }],
    [{ ...ovs, socket: "/".padEnd(1024, "d"), vhost: { group: "g".repeat(32) } }],
    [{ ...ovs, vhost: { queues: 1024, group: "107", socketfile: "a".repeat(80), ingressPolicingRate: 4294967295 } }],
    [{ ...vpp, netType: "bridge", bridge: { bridgeName: "16777215" } }],
    [{ ...vpp, netType: "bridge", bridge: { bridgeName: "1" } }],
    [{ ...memif, memif: { role: "slave", ringSize: 2, rxQueues: 1, txQueues: 255, secret: "x".repeat(23) } }],
    [{ ...memif, memif: { role: "slave", ringSize: 16384, bufferSize: 65535, secret: "ü".repeat(11) } }]
  ])("%j is accepted", (host) => {
    assert.strictEqual(portOf(host).engine, host.engine)
  })
})
