/** The behaviour of every `Pods`, on any cluster. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Pod } from "../../src/identity/Attachment.ts"
import { Pods } from "../../src/kubernetes/Pods.ts"
import { ClusterUnderTest } from "../kubernetes/support/ClusterUnderTest.ts"
import { suite } from "./Suite.ts"

const onPods = <A, E>(use: (pods: Pods["Service"]) => Effect.Effect<A, E>) =>
  Effect.flatMap(ClusterUnderTest, ({ pods }) => Effect.scoped(Effect.provide(Effect.flatMap(Pods, use), pods)))

const reasonOf = (pod: Pod) => Effect.map(Effect.flip(onPods(({ read }) => read(pod))), ({ reason }) => reason)

export const pods = suite<ClusterUnderTest>("Pods", (test) => {
  test("reads a pod: identity, annotations, volumes, mounts", () =>
    Effect.gen(function* () {
      const cluster = yield* ClusterUnderTest
      const pod = yield* cluster.pod({ color: "blue" })
      const document = yield* onPods(({ read }) => read(pod))
      assert.strictEqual(document.uid, pod.uid)
      assert.strictEqual(document.annotations["color"], "blue")
      assert.deepStrictEqual(
        document.volumes.map(({ name }) => name).filter((name) => name === "shared-dir"),
        ["shared-dir"]
      )
      assert.include(
        document.mounts.map(({ mountPath }) => mountPath),
        "/run/shared"
      )
    }))

  test("reports a missing pod, and one that has its name and another UID", () =>
    Effect.gen(function* () {
      const cluster = yield* ClusterUnderTest
      const pod = yield* cluster.pod()
      assert.deepStrictEqual(yield* reasonOf({ ...pod, name: "nobody" }), { _tag: "NotFound" })
      const later = yield* cluster.replace(pod)
      assert.deepStrictEqual(yield* reasonOf(pod), { _tag: "Replaced", wanted: pod.uid, found: later.uid })
      // A runtime may not know the UID.
      assert.strictEqual((yield* onPods(({ read }) => read({ ...pod, uid: "" }))).uid, later.uid)
    }))

  test("accepts a static pod's mirror by the UID of its manifest, and by no other", () =>
    Effect.gen(function* () {
      const cluster = yield* ClusterUnderTest
      const manifest = "4f1c9a0b2d4e5f60718293a4b5c6d7e8"
      const mirror = yield* cluster.pod({ "kubernetes.io/config.hash": manifest })
      const called = { ...mirror, uid: manifest }
      assert.strictEqual((yield* onPods(({ read }) => read(called))).uid, mirror.uid)
      yield* onPods(({ annotate }) => annotate(called, () => ({ mine: "1" })))
      assert.strictEqual((yield* cluster.look(mirror)).annotations["mine"], "1")
      const wanted = "00000000000000000000000000000000"
      assert.deepStrictEqual(yield* reasonOf({ ...mirror, uid: wanted }), {
        _tag: "Replaced",
        wanted,
        found: mirror.uid
      })
    }))

  test("adds, changes and removes annotations, and changes nothing else", () =>
    Effect.gen(function* () {
      const cluster = yield* ClusterUnderTest
      const pod = yield* cluster.pod({ mine: "old", gone: "soon", other: 'ünïcode "quoted"\n\u2028' })
      const before = yield* cluster.look(pod)
      yield* onPods(({ annotate }) => annotate(pod, () => ({ mine: "new", gone: undefined, fresh: "1" })))
      const after = yield* cluster.look(pod)
      const { gone: _, ...kept } = before.annotations
      assert.deepStrictEqual(after.annotations, { ...kept, mine: "new", fresh: "1" })
      assert.strictEqual(after.rest, before.rest)
      // A number that JavaScript would round.
      assert.include(after.rest, "9223372036854775807")
    }))

  test("annotates a pod without annotations, and removes the last one", () =>
    Effect.gen(function* () {
      const cluster = yield* ClusterUnderTest
      const pod = yield* cluster.pod()
      const before = yield* cluster.look(pod)
      yield* onPods(({ annotate }) => annotate(pod, () => ({ mine: "1" })))
      assert.strictEqual((yield* cluster.look(pod)).annotations["mine"], "1")
      yield* onPods(({ annotate }) => annotate(pod, () => ({ mine: undefined })))
      assert.deepStrictEqual((yield* cluster.look(pod)).annotations, before.annotations)
    }))

  test("writes nothing when nothing changes", () =>
    Effect.gen(function* () {
      const cluster = yield* ClusterUnderTest
      const pod = yield* cluster.pod({ mine: "1" })
      const before = yield* cluster.writes
      yield* onPods(({ annotate }) => annotate(pod, () => ({ mine: "1", absent: undefined })))
      yield* onPods(({ annotate }) => annotate(pod, () => ({})))
      assert.strictEqual(yield* cluster.writes, before)
      // The version of a pod on a real cluster is no measure, because its scheduler writes as well.
      yield* onPods(({ annotate }) => annotate(pod, () => ({ mine: "2" })))
      assert.isAbove(yield* cluster.writes, before)
    }))

  test("repeats the change after a conflicting write", () =>
    Effect.gen(function* () {
      const cluster = yield* ClusterUnderTest
      const pod = yield* cluster.pod({ count: "1" })
      yield* onPods(
        Effect.fnUntraced(function* ({ annotate, read }) {
          const seen = yield* read(pod)
          yield* cluster.annotate(pod, { count: "5", "k8s.v1.cni.cncf.io/network-status": "[]" })
          yield* annotate(pod, ({ count }) => ({ count: String(Number(count) + 1) }), seen)
        })
      )
      const { annotations } = yield* cluster.look(pod)
      assert.strictEqual(annotations["count"], "6")
      assert.strictEqual(annotations["k8s.v1.cni.cncf.io/network-status"], "[]")
    }))

  test("loses no change of eight writers at once, nor of a foreign ninth", () =>
    Effect.gen(function* () {
      const cluster = yield* ClusterUnderTest
      const pod = yield* cluster.pod()
      const names = Array.from({ length: 8 }, (_, index) => `writer-${index}`)
      const ours = names.map((name) => onPods(({ annotate }) => annotate(pod, () => ({ [name]: name }))))
      yield* Effect.all([...ours, cluster.annotate(pod, { ninth: "9" })], { concurrency: "unbounded" })
      const { annotations } = yield* cluster.look(pod)
      assert.deepStrictEqual(
        names.filter((name) => annotations[name] !== name),
        []
      )
      assert.strictEqual(annotations["ninth"], "9")
    }))

  test("does not write to a pod that was deleted, or recreated, since the read", () =>
    Effect.gen(function* () {
      const cluster = yield* ClusterUnderTest
      const pod = yield* cluster.pod()
      const late = (change: Effect.Effect<unknown>) =>
        onPods(({ annotate, read }) =>
          Effect.flatMap(read(pod), (seen) =>
            Effect.andThen(
              change,
              annotate(pod, () => ({ late: "1" }), seen)
            )
          )
        )
      const replaced = yield* Effect.flip(late(cluster.replace(pod)))
      assert.strictEqual(replaced.reason._tag, "Replaced")
      assert.notProperty((yield* cluster.look({ ...pod, uid: "" })).annotations, "late")
      const other = yield* cluster.pod()
      const seen = yield* onPods(({ read }) => read(other))
      yield* cluster.remove(other)
      const gone = yield* Effect.flip(onPods(({ annotate }) => annotate(other, () => ({ late: "1" }), seen)))
      assert.strictEqual(gone.reason._tag, "NotFound")
    }))
})
