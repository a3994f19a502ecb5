/** Many calls at once, as when a node starts its pods, and one call with a tenth of a processor. */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs"
import { Effect, Option, Result } from "effect"
import { demand } from "./Calls.ts"
import { type Figure, median, ratio, samples, single } from "./Figures.ts"
import { type Process, runAll } from "./Runs.ts"

const size = 50

/** `call` returns a call for a new sandbox. Both sides run in turn, three times, and everything is deleted again. */
export const burst = Effect.fnUntraced(function* (
  ours: (verb: string, index: number) => Process,
  theirs: (verb: string, index: number) => Process,
  bars: { readonly burst: number; readonly worst: number }
) {
  const whole = samples()
  const worst: Array<number> = []
  const all = (call: typeof ours, verb: string) => Array.from({ length: size }, (_, index) => call(verb, index))
  for (let turn = 0; turn < 4; turn++) {
    for (const [call, into] of turn % 2 === 0
      ? ([
          [ours, whole.ours],
          [theirs, whole.theirs]
        ] as const)
      : ([
          [theirs, whole.theirs],
          [ours, whole.ours]
        ] as const)) {
      const began = performance.now()
      const each = yield* runAll(all(call, "ADD"))
      into.push(performance.now() - began)
      if (call === ours) worst.push(Math.max(...each) / median(each))
      for (const one of all(call, "DEL")) demand(one)
    }
  }
  const figures: ReadonlyArray<Figure> = [
    ratio(`${size} ADDs at once`, whole, `${size} of the script`, bars.burst),
    single("the slowest of them", Math.max(...worst), "", "the median of them", bars.worst)
  ]
  return figures
})

const quotas = [
  // cgroup v2, then v1.
  { root: "/sys/fs/cgroup/cgroup.controllers", group: "/sys/fs/cgroup", limits: [["cpu.max", "10000 100000"]] },
  {
    root: "/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
    group: "/sys/fs/cgroup/cpu",
    limits: [
      ["cpu.cfs_period_us", "100000"],
      ["cpu.cfs_quota_us", "10000"]
    ]
  }
] as const

const limited = (group: string, limits: ReadonlyArray<readonly [name: string, value: string]>): boolean =>
  // A missing file means that there is no limit.
  limits.every(([name]) => existsSync(`${group}/${name}`)) &&
  Result.isSuccess(Result.try(() => limits.forEach(([name, value]) => void writeFileSync(`${group}/${name}`, value))))

/** ADDs in a control group with a tenth of one processor; undefined: this machine permits none. */
export const withQuota = Effect.fnUntraced(function* (add: () => Process, del: () => Process, bar: number) {
  const quota = quotas.find(({ root }) => existsSync(root))
  if (quota === undefined) return undefined
  const made = yield* Effect.acquireRelease(
    Effect.option(
      Effect.try(() => {
        const path = `${quota.group}/userspace-cni-bench-${process.pid}`
        mkdirSync(path)
        return path
      })
    ),
    (made) => Effect.sync(() => Option.map(made, (path) => rmdirSync(path)))
  )
  if (Option.isNone(made) || !limited(made.value, quota.limits)) return undefined
  const group = made.value
  const script = `echo $$ >${group}/cgroup.procs && exec "$0"`
  const times = Array.from({ length: 10 }, () => {
    const { command, ...rest } = add()
    const { millis } = demand({ ...rest, command: ["/bin/sh", "-c", script, ...command] })
    demand(del())
    return millis
  })
  return single("ADD with a tenth of a processor", Math.max(...times), "ms", "the slowest of 10", bar)
}, Effect.scoped)
