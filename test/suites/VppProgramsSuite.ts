/**
 * The effect of GC, STATUS and CHECK, called as a runtime calls them, on a VPP, its sockets' files, records and leases.
 */

import * as fs from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { serve } from "../../src/app/CniCall.ts"
import { readRequest } from "../../src/cni/Request.ts"
import { keyOf } from "../../src/identity/Attachment.ts"
import { Files } from "../../src/platform/Files.ts"
import { Https } from "../../src/platform/Https.ts"
import { Namespaces } from "../../src/platform/Namespaces.ts"
import type { Session } from "../../src/vpp/client/Session.ts"
import type { VppError } from "../../src/vpp/client/VppError.ts"
import * as Interfaces from "../../src/vpp/interfaces/Interfaces.ts"
import { portName, portNumber } from "../../src/vpp/interfaces/Mark.ts"
import * as BridgeDomain from "../../src/vpp/messages/BridgeDomain.ts"
import * as Ports from "../../src/vpp/messages/Ports.ts"
import { hostLocal, install } from "../ipam/support/Plugin.ts"
import * as NodeProcesses from "../platform/support/node/NodeProcesses.ts"
import * as NodeSlots from "../platform/support/node/NodeSlots.ts"
import * as NodeSockets from "../platform/support/node/NodeSockets.ts"
import { suite } from "./Suite.ts"
import { directory, look, newDomain, VppUnderTest, withSession } from "./VppUnderTest.ts"

const edges = Layer.mergeAll(
  Files.layer,
  NodeProcesses.layer,
  NodeSlots.layer,
  NodeSockets.layer,
  Layer.succeed(Https, Https.of({ send: ({ url }) => Effect.die(new Error(`${url} was asked`)) })),
  Layer.succeed(Namespaces, Namespaces.of({ judge: () => Effect.succeed("sandbox") })),
  Logger.layer([])
)

interface Who {
  readonly containerId: string
  readonly ifName: string
}

type Conf = Readonly<Record<string, unknown>>

const one: Who = { containerId: "0958c8871b32cafe", ifName: "net1" }
const other: Who = { containerId: "0958c8871b32beef", ifName: "net1" }
const third: Who = { containerId: "c3", ifName: "net1" }

const master = (more: Conf = {}): Conf => ({ iftype: "memif", memif: { role: "master" }, ...more })

const hosts: Readonly<Record<string, Conf>> = {
  "memif, master": master(),
  "memif, slave": { iftype: "memif", memif: { role: "slave" } },
  "vhost-user, server": { iftype: "vhostuser", vhost: { mode: "server" } },
  "vhost-user, client": { iftype: "vhostuser", vhost: { mode: "client" } }
}

/** A directory with records, sockets and leases; a network of this test only. */
const node = Effect.gen(function* () {
  const at = yield* directory
  const { path: socket } = yield* VppUnderTest
  install(at, "host-local", hostLocal)
  const domain = newDomain()
  const name = `net${domain}`
  const network = ({ host = master(), more = {} }: { readonly host?: Conf; readonly more?: Conf } = {}): Conf => ({
    cniVersion: "1.0.0",
    name,
    type: "userspace",
    sharedDir: `${at}/shared`,
    stateDir: `${at}/state`,
    host: { engine: "vpp", netType: "bridge", socket, bridge: { bridgeName: String(domain) }, ...host },
    ipam: { type: "host-local", rangeStart: "10.9.8.2", rangeEnd: "10.9.8.9", gateway: "10.9.8.1" },
    ...more
  })
  const call = (verb: string, who: Who | undefined, conf: Conf) =>
    serve(
      readRequest(
        {
          CNI_PATH: at,
          PATH: process.env["PATH"],
          ...(who === undefined
            ? {}
            : { CNI_CONTAINERID: who.containerId, CNI_IFNAME: who.ifName, CNI_NETNS: "/var/run/netns/x" }),
          CNI_COMMAND: verb
        },
        JSON.stringify(conf)
      )
    ).pipe(Effect.provide(edges))
  const gc = (valid: ReadonlyArray<Who>, conf = network()) =>
    call("GC", undefined, {
      ...conf,
      cniVersion: "1.1.0",
      "cni.dev/valid-attachments": valid.map(({ containerId, ifName }) => ({
        containerID: containerId,
        ifname: ifName
      }))
    })
  const files = () =>
    fs
      .readdirSync(at, { recursive: true, encoding: "utf8" })
      .filter((path) => !path.startsWith("host-local.leases/net"))
      .concat(leases())
      .sort()
  const leases = () => {
    const directory = `${at}/host-local.leases/${name}`
    return fs.existsSync(directory)
      ? fs
          .readdirSync(directory)
          .map((address) => `${address} ${fs.readFileSync(`${directory}/${address}`, "utf8").trim()}`)
      : []
  }
  const world = Effect.map(look, (vpp) => [...vpp, ...files().filter((path) => path !== "host-local.leases")])
  yield* Effect.addFinalizer(() => Effect.ignore(gc([])))
  return {
    at,
    call,
    domain,
    files,
    gc,
    leases,
    name,
    network,
    world,
    add: (who: Who, conf = network()) => call("ADD", who, conf)
  }
})

const lose = (...paths: ReadonlyArray<string>) => {
  for (const path of paths) fs.rmSync(path, { recursive: true })
}

/** Its port, as an administrator finds it. */
const onPort = (name: string, change: (session: Session, index: number) => Effect.Effect<unknown, VppError>) =>
  withSession((session) =>
    Effect.flatMap(
      Interfaces.byName(session, portName("memif", portNumber(keyOf({ network: name, ...one })))),
      (there) =>
        there === undefined ? Effect.die("it has no port") : Effect.asVoid(change(session, there.sw_if_index))
    )
  )

export const vppGc = suite<VppUnderTest>("GC and STATUS on VPP", (test) => {
  for (const [name, host] of Object.entries(hosts)) {
    test(`GC removes what is not in the list, with its record and without: ${name}`, () =>
      Effect.gen(function* () {
        const { add, at, gc, network, world } = yield* node
        const conf = network({ host })
        const before = yield* world
        yield* add(one, conf)
        yield* gc([], conf)
        assert.deepStrictEqual(yield* world, before)
        // By the mark, which has no names, and the container config, which has.
        yield* add(one, conf)
        lose(`${at}/state`)
        yield* gc([], conf)
        assert.deepStrictEqual(yield* world, before)
      }))
  }

  test("GC leaves what is in the list, of containers whose ids begin alike, with records and without", () =>
    Effect.gen(function* () {
      const { add, at, gc, world } = yield* node
      yield* add(other)
      yield* add(third)
      const before = (yield* world).filter((line) => !line.startsWith("state"))
      for (const loss of [[], [`${at}/state`]]) {
        yield* add(one)
        lose(...loss)
        yield* gc([other, third])
        assert.deepStrictEqual(
          (yield* world).filter((line) => !line.startsWith("state")),
          before
        )
      }
    }))

  test("GC leaves another network's ports in the same bridge domain", () =>
    Effect.gen(function* () {
      const { add, call, gc, network, world } = yield* node
      const others = network({ more: { name: "another" } })
      yield* add(one, others)
      const before = yield* world
      yield* gc([])
      assert.deepStrictEqual(yield* world, before)
      yield* add(one)
      yield* gc([])
      assert.deepStrictEqual(yield* world, before)
      yield* call("DEL", one, others)
    }))

  for (const [below, linked] of [
    ["", false],
    [`/${"long".repeat(30)}`, true],
    ["/a blank", true]
  ] as const) {
    test(`GC removes port and socket of an attachment known only by VPP's mark, in a directory${below}`, () =>
      Effect.gen(function* () {
        const { add, at, gc, network, world } = yield* node
        const sharedDir = `${at}/shared${below}`
        const conf = network({ more: { sharedDir, ipam: undefined } })
        const before = yield* world
        yield* add(one, conf)
        assert.strictEqual((yield* look).join("\n").includes(`${at}/state/links/`), linked)
        lose(`${at}/state/attachments`, `${sharedDir}/0958c8871b32/configData-0958c8871b32-net1.json`)
        assert.isTrue(fs.existsSync(`${sharedDir}/0958c8871b32/memif-0958c8871b32-net1.sock`))
        yield* gc([one], conf)
        assert.isTrue(fs.existsSync(`${sharedDir}/0958c8871b32/memif-0958c8871b32-net1.sock`))
        yield* gc([], conf)
        // A port that was removed by hand cannot be identified as ours any more.
        assert.deepStrictEqual(
          (yield* world).filter((line) => !line.startsWith("state")),
          before
        )
      }))
  }

  test("GC removes what VPP lost when it was killed and started again", () =>
    Effect.gen(function* () {
      const { restart } = yield* VppUnderTest
      const { add, gc, world } = yield* node
      yield* restart
      const before = yield* world
      yield* add(one)
      yield* restart
      yield* gc([])
      assert.deepStrictEqual(yield* world, before)
    }))

  test("STATUS accepts a running VPP, changes nothing, and reports one that is not running", () =>
    Effect.gen(function* () {
      const { at, call, network, world } = yield* node
      const before = yield* world
      const status = (host: Conf) =>
        call("STATUS", undefined, network({ host, more: { cniVersion: "1.1.0", ipam: undefined } }))
      for (const host of Object.values(hosts)) assert.isUndefined(yield* status(host))
      assert.deepStrictEqual(yield* world, before)
      const error = yield* Effect.flip(status(master({ socket: `${at}/nothing.sock` })))
      assert.strictEqual(error.code, 51)
      assert.include(error.msg, "VPP: status: ")
      assert.include(error.details, `${at}/nothing.sock`)
    }))
})

export const vppCheck = suite<VppUnderTest>("CHECK on VPP", (test) => {
  type Node = Effect.Success<typeof node>
  type Damage = (node: Node) => Effect.Effect<unknown, unknown, VppUnderTest>

  const damages: Readonly<Record<string, readonly [Damage, said: RegExp]>> = {
    "the port was removed by hand": [
      ({ name }) => onPort(name, (session, sw_if_index) => session.call(Ports.removeMemif, { sw_if_index })),
      /VPP has no interface with the mark of this attachment/
    ],
    "the port was moved to another bridge domain": [
      ({ domain, name }) =>
        onPort(name, (session, rx_sw_if_index) =>
          session.call(BridgeDomain.setBridge, {
            rx_sw_if_index,
            bd_id: domain + 1_000_000,
            port_type: 0,
            shg: 0,
            enable: true
          })
        ),
      /interface memif\d+\/0 is not in bridge domain \d+/
    ],
    "the VLAN was changed": [
      ({ name }) =>
        onPort(name, (session, sw_if_index) =>
          session.call(BridgeDomain.vlanTagRewrite, { sw_if_index, vtr_op: 1, push_dot1q: 1, tag1: 9, tag2: 0 })
        ),
      /VLAN tag rewrite is push dot1q 9, not none/
    ],
    "VPP was restarted": [
      () => Effect.flatMap(VppUnderTest, ({ restart }) => restart),
      /VPP has no interface with the mark of this attachment/
    ],
    "the socket was removed": [
      ({ at }) => Effect.sync(() => lose(`${at}/shared/0958c8871b32/memif-0958c8871b32-net1.sock`)),
      /the socket .*memif-0958c8871b32-net1\.sock is missing/
    ],
    "the lease was removed": [
      ({ at, name }) => Effect.sync(() => lose(`${at}/host-local.leases/${name}/10.9.8.2`)),
      /IPAM plugin host-local CHECK: code 999: .*Failed to find address/
    ]
  }

  for (const [name, [damage, said]] of Object.entries(damages)) {
    test(`CHECK names it: ${name}`, () =>
      Effect.gen(function* () {
        const made = yield* node
        const { call, domain, network, world } = made
        const conf = network({ host: master({ bridge: { bridgeName: String(domain), vlanId: 7 } }) })
        yield* call("ADD", one, conf)
        assert.isUndefined(yield* call("CHECK", one, conf))
        yield* damage(made)
        const before = yield* world
        const error = yield* Effect.flip(call("CHECK", one, conf))
        assert.match(error.msg, said)
        assert.notStrictEqual(error.details, "")
        assert.deepStrictEqual(yield* world, before)
        yield* call("DEL", one, conf)
      }))
  }
})
