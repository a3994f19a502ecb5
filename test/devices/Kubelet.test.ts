/** Whether the kubelet of the tests calls a device plugin as a real one did, step by step. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Schema, Scope } from "effect"
import * as Kubelet from "./support/Kubelet.ts"
import { type Noted, record, resource } from "./support/Recorder.ts"

const Line = Schema.Struct({
  step: Schema.optionalKey(Schema.String),
  call: Schema.optionalKey(Schema.String),
  request: Schema.optionalKey(Schema.Unknown)
})

/** Kubelet's lists of devices have no order. */
const inOrder = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(inOrder).toSorted()
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inOrder(one)]))
}

const recording = readFileSync(join(import.meta.dirname, "support/kubelet-1.34.jsonl"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => Schema.decodeUnknownSync(Schema.fromJsonString(Line))(line))

it.live("the kubelet of the tests calls a device plugin as a real one of Kubernetes 1.34 does", () =>
  Effect.gen(function* () {
    const registry = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "kubelet-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true }))
    )
    const scope = yield* Effect.scope
    const forked = Scope.fork(scope)
    const notes: Array<Noted & { readonly step?: string }> = []
    const pluginScope = yield* forked
    const plugin = yield* Scope.provide(
      record(registry, 20, (noted) => notes.push(noted)),
      pluginScope
    )
    const checkpoint: Kubelet.Checkpoint = new Map()
    let kubeletScope = yield* forked
    let kubelet = yield* Scope.provide(Kubelet.start(registry, checkpoint), kubeletScope)

    const allocatable = (count: number) =>
      Effect.suspend(() => kubelet.until(() => kubelet.allocatable(resource).length === count))
    const admitted = (container: string, size = 1) => Effect.suspend(() => kubelet.admit(resource, container, size))
    const ended = (container: string) => Effect.suspend(() => kubelet.free(resource, container))
    const nothing = Effect.void
    const steps: Readonly<Record<string, Effect.Effect<unknown, unknown>>> = {
      "a pod of two devices is admitted": admitted("a", 2),
      "its sandbox is killed": nothing,
      "a pod of two containers with a device each is admitted": Effect.andThen(admitted("b-0"), admitted("b-1")),
      "a pod of one device finds none": Effect.flip(admitted("c")),
      "a pod of two devices ends, and the one that waits is admitted": Effect.andThen(ended("a"), admitted("c")),
      "no device is healthy": Effect.andThen(
        Effect.sync(() => plugin.setHealth("Unhealthy")),
        allocatable(0)
      ),
      "all are healthy": Effect.andThen(
        Effect.sync(() => plugin.setHealth("Healthy")),
        allocatable(4)
      ),
      "kubelet is restarted": Effect.gen(function* () {
        const before = notes.length
        yield* Scope.close(kubeletScope, Exit.void)
        yield* kubelet.until(() => notes.length > before)
        kubeletScope = yield* forked
        kubelet = yield* Scope.provide(Kubelet.start(registry, checkpoint), kubeletScope)
        yield* allocatable(4)
      }),
      "a pod of one device is admitted": admitted("d"),
      "all pods end": Effect.forEach(["b-0", "b-1", "c", "d"], ended),
      "Allocate fails": Effect.gen(function* () {
        plugin.refuse(true)
        assert.include(String(yield* Effect.flip(admitted("e"))), "UnexpectedAdmissionError")
        plugin.refuse(false)
      }),
      "two pods are made at once": Effect.all([admitted("f"), admitted("g")], { concurrency: 2 }),
      "they end": Effect.forEach(["f", "g"], ended),
      "the plugin ends": Effect.andThen(Scope.close(pluginScope, Exit.void), allocatable(0))
    }
    yield* allocatable(4)
    let expected = 0
    for (const { step } of recording) {
      yield* kubelet.until(() => notes.length >= expected)
      expected += 1
      if (step === undefined) continue
      notes.push({ call: "", step })
      yield* steps[step] ?? Effect.die(new Error(`there is no step "${step}"`))
    }
    yield* kubelet.until(() => notes.length >= expected)
    const seen = notes.map(({ call, request, step }) => (step === undefined ? { call, request } : { step }))
    assert.deepStrictEqual(
      seen.map((one) => inOrder(JSON.parse(JSON.stringify(one)))),
      recording.map(inOrder)
    )
  })
)
