/** A VPP under a node: a real one, or the model in TypeScript, with the same wire protocol. */
import { Effect, type Scope } from "effect"
import * as Interfaces from "../../../src/vpp/interfaces/Interfaces.ts"
import * as Bridging from "../../../src/vpp/messages/BridgeDomain.ts"
import { every } from "../../../src/vpp/messages/Control.ts"
import { routeDump } from "../../../src/vpp/messages/Ip.ts"
import type { ProgramError } from "../../e2e/support/Program.ts"
import { instance } from "../../e2e/support/VppInstance.ts"
import { VppUnderTest, withSession } from "../../suites/VppUnderTest.ts"
import { start } from "../../vpp/server/VppServer.ts"
import type { Blow, Ground, Seen } from "./Ground.ts"
import * as Node from "./Node.ts"

export interface Options extends Node.Options {
  /** `host` besides engine and socket. */
  readonly host: object
  /** A bridge domain that is an administrator's. */
  readonly domain?: number
  /** Path of a real VPP; without it, the model in TypeScript. */
  readonly prefix?: string
}

/** The names of its faults. */
export const blows = ["VPP killed", "VPP restarted"] as const

/** A VPP that can be killed and started. */
interface Running {
  readonly api: string
  readonly directory: string
  /** Requests that a client must never send, and did. */
  readonly mistakes: () => Seen
  readonly kill: Effect.Effect<void>
  readonly start: Effect.Effect<void>
}

const real = Effect.fnUntraced(function* (prefix: string) {
  const vpp = yield* instance(prefix)
  const running: Running = {
    api: vpp.api,
    directory: `${vpp.directory}/run`,
    mistakes: () => ({}),
    kill: vpp.kill,
    start: Effect.orDie(vpp.start)
  }
  return running
})

const inTypeScript = Effect.gen(function* () {
  const directory = yield* Node.temporary("/tmp/vpp-")
  const server = yield* start({ path: `${directory}/api.sock` })
  const running: Running = {
    api: server.path,
    directory,
    mistakes: () => ({ "mistakes of VPP's clients": server.mistakes.join(", ") }),
    kill: Effect.promise(() => server.kill()),
    start: Effect.promise(() => server.restart())
  }
  return running
})

/** VPP's whole state, except for statistics. */
const seen = withSession(
  Effect.fnUntraced(function* (session) {
    const interfaces = yield* Interfaces.all(session)
    const sockets = yield* Interfaces.memifSockets(session)
    const domains = yield* session.dump(Bridging.bridgeDomainDump, { bd_id: every, sw_if_index: every })
    const routes = yield* Effect.forEach([false, true], (is_ip6) =>
      session.dump(routeDump, { table: { table_id: 0, is_ip6, name: "" } })
    )
    const found: Record<string, string> = {}
    for (const one of interfaces) found[`interface ${one.interface_name}`] = JSON.stringify(one)
    for (const [id, path] of sockets) found[`memif socket ${id}`] = path
    for (const domain of domains) found[`bridge domain ${domain.bd_id}`] = JSON.stringify(domain)
    for (const { route } of routes.flat()) found[`route ${route.prefix}`] = JSON.stringify(route)
    return found
  })
)

const administered = (domain: number) =>
  withSession((session) =>
    session.call(Bridging.addDelV2, {
      bd_id: domain,
      flood: true,
      uu_flood: true,
      forward: true,
      learn: true,
      arp_term: false,
      arp_ufwd: false,
      mac_age: 0,
      bd_tag: "an administrator's",
      is_add: true
    })
  )

export const make = Effect.fn("VppGround.make")(function* ({
  domain,
  host,
  prefix,
  ...options
}: Options): Effect.fn.Return<Ground, ProgramError, Scope.Scope> {
  const vpp = yield* prefix === undefined ? inTypeScript : real(prefix)
  const underTest = { path: vpp.api, release: "", restart: Effect.void }
  const asked = <A>(self: Effect.Effect<A, unknown, VppUnderTest>): Effect.Effect<A> =>
    Effect.orDie(Effect.provideService(self, VppUnderTest, underTest))
  const setUp = domain === undefined ? Effect.void : Effect.asVoid(asked(administered(domain)))
  yield* setUp

  let lives = true
  const kill = Effect.andThen(
    vpp.kill,
    Effect.sync(() => {
      lives = false
    })
  )
  const startAgain = Effect.gen(function* () {
    yield* vpp.start
    lives = true
    yield* setUp
  })
  const blow = (name: (typeof blows)[number], strike: Effect.Effect<void>, deaf: boolean): Blow => ({
    name,
    strike,
    deaf
  })

  return yield* Node.make(
    {
      host: { engine: "vpp", socket: vpp.api, ...host },
      directory: vpp.directory,
      seen: () => Effect.map(asked(seen), (found) => ({ ...found, ...vpp.mistakes() })),
      blows: [blow("VPP killed", kill, true), blow("VPP restarted", Effect.andThen(kill, startAgain), false)],
      mend: Effect.suspend(() => (lives ? Effect.void : startAgain))
    },
    options
  )
})
