/**
 * Every key that users of the original plugin and of its fork write, in their spelling and in any case, as Go read it;
 * `null` and `""` as absent; and the error about an unknown key.
 */
import { assert, describe, it } from "@effect/vitest"
import { failureOf, ovs, portOf, readingOf, vpp } from "../support/Reading.ts"

/** The keys that people rely on; `host` once for each switch, because a key may have a meaning on one only. */
const surface = {
  cniVersion: "1.0.0",
  type: "userspace",
  name: "net",
  kubeconfig: "/etc/cni/net.d/multus.d/multus.kubeconfig",
  sharedDir: "/usr/local/var/run/openvswitch/",
  logFile: "/var/log/userspace-cni.log",
  logLevel: "debug",
  ipam: { type: "host-local", subnet: "10.56.217.0/24" }
}

const hosts = {
  "vhost-user on Open vSwitch": {
    engine: "ovs-dpdk",
    iftype: "vhostuser",
    netType: "bridge",
    mtu: 9000,
    mac: "02:00:00:00:00:01",
    vhost: {
      mode: "client",
      group: "hugetlbfs",
      socketfile: "my.sock",
      queues: 4,
      ingressPolicingRate: 1000,
      ingressPolicingBurst: 100
    },
    bridge: { bridgeName: "br-dpdk0", bridgeId: 4, vlanId: 7, trunks: [8, 9], vlanMode: "native-tagged" }
  },
  "memif on VPP": {
    engine: "vpp",
    iftype: "memif",
    netType: "bridge",
    memif: {
      role: "master",
      mode: "ethernet",
      socketfile: "memif.sock",
      rxQueues: 2,
      txQueues: 3,
      ringSize: 2048,
      bufferSize: 4096,
      secret: "hunter2",
      noZeroCopy: true,
      useDma: true
    },
    bridge: { bridgeId: 4, vlanId: 7 }
  },
  "vhost-user on VPP": {
    engine: "vpp",
    iftype: "vhostuser",
    netType: "interface",
    vhost: { mode: "server", enableGso: true, enablePacked: true, enableEventIdx: true }
  }
}

const container = {
  engine: "vpp",
  iftype: "vhostuser",
  netType: "interface",
  memif: { role: "slave", mode: "ip", socketfile: "a" },
  vhost: { mode: "server", group: "107", socketfile: "a" },
  bridge: { bridgeName: "4", bridgeId: 4, vlanId: 1 }
}

const respelled = (value: unknown, spell: (key: string) => string, open = false): unknown =>
  typeof value !== "object" || value === null || Array.isArray(value)
    ? value
    : Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [
          open ? key : spell(key),
          respelled(inner, spell, open || key === "ipam")
        ])
      )

const spellings: ReadonlyArray<readonly [string, (key: string) => string]> = [
  ["upper case", (key) => key.toUpperCase()],
  ["lower case", (key) => key.toLowerCase()],
  ["Go's exported names", (key) => key.slice(0, 1).toUpperCase() + key.slice(1)]
]

describe.each(Object.entries(hosts))("%s", (_, host) => {
  const conf = { ...surface, host, container }

  it("accepts every key in the original's spelling", () => {
    const { netConf } = readingOf(conf)
    assert.deepStrictEqual<unknown>(netConf, conf)
  })

  it.each(spellings)("accepts every key in %s with the same meaning", (_, spell) => {
    const written = respelled(conf, spell)
    const { name, netConf, port, version } = readingOf(written)
    assert.deepStrictEqual<unknown>(netConf, conf)
    assert.deepStrictEqual(port, readingOf(conf).port)
    assert.strictEqual(version, "1.0.0")
    assert.strictEqual(name, "net")
  })
})

describe("null and empty text mean absent", () => {
  const emptied = (empty: unknown) => ({
    kubeconfig: empty,
    sharedDir: empty,
    logFile: empty,
    logLevel: empty,
    logFormat: empty,
    type: empty,
    cniVersion: empty,
    container: { engine: empty, iftype: empty, netType: empty, vhost: { mode: empty, socketfile: empty } },
    host: {
      ...ovs,
      netType: empty,
      socket: empty,
      mac: empty,
      vhost: { mode: empty, group: empty, socketfile: empty },
      bridge: { bridgeName: empty, vlanMode: empty }
    }
  })

  it.each([[null], [""]])("%j", (empty) => {
    const { netConf, port } = readingOf({ name: "net", ...emptied(empty) })
    assert.deepStrictEqual(port, portOf({ ...ovs }))
    assert.deepStrictEqual<unknown>(netConf, {
      name: "net",
      host: { ...ovs, vhost: {}, bridge: {} },
      container: { vhost: {} }
    })
  })

  it("null for whole sections, lists and numbers", () => {
    const port = portOf({ ...vpp, netType: null, bridge: null, vhost: null, mtu: null })
    assert.deepStrictEqual(port, portOf(vpp))
    const reading = readingOf({ name: "n", host: ovs, container: null, ipam: null, dns: null, prevResult: null })
    assert.deepStrictEqual(Object.keys(reading.netConf).sort(), ["host", "name"])
  })

  it("except for the network's name", () => {
    assert.include(failureOf({ name: "", host: ovs }).msg, 'name: "" is not a network name')
    assert.include(failureOf({ name: null, host: ovs }).msg, "name: is missing")
  })
})

describe("an unknown key", () => {
  it.each([
    [{ engin: "vpp" }, "host.engin", "engine"],
    [{ vhostuser: {} }, "host.vhostuser", undefined],
    [{ memif: { rol: "master" } }, "host.memif.rol", "role"],
    [{ memif: { rxqueue: 1 } }, "host.memif.rxqueue", "rxQueues"],
    [{ vhost: { socketFiles: "a" } }, "host.vhost.socketFiles", "socketfile"],
    [{ bridge: { vlan: 5 } }, "host.bridge.vlan", "vlanId"],
    [{ bridge: { name: "br0" } }, "host.bridge.name", undefined],
    [{ xyzzyxyzzy: 1 }, "host.xyzzyxyzzy", undefined]
  ])("%j is an error of code 2 that names the nearest key", (more, path, nearest) => {
    const { code, details, msg } = failureOf({ name: "n", host: { ...ovs, ...more } })
    assert.strictEqual(code, 2)
    assert.include(msg, `${path}: `)
    if (nearest === undefined) assert.notInclude(msg, "did you mean")
    else assert.include(msg, `(did you mean ${nearest}?)`)
    assert.include(details, "docs/configuration.md")
  })

  it("in the container's section as well, and all of them at once", () => {
    const { code, msg } = failureOf({ name: "n", host: { ...ovs, a1: 1 }, container: { b2: 2, vhost: { c3: 3 } } })
    assert.strictEqual(code, 2)
    for (const path of ["host.a1: 1", "container.b2: 2", "container.vhost.c3: 3"]) assert.include(msg, path)
  })

  it("beside its other spelling is not mistaken for it", () => {
    const { code, msg } = failureOf({ name: "n", host: { ...ovs, Engine: "vpp" } })
    assert.strictEqual(code, 2)
    assert.include(msg, "host.Engine")
  })

  it("passes at the top level, in ipam and in what the runtime adds, which others own", () => {
    const foreign = {
      foo: "bar",
      "cni.dev/attachments": [],
      "cni.dev/valid-attachments": null,
      ipMasq: true,
      host2: {},
      __proto__x: 1
    }
    const runtimeConfig = {
      mac: "",
      portMappings: [{ HostPort: 8080 }],
      "io.kubernetes.cri.pod-annotations": { a: "b" }
    }
    const conf = { name: "n", host: ovs, ...foreign, ipam: { type: "x", anything: [null, ""] }, runtimeConfig }
    assert.deepStrictEqual<unknown>(readingOf(conf).netConf.ipam, conf.ipam)
    assert.strictEqual(readingOf(conf).text, JSON.stringify(conf))
  })
})
