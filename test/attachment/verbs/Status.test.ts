/**
 * STATUS reports whether an ADD could be served, and otherwise why not, with the specification's codes; it changes
 * nothing.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { IpamError } from "../../../src/ipam/Ipam.ts"
import { FileError } from "../../../src/platform/Files.ts"
import { network, networks } from "../support/Networks.ts"
import { failed, runDir, stateDir, World, type Wrap } from "../support/World.ts"

const conf = { ...network, cniVersion: "1.1.0" }

/** Replaces one method of one service. */
const instead =
  (service: string, member: string, value: unknown): Wrap =>
  (name, own) =>
    name === service
      ? new Proxy(own, { get: (target, key) => (key === member ? value : Reflect.get(target, key)) })
      : own

/** Files may only be read. */
const readOnly: Wrap = (name, own) =>
  name === "Files"
    ? new Proxy(own, {
        get: (target, key) =>
          ["lstat", "read", "list", "readLink", "writable"].includes(String(key))
            ? Reflect.get(target, key)
            : () => Effect.die(`${String(key)} was called`)
      })
    : own

const refuses = (code: number) =>
  instead("Ipam", "status", ({ plugin }: { readonly plugin: string }) =>
    Effect.fail(new IpamError({ plugin, verb: "STATUS", reason: { _tag: "Refused", code, msg: "no", details: "" } }))
  )

describe("ready", () => {
  it.effect.each(Object.entries(networks))("before the first ADD and after it, without a change: %s", ([, asked]) =>
    Effect.gen(function* () {
      const world = new World()
      const now = { conf: { ...asked.conf, cniVersion: "1.1.0" } }
      for (let i = 0; i < 2; i++) {
        const before = world.dump()
        assert.isUndefined(yield* world.call("STATUS", now, readOnly))
        assert.deepStrictEqual(world.dump(), before)
        if (i === 0) yield* world.add(now)
      }
    })
  )

  it.effect("without a state directory yet, and without an IPAM plugin", () =>
    Effect.gen(function* () {
      const world = new World()
      const { ipam: _, ...without } = conf
      yield* world.call("STATUS", { conf: { ...without, stateDir: "/var/lib/made/later" } }, refuses(50))
      assert.isUndefined(world.files.get("/var/lib/made"))
    })
  )

  it.effect("without CNI_PATH, as far as that can be judged", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.call("STATUS", { conf, path: "" }, refuses(50))
      assert.strictEqual((yield* failed(world.call("STATUS", { conf }, refuses(50)))).code, 50)
    })
  )
})

type Damage = (world: World) => Wrap | undefined

const wraps =
  (wrap: Wrap): Damage =>
  () =>
    wrap

/** The problem, the code, and the message. */
const cases: Readonly<Record<string, readonly [damage: Damage, code: number, said: RegExp]>> = {
  "the database refuses": [
    ({ ovs }) => {
      ovs.serve("refused")
      return undefined
    },
    51,
    /^Open vSwitch: status: .*ECONNREFUSED/
  ],
  "ovs-vswitchd is dead": [
    ({ files }) => {
      files.put(`${runDir}/ovs-vswitchd.pid`, "file", "7\n")
      files.put(`${runDir}/ovs-vswitchd.7.ctl`, "socket")
      return undefined
    },
    51,
    /ovs-vswitchd does not answer on .*7\.ctl/
  ],
  "DPDK is not initialised": [
    ({ ovs }) => {
      ovs.vswitchd.dpdk = false
      ovs.look()
      return undefined
    },
    51,
    /DPDK is not initialized/
  ],
  "a file is where the records go": [
    ({ files }) => {
      files.remove(stateDir)
      files.put(stateDir, "file")
      return undefined
    },
    50,
    /^write to \/var\/lib\/cni\/usrspcni: ENOTDIR$/
  ],
  "the records' file system is read-only": [
    wraps(
      instead("Files", "writable", (path: string) =>
        Effect.fail(new FileError({ operation: "write to", path, code: "EROFS" }))
      )
    ),
    50,
    /^write to \/var\/lib\/cni\/usrspcni: EROFS$/
  ],
  "the IPAM plugin is not there": [
    wraps(
      instead("Ipam", "status", () =>
        Effect.fail(
          new IpamError({ plugin: "p", verb: "STATUS", reason: { _tag: "NotFound", path: ["/opt/cni/bin"] } })
        )
      )
    ),
    50,
    /^IPAM plugin p STATUS: not found along CNI_PATH=/
  ],
  "the IPAM plugin is not ready": [wraps(refuses(50)), 50, /^IPAM plugin host-local STATUS: code 50: no$/],
  "the IPAM plugin says that containers suffer": [wraps(refuses(51)), 51, /code 51: no/],
  "the IPAM plugin is busy": [wraps(refuses(11)), 50, /code 11: no/]
}

describe("not ready", () => {
  it.effect.each(Object.entries(cases))("%s", ([, [damage, code, said]]) =>
    Effect.gen(function* () {
      const world = new World()
      const wrap = damage(world)
      const before = world.dump()
      const error = yield* failed(world.call("STATUS", { conf }, wrap))
      assert.strictEqual(error.code, code)
      assert.match(error.msg, said)
      assert.notStrictEqual(error.details, "")
      assert.deepStrictEqual(world.dump(), before)
    })
  )

  it.effect("with a bridge that cannot have ports", () =>
    Effect.gen(function* () {
      const world = new World()
      yield* world.ovs.transact([
        { op: "insert", table: "Bridge", "uuid-name": "b", row: { name: "br-dpdk0", datapath_type: "system" } },
        { op: "mutate", table: "Open_vSwitch", where: [], mutations: [["bridges", "insert", ["named-uuid", "b"]]] }
      ])
      const error = yield* failed(world.call("STATUS", { conf }))
      assert.strictEqual(error.code, 50)
      assert.include(error.msg, "vhost-user ports need netdev")
      yield* world.call("STATUS", { conf: { ...conf, host: { ...conf.host, bridge: { bridgeName: "br-other" } } } })
    })
  )

  it.effect("for several reasons, all of which are reported; the worst sets the code", () =>
    Effect.gen(function* () {
      const world = new World()
      world.ovs.serve("refused")
      world.files.remove(stateDir)
      world.files.put(stateDir, "file")
      const error = yield* failed(world.call("STATUS", { conf }, refuses(50)))
      assert.strictEqual(error.code, 51)
      for (const said of ["Open vSwitch: status: ", "write to ", "IPAM plugin host-local STATUS: "]) {
        assert.include(error.msg, said)
      }
    })
  )
})

describe("in time", () => {
  const cases: Readonly<Record<string, readonly [Damage, code: number, said: string]>> = {
    "a database that is silent": [
      ({ ovs }) => {
        ovs.serve("silent")
        return undefined
      },
      51,
      "ovs-dpdk on /var/run/openvswitch/db.sock: no answer within 4 s"
    ],
    "an IPAM plugin that hangs": [
      wraps(instead("Ipam", "status", () => Effect.never)),
      50,
      "IPAM plugin host-local: no answer within 4 s"
    ]
  }

  it.effect.each(Object.entries(cases))("%s", ([, [damage, code, said]]) =>
    Effect.gen(function* () {
      const world = new World()
      const asking = yield* Effect.forkChild(failed(world.call("STATUS", { conf }, damage(world))))
      // Work before the deadline takes turns, and no time.
      yield* Effect.repeat(TestClock.adjust("1 second"), { until: () => asking.pollUnsafe() !== undefined })
      const error = yield* Fiber.join(asking)
      assert.deepStrictEqual([error.code, error.msg], [code, said])
    })
  )
})

describe("an invalid call", () => {
  it.effect.each<[string, object, number]>([
    ["of an older version", { ...conf, cniVersion: "1.0.0" }, 1],
    ["with a broken configuration", { ...conf, host: "?" }, 7]
  ])("%s", ([, conf, code]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* failed(new World().call("STATUS", { conf }))).code, code)
    })
  )
})
