/** The agent's status for people, from the answer of an agent of this or of an earlier release. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { decodeStatus } from "../../src/agent/Status.ts"
import { version } from "../../src/app/Version.ts"
import { agentText } from "../../src/cli/commands/agent/AgentStatus.ts"

const earlier = {
  ...{ version, pid: 7, since: "2026-01-01T00:00:00.000Z", state: "ready", socket: "/run/a.sock", rebound: 0 },
  ...{ calls: { served: 3, failed: 1, interrupted: 0, running: 0, queued: 0 } },
  ...{ underWay: [], switches: [], healing: null, lastFailure: null }
}

const textOf = (status: object) => Effect.map(decodeStatus(JSON.stringify(status)), (decoded) => agentText(decoded))

describe("the agent's status", () => {
  it.effect("says how many calls were declined, why the last one, and what to do", () =>
    Effect.gen(function* () {
      const declined = {
        calls: 2,
        at: "2026-01-01T00:00:01.000Z",
        why: "the caller has other mounts",
        cure: "Move it."
      }
      const text = yield* textOf({ ...earlier, declined })
      const line =
        "Declined      2, made by their own processes; the last 2026-01-01T00:00:01.000Z: the caller has other mounts"
      assert.include(text, `${line}\n              -> Move it.`)
      assert.notInclude(yield* textOf({ ...earlier, declined: { ...declined, cure: null } }), "->")
    })
  )

  it.effect("says where metrics are served, or why they are not", () =>
    Effect.gen(function* () {
      const url = "http://10.0.0.5:9464/metrics"
      assert.include(yield* textOf({ ...earlier, metrics: { url, problem: null } }), `Metrics       ${url}\n`.trim())
      const text = yield* textOf({ ...earlier, metrics: { url, problem: "another process has the port" } })
      assert.include(text, `Metrics       not on ${url}: another process has the port`)
    })
  )

  it.effect("is read of an agent that does not tell it", () =>
    Effect.gen(function* () {
      assert.notInclude(yield* textOf(earlier), "Declined")
    })
  )
})
