/**
 * Two Open vSwitches and two VPPs on one node, each with attachments of two networks, and the executable: operations on
 * several switches in one process use the right one for each. Real Open vSwitches; VPPs in TypeScript, and real ones.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { basename } from "node:path"
import { assert } from "@effect/vitest"
import { Effect, Exit, Schema, Scope } from "effect"
import type { VppError } from "../../src/vpp/client/VppError.ts"
import { look as lookAtVpp, VppUnderTest } from "../suites/VppUnderTest.ts"
import { start as startServer } from "../vpp/server/VppServer.ts"
import { CniNode, newContainerId, type Sandbox } from "./support/CniNode.ts"
import { executable, vppPrefixes } from "./support/Machine.ts"
import { instance as openVswitch } from "./support/OvsInstance.ts"
import { errorOf, well } from "./support/Plugin.ts"
import { type ProgramError, run } from "./support/Program.ts"
import { restoredJson } from "./support/Restored.ts"
import { onMachine } from "./support/Suite.ts"
import { instance as realVpp } from "./support/VppInstance.ts"
import { look } from "./support/World.ts"

interface Vpp {
  readonly api: string
  readonly restart: Effect.Effect<void>
}
type MakeVpp = Effect.Effect<Vpp, ProgramError, Scope.Scope>

const inTypeScript: MakeVpp = Effect.gen(function* () {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync("/tmp/vpp-")),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const server = yield* startServer({ path: `${directory}/api.sock` })
  return {
    api: server.path,
    restart: Effect.promise(() => server.kill()).pipe(Effect.andThen(Effect.promise(() => server.restart())))
  }
})

const real = (prefix: string): MakeVpp =>
  Effect.map(realVpp(prefix), ({ api, kill, start }) => ({ api, restart: Effect.andThen(kill, Effect.orDie(start)) }))

const names = ["ovs-a", "ovs-b", "vpp-a", "vpp-b"] as const
type Name = (typeof names)[number]

/** One attachment of a separate network; each switch has two. */
interface Attached {
  readonly on: Name
  readonly network: string
  readonly pod: Sandbox
  readonly result: unknown
  /** Ends its sandbox. */
  readonly leave: Effect.Effect<void>
}

const Listing = Schema.fromJsonString(
  Schema.Struct({
    attachments: Schema.Array(
      Schema.Struct({
        network: Schema.String,
        control: Schema.NullOr(Schema.String),
        port: Schema.NullOr(Schema.String),
        state: Schema.String
      })
    )
  })
)

const make = Effect.fnUntraced(function* (vpp: MakeVpp) {
  const node = yield* CniNode
  const second = yield* openVswitch()
  const vpps = { "vpp-a": yield* vpp, "vpp-b": yield* vpp }
  const control: Readonly<Record<Name, string>> = {
    "ovs-a": node.ovs.socket,
    "ovs-b": second.socket,
    "vpp-a": vpps["vpp-a"].api,
    "vpp-b": vpps["vpp-b"].api
  }
  const conf = (network: string, on: Name) => ({
    ...node.network,
    name: network,
    host: on.startsWith("ovs")
      ? { ...node.network.host, socket: control[on] }
      : {
          engine: "vpp",
          iftype: "memif",
          netType: "bridge",
          socket: control[on],
          memif: { role: "master" },
          bridge: { bridgeName: "4" }
        }
  })

  /** The state of a switch. */
  const knows = (on: Name): Effect.Effect<unknown, ProgramError | VppError> =>
    on.startsWith("ovs")
      ? Effect.map(look({ ...node.watched, database: control[on], directories: [] }), ({ tables }) => tables)
      : Effect.provideService(lookAtVpp, VppUnderTest, { path: control[on], release: "", restart: Effect.void })
  const allBut = (on?: Name) =>
    Effect.forEach(
      names.filter((name) => name !== on),
      knows
    )

  const add = Effect.fnUntraced(function* (network: string, on: Name) {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const pod = { ...(yield* Scope.provide(node.sandbox, scope)), containerId: newContainerId() }
    const added = yield* node.call("ADD", pod, conf(network, on))
    well(added)
    const attached: Attached = { on, network, pod, result: added.document, leave: Scope.close(scope, Exit.void) }
    return attached
  })
  const none = yield* allBut()
  const attachments = yield* Effect.forEach(
    names.flatMap((on) => [1, 2].map((number) => [`${on}-${number}`, on] as const)),
    ([network, on]) => add(network, on)
  )
  const of = (network: string) => attachments.find((one) => one.network === network) ?? assert.fail(network)

  const userspace = (...args: ReadonlyArray<string>) => run(executable, args)
  const list = Effect.gen(function* () {
    const { status, stderr, stdout } = yield* userspace("list", "--json", "--state-dir", node.stateDir)
    assert.strictEqual(status, 0, stdout + stderr)
    return (yield* Schema.decodeUnknownEffect(Listing)(stdout)).attachments
  })
  const check = ({ network, on, pod, result }: Attached) =>
    node.call("CHECK", pod, { ...conf(network, on), prevResult: result })

  /** Every attachment but these is listed on its own switch, unchanged since ADD. */
  const allWellBut = Effect.fnUntraced(function* (...gone: ReadonlyArray<Attached>) {
    const there = attachments.filter((one) => !gone.includes(one))
    const listed = yield* list
    assert.deepStrictEqual(
      listed.map(({ control, network }) => [network, control]).sort(),
      there.map(({ network, on }) => [network, control[on]]).sort()
    )
    assert.isTrue(listed.every(({ port, state }) => port !== null && state !== "missing"))
    for (const one of there) well(yield* check(one))
  })

  const del = Effect.fnUntraced(function* (...gone: ReadonlyArray<Attached>) {
    for (const one of attachments) {
      if (!gone.includes(one)) well(yield* node.call("DEL", one.pod, conf(one.network, one.on)))
    }
    assert.deepStrictEqual(yield* allBut(), none)
    assert.deepStrictEqual(yield* list, [])
  })
  return { node, second, vpps, conf, of, knows, allBut, userspace, list, check, allWellBut, del }
})

const onNode = (title: string, vpp: MakeVpp, live: typeof CniNode.layer): void =>
  onMachine(["root", "executable", "ovs", "hostLocal"], live)(title, (test) => {
    test("list and CHECK find each attachment on its own switch, and name the lost ones", () =>
      Effect.gen(function* () {
        const { allWellBut, check, del, list, of, second, vpps } = yield* make(vpp)
        yield* allWellBut()
        yield* second.vsctl("del-br", "br-e2e")
        yield* vpps["vpp-b"].restart
        const missing = (yield* list).filter(({ state }) => state === "missing").map(({ network }) => network)
        assert.deepStrictEqual(missing.sort(), ["ovs-b-1", "ovs-b-2", "vpp-b-1", "vpp-b-2"])
        for (const network of missing) assert.strictEqual((yield* errorOf(yield* check(of(network)))).code, 105)
        for (const network of ["ovs-a-1", "ovs-a-2", "vpp-a-1", "vpp-a-2"]) well(yield* check(of(network)))
        yield* del()
      }))

    test("restore restores on each switch what it lost, and nothing on the others", () =>
      Effect.gen(function* () {
        const { allWellBut, del, knows, node, second, userspace, vpps } = yield* make(vpp)
        const others = [yield* knows("ovs-a"), yield* knows("vpp-a")]
        yield* second.vsctl("del-br", "br-e2e")
        yield* vpps["vpp-b"].restart
        for (const args of [["--dry-run"], []]) {
          const { status, stderr, stdout } = yield* userspace(
            ...["restore", "--json", "--state-dir", node.stateDir, ...args]
          )
          assert.strictEqual(status, 0, stdout + stderr)
          const made = restoredJson(stdout).filter((one) => one.outcome !== "there")
          assert.lengthOf(made, 4, stdout)
        }
        assert.deepStrictEqual([yield* knows("ovs-a"), yield* knows("vpp-a")], others)
        yield* allWellBut()
        yield* del()
      }))

    for (const [network, now] of [
      ["ovs-a-1", "ovs-b"],
      ["ovs-b-2", "ovs-a"],
      ["vpp-a-1", "vpp-b"],
      ["vpp-b-2", "vpp-a"]
    ] as const) {
      test(`GC and gc by sandbox of ${network}, whose network now names ${now}, remove the port from the old switch`, () =>
        Effect.gen(function* () {
          const { allBut, allWellBut, conf, del, knows, node, of, userspace } = yield* make(vpp)
          const gone = of(network)
          const others = yield* allBut(gone.on)
          const asked = { ...conf(network, now), cniVersion: "1.1.0" }
          const nobody = { containerId: "", netns: "", ifName: "" }
          // First by sandbox for one switch, then by the runtime's list for the other.
          if (network.endsWith("1")) {
            const file = `${node.directory}/gc.conf`
            writeFileSync(file, JSON.stringify(asked))
            yield* gone.leave
            const plan = yield* userspace(
              "gc",
              "--by-sandbox",
              "--config",
              file,
              "--cni-path",
              node.plugins,
              "--dry-run"
            )
            assert.include(plan.stdout, "Would be kept: 0.")
            const { status, stderr, stdout } = yield* userspace(
              ...["gc", "--by-sandbox", "--config", file, "--cni-path", node.plugins]
            )
            assert.strictEqual(status, 0, stdout + stderr)
          } else {
            const list = { "cni.dev/valid-attachments": [], "cni.dev/attachments": [] }
            well(yield* node.call("GC", nobody, { ...asked, ...list }))
          }
          assert.notInclude(JSON.stringify(yield* knows(gone.on)), gone.pod.containerId.slice(0, 8))
          assert.deepStrictEqual(yield* allBut(gone.on), others)
          yield* allWellBut(gone)
          yield* del(gone)
        }))
    }
  })

onNode("two Open vSwitches, and two VPPs in TypeScript", inTypeScript, CniNode.layer)
for (const prefix of vppPrefixes.slice(0, 1)) {
  onNode(`two Open vSwitches, and two VPPs ${basename(prefix)}`, real(prefix), CniNode.layer)
}
