/**
 * Thousands of calls in one process, sixteen at a time, on the real edges: what an executable on bun does that is not
 * started for each call. Reads an {@link Order}, prints a {@link Report}.
 */
import { mkdirSync, readdirSync, readFileSync } from "node:fs"
import { Duration, Effect, Random, Schema } from "effect"
import { ErrorCodes } from "../../../src/cni/types/CniError.ts"
import * as Calls from "./Calls.ts"
import { atRest } from "./Measures.ts"
import { Order, type Report } from "./Order.ts"

const order = Schema.decodeUnknownSync(Schema.fromJsonString(Order))(process.argv[2])
mkdirSync(order.logs, { recursive: true })

const workers = 16
const { run, tally } = Calls.make(order, Calls.tally())

/** One attachment of a worker from ADD to DEL. Each worker has its own network, and logs. */
const episode = Effect.fnUntraced(function* (worker: number, number: number) {
  const containerId = `w${worker}e${number}`.padEnd(64, "c0ffee")
  const base: Readonly<Record<string, unknown>> = order.networks[(worker + number) % order.networks.length] ?? {}
  const network = {
    ...base,
    name: `w${worker}`,
    logFile: `${order.logs}/w${worker}.log`,
    logLevel: number % 8 === 0 ? "debug" : "info"
  }
  const one = (verb: Calls.Wanted["verb"], what: string, outcome: Calls.Wanted["outcome"], more: object = {}) =>
    run({ verb, containerId, network: { ...network, ...more }, what, outcome })
  const ipam = (type: string) => ({ ipam: { ...Object(base["ipam"]), type } })
  const valid = { "cni.dev/valid-attachments": [{ containerID: containerId, ifname: "net1" }] }

  switch (number % 6) {
    case 0:
      yield* one("ADD", "of a whole life", 0)
      yield* one("CHECK", "of a whole life", 0)
      yield* one("GC", "that keeps it", 0, valid)
      yield* one("CHECK", "after a GC that keeps it", 0)
      yield* one("ADD", "a second time", ErrorCodes.AlreadyAttached)
      break
    case 1:
      yield* one("ADD", "of what is collected", 0)
      yield* one("GC", "that collects it", 0, { "cni.dev/valid-attachments": [] })
      yield* one("CHECK", "of what was collected", ErrorCodes.UnknownContainer)
      break
    case 2:
      yield* one("ADD", "with a broken network", ErrorCodes.InvalidConfiguration, { host: { engine: "none" } })
      yield* one("STATUS", "of a good network", 0)
      break
    case 3:
      yield* one("ADD", "with an IPAM plugin that fails", "any", ipam("broken"))
      break
    case 4: {
      const interruptedAfter = Duration.millis(yield* Random.nextIntBetween(0, 400))
      yield* run({ verb: "ADD", containerId, network, what: "interrupted", outcome: "any", more: { interruptedAfter } })
      break
    }
    default:
      yield* run({
        ...{ verb: "ADD", containerId, network: { ...network, ...ipam("hangs") }, what: "with a short deadline" },
        ...{ outcome: ErrorCodes.TryAgainLater, more: { deadline: 0.3 } }
      })
  }
  yield* one("DEL", "after all", 0)
  if (number % 12 === 0) yield* one("DEL", "of nothing", 0)
})

let next = 0
const until = (calls: number) =>
  Effect.forEach(
    Array.from({ length: workers }, (_, worker) => worker),
    (worker) =>
      Effect.whileLoop({
        while: () => tally.calls < calls,
        body: () => episode(worker, next++),
        step: () => undefined
      }),
    { concurrency: "unbounded", discard: true }
  )

/** Lines of others in a worker's log. */
const stale = () =>
  readdirSync(order.logs).flatMap((name) =>
    readFileSync(`${order.logs}/${name}`, "utf8")
      .split("\n")
      .filter(
        (line) =>
          line !== "" &&
          !line.includes(` network=${name.slice(0, -".log".length)} `) &&
          !line.endsWith(`network=${name.slice(0, -".log".length)}`)
      )
      .map((line) => `in ${name}: ${line}`)
  )

const main = Effect.gen(function* () {
  const environment = JSON.stringify(process.env)
  const began = performance.now()
  yield* until(order.warmUp)
  const warm = yield* atRest()
  yield* until(order.calls)
  const end = yield* atRest(warm)
  if (JSON.stringify(process.env) !== environment) tally.problems.push("the process's environment was changed")
  tally.problems.push(...stale().slice(0, 10))
  const report: Report = {
    ...Calls.report(tally),
    seconds: Math.round((performance.now() - began) / 100) / 10,
    warm,
    end
  }
  process.stdout.write(JSON.stringify(report))
})

await Effect.runPromise(main)
process.exit(0)
