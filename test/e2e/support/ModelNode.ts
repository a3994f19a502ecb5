/**
 * A node for the model of attachments (`test/suites/AttachmentModel.ts`): each call is a process of the executable,
 * several at a time, on a switch that is restarted meanwhile.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { isDeepStrictEqual } from "node:util"
import { assert } from "@effect/vitest"
import { Effect, Semaphore } from "effect"
import type { Identity } from "../../../src/identity/Attachment.ts"
import { type Ended, type NodeUnderTest, nameOf } from "../../suites/AttachmentModel.ts"
import { lastSeen, type NotThere, until } from "../../support/Until.ts"
import type { Sandbox } from "./CniNode.ts"
import { executable, pluginDirectory } from "./Machine.ts"
import * as Plugin from "./Plugin.ts"
import { type ProgramError, run, succeed } from "./Program.ts"
import { leasesIn } from "./World.ts"

/** The parts that depend on the switch. */
export interface Ground<E> {
  /** Contains `shared`, `state` and `leases`. */
  readonly directory: string
  readonly called: (verb: Plugin.Verb, sandbox: Sandbox, conf: object) => Plugin.Call
  /** The model's networks, without the addresses. */
  readonly networks: Readonly<Record<string, object>>
  /** Of each port that is ours, the text that identifies its attachment. */
  readonly ports: Effect.Effect<ReadonlyArray<string>, E>
  readonly isOf: (port: string, who: Identity) => boolean
  readonly everything: Effect.Effect<unknown, E>
  readonly restart: Effect.Effect<void, E>
  readonly forgets: boolean
  readonly ages: (who: Identity) => boolean
}

/** Number of calls. */
export interface Done {
  sequences: number
  calls: number
  restarts: number
  losses: number
}

type Failed = ProgramError | NotThere | Plugin.StdoutBroken

/**
 * Debian's host-local knows versions up to 1.0.0, and GC exists since 1.1.0: without its record, an address is released
 * in the version of the GC. Later releases of host-local know it, so this one is wrapped to accept it.
 */
const speaking = (directory: string): string => {
  const plugins = `${directory}/bin-that-speaks`
  if (!existsSync(plugins)) {
    mkdirSync(plugins)
    const translated = `sed 's/"cniVersion":"1.1.0"/"cniVersion":"1.0.0"/' | ${pluginDirectory}/host-local`
    writeFileSync(`${plugins}/host-local`, `#!/bin/sh\n${translated}\n`)
    chmodSync(`${plugins}/host-local`, 0o755)
  }
  return plugins
}

const ipam = (directory: string) => ({
  type: "host-local",
  dataDir: `${directory}/leases`,
  ranges: [[{ subnet: "10.58.0.0/24" }], [{ subnet: "fd58::/64" }]],
  routes: [{ dst: "0.0.0.0/0" }]
})

const nobody: Sandbox = { containerId: "", netns: "", ifName: "" }

/** An error must be one document. */
const ended = (answer: Plugin.Answer): Effect.Effect<Ended> =>
  answer.status === 0
    ? Effect.succeed(undefined)
    : Effect.map(
        Effect.orDie(Plugin.errorOf(answer)),
        ({ code, details, msg }) => `${code}: ${msg} ${details ?? ""} ${answer.stderr}`
      )

/** Random numbers of the seed: from 0 to below 1. */
const numbers = (seed: number) => {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const filesBelow = (directory: string, name: RegExp): ReadonlyArray<string> =>
  existsSync(directory)
    ? readdirSync(directory, { recursive: true, encoding: "utf8" })
        .filter((path) => name.test(path))
        .map((path) => readFileSync(`${directory}/${path}`, "utf8"))
    : []

/** Removes what a failed sequence has left, without the plugin. */
export const emptied = (directory: string) =>
  Effect.sync(() => {
    for (const name of ["shared", "state", "leases"])
      for (const left of readdirSync(`${directory}/${name}`))
        rmSync(`${directory}/${name}/${left}`, { recursive: true, maxRetries: 20 })
  })

export const modelNode = Effect.fnUntraced(function* <E>(
  ground: Ground<E>,
  people: ReadonlyArray<Identity>,
  netns: string,
  seed: number,
  done: Done
): Effect.fn.Return<NodeUnderTest<E | Failed>> {
  const { directory, everything, forgets, ages } = ground
  const random = numbers(seed)
  const plugins = speaking(directory)
  /** Held while the switch is away. */
  const away = yield* Semaphore.make(1)
  const results = new Map<string, unknown>()
  let before: unknown

  const confOf = (network: string) => ({
    ...(ground.networks[network] ?? assert.fail(`no network ${network}`)),
    cniVersion: "1.1.0",
    name: network,
    ipam: ipam(directory)
  })
  const calls = Effect.fnUntraced(function* (verb: Plugin.Verb, sandbox: Sandbox, conf: object) {
    done.calls++
    const answer = yield* Plugin.call({ ...ground.called(verb, sandbox, conf), path: plugins })
    // A caller that is told that the switch is away asks again when it is back.
    if (answer.status !== 0) yield* away.withPermit(Effect.void)
    return answer
  })
  /** At a random point of concurrent work, and to its end. */
  const blow = <A, E>(strike: Effect.Effect<A, E>) =>
    Effect.andThen(
      Effect.suspend(() => Effect.sleep(100 * random())),
      Effect.uninterruptible(strike)
    )
  const named = (texts: ReadonlyArray<string>, isOf: (text: string, who: Identity) => boolean) =>
    texts.flatMap((text) => people.filter((who) => isOf(text, who)).map(nameOf)).sort()
  const mentions = (text: string, who: Identity) => Object.values(who).every((part) => text.includes(`"${part}"`))

  /** Only one runs at a time on a machine; the others report that. */
  const restored = until(
    "the end of another restore",
    run(executable, ["restore", "--state-dir", `${directory}/state`]),
    ({ status, stderr }) => status === 0 || !stderr.includes("another restore is running"),
    { deadline: "2 minutes" }
  )

  return {
    people,
    call: Effect.fnUntraced(function* (verb, who) {
      const { containerId, ifName, network } = who
      const prevResult = verb === "ADD" ? undefined : results.get(nameOf(who))
      const answer = yield* calls(verb, { containerId, ifName, netns }, { ...confOf(network), prevResult })
      if (verb === "ADD" && answer.status === 0) results.set(nameOf(who), answer.document)
      return yield* ended(answer)
    }),
    gc: Effect.fnUntraced(function* (network, valid) {
      const list = valid.map(({ containerId, ifName }) => ({ containerID: containerId, ifname: ifName }))
      return yield* ended(yield* calls("GC", nobody, { ...confOf(network), "cni.dev/valid-attachments": list }))
    }),
    restore: Effect.map(restored, (outcome) => {
      done.calls++
      Plugin.well(outcome)
    }),
    restart: blow(
      Effect.suspend(() => {
        done.restarts++
        return away.withPermit(ground.restart)
      })
    ),
    loseRecords: blow(
      Effect.suspend(() => {
        done.losses++
        return succeed("rm", ["-rf", `${directory}/state/attachments`])
      })
    ).pipe(Effect.asVoid),
    look: Effect.gen(function* () {
      const leases = yield* leasesIn(`${directory}/leases`)
      return {
        ports: named(yield* ground.ports, ground.isOf),
        leases: named(
          leases,
          (lease, { containerId, ifName, network }) =>
            lease.startsWith(`${network}/`) && lease.endsWith(` ${containerId} ${ifName}`)
        ),
        records: named(filesBelow(`${directory}/state/attachments`, /^[^/]+\.json$/), mentions),
        told: named(filesBelow(`${directory}/shared`, /configData-[^/]*\.json$/), mentions)
      }
    }),
    // A switch removes objects with a delay.
    everything: Effect.suspend(() =>
      before === undefined
        ? Effect.map(everything, (world) => {
            before = world
            return world
          })
        : lastSeen(everything, (world) => isDeepStrictEqual(world, before))
    ),
    addresses: 2,
    forgets,
    ages
  }
})
