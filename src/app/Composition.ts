/**
 * Composition of the services, down to the edges. There is only one, for calls, commands, dry runs, the demonstration,
 * faults and tests; they differ in the edges. Services are created for each use and never memoized: two switches of one
 * kind in a process must not share one. A switch's code is loaded with the first use of its kind.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { Records } from "../attachment/records/Records.ts"
import type { Control } from "../cni/network/HostPort.ts"
import { ContainerConfig } from "../container-config/ContainerConfig.ts"
import { containerConfigFor } from "../container-config/ContainerConfigs.ts"
import { Ipam } from "../ipam/Ipam.ts"
import type { OvsClient } from "../ovs/client/OvsClient.ts"
import type { Edges, On } from "../platform/Edges.ts"
import { SharedDir } from "../shared-dir/SharedDir.ts"
import type { VppClient } from "../vpp/client/VppClient.ts"
import type { LegacyPortsOf } from "../vpp/VppVswitch.ts"
import type { Mirrors } from "../vswitch/Mirrors.ts"
import type { View } from "../vswitch/View.ts"
import { type EngineLayer, Vswitch } from "../vswitch/Vswitch.ts"
import type { Watch } from "../vswitch/Watch.ts"
import type { Choices } from "./Verbs.ts"

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

/**
 * Connections that a process keeps between calls: the switch at this control socket, until the scope closes. Undefined:
 * each call has its own.
 */
export const KeptSwitches = Context.Reference<
  ((control: Control) => Effect.Effect<Vswitch["Service"], never, Scope.Scope>) | undefined
>("userspace-cni/KeptSwitches", { defaultValue: () => undefined })

/** Returns the kept switch at this control socket, or a new one. */
export const engineFor = (control: Control, around: Around = {}): EngineLayer =>
  Layer.effect(
    Vswitch,
    Effect.flatMap(KeptSwitches, (kept) => (kept === undefined ? newSwitch(control, around) : kept(control)))
  )

/** Creates a switch that shares nothing with others. */
export const newSwitch = (
  control: Control,
  around: Around = {}
): Effect.Effect<Vswitch["Service"], never, Edges | Scope.Scope> =>
  control.engine === "vpp"
    ? Effect.flatMap(
        Effect.promise(() => import("../vpp/VppVswitch.ts")),
        ({ engine }) => engine(control.control, around, vppLegacyPorts)
      )
    : Effect.flatMap(
        Effect.promise(() => import("../ovs/OvsVswitch.ts")),
        ({ engine }) => engine(control.control, around, ovsLegacyPorts)
      )

/** Loaded when an attachment without a record of this plugin is searched. */
const ovsLegacyPorts = (client: OvsClient["Service"]) =>
  Effect.map(
    Effect.promise(() => import("../legacy/OvsLegacyPorts.ts")),
    ({ make }) => make(client)
  )

const vppLegacyPorts: LegacyPortsOf = (open, files) =>
  Effect.map(
    Effect.promise(() => import("../legacy/VppLegacyPorts.ts")),
    ({ make }) => make(open, files)
  )

/** Watches the same switch. */
export const watchFor =
  ({ control, engine }: Control): Watch =>
  (tell) =>
    Effect.flatMap(
      Effect.promise(() => (engine === "vpp" ? import("../vpp/VppWatch.ts") : import("../ovs/OvsWatch.ts"))),
      ({ watch }) => watch(control)(tell)
    )

/** The same switch, as `doctor` looks at it. */
export const viewOf = ({ control, engine }: Control): View =>
  Effect.flatMap(
    Effect.promise(
      (): Promise<{ readonly view: (path: string) => View }> =>
        engine === "vpp" ? import("../vpp/VppView.ts") : import("../ovs/OvsView.ts")
    ),
    ({ view }) => view(control)
  )

/** What captures do on the same switch. */
export const mirrorsFor = ({ control, engine }: Control): Effect.Effect<Mirrors, never, Edges | Scope.Scope> =>
  engine === "vpp"
    ? Effect.flatMap(
        Effect.promise(() => import("../vpp/VppMirrors.ts")),
        ({ make }) => make(control)
      )
    : Effect.flatMap(
        Effect.promise(() => import("../ovs/OvsMirrors.ts")),
        ({ make }) => make(control)
      )

export const choicesFor = (around: Around = {}): Choices<Control> => {
  const { ContainerConfig: handed } = around
  return {
    engine: (control) => engineFor(control, around),
    containerConfig:
      handed === undefined
        ? containerConfigFor
        : (call) => Layer.provide(Layer.effect(ContainerConfig, handed(ContainerConfig)), containerConfigFor(call))
  }
}

/** Runs on the services that do not belong to a switch, with records below `stateDir`. */
export const onServices =
  (
    stateDir: string,
    { Ipam: ipam = identity, Records: records = identity, SharedDir: sharedDir = identity }: Around = {}
  ) =>
  <A, E, R>(self: Effect.Effect<A, E, R>) =>
    self.pipe(
      Effect.provideServiceEffect(Records, records(Records.make(stateDir))),
      Effect.provideServiceEffect(SharedDir, sharedDir(SharedDir.make)),
      Effect.provideServiceEffect(Ipam, ipam(Ipam.make))
    )
