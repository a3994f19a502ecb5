/** The container config of each kind of port: the other end, mirrored, in the original plugin's form. */
import { assert, describe, it } from "@effect/vitest"
import { emptyResult } from "../../src/cni/types/CniResult.ts"
import { containerData } from "../../src/container-config/ContainerData.ts"
import { isFor } from "../../src/identity/ConfigurationData.ts"
import { memif, ovs, readingOf, vpp } from "../cni/support/Reading.ts"

const attachment = { network: "net", containerId: "0958c8871b32cafe", ifName: "net1", netns: "/n/a", pod: undefined }
const mac = "02:00:00:00:00:01"

const configOf = (host: object, container?: object) => {
  const { netConf, port } = readingOf({ name: "net", host, ...(container === undefined ? {} : { container }) })
  return containerData(attachment, netConf, port, { socketName: "s.sock" }, mac, emptyResult).config
}

const common = { netType: "interface", mac }

describe("mirrored values", () => {
  it.each<[string, string]>([
    ["client", "server"],
    ["server", "client"]
  ])("a vhost-user %s is a %s", (mode, other) => {
    for (const host of [ovs, vpp]) {
      assert.deepStrictEqual<unknown>(configOf({ ...host, vhost: { mode } }), {
        ...common,
        ...host,
        vhost: { mode: other, socketfile: "s.sock" }
      })
    }
  })

  it("the default of the original plugin: the switch is the server", () => {
    assert.deepStrictEqual<unknown>(configOf(ovs)["vhost"], { mode: "client", socketfile: "s.sock" })
  })

  it.each<[string, string]>([
    ["master", "slave"],
    ["slave", "master"]
  ])("a memif %s is a %s, with mode and secret", (role, other) => {
    assert.deepStrictEqual<unknown>(configOf({ ...memif, memif: { role, secret: "hunter2" } }), {
      ...common,
      engine: "vpp",
      iftype: "memif",
      memif: { role: other, mode: "ethernet", secret: "hunter2", socketfile: "s.sock" }
    })
    assert.deepInclude(configOf({ ...memif, memif: { role, mode: "ip" } })["memif"], { mode: "ip" })
  })

  it("queues crosswise: what one end receives, the other sends", () => {
    const host = { ...memif, memif: { role: "master", rxQueues: 2, txQueues: 3, ringSize: 64, bufferSize: 4096 } }
    assert.deepInclude(configOf(host)["memif"], { rxQueues: 3, txQueues: 2, ringSize: 64, bufferSize: 4096 })
  })

  it("the MTU", () => {
    assert.strictEqual(configOf({ ...ovs, mtu: 9000 })["mtu"], 9000)
    assert.isUndefined(configOf({ ...ovs, mtu: 0 })["mtu"])
  })
})

describe("values of the network's container section", () => {
  it("override mirrored values, except the socket's name", () => {
    const container = {
      engine: "vpp",
      iftype: "vhostuser",
      netType: "bridge",
      mtu: 1500,
      vhost: { mode: "server", group: "107", socketfile: "other" },
      bridge: { bridgeName: "4" }
    }
    assert.deepStrictEqual<unknown>(configOf({ ...ovs, mtu: 9000 }, container), {
      ...container,
      mac,
      vhost: { mode: "server", group: "107", socketfile: "s.sock" }
    })
  })
})

describe("a file belongs to an attachment", () => {
  const { containerId, ifName, network: name } = attachment

  it("when its three names match", () => {
    assert.isTrue(isFor(JSON.stringify({ containerId, ifName, name, config: {} }), attachment))
  })

  it.each([
    "",
    "{",
    "null",
    "[]",
    JSON.stringify({ containerId, ifName }),
    JSON.stringify({ containerId, ifName: "net10", name }),
    JSON.stringify({ containerId: containerId.slice(0, 12), ifName, name }),
    JSON.stringify({ containerId, ifName, name: "other" }),
    JSON.stringify({ containerId: [containerId], ifName, name })
  ])("and not: %s", (text) => {
    assert.isFalse(isFor(text, attachment))
  })
})
