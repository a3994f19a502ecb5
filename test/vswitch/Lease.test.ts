/** When the lease of a mirror ends. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Lease from "../../src/vswitch/Mirrors.ts"
import * as FilesMemory from "../platform/support/FilesMemory.ts"

/** `proc_pid_stat(5)`: the name may have anything in it. */
const stat = (pid: number, start: number, state = "S") =>
  `${pid} (a) S b) ${state} ${Array.from({ length: 18 }, (_, n) => n).join(" ")} ${start} 0 0`

const node = (pid = process.pid) => {
  const files = new FilesMemory.MemoryFiles()
  files.put(`/proc/${pid}/stat`, "file", stat(pid, 4711))
  files.put("/proc/self/ns/pid", "symlink", "pid:[4026531836]")
  return files
}

const lasting = <A, E, R>(
  meanwhile: (files: FilesMemory.MemoryFiles) => Effect.Effect<A, E, R>,
  ended: boolean,
  change: (lease: Lease.Lease) => Lease.Lease = (lease) => lease
) =>
  Effect.gen(function* () {
    const files = node()
    yield* TestClock.setTime(1_800_000_000_000)
    yield* Effect.gen(function* () {
      const lease = change(yield* Lease.own)
      yield* meanwhile(files)
      assert.strictEqual(yield* Lease.hasEnded(lease), ended)
    }).pipe(Effect.provide(FilesMemory.layer(files)))
  })

const nothing = () => Effect.void
const stats = (text: string | undefined) => (files: FilesMemory.MemoryFiles) =>
  Effect.sync(() => {
    files.remove(`/proc/${process.pid}/stat`)
    if (text !== undefined) files.put(`/proc/${process.pid}/stat`, "file", text)
  })

describe("a lease", () => {
  it.effect("lasts while its process does", () => lasting(nothing, false))
  it.effect("ends with its process", () => lasting(stats(undefined), true))
  it.effect("ends with its process, which nobody has waited for yet", () =>
    lasting(stats(stat(process.pid, 4711, "Z")), true)
  )
  it.effect("is not another's, whose process has got the number", () => lasting(stats(stat(process.pid, 4712)), true))
  it.effect("ends when it is not renewed", () => lasting(() => TestClock.adjust(`${Lease.lasts} seconds`), true))
  it.effect("goes on when it is", () =>
    Effect.gen(function* () {
      const files = node()
      yield* Effect.gen(function* () {
        const lease = yield* Lease.own
        yield* TestClock.adjust(`${Lease.lasts} seconds`)
        assert.isFalse(yield* Lease.hasEnded(yield* Lease.renewed(lease)))
      }).pipe(Effect.provide(FilesMemory.layer(files)))
    })
  )
  it.effect("ends when the clock was set back: else it would last for as long", () =>
    lasting(() => TestClock.setTime(1_700_000_000_000), true)
  )
  it.effect("of a process in another PID namespace is judged by its time alone", () =>
    lasting(stats(undefined), false, (lease) => ({ ...lease, process: lease.process.replace(/[^.]+$/, "zzz") }))
  )

  it("is read from a mark, or is none", () => {
    assert.deepStrictEqual(Lease.leaseOf("a.b.c", "12"), { process: "a.b.c", expires: 12 })
    for (const [process, expires] of [
      [undefined, "1"],
      ["a.b.c", undefined],
      ["a.b", "1"],
      ["a.b.c", "soon"],
      ["../etc", "1"]
    ])
      assert.isUndefined(Lease.leaseOf(process, expires))
    assert.strictEqual(Lease.pidOf({ process: `${(4711).toString(36)}.b.c`, expires: 1 }), 4711)
  })

  it("leaves a mirror for less than a minute, when nobody renews it and the agent looks", () => {
    assert.isBelow(Lease.lasts + Lease.sweepEvery, 60)
    assert.isBelow(2 * Lease.renewEvery, Lease.lasts)
  })
})
