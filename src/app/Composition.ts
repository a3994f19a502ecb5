/**
 * Composition of the services, down to the edges. There is only one, for calls, commands, dry runs, the demonstration,
 * faults and tests; they differ in the edges. Layers are made anew for each use: two switches of one kind in a process
 * must not share one. A switch's code is loaded with the first use of its kind.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Call } from "../attachment/Call.ts"
import { Records } from "../attachment/records/Records.ts"
import type { Control, HostPort } from "../cni/network/HostPort.ts"
import { ContainerConfig, type ContainerConfigLayer } from "../container-config/ContainerConfig.ts"
import { containerConfigFor } from "../container-config/ContainerConfigs.ts"
import { Ipam } from "../ipam/Ipam.ts"
import type { OvsClient } from "../ovs/client/OvsClient.ts"
import type { Edges, On } from "../platform/Edges.ts"
import { SharedDir } from "../shared-dir/SharedDir.ts"
import type { VppClient } from "../vpp/client/VppClient.ts"
import type { LegacyPortsOf } from "../vpp/VppVswitch.ts"
import { type EngineLayer, Vswitch } from "../vswitch/Vswitch.ts"

/**
 * Wraps services: to observe them, inject faults, or record changes (dry run). Not for alternative implementations:
 * those replace edges. The executable's calls have none.
 */
export interface Around {
  readonly Records?: On<Records["Service"]>
  readonly SharedDir?: On<SharedDir["Service"]>
  readonly Ipam?: On<Ipam["Service"]>
  readonly ContainerConfig?: On<ContainerConfig["Service"], Scope.Scope>
  readonly Vswitch?: On<Vswitch["Service"], Scope.Scope>
  readonly OvsClient?: On<OvsClient["Service"], Scope.Scope>
  readonly VppClient?: On<VppClient["Service"], Scope.Scope>
}

/** Connections that a process keeps between calls: the switch at this control socket, until the scope closes. */
export type KeptSwitches = (control: Control) => Effect.Effect<Vswitch["Service"], never, Scope.Scope>

/** The layers that depend on the configuration. `At`: the information needed for a switch. */
export interface Choices<At = HostPort> {
  readonly engine: (at: At) => EngineLayer
  readonly containerConfig: (call: Call) => ContainerConfigLayer
}

export const choicesFor = (around: Around = {}, kept?: KeptSwitches): Choices<Control> => ({
  engine: (control) => (kept === undefined ? engineFor(control, around) : Layer.effect(Vswitch, kept(control))),
  containerConfig: (call) => within(ContainerConfig, containerConfigFor(call), around.ContainerConfig)
})

/** The services that depend on the configuration. */
export const chosen = (call: Call, { containerConfig, engine }: Choices) =>
  Layer.merge(engine(call.configuration.port), containerConfig(call))

/** The services that depend on nothing but where the records are. */
export const services = (stateDir: string, around: Around = {}) =>
  Layer.fresh(
    Layer.mergeAll(
      within(Records, Records.layer(stateDir), around.Records),
      within(SharedDir, SharedDir.layer, around.SharedDir),
      within(Ipam, Ipam.layer, around.Ipam)
    )
  )

/** A switch that shares nothing with others. */
export const engineFor = (control: Control, around: Around = {}): EngineLayer =>
  Layer.unwrap(control.engine === "vpp" ? onVpp(control.control, around) : onOvs(control.control, around))

const onOvs = (path: string, around: Around) =>
  Effect.map(
    Effect.promise(() => Promise.all([import("../ovs/OvsVswitch.ts"), import("../ovs/client/OvsClient.ts")])),
    ([{ layer }, { OvsClient }]) =>
      Layer.provide(
        within(Vswitch, layer(ovsLegacyPorts), around.Vswitch),
        within(OvsClient, OvsClient.layer(path), around.OvsClient)
      )
  )

const onVpp = (path: string, around: Around) =>
  Effect.map(
    Effect.promise(() => Promise.all([import("../vpp/VppVswitch.ts"), import("../vpp/client/VppClient.ts")])),
    ([{ layer }, { VppClient }]) =>
      Layer.provide(
        within(Vswitch, layer(vppLegacyPorts), around.Vswitch),
        within(VppClient, VppClient.layer(path), around.VppClient)
      )
  )

/** The service, in what stands around it. */
const within = <I, S, R, Also>(
  service: Context.Key<I, S>,
  own: Layer.Layer<I, never, R>,
  around: On<S, Also> | undefined
): Layer.Layer<I, never, R | Edges | Exclude<Also, Scope.Scope>> =>
  around === undefined ? own : Layer.provide(Layer.effect(service, around(service)), own)

/** Loaded when an attachment without a record of this plugin is searched. */
const ovsLegacyPorts = (client: OvsClient["Service"]) =>
  Effect.map(
    Effect.promise(() => import("../ovs/OvsLegacyPorts.ts")),
    ({ make }) => make(client)
  )

const vppLegacyPorts: LegacyPortsOf = (open, files) =>
  Effect.map(
    Effect.promise(() => import("../vpp/VppLegacyPorts.ts")),
    ({ make }) => make(open, files)
  )
