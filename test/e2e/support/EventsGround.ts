/** What the suite of events needs of a switch: Open vSwitch with testpmd, the VPP in TypeScript, and real VPPs. */
import { mkdirSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, type Scope } from "effect"
import type { Pod } from "../../../src/identity/Attachment.ts"
import { all } from "../../../src/vpp/interfaces/Interfaces.ts"
import { linkUp, setMtu } from "../../../src/vpp/messages/Interface.ts"
import { type ApiServer, allRights, apiServer, eventsRight } from "../../kubernetes/support/ApiServer.ts"
import { kubeconfigText } from "../../kubernetes/support/KubeconfigText.ts"
import { podOn, withEverything } from "../../kubernetes/support/ServerUnderTest.ts"
import { podJson } from "../../kubernetes/support/TestPod.ts"
import { VppUnderTest, withSession } from "../../suites/VppUnderTest.ts"
import { CniNode, type Sandbox } from "./CniNode.ts"
import * as Multus from "./Multus.ts"
import * as Plugin from "./Plugin.ts"
import { podAt } from "./PodVpp.ts"
import type { ProgramError } from "./Program.ts"
import * as Testpmd from "./Testpmd.ts"
import { type OnVpp, onReal, onTypeScript, VppCniNode, VppInTypeScript } from "./VppCniNode.ts"

/** A pod with a volume, and its sandbox. */
export interface InPod {
  readonly pod: Pod
  readonly sandbox: Sandbox
  readonly volume: string
}

type Doing<A = unknown> = Effect.Effect<A, unknown, Scope.Scope>

export class EventsGround extends Context.Service<
  EventsGround,
  {
    readonly engine: string
    readonly directory: string
    /** Without an API server and a shared directory. */
    readonly network: object
    readonly sandbox: Effect.Effect<Sandbox, ProgramError, Scope.Scope>
    readonly called: (verb: Plugin.Verb, sandbox: Sandbox, conf: object) => Plugin.Call
    /** Name of its port on the switch. */
    readonly portOf: (sandbox: Sandbox) => Effect.Effect<string, unknown>
    /** An application that connects to the port, until the scope ends. */
    readonly application: (of: InPod) => Doing
    /** By an administrator; returns how an event says it. */
    readonly change: (port: string) => Doing<string>
    /** The switch loses the port. */
    readonly lose: (port: string) => Doing
  }
>()("userspace-cni/test/EventsGround") {}

export const onOvs = Layer.effect(
  EventsGround,
  Effect.gen(function* () {
    const { called, directory, network, portMarked, sandbox, vsctl } = yield* CniNode
    const { sharedDir: _, ...shared } = network
    return EventsGround.of({
      engine: "ovs-dpdk",
      directory,
      network: shared,
      sandbox,
      called,
      portOf: ({ containerId }) => portMarked(containerId),
      application: ({ sandbox: { containerId }, volume }) => {
        const name = `ev${containerId.slice(0, 6)}`
        const socket = `${volume}/${containerId.slice(0, 12)}-net1`
        return Testpmd.run(
          name,
          directory,
          Testpmd.receiverArguments({ name, socket, mode: "server", mac: "02:00:00:00:0e:01" })
        )
      },
      change: (port) => Effect.as(vsctl("set", "Port", port, "tag=77"), `VLAN of port ${port} is 77, not none`),
      lose: (port) => vsctl("del-port", port)
    })
  })
).pipe(Layer.provide(CniNode.layer))

const indexOf = (port: string) =>
  Effect.map(
    withSession(all),
    (rows) => rows.find(({ interface_name }) => interface_name === port)?.sw_if_index ?? assert.fail(`no ${port}`)
  )

const mtu = 1400

const onVpp = (application: (of: InPod, port: string) => Doing) =>
  Layer.effect(
    EventsGround,
    Effect.gen(function* () {
      const { called, directory, network, sandbox } = yield* VppCniNode
      const underTest = yield* VppUnderTest
      const on = Effect.provideService(VppUnderTest, underTest)
      const { sharedDir: _, ...shared } = network({ netType: "bridge", bridge: { bridgeName: "44" }, mtu })
      const portOf = ({ containerId }: Sandbox) =>
        Effect.map(
          on(withSession(all)),
          (rows) =>
            rows.find(({ tag }) => tag.includes(containerId.slice(0, 12)))?.interface_name ??
            assert.fail(`no port of ${containerId}`)
        )
      return EventsGround.of({
        engine: "vpp",
        directory,
        network: shared,
        sandbox,
        called,
        portOf,
        application: (of) => Effect.flatMap(portOf(of.sandbox), (port) => application(of, port)),
        change: (port) =>
          on(
            Effect.gen(function* () {
              const sw_if_index = yield* indexOf(port)
              yield* withSession((session) => session.call(setMtu, { sw_if_index, mtu: [1300, 0, 0, 0] }))
              return `interface ${port}: MTU is 1300, not ${mtu}`
            })
          ),
        lose: () => underTest.restart
      })
    })
  )

/** It forwards no packets, and nobody can connect: its interface is told to be up. */
export const onModel: Layer.Layer<EventsGround, unknown> = Layer.unwrap(
  Effect.map(VppInTypeScript, ({ model }) =>
    onVpp((_, port) =>
      Effect.sync(() => {
        for (const { row } of model.interfaces.values())
          if (row.interface_name === port) Object.assign(row, { flags: row.flags | linkUp })
      })
    )
  )
).pipe(Layer.provide(onTypeScript))

export const onRealVpp = (prefix: string): Layer.Layer<EventsGround, unknown> =>
  onVpp(({ sandbox: { containerId }, volume }) =>
    podAt(prefix, `${volume}/memif-${containerId.slice(0, 12)}-net1.sock`, undefined)
  ).pipe(Layer.provide<never, unknown, OnVpp>(onReal(prefix)))

/** An API server, and a network whose pods it knows. */
export const cluster = Effect.gen(function* () {
  const { called, directory, network, sandbox } = yield* EventsGround
  const server: ApiServer = withEverything(yield* apiServer())
  server.roles.set("plugin", [...allRights, eventsRight])
  const kubeconfig = `${directory}/multus.kubeconfig`
  writeFileSync(kubeconfig, kubeconfigText({ server: server.url, token: "letmein" }), { mode: 0o600 })
  const conf = { ...network, kubeconfig }
  const call = (verb: Plugin.Verb, { pod, sandbox }: InPod) =>
    Plugin.call({ ...called(verb, sandbox, conf), args: Multus.cniArgs(sandbox, pod) })
  const added = Effect.gen(function* () {
    const own = yield* sandbox
    const name = `pod-${own.containerId.slice(0, 8)}`
    const volume = `${directory}/volumes/${name}`
    mkdirSync(volume, { recursive: true })
    const volumes = [{ name: "shared-dir", hostPath: { path: volume, type: "DirectoryOrCreate" } }]
    const made: InPod = { sandbox: own, volume, pod: podOn(server, "default", name, podJson({ volumes })) }
    Plugin.well(yield* call("ADD", made))
    return made
  })
  return { server, call, added }
})
