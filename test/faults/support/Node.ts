/**
 * The node of a campaign without its switch: directories, IPAM plugin, sandbox, optionally an API server with the pod;
 * and the calls. Always the same attachment.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { createConnection, createServer, type Socket } from "node:net"
import { Effect, Schema, type Scope, Semaphore } from "effect"
import * as CniNode from "../../e2e/support/CniNode.ts"
import { pluginDirectory } from "../../e2e/support/Machine.ts"
import type * as Plugin from "../../e2e/support/Plugin.ts"
import type { ProgramError } from "../../e2e/support/Program.ts"
import { filesIn, leasesIn, mounts, processes } from "../../e2e/support/World.ts"
import { untilTrue } from "../../support/Until.ts"
import { type Order, Traced, type Wrong } from "../process/Order.ts"
import type { Blow, Ground, How, Seen, Verb } from "./Ground.ts"
import * as Pod from "./Pod.ts"
import * as ThroughAgent from "./ThroughAgent.ts"
import { byProcess, type Wanted } from "./Ways.ts"

/** The switch of a node. */
interface Switch {
  /** `host` of the configuration. */
  readonly host: object
  /** Directories of files that it may leave. */
  readonly directory: string
  readonly seen: (configured: boolean) => Effect.Effect<Seen>
  readonly blows: ReadonlyArray<Blow>
  readonly mend: Effect.Effect<void>
}

export interface Options {
  /** Further members of the configuration; a directory of the node for those that need one. */
  readonly more?: (directory: string) => object
  /** False: no addresses. */
  readonly ipam?: boolean
  /** The network has a kubeconfig, and the pod a volume. */
  readonly kubernetes?: boolean
  /** Parent of the node's directory; a short path, because of sockets. */
  readonly below?: string
  /** Its calls are handed over to an agent, where the steps go wrong. */
  readonly throughAgent?: boolean
}

const attachment = { containerId: "0958c8871b32cafe0958c8871b32cafe", ifName: "net1" }

/** Files that ovs-vswitchd creates for itself, and leaves when it is killed. */
const daemons = /\.(pid|ctl|mgmt|snoop)$/

const decodeTrace = Schema.decodeUnknownSync(Schema.fromJsonString(Traced))

const lines = (text: string): ReadonlyArray<string> => text.split("\n").filter((line) => line !== "")

/** A directory for the scope. */
export const temporary = (prefix: string) =>
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(prefix)),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )

/**
 * A socket on which each line names a fault of the switch, which is executed before the connection is closed. Returns
 * an effect that waits until the faults of an ended call have begun: on a busy machine the call may have given up
 * before its request was read.
 */
const doorOf = Effect.fnUntraced(function* (path: string, blows: ReadonlyArray<Blow>) {
  const services = yield* Effect.context<never>()
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on("error", () => {})
    socket.on("close", () => open.delete(socket))
    socket.once("data", (line) => {
      const blow = blows.find(({ name }) => name === line.toString().trim())
      Effect.runForkWith(services)(blow?.strike ?? Effect.die(`no blow ${line}`)).addObserver(() => socket.destroy())
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(path, () => resume(Effect.void))),
    () => Effect.sync(() => server.close())
  )
  // Connections are accepted in order: when this one is, those of the call have been.
  const knock = Effect.callback<void>((resume) => {
    server.once("connection", () => resume(Effect.void))
    const socket = createConnection({ path }, () => socket.end())
  })
  const empty = untilTrue("the beginning of all faults", () => open.size === 0, { every: "1 millis" })
  return Effect.andThen(knock, Effect.orDie(empty))
})

export const make = Effect.fn("Node.make")(function* (
  { blows, directory: switchDirectory, host, mend, seen }: Switch,
  { below = "/tmp", ipam = true, kubernetes = false, more = () => ({}), throughAgent = false }: Options
): Effect.fn.Return<Ground, ProgramError, Scope.Scope> {
  const directory = yield* temporary(`${below}/flt-`)
  const [shared, state, devices, data, bin] = ["shared", "state", "dev", "leases", "bin"].map(
    (name) => `${directory}/${name}`
  )
  for (const name of ["shared", "state", "dev", "leases", "bin"]) mkdirSync(`${directory}/${name}`)
  symlinkSync(`${pluginDirectory}/host-local`, `${directory}/bin/host-local`)
  const { netns } = yield* CniNode.sandbox
  const trace = `${directory}/trace`
  const door = `${directory}/door`
  // A call may give up during the fault: the switch is repaired after the fault has ended.
  const one = Semaphore.makeUnsafe(1).withPermits(1)
  let striking = 0
  const counted = (strike: Effect.Effect<void>) =>
    Effect.suspend(() => {
      striking++
      return Effect.ensuring(
        one(strike),
        Effect.sync(() => {
          striking--
        })
      )
    })
  const pod = kubernetes ? yield* Pod.make(directory) : undefined
  const network = {
    cniVersion: "1.0.0",
    type: "userspace",
    name: "faults",
    ...(pod === undefined ? { sharedDir: shared } : { kubeconfig: pod.kubeconfig }),
    stateDir: state,
    host,
    ...(ipam
      ? { ipam: { type: "host-local", dataDir: data, ranges: [[{ subnet: "10.57.0.0/24", gateway: "10.57.0.1" }]] } }
      : {}),
    ...more(directory)
  }

  const called: Wanted["called"] = (verb, plugin, environment = {}): Plugin.Call => ({
    plugin,
    verb,
    ...attachment,
    netns,
    path: `${directory}/bin`,
    ...(pod === undefined ? {} : { args: pod.args }),
    stdin: JSON.stringify(network),
    environment
  })

  const look = Effect.fnUntraced(function* (configured: boolean) {
    const there: Record<string, string> = { ...(yield* seen(configured)), ...pod?.seen() }
    const directories = [shared, state, devices, switchDirectory].filter((path) => path !== undefined)
    for (const [path, what] of Object.entries(yield* filesIn(directories))) {
      if (!(configured && daemons.test(path))) there[`file ${path}`] = what
    }
    for (const path of yield* mounts([directory])) there[`mount ${path}`] = ""
    for (const lease of yield* leasesIn(data ?? "")) there[`lease ${lease}`] = ""
    for (const process of yield* processes(bin ?? "")) there[`process ${process}`] = ""
    return there
  })

  const places = [
    [`${directory}/`, ""],
    [`${switchDirectory}/`, ""]
  ] as const
  const orderFor: Wanted["orderFor"] = (wrong, { all = false, hurried = false }) => {
    writeFileSync(trace, "")
    const order: Order = { wrong, trace, door, hurried, places, all }
    return order
  }
  const traced = () => lines(readFileSync(trace, "utf8")).map((line) => decodeTrace(line))
  const wanted: Wanted = { directory, called, orderFor, traced }
  const way = throughAgent ? yield* ThroughAgent.make(wanted) : byProcess(wanted)
  const heard = yield* doorOf(door, [
    ...blows.map((blow) => ({ ...blow, strike: counted(blow.strike) })),
    ...way.strikes
  ])
  const order = (verb: Verb, wrong: ReadonlyArray<Wrong>, how: How) =>
    Effect.map(way.order(verb, wrong, how), (answer) => ({ ...answer, outran: striking > 0 }))

  return {
    look,
    call: (verb) => Effect.orDie(way.call(verb)),
    order: (verb, wrong, how) => Effect.orDie(order(verb, wrong, how)),
    blows,
    mend: Effect.andThen(heard, one(mend))
  }
})
