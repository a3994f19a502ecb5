/** Elements of ADD: ours, the original plugin's, broken ones, and ones that try to lead elsewhere. */
import { assert, describe, it } from "@effect/vitest"
import { Redacted, Schema } from "effect"
import { emptyResult } from "../../src/cni/types/CniResult.ts"
import { readConfigurationData } from "../../src/container/read/ConfigurationData.ts"
import { readDeviceInfo } from "../../src/container/read/NetworkStatus.ts"
import type { Reading } from "../../src/container/read/Part.ts"
import { containerData } from "../../src/container-config/ContainerData.ts"
import { deviceInfo, socketInContainer } from "../../src/container-config/DeviceInfo.ts"
import { readingOf } from "../cni/support/Reading.ts"
import { containerId, element } from "./support/Pod.ts"

const directory = "/var/lib/cni/usrspcni"

const read = (value: unknown): Reading => readConfigurationData("test", directory, JSON.stringify(value))

const only = ({ parts, problems }: Reading) => {
  const [part, ...others] = parts
  assert.deepStrictEqual([problems, others], [[], []])
  assert.isDefined(part)
  return part
}

/** The element of our ADD for this configuration, parsed. */
const written = (host: object, container: object = {}) => {
  const { netConf, port } = readingOf({ name: "net", host, container })
  const attachment = { network: "net", containerId, ifName: "net1", netns: "/n", pod: undefined }
  const result = {
    ...emptyResult,
    interfaces: [{ name: "net1", mac: "02:00:00:00:00:07", mtu: 1450, sandbox: "/n" }],
    ips: [
      { address: "10.1.0.2/24", gateway: "10.1.0.1", interface: 0 },
      { address: "fd00::2/64", interface: 0 }
    ],
    routes: [{ dst: "0.0.0.0/0" }, { dst: "10.2.0.0/16", gw: "10.1.0.9" }]
  }
  return only(read(containerData(attachment, netConf, port, { socketName: "s.sock" }, "02:00:00:00:00:07", result)))
}

describe("the output of our ADD", () => {
  it("for a port to which Open vSwitch connects", () => {
    const host = { engine: "ovs-dpdk", iftype: "vhostuser", vhost: { mode: "client", queues: 4 } }
    assert.deepStrictEqual(written(host), {
      source: "test",
      name: "net1",
      network: "net",
      containerId,
      end: { kind: "vhost-user", mode: "server", socket: `${directory}/s.sock`, queues: 4, packed: false },
      mac: "02:00:00:00:00:07",
      mtu: 1450,
      addresses: [
        { address: "10.1.0.2/24", gateway: "10.1.0.1" },
        { address: "fd00::2/64", gateway: undefined }
      ],
      routes: [
        { dst: "0.0.0.0/0", gateway: undefined },
        { dst: "10.2.0.0/16", gateway: "10.1.0.9" }
      ]
    })
  })

  it("for a memif of VPP, with queues swapped and the secret hidden", () => {
    const memif = { role: "master", rxQueues: 2, txQueues: 3, ringSize: 512, bufferSize: 4096, secret: "hush" }
    const { end } = written({ engine: "vpp", iftype: "memif", memif })
    assert.isTrue(end?.kind === "memif")
    if (end?.kind !== "memif") return
    const { secret, ...rest } = end
    assert.deepStrictEqual(rest, {
      kind: "memif",
      role: "slave",
      mode: "ethernet",
      abstract: false,
      socket: `${directory}/s.sock`,
      rxQueues: 3,
      txQueues: 2,
      ringSize: 512,
      bufferSize: 4096
    })
    assert.strictEqual(secret === undefined ? undefined : Redacted.value(secret), "hush")
    assert.notInclude(JSON.stringify(end) + String(secret), "hush")
  })

  it("for an abstract memif and for packed virtqueues of VPP", () => {
    const abstract = { engine: "vpp", iftype: "memif", memif: { role: "master", socket: "abstract" } }
    assert.deepInclude(written(abstract).end, { abstract: true, socket: "s.sock", role: "slave" })
    const packed = { engine: "vpp", iftype: "vhostuser", vhost: { mode: "server", enablePacked: true } }
    assert.deepInclude(written(packed).end, { packed: true, mode: "client" })
  })

  it("for Multus, as device information: the same as far as possible", () => {
    for (const host of [
      { engine: "ovs-dpdk", iftype: "vhostuser", vhost: { mode: "client" } },
      { engine: "ovs-dpdk", iftype: "vhostuser", vhost: { mode: "server" } },
      { engine: "vpp", iftype: "memif", memif: { role: "master", mode: "ip" } },
      { engine: "vpp", iftype: "memif", memif: { role: "slave", socket: "abstract" } }
    ]) {
      const { netConf, port } = readingOf({ name: "net", host })
      const device = deviceInfo(port, netConf.container, socketInContainer(port, `${directory}/`, "s.sock"))
      const { parts, problems } = readDeviceInfo("test", "net1", JSON.stringify(device))
      assert.deepStrictEqual(problems, [])
      assert.deepStrictEqual(parts[0]?.end, written(host).end)
    }
  })

  it("for a container with values other than the mirrored ones", () => {
    const host = { engine: "ovs-dpdk", iftype: "vhostuser", vhost: { mode: "client", queues: 4 } }
    assert.deepInclude(written(host, { mtu: 9000, vhost: { queues: 1 } }), { mtu: 9000 })
    assert.deepInclude(written(host, { vhost: { queues: 1 } }).end, { queues: 1 })
  })
})

describe("the output of the original plugin", () => {
  it("has no mac, versions on addresses, and empty objects beside the used one", () => {
    const text = JSON.stringify({
      containerId,
      ifName: "net1",
      name: "userspace-vpp-net",
      config: {
        engine: "vpp",
        iftype: "memif",
        netType: "interface",
        memif: { role: "slave", mode: "ethernet", socketfile: "memif-9c1f0b7a2d3e-net1.sock" },
        vhost: {},
        bridge: {}
      },
      ipResult: {
        cniVersion: "0.3.1",
        interfaces: null,
        ips: [{ version: "4", address: "10.56.217.131/24", gateway: "10.56.217.1" }],
        routes: null,
        dns: {}
      }
    })
    const part = only(readConfigurationData("test", directory, text))
    assert.deepInclude(part.end, { kind: "memif", role: "slave", socket: `${directory}/memif-9c1f0b7a2d3e-net1.sock` })
    assert.deepStrictEqual(part.addresses, [{ address: "10.56.217.131/24", gateway: "10.56.217.1" }])
    assert.isUndefined(part.mac)
  })

  it("can leave mode and iftype empty", () => {
    const config = { iftype: "", vhost: { socketfile: "a" }, memif: null }
    assert.deepInclude(only(read(element("net1", config))).end, { kind: "vhost-user", mode: "client" })
    const memif = { iftype: "", vhost: {}, memif: { socketfile: "a", role: "", mode: "" } }
    assert.deepInclude(only(read(element("net1", memif))).end, { kind: "memif", role: "slave", mode: "ethernet" })
  })

  it("marks addresses of another interface in a chained result", () => {
    const ipResult = {
      interfaces: [{ name: "eth0" }, { name: "net1" }],
      ips: [
        { address: "10.0.0.1/24", interface: 0 },
        { address: "10.0.1.1/24", interface: 1 }
      ]
    }
    assert.deepStrictEqual(
      only(read(element("net1", {}, { ipResult }))).addresses.map(({ address }) => address),
      ["10.0.1.1/24"]
    )
  })
})

describe("an invalid value", () => {
  const cases: ReadonlyArray<readonly [string, unknown, string]> = [
    ["a socket above the directory", element("net1", { vhost: { socketfile: "../etc/passwd" } }), "not a name in"],
    ["a socket elsewhere", element("net1", { vhost: { socketfile: "/etc/passwd" } }), "not a name in"],
    ["a socket below a directory in it", element("net1", { vhost: { socketfile: "link/a" } }), "not a name in"],
    ["the directory itself", element("net1", { vhost: { socketfile: "x/.." } }), "not a name in"],
    [
      "a directory beside with the same beginning",
      element("net1", { vhost: { socketfile: `${directory}2/a` } }),
      "not a name in"
    ],
    ["a path with a NUL", element("net1", { vhost: { socketfile: "a\0b" } }), "not a name in"],
    ["a path with an escape sequence", element("net1", { vhost: { socketfile: "\x1b[2J" } }), "not a name in"],
    ["no socket", element("net1", { vhost: { mode: "server" } }), "no socketfile"],
    ["an interface name with a line feed", element("net1\n"), "not an interface name"],
    ["an interface name with a slash", element("../net1"), "not an interface name"],
    ["a mode that is none", element("net1", { vhost: { mode: "both", socketfile: "a" } }), "not client or server"],
    ["a kind that is none", element("net1", { iftype: "tap" }), "not memif or vhostuser"],
    ["no config", { containerId, ifName: "net1" }, "config"],
    ["a number for a name", element("net1", {}, { ifName: 1 }), "ifName"],
    ["a number for an element", 7, "an element is invalid"]
  ]
  for (const [what, value, why] of cases) {
    it(`drops the interface: ${what}`, () => {
      const { parts, problems } = read([value, element("net2")])
      assert.deepStrictEqual(
        parts.map(({ name }) => name),
        ["net2"]
      )
      assert.include(problems.join(), why)
      assert.match(problems.join(), /^[\x20-\x7e]*$/)
    })
  }

  it("drops only itself when the interface works without it", () => {
    const config = { mac: "nonsense", mtu: 7, vhost: { socketfile: "a", queues: 5000 } }
    const ipResult = {
      ips: [{ address: "10.0.0.300/24" }, { address: "10.0.0.3/24", gateway: "x" }],
      routes: [{ dst: "?" }]
    }
    const { parts, problems } = read(element("net1", config, { ipResult, name: "bad name" }))
    assert.strictEqual(problems.length, 7)
    assert.deepInclude(parts[0], {
      mac: undefined,
      mtu: undefined,
      network: undefined,
      addresses: [{ address: "10.0.0.3/24", gateway: undefined }],
      routes: []
    })
    assert.deepInclude(parts[0]?.end, { queues: undefined })
  })

  it("never shows a secret, of the right type or another", () => {
    for (const secret of ["hush-hush", { value: "hush-hush" }, ["hush-hush"]]) {
      const reading = read(element("net1", { iftype: "memif", memif: { role: 3, secret, socketfile: "a" } }))
      assert.strictEqual(reading.problems.length, 1)
      assert.notInclude(JSON.stringify(reading), "hush-hush")
    }
  })
})

describe("a truncated file", () => {
  const whole = JSON.stringify(element("net1"))
  it("is a problem at every length, and gives no interface", () => {
    for (let length = 0; length < whole.length; length++) {
      const { parts, problems } = readConfigurationData("test", directory, whole.slice(0, length))
      assert.strictEqual(parts.length, 0)
      assert.strictEqual(problems.length, 1)
    }
    assert.strictEqual(readConfigurationData("test", directory, whole).parts.length, 1)
  })
})

const any = Schema.optionalKey(Schema.Json)
const End = Schema.Struct({ mode: any, role: any, socketfile: any, queues: any, secret: any })
const Anything = Schema.Struct({
  containerId: any,
  ifName: Schema.Literals(["net1", "net2"]),
  config: Schema.Struct({ iftype: Schema.Literals(["memif", "vhostuser"]), mac: any, memif: End, vhost: End }),
  ipResult: any
})

it.prop(
  "any JSON gives interfaces in the directory, or problems",
  [Schema.Union([Schema.Json, Anything])],
  ([value]) => {
    const { parts, problems } = read(value)
    assert.isAtLeast(parts.length + problems.length, Array.isArray(value) && value.length === 0 ? 0 : 1)
    for (const { end } of parts) {
      assert.isTrue(end?.kind === "memif" || end?.kind === "vhost-user")
      assert.isTrue((end?.kind === "memif" && end.abstract) || end?.socket.startsWith(`${directory}/`))
    }
  }
)

it("reads no more elements than a pod can have", () => {
  const { parts, problems } = read(Array.from({ length: 300 }, (_, n) => element(`net${n}`)))
  assert.strictEqual(parts.length, 256)
  assert.strictEqual(problems.length, 1)
})
