/**
 * The behaviour of every layer of `Processes`. The children are small shell programs. Runs under bun as well, so it
 * asserts with node's own module.
 */
import * as assert from "node:assert/strict"
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Fiber } from "effect"
import { Processes, type Run } from "../../src/platform/Processes.ts"
import { until, untilTrue } from "../support/Until.ts"
import { suite } from "./Suite.ts"

const environment = { PATH: "/usr/bin:/bin" }

const shell = (script: string, more: Partial<Run> = {}): Run => ({
  program: "/bin/sh",
  args: ["-c", script],
  env: environment,
  stdin: "",
  limit: 1 << 20,
  ...more
})

const run = (wanted: Run) => Effect.flatMap(Processes, (processes) => processes.run(wanted))

const codeOf = (wanted: Run) =>
  Effect.match(run(wanted), { onFailure: ({ code }) => code, onSuccess: ({ status }) => `ended with ${status}` })

const directory = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "processes-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

/** The numbers in a file that a child writes, once there are this many. */
const numbersIn = (path: string, count: number) =>
  until(
    `${count} numbers in ${path}`,
    Effect.sync(() => Fs.readFileSync(path, "utf8").split("\n").slice(0, -1).map(Number)),
    ({ length }) => length >= count,
    { every: "1 millis" }
  )

/** R, S, T, Z, ...; undefined when there is no such process, not even a zombie. */
const stateOf = (pid: number): string | undefined =>
  Fs.existsSync(`/proc/${pid}/stat`) ? Fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0] : undefined

const ended = (pid: number) =>
  untilTrue(`the end of process ${pid}`, () => [undefined, "Z"].includes(stateOf(pid)), { every: "1 millis" })

/** Interrupts a child that has listed its processes; returns those. */
const interrupted = Effect.fnUntraced(function* (script: (pids: string) => string, count: number) {
  const pids = join(yield* directory, "pids")
  const fiber = yield* Effect.forkChild(run(shell(script(pids))), { startImmediately: true })
  const numbers = yield* numbersIn(pids, count)
  yield* Fiber.interrupt(fiber)
  return numbers
})

export const processes = suite<Processes>("Processes", (test) => {
  test("returns both outputs and the exit status", () =>
    Effect.gen(function* () {
      assert.deepEqual(yield* run(shell("echo out; echo err >&2; exit 3")), {
        status: 3,
        stdout: "out\n",
        stderr: "err\n"
      })
      assert.deepEqual(yield* run(shell(":")), { status: 0, stdout: "", stderr: "" })
    }))

  test("returns the name of the signal that ended it", () =>
    Effect.gen(function* () {
      assert.equal((yield* run(shell("kill -TERM $$"))).status, "SIGTERM")
      assert.equal((yield* run(shell("kill -KILL $$"))).status, "SIGKILL")
    }))

  test("passes stdin and closes it", () =>
    Effect.gen(function* () {
      assert.equal((yield* run(shell("cat", { stdin: "Grüße\n🙂" }))).stdout, "Grüße\n🙂")
      assert.equal((yield* run(shell("cat; echo done"))).stdout, "done\n")
    }))

  test("transfers more than a pipe holds in both directions at once", () =>
    Effect.gen(function* () {
      const stdin = "0123456789abcde\n".repeat(1 << 15)
      const { stderr, stdout } = yield* run(shell("head -c 500000 /dev/zero; cat >&2", { stdin }))
      assert.equal(stdout, "\0".repeat(500_000))
      assert.ok(stderr === stdin)
    }))

  test("accepts a child that does not read its stdin", () =>
    Effect.gen(function* () {
      const stdin = "x".repeat(1 << 20)
      assert.equal((yield* run(shell("exit 7", { stdin }))).status, 7)
      assert.equal((yield* run(shell("exec 0<&-; echo closed", { stdin }))).stdout, "closed\n")
    }))

  test("passes arguments as they are, and only the given environment", () =>
    Effect.gen(function* () {
      const args = ["-c", 'printf "%s|" "$0" "$@"', "a b", "", "$HOME", "*"]
      assert.equal((yield* run(shell("", { args }))).stdout, "a b||$HOME|*|")
      const env = { CNI_ARGS: "A=1;B=ü", EMPTY: "" }
      const { stdout } = yield* run({ ...shell(""), program: "/usr/bin/env", args: [], env })
      assert.deepEqual(stdout.split("\n").sort(), ["", "CNI_ARGS=A=1;B=ü", "EMPTY="])
    }))

  test("keeps a character whole that comes in two parts", () =>
    Effect.gen(function* () {
      const script = "printf '\\303'; sleep 0.05; printf '\\274'"
      assert.equal((yield* run(shell(script))).stdout, "ü")
    }))

  test("waits for the exit, not for the end of the output", () =>
    Effect.gen(function* () {
      assert.deepEqual(yield* run(shell("exec >&- 2>&-; sleep 0.05; exit 4")), { status: 4, stdout: "", stderr: "" })
    }))

  test("accepts output up to the limit, on each stream", () =>
    Effect.gen(function* () {
      const { stderr, stdout } = yield* run(shell("printf 12345; printf 12345 >&2", { limit: 5 }))
      assert.deepEqual([stdout, stderr], ["12345", "12345"])
    }))

  for (const to of ["", " >&2"]) {
    test(`kills a child that writes more than allowed${to === "" ? "" : " to stderr"}, and leaves nothing of it`, () =>
      Effect.gen(function* () {
        const pids = join(yield* directory, "pids")
        const script = `echo $$ > ${pids}; while :; do echo much${to}; done`
        assert.equal(yield* codeOf(shell(script, { limit: 5 })), "TOOBIG")
        const [pid = 0] = yield* numbersIn(pids, 1)
        assert.equal(stateOf(pid), undefined)
      }))
  }

  test("reports why a program cannot be started", () =>
    Effect.gen(function* () {
      const base = yield* directory
      Fs.writeFileSync(`${base}/file`, "#!/bin/sh\n", { mode: 0o644 })
      assert.equal(yield* codeOf(shell("", { program: `${base}/nothing` })), "ENOENT")
      assert.equal(yield* codeOf(shell("", { program: `${base}/file` })), "EACCES")
      assert.equal(yield* codeOf(shell("", { program: base })), "EACCES")
      assert.equal(yield* codeOf(shell("", { program: `${base}/file/below` })), "ENOTDIR")
    }))

  test("interruption kills the child and waits until it is gone, whatever it does about signals", () =>
    Effect.gen(function* () {
      const [pid = 0] = yield* interrupted(
        (pids) => `trap '' TERM INT HUP; echo $$ > ${pids}; while :; do sleep 1; done`,
        1
      )
      assert.equal(stateOf(pid), undefined)
    }))

  test("interruption kills what the child has started as well", () =>
    Effect.gen(function* () {
      const pids = yield* interrupted((pids) => `sleep 60 & echo $! > ${pids}; echo $$ >> ${pids}; wait`, 2)
      assert.equal(pids.length, 2)
      // init reaps the child's child.
      for (const pid of pids) yield* ended(pid)
    }))

  test("interruption is not delayed by a process that keeps the output open", () =>
    Effect.gen(function* () {
      const pids = yield* interrupted((pids) => `sleep 60 & echo $! > ${pids}; echo $$ >> ${pids}`, 2)
      for (const pid of pids) yield* ended(pid)
    }))

  test("a deadline is an interruption", () =>
    Effect.gen(function* () {
      const pids = join(yield* directory, "pids")
      // A longer wait, until its first command: on a busy machine a process does not start at once.
      for (let millis = 300; !Fs.existsSync(pids) || Fs.readFileSync(pids, "utf8") === ""; millis *= 2) {
        const late = yield* run(shell(`echo $$ > ${pids}; exec sleep 60`)).pipe(
          Effect.timeoutOption(millis),
          Effect.map(({ _tag }) => _tag)
        )
        assert.equal(late, "None")
      }
      const [pid = 0] = yield* numbersIn(pids, 1)
      assert.equal(stateOf(pid), undefined)
    }))

  test("runs many at once and keeps their output apart", () =>
    Effect.gen(function* () {
      const numbers = Array.from({ length: 20 }, (_, i) => i)
      const ended = yield* Effect.forEach(numbers, (i) => run(shell(`cat; exit ${i}`, { stdin: `${i}` })), {
        concurrency: "unbounded"
      })
      assert.deepEqual(
        ended.map(({ status, stdout }) => [status, stdout]),
        numbers.map((i) => [i, `${i}`])
      )
    }))
})
