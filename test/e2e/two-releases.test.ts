/**
 * Executables of two releases on one node, as during an upgrade: each checks, lists, restores and removes what the
 * other created, and many of both work concurrently. `USERSPACE_BEFORE` names the earlier one. On a real Open vSwitch
 * and on the VPP in TypeScript.
 */
import { readdirSync } from "node:fs"
import { assert, type Vitest } from "@effect/vitest"
import { Effect, type Layer, type Scope } from "effect"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { until } from "../support/Until.ts"
import { CniNode, newContainerId } from "./support/CniNode.ts"
import { comeAndGo, type Member } from "./support/Generations.ts"
import type { Need } from "./support/Machine.ts"
import { begin, errorOf } from "./support/Plugin.ts"
import { node, onOvs, onVpp, type Release, type Switch } from "./support/Releases.ts"
import { onMachine } from "./support/Suite.ts"
import { onTypeScript } from "./support/VppCniNode.ts"

const crowd = 20

type Test<R> = Vitest.Test<R | Scope.Scope>
type On<R> = Effect.Effect<Switch, never, R>

const other = (release: Release): Release => (release === "older" ? "newer" : "older")

/** The verbs of every release. */
const verbs = <R>(test: Test<R>, name: string, on: On<R>) => {
  for (const one of ["older", "newer"] as const) {
    const two = other(one)
    test(`${name}: the ${two} one checks what the ${one} one has added, refuses a second ADD, and deletes it`, () =>
      Effect.gen(function* () {
        const { add, call, remember, sandbox, succeeds } = yield* node(on)
        const pod = yield* sandbox
        const nothingIsLeft = yield* remember
        const checked = yield* add(one, pod)
        const nothingHasChanged = yield* remember
        yield* succeeds(two, "CHECK", pod, checked)
        assert.strictEqual((yield* errorOf(yield* call(two, "ADD", pod))).code, ErrorCodes.AlreadyAttached)
        yield* nothingHasChanged
        yield* succeeds(two, "DEL", pod)
        yield* nothingIsLeft
        yield* succeeds(one, "DEL", pod)
        yield* nothingIsLeft
      }))

    test(`${name}: the ${two} one names ports of the ${one} one that the switch lost, and deletes the rest`, () =>
      Effect.gen(function* () {
        const { add, call, forget, remember, sandbox, succeeds } = yield* node(on)
        const pod = yield* sandbox
        const nothingIsLeft = yield* remember
        const checked = yield* add(one, pod)
        yield* forget
        assert.strictEqual((yield* errorOf(yield* call(two, "CHECK", pod, checked))).code, ErrorCodes.CheckFailed)
        yield* succeeds(two, "DEL", pod)
        yield* nothingIsLeft
      }))

    test(`${name}: after a killed ADD of the ${one} one, a DEL of the ${two} one leaves nothing`, () =>
      Effect.gen(function* () {
        const { called, remember, sandbox, stateDir, succeeds } = yield* node(on)
        const pod = yield* sandbox
        const nothingIsLeft = yield* remember
        yield* Effect.scoped(
          Effect.gen(function* () {
            const adding = yield* begin(called(one, "ADD", pod))
            // With its record.
            yield* until(
              "a record",
              Effect.sync(() => readdirSync(`${stateDir}/attachments`)),
              (names) => names.some((file) => file.endsWith(".json")),
              { every: "1 millis" }
            )
            yield* adding.signal("SIGKILL")
            yield* adding.outcome
          })
        )
        yield* succeeds(two, "DEL", pod)
        yield* nothingIsLeft
        yield* succeeds(two, "ADD", pod)
        yield* succeeds(one, "DEL", pod)
        yield* nothingIsLeft
      }))
  }
}

const together = <R>(test: Test<R>, name: string, on: On<R>) =>
  test(
    `${name}: twenty come and twenty go at the same time, of both; each deletes what the other added`,
    () =>
      Effect.gen(function* () {
        const { called, conf, list, remember, sandbox, there } = yield* node(on)
        const { netns } = yield* sandbox
        const members = () =>
          Array.from({ length: crowd }, (_, index): Member => {
            const of = { containerId: newContainerId(), ifName: "net1", netns }
            const by: Release = index % 2 === 0 ? "older" : "newer"
            return { add: called(by, "ADD", of, conf), del: called(other(by), "DEL", of, conf) }
          })
        const nothingIsLeft = yield* remember
        // An operator lists them all the while.
        yield* comeAndGo(members(), members(), { administrator: Effect.asVoid(list("newer")), there })
        yield* nothingIsLeft
      }),
    240_000
  )

const collected = <R>(test: Test<R>, name: string, on: On<R>) => {
  for (const one of ["older", "newer"] as const) {
    const two = other(one)
    test(`${name}: GC of the ${two} one removes what is not in the list, of both, and nothing else`, () =>
      Effect.gen(function* () {
        const { add, gc, remember, sandbox, succeeds } = yield* node(on)
        const [stays, goes] = [
          [yield* sandbox, yield* sandbox],
          [yield* sandbox, yield* sandbox]
        ] as const
        const nothingIsLeft = yield* remember
        const checked = [yield* add(one, stays[0]), yield* add(two, stays[1])] as const
        const nothingElseIsLeft = yield* remember
        yield* add(one, goes[0])
        yield* add(two, goes[1])
        yield* gc(two, stays)
        yield* nothingElseIsLeft
        yield* succeeds(two, "CHECK", stays[0], checked[0])
        yield* succeeds(one, "CHECK", stays[1], checked[1])
        yield* gc(two, [])
        yield* nothingIsLeft
      }))
  }
}

const restored = <R>(test: Test<R>, name: string, on: On<R>) => {
  for (const one of ["older", "newer"] as const) {
    const two = other(one)
    test(`${name}: the ${two} one lists what the ${one} one has added, and restores it unchanged`, () =>
      Effect.gen(function* () {
        const { add, forget, list, remember, restore, sandbox, succeeds } = yield* node(on)
        const pod = yield* sandbox
        const nothingIsLeft = yield* remember
        const checked = yield* add(one, pod)
        const asItWas = yield* succeeds(one, "CHECK", pod, checked).pipe(Effect.andThen(list(one)))
        const listed = yield* list(two)
        const { containerId, ifName } = pod
        assert.containSubset(listed, [{ containerId, ifName, network: "e2e", recorded: true, sandbox: "there" }])
        assert.deepStrictEqual(listed, asItWas)
        assert.strictEqual(yield* restore(two), "there")
        yield* forget
        assert.strictEqual((yield* list(two))[0]?.state, "missing")
        assert.strictEqual(yield* restore(two), "restored")
        assert.strictEqual(yield* restore(one), "there")
        yield* succeeds(one, "CHECK", pod, checked)
        yield* succeeds(two, "DEL", pod)
        yield* nothingIsLeft
      }))
  }
}

interface Nodes<R> {
  /** One attachment at a time: VPP refuses a second address of a network. */
  readonly alone?: Readonly<Record<string, On<R>>>
  readonly shared: Readonly<Record<string, On<R>>>
}

const suites = <R, E>(where: string, needs: ReadonlyArray<Need>, live: Layer.Layer<R, E>, nodes: Nodes<R>): void => {
  const all = Object.entries({ ...nodes.alone, ...nodes.shared })
  const shared = Object.entries(nodes.shared)
  onMachine([...needs, "before"], live)(`two releases on ${where}`, (test) => {
    for (const [name, on] of all) verbs(test, name, on)
  })
  // Not every release has these.
  onMachine([...needs, "beforeCollects"], live)(`GC, list and restore of two releases on ${where}`, (test) => {
    for (const [name, on] of all) restored(test, name, on)
    for (const [name, on] of shared) collected(test, name, on)
  })
  onMachine([...needs, "before"], live)(`a crowd of two releases on ${where}`, (test) => {
    for (const [name, on] of shared) together(test, name, on)
  })
}

suites("Open vSwitch", ["root", "executable", "ovs", "hostLocal"], CniNode.layer, {
  shared: { "client mode": onOvs("client"), "server mode": onOvs("server") }
})

const bridge = { netType: "bridge", bridge: { bridgeName: "61" } }

suites("the VPP in TypeScript", ["root", "executable", "hostLocal"], onTypeScript, {
  alone: { "memif with addresses": onVpp({ netType: "interface" }) },
  shared: { memif: onVpp(bridge), "vhost-user": onVpp({ ...bridge, iftype: "vhostuser", vhost: { mode: "server" } }) }
})
