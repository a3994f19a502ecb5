/** ADD on a node in memory: its result, what then exists, the container config. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { network, networks } from "../support/Networks.ts"
import { failed, stateDir, World } from "../support/World.ts"

const Json = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json)))

/** The container config. */
const handed = (world: World, path: string) => Json(world.files.get(path)?.content)

const configPath = "/shared/0958c8871b32/configData-0958c8871b32-net1.json"
const mac = "ee:f3:4a:b0:60:9f"

const addresses = [
  { address: "10.1.2.2/24", gateway: "10.1.2.1", interface: 0 },
  { address: "fd00::2/64", gateway: "fd00::1", interface: 0 }
]

describe("the result", () => {
  it.effect("has the interface with its sandbox and socket, addresses, routes", () =>
    Effect.gen(function* () {
      const document = yield* new World().add({ conf: { ...network, host: { ...network.host, mtu: 9000 } } })
      assert.deepStrictEqual<unknown>(document, {
        cniVersion: "1.1.0",
        interfaces: [
          {
            name: "net1",
            mac,
            mtu: 9000,
            sandbox: "/n/a",
            socketPath: "/shared/0958c8871b32/0958c8871b32-net1"
          }
        ],
        ips: addresses,
        routes: [{ dst: "0.0.0.0/0" }],
        dns: {}
      })
    })
  )

  it.effect.each(["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0", undefined])(
    "is in the requested version %s",
    (cniVersion) =>
      Effect.gen(function* () {
        const document = yield* new World().add({ conf: { ...network, cniVersion } })
        assert.strictEqual(document?.["cniVersion"], cniVersion ?? "0.1.0")
        const old = ["0.1.0", "0.2.0", undefined].includes(cniVersion)
        assert.strictEqual("ip4" in (document ?? {}), old)
        assert.strictEqual("interfaces" in (document ?? {}), !old)
      })
  )

  it.effect("without an IPAM plugin has no addresses, and dns from the network", () =>
    Effect.gen(function* () {
      const { ipam: _, ...conf } = network
      const dns = { nameservers: ["10.0.0.1"] }
      const document = yield* new World().add({ conf: { ...conf, dns } })
      assert.isUndefined(document?.["ips"])
      assert.deepStrictEqual(document?.["dns"], dns)
    })
  )

  it.effect("follows the results of earlier plugins", () =>
    Effect.gen(function* () {
      const prevResult = {
        cniVersion: "1.1.0",
        interfaces: [{ name: "eth0", sandbox: "/n/a" }, { name: "veth0" }],
        ips: [{ address: "10.9.0.2/24", interface: 0 }],
        routes: [{ dst: "10.0.0.0/8" }],
        dns: { domain: "a.local" }
      }
      const document = yield* new World().add({ conf: { ...network, prevResult } })
      assert.deepStrictEqual<unknown>(document, {
        cniVersion: "1.1.0",
        interfaces: [
          ...prevResult.interfaces,
          { name: "net1", mac, sandbox: "/n/a", socketPath: "/shared/0958c8871b32/0958c8871b32-net1" }
        ],
        ips: [...prevResult.ips, ...addresses.map((ip) => ({ ...ip, interface: 2 }))],
        routes: [...prevResult.routes, { dst: "0.0.0.0/0" }],
        dns: prevResult.dns
      })
    })
  )

  it.effect("of a retried ADD has the same MAC address; a requested one is used", () =>
    Effect.gen(function* () {
      const world = new World()
      const macOf = (document: unknown) => JSON.stringify(document).match(/"mac":"([^"]+)"/)?.[1]
      assert.strictEqual(macOf(yield* world.add({ conf: network })), mac)
      yield* world.call("DEL", { conf: network })
      assert.strictEqual(macOf(yield* world.add({ conf: network, netns: "/n/b" })), mac)
      const wished = yield* world.add({ conf: network, ifName: "net2", args: "MAC=02:00:00:00:00:AB" })
      assert.strictEqual(macOf(wished), "02:00:00:00:00:ab")
    })
  )
})

describe("the container config", () => {
  it.effect("has the original's shape, and families that app-netutil reads", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      assert.deepStrictEqual<unknown>(handed(world, configPath), {
        containerId: "0958c8871b32cafe",
        ifName: "net1",
        name: "net",
        config: {
          engine: "ovs-dpdk",
          iftype: "vhostuser",
          netType: "interface",
          mac,
          vhost: { mode: "server", socketfile: "0958c8871b32-net1" }
        },
        ipResult: {
          interfaces: [{ name: "net1", mac, sandbox: "/n/a", socketPath: "/shared/0958c8871b32/0958c8871b32-net1" }],
          ips: [
            { version: "4", ...addresses[0] },
            { version: "6", ...addresses[1] }
          ],
          routes: [{ dst: "0.0.0.0/0" }],
          dns: {}
        }
      })
    })
  )

  it.effect("has nothing of earlier plugins, which did not create its interface", () =>
    Effect.gen(function* () {
      const world = new World()
      const prevResult = { interfaces: [{ name: "eth0" }], ips: [{ address: "10.9.0.2/24" }] }
      yield* world.add({ conf: { ...network, prevResult } })
      assert.notInclude(JSON.stringify(handed(world, configPath)), "10.9.0.2")
    })
  )
})

describe("sharedDir without Kubernetes", () => {
  it.effect("works: directory, file and socket path are those of the original plugin", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: { ...network, sharedDir: "/usr/local/var/run/openvswitch/" } })
      const names = world.files.names("/usr/local/var/run/openvswitch/0958c8871b32")
      assert.deepStrictEqual(names, [".userspace-cni", "configData-0958c8871b32-net1.json"])
    })
  )

  it.effect("and without sharedDir, in server mode, the socket is where the original plugin put it", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add(networks["the original's defaults"])
      const directory = "/usr/local/var/run/openvswitch/0958c8871b32"
      const socket = world.files.get(`${directory}/0958c8871b32-net1`)
      assert.deepStrictEqual([socket?.kind, socket?.mode], ["socket", 0o666])
      assert.deepStrictEqual(world.log.filter((line) => line.startsWith("Warn")).length, 1)
    })
  )
})

describe("before the first change", () => {
  it.effect("the record exists and is sufficient for DEL", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network, args: "K8S_POD_NAMESPACE=ns1;K8S_POD_NAME=pod1;K8S_POD_UID=u" })
      const record = handed(world, `${stateDir}/attachments/0958c8871b32-net1.json`)
      const { configuration, made, network: name, pod } = record
      assert.strictEqual(configuration, JSON.stringify(network))
      assert.deepStrictEqual(made, ["/shared/0958c8871b32", "/shared"])
      assert.strictEqual(name, "net")
      assert.deepStrictEqual<unknown>(pod, { namespace: "ns1", name: "pod1", uid: "u" })
    })
  )

  it.effect.each([
    ["an unknown group", { host: { ...network.host, vhost: { mode: "client", group: "nobody-knows" } } }, 7],
    ["a shared directory that is a file", { sharedDir: "/etc/group" }, 5],
    ["a bridge for the kernel", { host: { ...network.host, bridge: { bridgeName: "br-system" } } }, 100],
    ["a configuration that cannot work", { host: { ...network.host, iftype: "memif" } }, 7],
    ["a sandbox that is none", {}, 4]
  ] as const)("%s is an error, and nothing changes", ([what, more, code]) =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.ovs.transact([
        {
          op: "insert",
          table: "Bridge",
          "uuid-name": "b",
          row: { name: "br-system", datapath_type: "system" }
        },
        { op: "mutate", table: "Open_vSwitch", where: [], mutations: [["bridges", "insert", ["named-uuid", "b"]]] }
      ])
      if (what === "a sandbox that is none") world.namespace = () => "other file"
      const before = world.dump()
      const error = yield* failed(world.call("ADD", { conf: { ...network, ...more } }))
      assert.strictEqual(error.code, code)
      assert.notStrictEqual(error.details, "")
      assert.deepStrictEqual(world.dump(), before)
    })
  )
})

describe("the sandbox", () => {
  it.effect("that is the plugin's own namespace is refused, unless it was configured", () =>
    Effect.gen(function* () {
      const world = new World()
      world.namespace = () => "own"
      const error = yield* failed(world.call("ADD", { conf: network }))
      assert.strictEqual(error.code, 8)
      assert.include(error.msg, "CNI_NETNS=/n/a")
      assert.include(error.details, "CNI_NETNS_OVERRIDE=1")
    })
  )

  it.effect.each(["missing", "other file", "unreadable"] as const)("%s is reported by name, on ADD only", (kind) =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.add({ conf: network })
      world.namespace = () => kind
      const error = yield* failed(world.call("ADD", { conf: network, ifName: "net2" }))
      assert.strictEqual(error.code, 4)
      assert.include(error.msg, "CNI_NETNS=/n/a")
      yield* world.call("DEL", { conf: network })
    })
  )
})
