/**
 * One node under test: a private Open vSwitch, private directories, the executable and Debian's IPAM plugins in a CNI
 * binary directory, and the configuration that the tests vary. Everything is inside its own temporary directory.
 */
import { randomBytes } from "node:crypto"
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { Context, Effect, Layer, Schema, type Scope } from "effect"
import { executable, pluginDirectory } from "./Machine.ts"
import { type Options, OvsInstance } from "./OvsInstance.ts"
import * as Plugin from "./Plugin.ts"
import { ProgramError, type Stdin, start, succeed } from "./Program.ts"
import type * as World from "./World.ts"

/** A runtime's parameters of a pod's interface. */
export interface Sandbox {
  readonly containerId: string
  readonly netns: string
  readonly ifName: string
}

export interface More {
  readonly stdin?: Stdin
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Run in the mount namespace of this process. */
  readonly within?: number
  readonly cwd?: string
  readonly through?: ReadonlyArray<string>
}

export class CniNode extends Context.Service<
  CniNode,
  {
    readonly directory: string
    readonly sharedDir: string
    readonly stateDir: string
    readonly leases: string
    readonly plugins: string
    /** What a runtime executes. */
    readonly plugin: string
    readonly ovs: OvsInstance["Service"]
    readonly network: NetworkConfiguration
    /** A network namespace and a container id, for the scope. */
    readonly sandbox: Effect.Effect<Sandbox, ProgramError, Scope.Scope>
    readonly called: (verb: Plugin.Call["verb"], sandbox: Sandbox, network: object, more?: More) => Plugin.Call
    readonly call: (
      verb: Plugin.Call["verb"],
      sandbox: Sandbox,
      network: object,
      more?: More
    ) => Effect.Effect<Plugin.Answer, ProgramError | Plugin.StdoutBroken>
    readonly vsctl: (...args: ReadonlyArray<string>) => Effect.Effect<string, ProgramError>
    /** Name on the switch of the only interface whose marks contain this: a container's id. */
    readonly portMarked: (text: string) => Effect.Effect<string, ProgramError>
    /** Pid of a process with its own mount namespace, in which this shell script has run. */
    readonly privateMounts: (script: string) => Effect.Effect<number, ProgramError, Scope.Scope>
    readonly watched: World.Watched
  }
>()("userspace-cni/test/CniNode") {
  static readonly layer = Layer.suspend(() => onSwitch(OvsInstance.layer))
  /** The executable and the client in C are where `userspace install` puts them. */
  static readonly installed = Layer.suspend(() => onSwitch(OvsInstance.layer, true))
  static readonly layerWith = (options: Options) => Layer.suspend(() => onSwitch(OvsInstance.layerWith(options)))
}

const onSwitch = <E>(ovs: Layer.Layer<OvsInstance, E>, isInstalled = false) =>
  Layer.provide(
    Layer.effect(
      CniNode,
      Effect.suspend(() => make(isInstalled))
    ),
    ovs
  )

const configuration = (directory: string, database: string) => ({
  cniVersion: "1.0.0",
  type: "userspace",
  name: "e2e",
  sharedDir: `${directory}/shared`,
  stateDir: `${directory}/state`,
  host: {
    engine: "ovs-dpdk",
    iftype: "vhostuser",
    netType: "bridge",
    socket: database,
    vhost: { mode: "client" },
    bridge: { bridgeName: "br-e2e" }
  },
  ipam: {
    type: "host-local",
    dataDir: `${directory}/leases`,
    ranges: [[{ subnet: "10.56.0.0/24", gateway: "10.56.0.1" }]],
    routes: [{ dst: "0.0.0.0/0" }]
  }
})
export type NetworkConfiguration = ReturnType<typeof configuration>

/** `<sharedDir>/<id12>/<id12>-<ifname>`, in the form of runtime and application. */
export const socketOf = (directory: string, { containerId, ifName }: Sandbox): string =>
  `${directory}/${containerId.slice(0, 12)}/${containerId.slice(0, 12)}-${ifName}`

export const newContainerId = (): string => randomBytes(32).toString("hex")

const Interfaces = Schema.decodeUnknownEffect(
  Schema.fromJsonString(Schema.Struct({ data: Schema.Array(Schema.Tuple([Schema.String, Schema.Json])) }))
)

/** A sleeping process holds a namespace, which is removed completely when the process ends. */
const asleep = Effect.fnUntraced(function* (...unshare: ReadonlyArray<string>) {
  const holder = yield* start("unshare", unshare)
  yield* succeed("sh", ["-c", `until [ "$(cat /proc/${holder.pid}/comm)" = sleep ]; do sleep 0.01; done`])
  return holder.pid
})

/** A network namespace and a container id, for the scope. */
export const sandbox = Effect.map(asleep("--net", "sleep", "infinity"), (pid) => ({
  containerId: newContainerId(),
  netns: `/proc/${pid}/ns/net`,
  ifName: "net1"
}))

const make = Effect.fnUntraced(function* (isInstalled: boolean) {
  const ovs = yield* OvsInstance
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(`${tmpdir()}/cni-`)),
    // ovs-vswitchd, which lives longer, may still make the sockets of ports.
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true, maxRetries: 20 }))
  )
  // Containers without root must be able to enter it.
  chmodSync(directory, 0o755)
  const plugins = `${directory}/bin`
  for (const name of ["shared", "state", "leases", "bin", "logs"]) mkdirSync(`${directory}/${name}`)
  for (const name of ["host-local", "loopback"]) symlinkSync(`${pluginDirectory}/${name}`, `${plugins}/${name}`)
  const plugin = isInstalled ? `${plugins}/userspace` : executable
  if (isInstalled) yield* succeed(executable, ["install", "--cni-bin-dir", plugins])
  else symlinkSync(executable, `${plugins}/userspace`)

  const called = (verb: Plugin.Call["verb"], of: Sandbox, network: object, more: More = {}): Plugin.Call => ({
    plugin,
    ...(more.within === undefined ? {} : { within: more.within }),
    ...(more.cwd === undefined ? {} : { cwd: more.cwd }),
    ...(more.through === undefined ? {} : { through: more.through }),
    verb,
    ...of,
    path: plugins,
    stdin: more.stdin ?? JSON.stringify(network),
    environment: { HOME: "/root", ...more.environment }
  })

  const portMarked = Effect.fn("CniNode.portMarked")(function* (text: string) {
    const listed = yield* ovs.vsctl("-f", "json", "--columns=name,external_ids", "list", "Interface")
    const { data } = yield* Effect.orDie(Interfaces(listed))
    const [found, ...others] = data.filter(([, marks]) => JSON.stringify(marks).includes(text))
    return found !== undefined && others.length === 0
      ? found[0]
      : yield* new ProgramError({ program: "ovs-vsctl", problem: `not one interface is marked ${text}: ${listed}` })
  })

  return CniNode.of({
    directory,
    sharedDir: `${directory}/shared`,
    stateDir: `${directory}/state`,
    leases: `${directory}/leases`,
    plugins,
    plugin,
    ovs,
    network: configuration(directory, ovs.socket),
    sandbox,
    called,
    call: (verb, of, network, more) => Plugin.call(called(verb, of, network, more)),
    vsctl: ovs.vsctl,
    portMarked,
    privateMounts: (script) => asleep("--mount", "sh", "-c", `${script} && exec sleep infinity`),
    watched: {
      database: ovs.socket,
      directories: [`${directory}/shared`, `${directory}/state`, ovs.runDir],
      leases: `${directory}/leases`,
      mark: plugins
    }
  })
})
