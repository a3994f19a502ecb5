/**
 * A VPP from outside: what an administrator, a crash or another program does to it. The suites run on every layer of
 * this, so that the VPP in TypeScript is held to what real ones do.
 */
import { randomBytes, randomUUID } from "node:crypto"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, type Scope } from "effect"
import type { Attachment } from "../../src/attachment/Attachment.ts"
import type { VppMemifPort, VppNetwork, VppVhostPort } from "../../src/cni/HostPort.ts"
import { Files } from "../../src/platform/Files.ts"
import * as NodeSlots from "../../src/platform/NodeSlots.ts"
import * as NodeSockets from "../../src/platform/NodeSockets.ts"
import * as Interfaces from "../../src/vpp/Interfaces.ts"
import { bridgeDomainDump } from "../../src/vpp/messages/BridgeDomain.ts"
import { every } from "../../src/vpp/messages/Control.ts"
import { routeDump } from "../../src/vpp/messages/Ip.ts"
import type { Session } from "../../src/vpp/Session.ts"
import { VppClient } from "../../src/vpp/VppClient.ts"
import { VppDeadlines, type VppWaits } from "../../src/vpp/VppDeadlines.ts"
import type { VppError } from "../../src/vpp/VppError.ts"
import * as VppVswitch from "../../src/vpp/VppVswitch.ts"
import { type PortRequest, type Unplug, Vswitch } from "../../src/vswitch/Vswitch.ts"
import type { VswitchError } from "../../src/vswitch/VswitchError.ts"

export class VppUnderTest extends Context.Service<
  VppUnderTest,
  {
    /** Its API socket. */
    readonly path: string
    /** `21.10`, `23.02`, `26.06`. */
    readonly release: string
    /** kill -9, and started again: it has forgotten all. */
    readonly restart: Effect.Effect<void>
    readonly waits?: VppWaits
  }
>()("userspace-cni/test/VppUnderTest") {}

/** Short, so that a test of a deadline does not take long; long enough for a machine with other work. */
export const quick: VppWaits = { open: 8_000, answer: 2_000, goodbye: 1_000 }

const edge = Layer.mergeAll(Files.layer, NodeSlots.layer, NodeSockets.layer)

/** The client's layers on the real edge of the system. */
export const layersFor = (path: string) => {
  const client = Layer.provide(VppClient.layer(path), edge)
  return Layer.mergeAll(client, Layer.provide(VppVswitch.layer, [client, edge]))
}

/** As in a process of its own. */
export const once = <A, E>(self: Effect.Effect<A, E, VppClient | Vswitch>) =>
  Effect.flatMap(VppUnderTest, ({ path, waits = quick }) =>
    self.pipe(Effect.provide(layersFor(path)), Effect.provideService(VppDeadlines, waits))
  )

/** What somebody else does over a connection of their own. */
export const withSession = <A>(f: (session: Session) => Effect.Effect<A, VppError>) =>
  once(Effect.scoped(Effect.flatMap(VppClient, ({ open }) => Effect.flatMap(open, f))))

const call = <A>(f: (vswitch: Vswitch["Service"]) => Effect.Effect<A, VswitchError>) => once(Effect.flatMap(Vswitch, f))

export const preflight = (wanted: PortRequest) => call((vswitch) => vswitch.preflight(wanted))
export const plug = (wanted: PortRequest) => call((vswitch) => vswitch.plug(wanted))
export const unplug = (wanted: Unplug) => call((vswitch) => vswitch.unplug(wanted))
export const list = (network?: string) => call((vswitch) => vswitch.list(network))
export const status = call((vswitch) => vswitch.status)
export const verify = (wanted: PortRequest) =>
  Effect.map(
    call((vswitch) => vswitch.verify(wanted)),
    (all) => all.map(({ what }) => what)
  )

/** The port is gone when the test is over, however it ends. */
export const plugged = (wanted: PortRequest) =>
  Effect.acquireRelease(plug(wanted), () => Effect.ignore(unplug(unplugOf(wanted))))

export const refusal = <R>(self: Effect.Effect<unknown, VswitchError, R>) => Effect.flip(Effect.asVoid(self))

/** All that VPP knows, in words, without what only tells how it is going. */
export const look = withSession(
  Effect.fnUntraced(function* (session) {
    const interfaces = yield* Interfaces.all(session)
    const nameOf = (index: number) => interfaces.find((one) => one.sw_if_index === index)?.interface_name ?? index
    const sockets = yield* Interfaces.memifSockets(session)
    const domains = yield* session.dump(bridgeDomainDump, { bd_id: every, sw_if_index: every })
    const routes = yield* Effect.forEach([false, true], (is_ip6) =>
      session.dump(routeDump, { table: { table_id: 0, is_ip6, name: "" } })
    )
    return [
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

/** What VPP knows is the same after `self` as before. */
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

const common = {
  engine: "vpp",
  control: "",
  mtu: undefined,
  mac: undefined,
  socketFile: undefined,
  group: undefined
} as const

export const memif = (port: Partial<VppMemifPort> = {}): VppMemifPort => ({
  ...common,
  iftype: "memif",
  network: bridged(),
  role: "master",
  mode: "ethernet",
  abstract: false,
  rxQueues: undefined,
  txQueues: undefined,
  ringSize: undefined,
  bufferSize: undefined,
  secret: undefined,
  noZeroCopy: false,
  useDma: false,
  ...port
})

export const vhost = (port: Partial<VppVhostPort> = {}): VppVhostPort => ({
  ...common,
  iftype: "vhostuser",
  network: bridged(),
  mode: "server",
  enableGso: false,
  enablePacked: false,
  enableEventIdx: false,
  ...port
})

export type Wanted<P> = PortRequest & { readonly attachment: Attachment; readonly port: P }

/** A request of an attachment that no other test has, as ADD makes it. */
export const request = Effect.fnUntraced(function* <P extends VppMemifPort | VppVhostPort>(
  port: P,
  more: Partial<PortRequest> = {}
): Effect.fn.Return<Wanted<P>, never, Scope.Scope> {
  const containerId = randomBytes(32).toString("hex")
  const name = `${containerId.slice(0, 12)}-net1`
  return {
    attachment: { network: "net", containerId, ifName: "net1", netns: "/proc/1/ns/net", pod: undefined },
    invocation: randomUUID(),
    socketPath: `${yield* directory}/${port.iftype === "memif" ? `memif-${name}.sock` : name}`,
    mac: "02:00:00:00:00:01",
    addresses: [],
    ...more,
    port
  }
})

/** What a DEL of the same attachment asks for. */
export const unplugOf = (made: PortRequest, more: Partial<Unplug> = {}): Unplug => ({
  attachment: made.attachment,
  invocation: undefined,
  port: made.port,
  socketPath: made.socketPath,
  legacy: undefined,
  ...more
})
