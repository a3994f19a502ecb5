/** CHECK names each thing that is not as ADD left it, all at once, and changes nothing. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { OvsClient } from "../../../src/ovs/client/OvsClient.ts"
import type { OvsdbError } from "../../../src/ovs/client/OvsdbError.ts"
import type { Mutation, Value } from "../../../src/ovs/client/OvsdbMessages.ts"
import * as OvsMemory from "../../ovs/support/OvsMemory.ts"
import { network, networks } from "../support/Networks.ts"
import { type Asked, failed, runDir, stateDir, World } from "../support/World.ts"

const added = Effect.fnUntraced(function* (asked: Asked = { conf: network }) {
  const world = new World()
  const result = yield* world.add(asked)
  return { world, result }
})

const socketPath = "/shared/0958c8871b32/0958c8871b32-net1"
const port = "usp6qmbqjaf4dkd"
const configPath = "/shared/0958c8871b32/configData-0958c8871b32-net1.json"

describe("success", () => {
  it.effect.each(Object.entries(networks))("without changes: %s", ([, asked]) =>
    Effect.gen(function* () {
      const { result, world } = yield* added(asked)
      const before = world.dump()
      assert.isUndefined(yield* world.call("CHECK", asked))
      const withResult = { ...asked, conf: { ...asked.conf, prevResult: result } }
      assert.isUndefined(yield* world.call("CHECK", withResult))
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("with the configuration of the ADD, whatever became of it", () =>
    Effect.gen(function* () {
      const { world } = yield* added()
      const edited = { ...network, host: { ...network.host, bridge: { bridgeName: "other", vlanId: 9 } } }
      yield* world.call("CHECK", { conf: edited })
      yield* world.call("CHECK", { conf: { ...network, host: "broken" } })
      assert.ok(world.log.some((line) => line.includes("continuing with the configuration of the ADD")))
    })
  )
})

/** A change of the switch by somebody else. */
const onSwitch = (change: (client: OvsClient["Service"]) => Effect.Effect<unknown, OvsdbError>) => (world: World) =>
  Effect.asVoid(Effect.orDie(Effect.flatMap(OvsClient, change))).pipe(Effect.provide(OvsMemory.layer(world.ovs)))

const mutateRows = (table: "Port" | "Interface", mutations: ReadonlyArray<Mutation>) => (world: World) =>
  Effect.asVoid(Effect.orDie(world.ovs.transact([{ op: "mutate", table, where: [["name", "==", port]], mutations }])))

const files = (change: (files: World["files"]) => void) => (world: World) => Effect.sync(() => change(world.files))

/** A change by somebody, and what CHECK reports. */
const changes: Readonly<Record<string, readonly [change: (world: World) => Effect.Effect<void>, said: string]>> = {
  "the port is gone": [
    onSwitch((client) =>
      Effect.flatMap(client.portNamed(port), (row) => client.removePorts(row === undefined ? [] : [row]))
    ),
    `port ${port} is missing`
  ],
  "another VLAN": [
    mutateRows("Port", [
      ["tag", "delete", 7],
      ["tag", "insert", 9]
    ]),
    `VLAN of port ${port} is 9, not 7`
  ],
  "another bridge": [
    (world) =>
      onSwitch((client) =>
        Effect.flatMap(client.portNamed(port), (row) => {
          const moved: Value = ["set", [["uuid", row?._uuid ?? ""]]]
          return world.ovs.transact([
            { op: "mutate", table: "Bridge", where: [], mutations: [["ports", "delete", moved]] },
            { op: "insert", table: "Bridge", "uuid-name": "b", row: { name: "br-other", ports: moved } },
            { op: "mutate", table: "Open_vSwitch", where: [], mutations: [["bridges", "insert", ["named-uuid", "b"]]] }
          ])
        })
      )(world),
    `bridge of port ${port} is br-other, not br-dpdk0`
  ],
  "another socket": [
    mutateRows("Interface", [
      ["options", "delete", ["set", ["vhost-server-path"]]],
      ["options", "insert", ["map", [["vhost-server-path", "/elsewhere"]]]]
    ]),
    `is /elsewhere, not ${socketPath}`
  ],
  "the file for the container is gone": [files((files) => files.remove(configPath)), `${configPath} is missing`],
  "the file for the container is somebody's": [
    files((files) => files.put(configPath, "file", '{"containerId":"x","ifName":"net1","name":"net"}')),
    `${configPath} no longer belongs to this attachment`
  ],
  "the directory is gone": [
    files((files) => {
      for (const name of files.names("/shared/0958c8871b32")) files.remove(`/shared/0958c8871b32/${name}`)
      files.remove("/shared/0958c8871b32")
    }),
    "the shared directory /shared/0958c8871b32 is missing"
  ],
  "the address is gone": [
    (world) => Effect.sync(() => world.leases.release("net", "0958c8871b32cafe net1")),
    "IPAM plugin host-local CHECK: code"
  ]
}

const change = (world: World, name: string) => changes[name]?.[0](world) ?? Effect.die(name)
const said = (name: string) => changes[name]?.[1] ?? assert.fail(name)

describe("a difference", () => {
  it.effect.each(Object.keys(changes))("%s", (name) =>
    Effect.gen(function* () {
      const { world } = yield* added()
      yield* change(world, name)
      const before = world.dump()
      const error = yield* failed(world.call("CHECK", { conf: network }))
      assert.include(error.msg, said(name))
      assert.notStrictEqual(error.details, "")
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("is reported with all others", () =>
    Effect.gen(function* () {
      const { world } = yield* added()
      const several = Object.keys(changes).filter((name) => !/directory|somebody|socket|VLAN|bridge/.test(name))
      for (const name of several) yield* change(world, name)
      const error = yield* failed(world.call("CHECK", { conf: network }))
      assert.strictEqual(error.code, 105)
      assert.include(error.msg, "changed since ADD: ")
      for (const name of several) assert.include(error.msg, said(name))
      assert.include(error.details, "repairs nothing")
    })
  )

  it.effect("of the socket that the switch creates, of the short link, of the device information", () =>
    Effect.gen(function* () {
      const asked = networks["server mode, a long directory, device information"]
      const { world } = yield* added(asked)
      const [link = ""] = world.files.names(`${stateDir}/links`).filter((name) => !name.startsWith("."))
      world.files.remove(`${stateDir}/links/${link}`)
      world.files.remove(asked.conf.runtimeConfig.CNIDeviceInfoFile)
      world.files.remove(`${asked.conf.sharedDir}/0958c8871b32/0958c8871b32-net1`)
      const { msg } = yield* failed(world.call("CHECK", asked))
      assert.include(msg, `the short link ${stateDir}/links/${link} does not point to`)
      assert.include(msg, `the socket ${asked.conf.sharedDir}/0958c8871b32/0958c8871b32-net1 is missing`)
      assert.include(msg, `the device information ${asked.conf.runtimeConfig.CNIDeviceInfoFile} is missing`)
      assert.isDefined(world.files.get(`${runDir}/${port}`))
    })
  )
})

describe("compared with prevResult", () => {
  const checked = Effect.fnUntraced(function* (prevResult: object, netns = "/n/a") {
    const { world } = yield* added()
    return yield* failed(world.call("CHECK", { conf: { ...network, prevResult }, netns }))
  })

  it.effect("another MAC address", () =>
    Effect.gen(function* () {
      const { msg } = yield* checked({ interfaces: [{ name: "net1", mac: "02:00:00:00:00:09", sandbox: "/n/a" }] })
      assert.include(msg, "prevResult has MAC 02:00:00:00:00:09, not ee:f3:4a:b0:60:9f")
    })
  )

  it.effect("another socket", () =>
    Effect.gen(function* () {
      const { msg } = yield* checked({ interfaces: [{ name: "net1", socketPath: "/other", sandbox: "/n/a" }] })
      assert.include(msg, `prevResult has socket /other, not ${socketPath}`)
    })
  )

  it.effect("no such interface", () =>
    Effect.gen(function* () {
      for (const interfaces of [[], [{ name: "net2" }], [{ name: "net1", sandbox: "/n/b" }]]) {
        const { msg } = yield* checked({ interfaces })
        assert.include(msg, "prevResult has no interface net1 in /n/a")
      }
    })
  )

  it.effect("another sandbox", () =>
    Effect.gen(function* () {
      const { msg } = yield* checked({ interfaces: [{ name: "net1" }] }, "/n/b")
      assert.include(msg, "the sandbox is /n/b, not /n/a")
    })
  )
})

it.effect("a damaged record is named, and not reported as missing", () =>
  Effect.gen(function* () {
    const { world } = yield* added()
    const path = `${stateDir}/attachments/0958c8871b32-net1.json`
    world.files.put(path, "file", world.files.get(path)?.content.slice(0, 300) ?? "", 0o600)
    const error = yield* failed(world.call("CHECK", { conf: network }))
    assert.deepStrictEqual([error.code, error.msg], [5, `read the record ${path}: the file is corrupt`])
    assert.include(error.details, "DEL needs no record")
    const other = yield* failed(world.call("CHECK", { conf: network, containerId: "0958c8871b33" }))
    assert.strictEqual(other.code, 3)
  })
)

describe("an attachment that was never added", () => {
  it.effect("is unknown, with its three names", () =>
    Effect.gen(function* () {
      const { world } = yield* added()
      for (const other of [{ ifName: "net10" }, { containerId: "0958c8871b32other" }]) {
        const error = yield* failed(world.call("CHECK", { conf: network, ...other }))
        assert.strictEqual(error.code, 3)
        for (const name of ["net", ...Object.values(other)]) assert.include(error.msg, name)
      }
    })
  )
})

it.effect("addresses of another plugin in prevResult are not expected on the switch", () =>
  Effect.gen(function* () {
    const asked = networks["VPP, memif with addresses"]
    const { result, world } = yield* added(asked)
    const interfaces = [{ name: "eth0", sandbox: "/n/a" }, ...[result].flatMap((one) => Object(one).interfaces)]
    const own = Object(result).ips.map((ip: object) => ({ ...ip, interface: 1 }))
    const ips = [{ address: "192.168.7.2/24", gateway: "192.168.7.1", interface: 0 }, ...own]
    const prevResult = { ...Object(result), interfaces, ips }
    assert.isUndefined(yield* world.call("CHECK", { ...asked, conf: { ...asked.conf, prevResult } }))
    // In the form of an earlier release.
    const path = `${stateDir}/attachments/0958c8871b32-net1.json`
    const { addresses: _, ...record } = JSON.parse(world.files.get(path)?.content ?? "")
    world.files.put(path, "file", JSON.stringify(record), 0o600)
    assert.isUndefined(yield* world.call("CHECK", { ...asked, conf: { ...asked.conf, prevResult } }))
  })
)

it.effect("an unreachable switch is reported with the other differences", () =>
  Effect.gen(function* () {
    const { world } = yield* added()
    world.ovs.serve("refused")
    const alone = yield* failed(world.call("CHECK", { conf: network }))
    assert.strictEqual(alone.code, 11)
    world.files.remove(configPath)
    const error = yield* failed(world.call("CHECK", { conf: network }))
    assert.include(error.msg, "Open vSwitch: ")
    assert.include(error.msg, `${configPath} is missing`)
  })
)
