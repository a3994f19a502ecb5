/**
 * A VPP from outside: what an administrator, a crash or another program does to it. The suites run on every layer of
 * this, so that the VPP in TypeScript is held to the behaviour of real ones.
 */
import { randomBytes, randomUUID } from "node:crypto"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, type Scope } from "effect"
import type { VppMemifPort, VppNetwork, VppVhostPort } from "../../src/cni/network/HostPort.ts"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import type { Attachment } from "../../src/identity/Attachment.ts"
import { Files } from "../../src/platform/Files.ts"
import type { Receive } from "../../src/platform/PassedFile.ts"
import type { Slots, Sockets } from "../../src/platform/Sockets.ts"
import { type Session, VppDeadlines, type VppWaits } from "../../src/vpp/client/Session.ts"
import { VppClient } from "../../src/vpp/client/VppClient.ts"
import type { VppError } from "../../src/vpp/client/VppError.ts"
import * as Interfaces from "../../src/vpp/interfaces/Interfaces.ts"
import { bridgeDomainDump } from "../../src/vpp/messages/BridgeDomain.ts"
import { every } from "../../src/vpp/messages/Control.ts"
import { routeDump } from "../../src/vpp/messages/Ip.ts"
import { policerDump } from "../../src/vpp/messages/Policer.ts"
import * as VppLegacyPorts from "../../src/vpp/VppLegacyPorts.ts"
import { ReceiveFile } from "../../src/vpp/VppTraffic.ts"
import * as VppVswitch from "../../src/vpp/VppVswitch.ts"
import {
  type LegacyAsked,
  type PortRequest,
  type Unplug,
  Vswitch,
  type VswitchError
} from "../../src/vswitch/Vswitch.ts"
import * as NodePassedFile from "../platform/support/node/NodePassedFile.ts"
import * as NodeSlots from "../platform/support/node/NodeSlots.ts"
import * as NodeSockets from "../platform/support/node/NodeSockets.ts"
import { memifPort, vppVhostPort } from "../vswitch/support/MinimalPorts.ts"
import { plugOf } from "../vswitch/support/PlugOf.ts"
import { unplugOf } from "../vswitch/support/UnplugOf.ts"

export class VppUnderTest extends Context.Service<
  VppUnderTest,
  {
    /** Its API socket. */
    readonly path: string
    /** `21.10`, `23.02`, `26.06`. */
    readonly release: string
    /** kill -9, and started again: all state is lost. */
    readonly restart: Effect.Effect<void>
    readonly waits?: VppWaits
    /** Its stats segment, when that of a real one is not to be received. */
    readonly stats?: Receive
  }
>()("userspace-cni/test/VppUnderTest") {}

/** What it shows to an administrator, and in no message of its API. */
export class VppShows extends Context.Service<
  VppShows,
  {
    /**
     * The values with which an interface was created, by the names of the request: all of them, or those that it shows.
     */
    readonly madeWith: (name: string) => Effect.Effect<Readonly<Record<string, unknown>>>
  }
>()("userspace-cni/test/VppShows") {}

/** It is of that release, or a later one. */
export const isSince = (wanted: number) =>
  Effect.map(VppUnderTest, ({ release }) => Number.parseFloat(release) >= wanted)

/** Short, so that a test of a deadline does not take long; long enough for a busy machine. */
export const quick: VppWaits = { turn: 60_000, answer: 2_000, goodbye: 1_000 }

type Edge = Layer.Layer<Slots | Sockets>

const realEdge: Edge = Layer.mergeAll(NodeSlots.layer, NodeSockets.layer)

/** The client's layers on the system's edges. */
export const layersFor = (path: string, to: Edge = realEdge) => {
  const edge = Layer.merge(Files.layer, to)
  const client = Layer.provide(VppClient.layer(path), edge)
  return Layer.mergeAll(
    client,
    Layer.provide(
      VppVswitch.layer((open, own) => Effect.succeed(VppLegacyPorts.make(open, own))),
      [client, edge]
    )
  )
}

/** Like a separate process on this machine. */
export const onceWith =
  (edge: Edge) =>
  <A, E, R>(self: Effect.Effect<A, E, R>) =>
    Effect.flatMap(VppUnderTest, ({ path, stats = NodePassedFile.receive, waits = quick }) =>
      self.pipe(
        Effect.provide(layersFor(path, edge)),
        Effect.provideService(VppDeadlines, waits),
        Effect.provideService(ReceiveFile, stats)
      )
    )

/** Like a separate process. */
export const once: <A, E>(self: Effect.Effect<A, E, VppClient | Vswitch>) => Effect.Effect<A, E, VppUnderTest> =
  onceWith(realEdge)

/** Actions of somebody else on a separate connection. */
export const withSession = <A>(f: (session: Session) => Effect.Effect<A, VppError>) =>
  once(Effect.scoped(Effect.flatMap(VppClient, ({ open }) => Effect.flatMap(open, f))))

const call = <A>(f: (vswitch: Vswitch["Service"]) => Effect.Effect<A, VswitchError>) => once(Effect.flatMap(Vswitch, f))

export const preflight = (wanted: PortRequest) => call((vswitch) => Effect.scoped(vswitch.preflight(wanted)))
export const plug = (wanted: PortRequest) => call((vswitch) => plugOf(vswitch, wanted))
export const restore = (wanted: PortRequest) => call((vswitch) => vswitch.restore(wanted))
export const unplug = (wanted: Unplug) => call((vswitch) => vswitch.unplug(wanted))
export const removeLegacy = ({ attachment, port, socketPath }: PortRequest, more: Partial<LegacyAsked> = {}) =>
  call((vswitch) =>
    Effect.flatMap(vswitch.legacy, ({ remove }) => remove({ attachment, port, socketPath, state: undefined, ...more }))
  )
export const list = (network?: string) => call((vswitch) => vswitch.list(network))
export const connections = (...keys: ReadonlyArray<string>) => call((vswitch) => vswitch.connections(keys))
export const traffic = call((vswitch) => vswitch.traffic)
export const status = ({ port }: Pick<PortRequest, "port">) => call((vswitch) => vswitch.status(port))
export const verify = (wanted: PortRequest) =>
  Effect.map(
    call((vswitch) => vswitch.verify(wanted)),
    (all) => all.map(({ what }) => what)
  )

/** The port is removed when the test ends, with success or not. */
export const plugged = (wanted: PortRequest) =>
  Effect.acquireRelease(plug(wanted), () => Effect.ignore(unplug(unplugOf(wanted))))

/** A feature of a later release is refused in all calls, with this message, and VPP is unchanged. */
export const tooNew = Effect.fnUntraced(function* (wanted: PortRequest, words = "") {
  for (const call of [status(wanted), preflight(wanted), plug(wanted), restore(wanted)]) {
    const error = yield* leavesAsFound(refusal(call))
    assert.strictEqual(error.code, ErrorCodes.SwitchRefused)
    assert.include(error.failed, `${words} is not supported by this VPP`)
    assert.include(error.cure, "Use VPP 23.06 or later")
  }
})

export const refusal = <R>(self: Effect.Effect<unknown, VswitchError, R>) => Effect.flip(Effect.asVoid(self))

/** VPP's whole state as text, without statistics. */
export const look = withSession(
  Effect.fnUntraced(function* (session) {
    const interfaces = yield* Interfaces.all(session)
    const nameOf = (index: number) => interfaces.find((one) => one.sw_if_index === index)?.interface_name ?? index
    const sockets = yield* Interfaces.memifSockets(session)
    const domains = yield* session.dump(bridgeDomainDump, { bd_id: every, sw_if_index: every })
    const routes = yield* Effect.forEach([false, true], (is_ip6) =>
      session.dump(routeDump, { table: { table_id: 0, is_ip6, name: "" } })
    )
    const policers = session.offers(policerDump)
      ? yield* session.dump(policerDump, { match_name_valid: false, match_name: "" })
      : []
    return [
      ...policers.map(({ cb, cir, name }) => `policer ${name} ${cir} kbit/s ${cb} bytes`),
      ...interfaces.map(({ interface_name, tag }) => `interface ${interface_name} ${tag}`),
      ...[...sockets].map(([id, path]) => `socket ${id} ${path}`),
      ...domains.map(
        ({ bd_id, bd_tag, sw_if_details }) =>
          `domain ${bd_id} ${bd_tag} ${sw_if_details.map(({ sw_if_index }) => nameOf(sw_if_index)).sort()}`
      ),
      ...routes.flat().map(({ route }) => `route ${route.prefix}`)
    ].sort()
  })
)

/** VPP's state is the same after `self` as before. */
export const leavesAsFound = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = yield* look
    const result = yield* self
    assert.deepStrictEqual(yield* look, before)
    return result
  })

/** For the sockets of one test. */
export const directory = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(`${tmpdir()}/vpp-`)),
  (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
)

let domains = 100
/** One that no other test uses. */
export const newDomain = () => ++domains

export const bridged = (bridgeDomain: number = newDomain(), vlan?: number): VppNetwork => ({
  netType: "bridge",
  bridgeDomain,
  vlan
})

export const memif = (port: Partial<VppMemifPort> = {}): VppMemifPort => ({
  ...memifPort,
  control: "",
  network: bridged(),
  ...port
})

export const vhost = (port: Partial<VppVhostPort> = {}): VppVhostPort => ({
  ...vppVhostPort,
  control: "",
  network: bridged(),
  ...port
})

export type Wanted<P> = PortRequest & { readonly attachment: Attachment; readonly port: P }

/** A request of an attachment of this test only, as ADD makes it. */
export const request = Effect.fnUntraced(function* <P extends VppMemifPort | VppVhostPort>(
  port: P,
  more: Partial<PortRequest> = {}
): Effect.fn.Return<Wanted<P>, never, Scope.Scope> {
  const containerId = randomBytes(32).toString("hex")
  const name = `${containerId.slice(0, 12)}-net1`
  return {
    // The namespace is that of the opener: each VPP has one.
    attachment: { network: "net", containerId, ifName: "net1", netns: "/proc/self/ns/net", pod: undefined },
    invocation: randomUUID(),
    socketPath: `${yield* directory}/${port.iftype === "memif" ? `memif-${name}.sock` : name}`,
    mac: "02:00:00:00:00:01",
    addresses: [],
    ...more,
    port
  }
})
