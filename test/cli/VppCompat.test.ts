/** `userspace vpp-compat` on VPPs of three releases, on one that lacks something, and without VPP. */
import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Layer } from "effect"
import { TestConsole } from "effect/testing"
import { commandLine } from "../../src/cli/CommandLine.ts"
import { Files } from "../../src/platform/Files.ts"
import { Https } from "../../src/platform/Https.ts"
import { Namespaces } from "../../src/platform/Namespaces.ts"
import * as NodeProcesses from "../platform/support/node/NodeProcesses.ts"
import * as NodeSlots from "../platform/support/node/NodeSlots.ts"
import * as NodeSockets from "../platform/support/node/NodeSockets.ts"
import { withPolicers } from "../vpp/server/Policers.ts"
import type { Release } from "../vpp/server/Release.ts"
import { type Options, start } from "../vpp/server/VppServer.ts"
import { temporaryDirectory } from "../vpp/support/TestVpp.ts"

const edges = Layer.mergeAll(
  Files.layer,
  NodeSlots.layer,
  NodeSockets.layer,
  NodeProcesses.layer,
  Namespaces.layer,
  Layer.succeed(Https, Https.of({ send: ({ url }) => Effect.die(new Error(url)) }))
)

const compat = Effect.fnUntraced(function* (path: string, ...more: ReadonlyArray<string>) {
  return yield* Effect.gen(function* () {
    const exit = yield* Effect.exit(commandLine(["vpp-compat", "--socket", path, ...more], {}))
    return {
      well: Exit.isSuccess(exit),
      stdout: (yield* TestConsole.logLines).join("\n"),
      stderr: (yield* TestConsole.errorLines).join("\n")
    }
  }).pipe(Effect.provide([Layer.fresh(TestConsole.layer), NodeServices.layer, edges]))
})

const running = Effect.fnUntraced(function* (release: Release, table?: NonNullable<Options["table"]>) {
  const path = `${yield* temporaryDirectory}/api.sock`
  return yield* start({ path, release, ...(table === undefined ? {} : { table }) })
})

const without = (pattern: RegExp) => (names: ReadonlyMap<number, string>) =>
  new Map([...names].filter(([, name]) => !pattern.test(name)))

/** Cells of the line of a message. */
const cells = (stdout: string, message: string) =>
  stdout
    .split("\n")
    .map((line) => line.split(/ {2,}/))
    .find(([name]) => name === message)
    ?.slice(1)

const releases: ReadonlyArray<readonly [Release, boolean]> = [
  ["21.10", false],
  ["23.02", false],
  ["26.06", true]
]

it.live.each(releases)("VPP %s supports everything; of two messages the used one is named", ([release, dma]) =>
  Effect.gen(function* () {
    const server = yield* running(release)
    const { path } = server
    const { stderr, stdout, well } = yield* compat(path)
    assert.isTrue(well, stderr)
    assert.match(stdout, new RegExp(`^VPP ${release}-release at ${path}\n`))
    assert.deepStrictEqual(
      cells(stdout, "memif_create_v2"),
      dma ? ["8c7de5f7", "8c7de5f7", "ok", "preferred: used"] : ["8c7de5f7", "-", "missing", "preferred: not used"]
    )
    assert.strictEqual(cells(stdout, "memif_create")?.[3], dma ? "fallback: not used" : "fallback: used")
    assert.strictEqual(cells(stdout, "memif_create_reply")?.[3], dma ? "fallback: not used" : "fallback: used")
    assert.deepStrictEqual(cells(stdout, "control_ping"), ["51077d14", "51077d14", "ok"])
    assert.deepStrictEqual(cells(stdout, "ADD, CHECK of memif, netType bridge"), ["served"])
    assert.notInclude(stdout, "not served")
    assert.deepStrictEqual([server.mistakes, server.polite, server.rude], [[], 1, 0])
  })
)

it.live("a plugin that is not loaded is reported with what needs it, and sets the exit status", () =>
  Effect.gen(function* () {
    const { path } = yield* running("26.06", without(/vhost/))
    const { stderr, stdout, well } = yield* compat(path)
    assert.isFalse(well)
    assert.deepStrictEqual(cells(stdout, "create_vhost_user_if_v2"), ["dba1cc1d", "-", "plugin not loaded"])
    assert.deepStrictEqual(cells(stdout, "ADD, CHECK of memif, netType bridge"), ["served"])
    assert.include(stderr, "ADD, CHECK of vhostuser, netType none: plugin vhost, which has")
    assert.include(stderr, "  -> ")
  })
)

it.live("distinguishes another CRC from a missing message, also in JSON", () =>
  Effect.gen(function* () {
    const changed = (names: ReadonlyMap<number, string>) =>
      new Map(
        [...without(/^hw_interface_set_mtu_e/)(names)].map(([id, name]) => [
          id,
          name.replace(/^(sw_interface_set_flags)_f5aec1b8$/, "$1_deadbeef")
        ])
      )
    const { path } = yield* running("26.06", changed)
    const { stdout, well } = yield* compat(path, "--json")
    assert.isFalse(well)
    const { messages, works } = JSON.parse(stdout)
    const of = (name: string) => messages.find(({ message }: { message: string }) => message === name)
    assert.deepStrictEqual(of("sw_interface_set_flags"), {
      message: "sw_interface_set_flags",
      wanted: "f5aec1b8",
      offered: "deadbeef",
      verdict: "other CRC",
      use: null
    })
    assert.strictEqual(of("hw_interface_set_mtu").verdict, "missing")
    const done = works.find(({ work }: { work: string }) => work === "DEL")
    assert.deepStrictEqual(done, { work: "DEL", missing: null, optional: false })
  })
)

const limits: ReadonlyArray<readonly [Release, NonNullable<Options["table"]>, ReadonlyArray<RegExp>]> = [
  [
    "21.10",
    (names) => names,
    [/^served$/, /message policer_output is not available/, /message policer_output is not available/]
  ],
  ["23.02", (names) => names, [/^served$/, /in a bridge domain it needs VPP 26\.06 or later/, /^served$/]],
  [
    "26.06",
    (names) => names,
    [/message policer_add_del is not available \(.*policer_plugin\.so/, /policer_add_del/, /policer_add_del/]
  ],
  ["26.06", withPolicers, [/^served$/, /^served$/, /^served$/]]
]

it.live.each(limits)(
  "VPP %s: which limits work, and why others do not, which is no failure",
  ([release, table, said]) =>
    Effect.gen(function* () {
      const { path } = yield* running(release, table)
      const { stdout, well } = yield* compat(path)
      assert.isTrue(well)
      const works = ["egressRate, netType bridge", "ingressRate, netType bridge", "ingressRate, netType interface"]
      for (const [n, work] of works.entries()) {
        assert.match(cells(stdout, `bandwidth, ${work}`)?.join() ?? "", said[n] ?? assert.fail(), work)
      }
    })
)

it.live("a VPP that is not there is reported in three parts", () =>
  Effect.gen(function* () {
    const { stderr, stdout, well } = yield* compat("/nowhere/api.sock")
    assert.isFalse(well)
    assert.strictEqual(stdout, "")
    assert.strictEqual(
      stderr,
      `userspace: cannot compare with VPP at /nowhere/api.sock
  cannot connect to /nowhere/api.sock: ENOENT
  -> Check that VPP runs on this node, that /nowhere/api.sock is its API socket (--socket; socksvr in VPP's startup.conf), and that the plugin may write to it.`
    )
  })
)
