/** One node for executables of two releases: their calls, and what they leave, on any switch. */
import { assert } from "@effect/vitest"
import { Effect, Exit, Schema, type Scope } from "effect"
import { VppUnderTest } from "../../suites/VppUnderTest.ts"
import { CniNode, type Sandbox } from "./CniNode.ts"
import { before, executable } from "./Machine.ts"
import * as Plugin from "./Plugin.ts"
import { type ProgramError, run, succeed } from "./Program.ts"
import { restoredJson } from "./Restored.ts"
import { VppCniNode } from "./VppCniNode.ts"
import * as World from "./World.ts"

export const releases = { older: before, newer: executable } as const
export type Release = keyof typeof releases

export interface Switch {
  readonly conf: object
  readonly stateDir: string
  readonly sandbox: Effect.Effect<Sandbox, ProgramError, Scope.Scope>
  /** By the newer one. */
  readonly called: (verb: Plugin.Verb, of: Sandbox, conf: object) => Plugin.Call
  /** Reads all that an attachment may leave. Fails later, if it does not become the same again. */
  readonly remember: Effect.Effect<Effect.Effect<void>>
  /** The switch has lost the port. */
  readonly forget: Effect.Effect<void>
  /** Number of our ports, and the leases. */
  readonly there: Effect.Effect<{ readonly leases: ReadonlyArray<string>; readonly ports: number }>
  /** Flags of `userspace list`. */
  readonly listing: ReadonlyArray<string>
}

export const onOvs = (mode: "client" | "server"): Effect.Effect<Switch, never, CniNode> =>
  Effect.map(CniNode, ({ called, network, sandbox, stateDir, vsctl, watched }) => ({
    conf: { ...network, host: { ...network.host, vhost: { mode } } },
    stateDir,
    sandbox,
    called,
    remember: Effect.orDie(Effect.map(World.look(watched), (world) => Effect.orDie(World.returnsTo(watched, world)))),
    forget: Effect.orDie(Effect.asVoid(vsctl("del-br", network.host.bridge.bridgeName))),
    there: Effect.map(Effect.orDie(World.look(watched)), ({ leases, tables }) => ({
      leases,
      ports: Object.keys(tables).filter((row) => row.startsWith("Interface usp")).length
    })),
    listing: []
  }))

export const onVpp = (
  host: Readonly<Record<string, unknown>>
): Effect.Effect<Switch, never, VppCniNode | VppUnderTest> =>
  Effect.gen(function* () {
    const { api, called, directory, look, network, returnsTo, sandbox } = yield* VppCniNode
    const { restart } = yield* VppUnderTest
    return {
      conf: network(host),
      stateDir: `${directory}/state`,
      sandbox,
      called,
      remember: Effect.orDie(Effect.map(look, (world) => Effect.orDie(returnsTo(world)))),
      forget: restart,
      there: Effect.map(Effect.orDie(look), ({ leases, vpp }) => ({
        leases,
        ports: vpp.filter((line) => /^interface \S+ userspace\//.test(line)).length
      })),
      listing: ["--vpp-socket", api]
    }
  })

const Listing = Schema.decodeUnknownEffect(
  Schema.fromJsonString(
    Schema.Struct({
      attachments: Schema.Array(
        Schema.Struct({
          containerId: Schema.String,
          ifName: Schema.NullOr(Schema.String),
          network: Schema.NullOr(Schema.String),
          recorded: Schema.Boolean,
          sandbox: Schema.String,
          state: Schema.String
        })
      )
    })
  )
)

const nobody: Sandbox = { containerId: "", netns: "", ifName: "" }

/** The same node for executables of both releases. A failed test leaves nothing to the next. */
export const node = <R>(on: Effect.Effect<Switch, never, R>) =>
  Effect.tap(Effect.map(on, callsOn), ({ gc }) =>
    Effect.addFinalizer((exit) => (Exit.isFailure(exit) ? Effect.ignore(gc("newer", [])) : Effect.void))
  )

const callsOn = (made: Switch) => {
  const called = (release: Release, verb: Plugin.Verb, of: Sandbox, conf = made.conf): Plugin.Call => ({
    ...made.called(verb, of, conf),
    plugin: releases[release]
  })
  const call = (release: Release, verb: Plugin.Verb, of: Sandbox, conf?: object) =>
    Plugin.call(called(release, verb, of, conf))
  const succeeds = (...[release, verb, of, conf]: Parameters<typeof call>) =>
    Effect.tap(call(release, verb, of, conf), (answer) => Effect.sync(() => Plugin.well(answer)))
  return {
    ...made,
    called,
    call,
    succeeds,
    /** Returns the configuration for its CHECK. */
    add: (release: Release, of: Sandbox) =>
      Effect.map(succeeds(release, "ADD", of), ({ document }) => ({ ...made.conf, prevResult: document })),
    gc: (release: Release, valid: ReadonlyArray<Sandbox>) => {
      const list = valid.map(({ containerId, ifName }) => ({ containerID: containerId, ifname: ifName }))
      const conf = { ...made.conf, cniVersion: "1.1.0", "cni.dev/valid-attachments": list }
      return succeeds(release, "GC", nobody, conf)
    },
    list: (release: Release) =>
      succeed(releases[release], ["list", "--json", "--state-dir", made.stateDir, ...made.listing]).pipe(
        Effect.flatMap(Listing),
        Effect.map(({ attachments }) => attachments)
      ),
    /** The outcome for the only attachment. */
    restore: Effect.fnUntraced(function* (release: Release) {
      const said = yield* run(releases[release], ["restore", "--json", "--state-dir", made.stateDir])
      Plugin.well(said)
      const [one, ...others] = restoredJson(said.stdout)
      assert.deepStrictEqual(others, [])
      return one?.outcome
    })
  }
}
