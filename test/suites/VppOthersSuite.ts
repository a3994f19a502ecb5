/** The behaviour of the VPP layer of `Vswitch` towards objects that it did not create, or that are in no record. */
import * as fs from "node:fs"
import * as net from "node:net"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { keyOf, plainHandle } from "../../src/identity/Attachment.ts"
import { portName, portNumber } from "../../src/vpp/interfaces/Mark.ts"
import * as BridgeDomain from "../../src/vpp/messages/BridgeDomain.ts"
import * as Interface from "../../src/vpp/messages/Interface.ts"
import * as Ports from "../../src/vpp/messages/Ports.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"
import { foreignMemif } from "./ForeignMemif.ts"
import { suite } from "./Suite.ts"
import {
  bridged,
  leavesAsFound,
  look,
  memif,
  newDomain,
  plug,
  plugged,
  preflight,
  refusal,
  removeLegacy,
  request,
  unplug,
  VppUnderTest,
  verify,
  vhost,
  withSession
} from "./VppUnderTest.ts"

const none = { netType: "none" } as const

const foreignDomain = (bd_id: number) => {
  const change = (is_add: boolean) =>
    withSession((session) =>
      session.call(BridgeDomain.addDel, {
        bd_id,
        flood: is_add,
        uu_flood: is_add,
        forward: is_add,
        learn: is_add,
        arp_term: false,
        arp_ufwd: false,
        mac_age: 0,
        bd_tag: is_add ? "somebody's" : "",
        is_add
      })
    )
  return Effect.acquireRelease(change(true), () => Effect.ignore(change(false)))
}

const listener = (path: string) =>
  Effect.acquireRelease(
    Effect.callback<net.Server>((resume) => {
      const server = net.createServer((peer) => peer.destroy())
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

const numberOf = ({ attachment }: { readonly attachment: Parameters<typeof keyOf>[0] }) => portNumber(keyOf(attachment))

export const vppOthers = suite<VppUnderTest>("Vswitch on VPP, about objects of others", (test) => {
  test("leaves an administrator's bridge domain, empty or not", () =>
    Effect.gen(function* () {
      const domain = newDomain()
      yield* foreignDomain(domain)
      const wanted = yield* request(memif({ network: bridged(domain) }))
      yield* leavesAsFound(Effect.andThen(plug(wanted), unplug(unplugOf(wanted))))
    }))

  test("keeps its own bridge domain when somebody else has joined it", () =>
    Effect.gen(function* () {
      const domain = newDomain()
      const wanted = yield* request(memif({ network: bridged(domain) }))
      yield* plugged(wanted)
      const other = yield* foreignMemif(401, `${wanted.socketPath}.other`)
      const join = { rx_sw_if_index: other, bd_id: domain, port_type: 0, shg: 0, enable: true }
      yield* withSession((session) => session.call(BridgeDomain.setBridge, join))
      assert.notInclude(yield* unplug(unplugOf(wanted)), `bridge domain ${domain}`)
      assert.include((yield* look).join("\n"), `domain ${domain} userspace/1/bridge-domain/${domain} memif401/0`)
      yield* withSession((session) => session.call(BridgeDomain.setBridge, { ...join, enable: false }))
      assert.include(yield* unplug(unplugOf(wanted)), `bridge domain ${domain}`)
    }))

  test("refuses a path whose file VPP would delete or take over, and does not touch it", () =>
    Effect.gen(function* () {
      for (const port of [vhost({ network: none }), memif({ network: none })]) {
        const wanted = yield* request(port)
        fs.writeFileSync(wanted.socketPath, "somebody's")
        const file = yield* leavesAsFound(refusal(plug(wanted)))
        assert.strictEqual(file.code, ErrorCodes.SocketPath)
        assert.include(file.failed, `a file exists at ${wanted.socketPath}`)
        assert.strictEqual(fs.readFileSync(wanted.socketPath, "utf8"), "somebody's")
        fs.rmSync(wanted.socketPath)
        const server = yield* listener(wanted.socketPath)
        const taken = yield* leavesAsFound(refusal(preflight(wanted)))
        assert.include(taken.failed, `another process listens on ${wanted.socketPath}`)
        assert.isTrue(server.listening && fs.lstatSync(wanted.socketPath).isSocket())
      }
    }))

  test("replaces a socket on which nobody listens any more", () =>
    Effect.gen(function* () {
      for (const port of [vhost({ network: none }), memif({ network: none })]) {
        const wanted = yield* request(port)
        yield* Effect.scoped(
          listener(`${wanted.socketPath}.x`).pipe(
            Effect.map(() => fs.linkSync(`${wanted.socketPath}.x`, wanted.socketPath))
          )
        )
        yield* plugged(wanted)
        assert.deepStrictEqual(yield* verify(wanted), [])
      }
    }))

  test("refuses invalid paths before it asks VPP", () =>
    Effect.gen(function* () {
      const { release } = yield* VppUnderTest
      const wanted = yield* request(memif({ network: none }))
      const at = (socketPath: string) => leavesAsFound(refusal(plug({ ...wanted, socketPath })))
      assert.include((yield* at("/nowhere/m.sock")).failed, "directory /nowhere does not exist")
      assert.include((yield* at("m.sock")).failed, "is not absolute")
      assert.match((yield* at(`/tmp/${"x".repeat(103)}`)).failed, /has 108 bytes, it may have 10[67]/)
      if (release.startsWith("26")) {
        assert.include((yield* at("/tmp/a b.sock")).failed, 'has a " ", which VPP does not accept')
      }
    }))

  test("reports VPP's reason when creation fails, and leaves nothing", () =>
    Effect.gen(function* () {
      const ring = yield* request(memif({ ringSize: 1000 }))
      assert.match((yield* leavesAsFound(refusal(plug(ring)))).failed, /memif_create(_v2)? failed: Invalid argument/)
      const secret = yield* request(memif({ secret: "x".repeat(24) }))
      const error = yield* leavesAsFound(refusal(plug(secret)))
      assert.strictEqual(error.code, ErrorCodes.InvalidConfiguration)
      assert.include(error.failed, "secret has 24 bytes, of which 23 fit")
      assert.isFalse(fs.existsSync(ring.socketPath) || fs.existsSync(secret.socketPath))
    }))

  test("creates a socket after an earlier create on its id failed", () =>
    Effect.gen(function* () {
      const wanted = yield* request(memif({ network: none }))
      const socket_id = numberOf(wanted)
      // What a killed ADD left: registered, and on 26.06 unusable, because a file was in the way.
      fs.writeFileSync(wanted.socketPath, "")
      yield* withSession((session) =>
        session.call(Ports.socketFilenameAddDel, { is_add: true, socket_id, socket_filename: wanted.socketPath })
      )
      yield* Effect.flip(Effect.asVoid(Effect.scoped(foreignMemif(socket_id, wanted.socketPath))))
      fs.rmSync(wanted.socketPath)
      yield* plugged(wanted)
      assert.isTrue(fs.lstatSync(wanted.socketPath).isSocket())
    }))

  test("creates no interface beside another's on its own socket", () =>
    Effect.gen(function* () {
      const wanted = yield* request(memif())
      yield* foreignMemif(numberOf(wanted), wanted.socketPath, "", "", { id: 1, role: "slave" })
      const error = yield* leavesAsFound(refusal(plug(wanted)))
      assert.strictEqual(error.code, ErrorCodes.AlreadyAttached)
    }))

  test("DEL removes what a killed ADD left at each of its steps", () =>
    leavesAsFound(
      Effect.gen(function* () {
        const registered = yield* request(memif({ network: none }))
        yield* withSession((session) =>
          session.call(Ports.socketFilenameAddDel, {
            is_add: true,
            socket_id: numberOf(registered),
            socket_filename: registered.socketPath
          })
        )
        assert.lengthOf(yield* unplug(unplugOf(registered)), 1)
        const created = yield* request(memif({ network: none }))
        yield* foreignMemif(numberOf(created), created.socketPath)
        const refused = yield* refusal(plug(created))
        assert.strictEqual(refused.code, ErrorCodes.AlreadyAttached)
        // A rollback must not remove it: it may belong to a running ADD.
        assert.deepStrictEqual(yield* unplug(unplugOf(created, { invocation: created.invocation })), [])
        assert.lengthOf(yield* unplug(unplugOf(created)), 2)
        // Somebody had its first number then, and has left.
        const second = yield* request(memif({ network: none }))
        const number = portNumber(keyOf(second.attachment), 1)
        yield* foreignMemif(number, second.socketPath)
        assert.include(yield* unplug(unplugOf(second)), `interface ${portName("memif", number)}`)
      })
    ))

  test("DEL finds the original plugin's port by its socket, or by the recorded index when that agrees", () =>
    Effect.gen(function* () {
      const wanted = yield* request(memif({ network: none }))
      yield* foreignMemif(402, wanted.socketPath)
      assert.deepStrictEqual(yield* removeLegacy(wanted), ["interface memif402/0", `socket ${wanted.socketPath}`])
      const elsewhere = wanted.socketPath.replace(/[^/]*$/, `memif-${plainHandle(wanted.attachment)}.sock`)
      const remembered = yield* foreignMemif(403, elsewhere)
      const other = yield* foreignMemif(404, `${elsewhere}.other`)
      const by = (swIfIndex: number) =>
        removeLegacy({ ...wanted, socketPath: "/nowhere" }, { state: { portName: undefined, swIfIndex } })
      assert.deepStrictEqual(yield* by(other), [])
      assert.deepStrictEqual(yield* by(0), [])
      assert.deepStrictEqual(yield* by(remembered), ["interface memif403/0", `socket ${elsewhere}`])
    }))

  test("never touches an interface with another's tag, whatever its socket or number", () =>
    Effect.gen(function* () {
      const wanted = yield* request(memif({ network: none }))
      const other = yield* request(memif({ network: none }))
      yield* foreignMemif(405, wanted.socketPath, "vnf:7")
      yield* leavesAsFound(Effect.andThen(unplug(unplugOf(wanted)), removeLegacy(wanted)))
      // Its number is in use: it gets another one, and is found there.
      yield* foreignMemif(numberOf(other), `${other.socketPath}.other`, "vnf:8")
      yield* leavesAsFound(
        Effect.gen(function* () {
          const made = yield* plug(other)
          assert.strictEqual(made.port, portName("memif", portNumber(keyOf(other.attachment), 1)))
          assert.deepStrictEqual(yield* verify(other), [])
          assert.include(yield* unplug(unplugOf(other)), `interface ${made.port}`)
        })
      )
    }))

  test("names every difference that somebody made", () =>
    Effect.gen(function* () {
      const domain = newDomain()
      const wanted = yield* request(memif({ mtu: 1400, network: bridged(domain, 5) }))
      const { port: name } = yield* plugged(wanted)
      yield* withSession(
        Effect.fnUntraced(function* (session) {
          const found = yield* session.dump(Interface.interfaceDump, {
            sw_if_index: 0xffffffff,
            name_filter_valid: true,
            name_filter: name
          })
          const sw_if_index = found[0]?.sw_if_index ?? 0
          yield* session.call(Interface.setMtu, { sw_if_index, mtu: [9000, 0, 0, 0] })
          yield* session.call(Interface.setFlags, { sw_if_index, flags: 0 })
          yield* session.call(BridgeDomain.vlanTagRewrite, {
            sw_if_index,
            vtr_op: 1,
            push_dot1q: 1,
            tag1: 6,
            tag2: 0
          })
        })
      )
      const { role: _, ...rest } = wanted.port
      assert.deepStrictEqual(yield* verify({ ...wanted, port: { ...rest, role: "slave" } }), [
        `interface ${name}: role is master, not slave`,
        `interface ${name} is down`,
        `interface ${name}: MTU is 9000, not 1400`,
        `interface ${name}: VLAN tag rewrite is push dot1q 6, not none`
      ])
      yield* unplug(unplugOf(wanted))
      assert.deepStrictEqual(yield* verify(wanted), ["VPP has no interface with the mark of this attachment"])
    }))

  test("DEL and ADD work after VPP was killed and started again", () =>
    Effect.gen(function* () {
      const { restart } = yield* VppUnderTest
      const all = yield* Effect.forEach([memif(), vhost()], (port) => request(port))
      for (const one of all) yield* plug(one)
      yield* restart
      const fresh = yield* look
      for (const one of all) {
        assert.deepStrictEqual(yield* verify(one), ["VPP has no interface with the mark of this attachment"])
        assert.deepStrictEqual(yield* unplug(unplugOf(one)), [])
        yield* plug(one)
        assert.deepStrictEqual(yield* verify(one), [])
        yield* unplug(unplugOf(one))
      }
      assert.deepStrictEqual(yield* look, fresh)
    }))
})
