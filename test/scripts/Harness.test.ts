/** `.ci/harness.sh` on small steps: what is printed, and that nothing outlives it, whatever its end. */
import { spawn, spawnSync } from "node:child_process"
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { resolve } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { untilTrue } from "../support/Until.ts"

const harness = resolve(import.meta.dirname, "../../.ci/harness.sh")

const lanes = `#!/bin/bash
set -uo pipefail
script=$(realpath "$0")
cd "$(dirname "$0")/.."
. .ci/harness.sh
apart
closing() { echo "failed: $*"; [ $# = 0 ]; }
one() { step first sh first.sh; step second sh second.sh; }
two() { after first; step third sh third.sh; }
lane one
lane two
join
finish
`

interface Scripts {
  readonly first?: string
  readonly second?: string
  readonly third?: string
}

const setting = (scripts: Scripts) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const directory = mkdtempSync(`${tmpdir()}/harness-`)
      for (const name of [".ci", "tmp"]) mkdirSync(`${directory}/${name}`)
      copyFileSync(harness, `${directory}/.ci/harness.sh`)
      writeFileSync(`${directory}/.ci/run`, lanes)
      for (const name of ["first", "second", "third"] as const) {
        writeFileSync(`${directory}/${name}.sh`, scripts[name] ?? "")
      }
      return directory
    }),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  )

const begun = (directory: string, environment: Readonly<Record<string, string>>) => {
  const env = { PATH: process.env["PATH"], TMPDIR: `${directory}/tmp`, CI_GRACE: "1", ...environment }
  const child = spawn("bash", [`${directory}/.ci/run`], { env, stdio: ["ignore", "pipe", "pipe"] })
  const chunks: Array<Buffer> = []
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => chunks.push(chunk))
  const outcome = Effect.callback<{ readonly status: number | null; readonly said: string }>((resume) => {
    child.on("close", (status) => resume(Effect.succeed({ status, said: Buffer.concat(chunks).toString() })))
  })
  return { child, outcome }
}

const ran = (directory: string, environment: Readonly<Record<string, string>> = {}) =>
  Effect.suspend(() => begun(directory, environment).outcome)

/** A process that has left its parent, a mount, a network namespace, a file: all that a test might start. */
const everything = (directory: string) => `
mkdir /tmp/mounted && mount -t tmpfs harness /tmp/mounted
setsid sleep ${forever} >/dev/null 2>&1 &
setsid unshare --net sleep ${forever} >/dev/null 2>&1 &
echo "a daemon's last words" >/tmp/daemon.log
echo begun >${directory}/begun
`

/** In the command line of what these tests start, and of nothing else. */
const forever = String(1_000_000 + process.pid)

const outlives = Effect.suspend(() =>
  Effect.filter(
    readdirSync("/proc").filter((name) => /^\d+$/.test(name)),
    (pid) =>
      // It may end meanwhile.
      Effect.orElseSucceed(
        Effect.try(() => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(forever)),
        () => false
      )
  )
)

const canSeparate = spawnSync("unshare", ["--pid", "--fork", "--mount-proc", "true"]).status === 0
const apart = canSeparate ? it.live : it.live.skip
const reason = canSeparate ? "" : " [skipped: no namespaces without root]"

describe(`the harness of CI${reason}`, () => {
  it.live("prints the output of each step as a whole, and names the failed ones", () =>
    Effect.gen(function* () {
      const directory = yield* setting({
        // The first one writes before and after the third.
        second: "echo before; until [ -e third.done ]; do sleep 0.01; done; echo after",
        third: "echo between; touch third.done; exit 3"
      })
      const { said, status } = yield* ran(directory)
      assert.strictEqual(status, 1)
      assert.include(said, "before\nafter\n=== second: done in ")
      assert.include(said, "between\n=== third: FAILED after ")
      assert.match(said, /^third +\d+ +\d+ +\d+ {2}FAILED$/m)
      assert.match(said, /\nfailed: third\n$/)
    })
  )

  apart("succeeds when nothing failed and nothing is left", () =>
    Effect.gen(function* () {
      const directory = yield* setting({ second: "echo x >/tmp/scratch && rm /tmp/scratch" })
      const { said, status } = yield* ran(directory, { CI_GRACE: "60" })
      assert.strictEqual(status, 0, said)
      assert.match(said, /\nfailed: \n$/)
      assert.deepStrictEqual(readdirSync(`${directory}/tmp`), [])
    })
  )

  apart("fails when something is left, and ends it", () =>
    Effect.gen(function* () {
      const directory = yield* setting({})
      writeFileSync(`${directory}/second.sh`, everything(directory))
      const { said, status } = yield* ran(directory)
      assert.strictEqual(status, 1)
      for (const left of ["file /tmp/daemon.log", "mount /tmp/mounted", ` sleep ${forever}`]) assert.include(said, left)
      assert.match(said, /\nfailed: left\n$/)
      assert.deepStrictEqual(yield* outlives, [])
    })
  )

  apart("ends a step that hangs, with its output, its processes and the logs of its daemons", () =>
    Effect.gen(function* () {
      const directory = yield* setting({})
      const hangs = `echo the step says; echo "  a.test.ts > a test" >"$TESTS"\n${everything(directory)}sleep ${forever}`
      writeFileSync(`${directory}/second.sh`, hangs)
      const { child, outcome } = begun(directory, { TESTS: "/tmp/.state/second.tests" })
      yield* untilTrue("the step to begin", () => existsSync(`${directory}/begun`))
      child.kill("SIGUSR1")
      const { said, status } = yield* outcome
      assert.strictEqual(status, 1)
      assert.include(said, "the step says\n=== second: STILL RUNNING\nits tests that ran:\n  a.test.ts > a test\n")
      assert.match(said, new RegExp(`\\d+ +\\d+ .* sleep ${forever}`))
      assert.include(said, "=== /tmp/daemon.log\na daemon's last words\n")
      assert.match(said, /\nfailed: second\n$/)
      assert.deepStrictEqual(yield* outlives, [])
      assert.deepStrictEqual(readdirSync(`${directory}/tmp`), [])
    })
  )

  apart("ends by itself at its deadline", () =>
    Effect.gen(function* () {
      const directory = yield* setting({ first: `sleep ${forever}` })
      const { said, status } = yield* ran(directory, { CI_DEADLINE: "1" })
      assert.strictEqual(status, 1)
      assert.include(said, "ci: still running after ")
      assert.deepStrictEqual(yield* outlives, [])
    })
  )

  apart("leaves nothing when it is stopped in the middle", () =>
    Effect.gen(function* () {
      const directory = yield* setting({})
      writeFileSync(`${directory}/second.sh`, `${everything(directory)}sleep ${forever}`)
      const { child, outcome } = begun(directory, {})
      yield* untilTrue("the step to begin", () => existsSync(`${directory}/begun`))
      child.kill("SIGTERM")
      const { status } = yield* outcome
      assert.strictEqual(status, 143)
      assert.deepStrictEqual(yield* outlives, [])
      assert.isFalse(readFileSync("/proc/self/mountinfo", "utf8").includes("harness"))
      assert.deepStrictEqual(readdirSync(`${directory}/tmp`), [])
    })
  )
})
