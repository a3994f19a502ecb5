/**
 * A call is a value: many in one process, concurrently, on a node in memory. None sees another's environment or log,
 * each answers once, also when it is interrupted, and nothing stays open. Runs under bun, because its stderr is then
 * separate. `test/e2e/one-process.test.ts` has the same on real switches.
 */
import * as assert from "node:assert/strict"
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Deferred, Effect, Fiber } from "effect"
import { type Answer, call } from "../../src/app/CniCall.ts"
import { ErrorCodes } from "../../src/cni/types/CniError.ts"
import { ovs } from "../cni/support/Reading.ts"
import * as MemoryNode from "../dry-run/support/MemoryNode.ts"
import { suite } from "./Suite.ts"

const scratch = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "call-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true }))
)

const environment = (n: number, verb: string) => ({
  CNI_COMMAND: verb,
  CNI_CONTAINERID: `c0ffee${n}`,
  CNI_NETNS: MemoryNode.netns,
  CNI_IFNAME: `net${n}`,
  CNI_PATH: "/opt/cni/bin",
  OF_THIS_CALL: `${n}`
})

const network = (n: number, more: object = {}) =>
  JSON.stringify({
    cniVersion: "1.0.0",
    name: `network${n}`,
    sharedDir: "/run/shared",
    host: { ...ovs, netType: "bridge", vhost: { mode: "client" } },
    ipam: { type: "host-local", subnet: `10.9.${n}.0/24` },
    ...more
  })

/** With its answers. */
const called = Effect.fnUntraced(function* (node: MemoryNode.Node, ...[n, verb, more]: [number, string, object?]) {
  const answers: Array<Answer> = []
  yield* call(environment(n, verb), network(n, more), node.edges, {
    tell: (answer) => Effect.sync(() => void answers.push(answer))
  })
  return answers
})

/** Descriptors of this process that lead into the directory. */
const openIn = (directory: string) =>
  Fs.readdirSync("/proc/self/fd")
    .map((fd) => `/proc/self/fd/${fd}`)
    // The descriptor of this read is gone.
    .filter((fd) => Fs.existsSync(fd) && Fs.readlinkSync(fd).startsWith(directory))

const each = Array.from({ length: 16 }, (_, n) => n)

export const calls = suite<never>("calls in one process", (test) => {
  test("have their own environment, log and answer, and leave no log file open", () =>
    Effect.gen(function* () {
      const directory = yield* scratch
      const node = MemoryNode.make()
      const before = node.state()
      const more = (n: number) => ({ logFile: `${directory}/${n}.log`, logLevel: n % 2 === 0 ? "debug" : "info" })
      const frames = Error.stackTraceLimit
      for (const verb of ["ADD", "CHECK", "DEL"]) {
        const answers = yield* Effect.forEach(each, (n) => called(node, n, verb, more(n)), { concurrency: "unbounded" })
        assert.deepEqual(
          answers.map((own) => own.map(({ status }) => status)),
          each.map(() => [0])
        )
      }
      assert.equal(Error.stackTraceLimit, frames)
      for (const { env, stdin } of node.runs) {
        assert.ok(stdin.includes(`"network${env["OF_THIS_CALL"]}"`))
        assert.equal(env["CNI_IFNAME"], `net${env["OF_THIS_CALL"]}`)
      }
      for (const n of each) {
        const lines = Fs.readFileSync(`${directory}/${n}.log`, "utf8").trim().split("\n")
        for (const line of lines) assert.ok(line.includes(`container=c0ffee${n} `))
        assert.equal(
          lines.some((line) => / took [0-9.]+ ms container/.test(line)),
          n % 2 === 0
        )
      }
      assert.deepEqual(openIn(directory), [])
      assert.deepEqual(node.state(), before)
    }))

  test("reopen a log file that was rotated", () =>
    Effect.gen(function* () {
      const directory = yield* scratch
      const node = MemoryNode.make()
      const more = { logFile: `${directory}/log`, logLevel: "debug" }
      yield* called(node, 0, "ADD", more)
      Fs.renameSync(`${directory}/log`, `${directory}/log.1`)
      yield* called(node, 0, "DEL", more)
      assert.ok(Fs.readFileSync(`${directory}/log`, "utf8").includes("DEL took "))
      assert.ok(!Fs.readFileSync(`${directory}/log.1`, "utf8").includes("DEL"))
    }))

  test("are interrupted separately: one is rolled back and says so, the other continues", () =>
    Effect.gen(function* () {
      const node = MemoryNode.make()
      const started = yield* Effect.forEach([0, 1], () => Deferred.make<void>())
      const go = yield* Deferred.make<void>()
      node.files.put("/opt/cni/bin/slow", "file", "", 0o755)
      const before = node.state()
      node.programs.set("/opt/cni/bin/slow", ({ env }) =>
        env["CNI_COMMAND"] === "DEL"
          ? Effect.succeed({ status: 0, stdout: "", stderr: "" })
          : Effect.as(
              Effect.andThen(
                Deferred.succeed(started[Number(env["OF_THIS_CALL"])] ?? go, undefined),
                Deferred.await(go)
              ),
              {
                status: 0,
                stdout: JSON.stringify({ cniVersion: "1.0.0", ips: [{ address: "10.0.0.5/24" }] }),
                stderr: ""
              }
            )
      )
      const answers: Array<readonly [number, Answer]> = []
      const more = { ipam: { type: "slow" } }
      const calls = yield* Effect.forEach([0, 1], (n) =>
        Effect.forkChild(
          call(environment(n, "ADD"), network(n, more), node.edges, {
            tell: (answer) => Effect.sync(() => void answers.push([n, answer]))
          })
        )
      )
      yield* Effect.forEach(started, (one) => Deferred.await(one))
      const [first, second] = calls
      assert.ok(first !== undefined && second !== undefined)
      yield* Fiber.interrupt(first)
      assert.equal(answers.length, 1)
      const { document } = answers[0]?.[1] ?? {}
      assert.equal(document?.["code"], ErrorCodes.Interrupted)
      assert.equal(document?.["msg"], "interrupted by a signal; an ADD was rolled back")
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(second)
      assert.deepEqual(
        answers.map(([n, { status }]) => [n, status]),
        [
          [0, 1],
          [1, 0]
        ]
      )
      yield* called(node, 1, "DEL", more)
      assert.deepEqual(node.state(), before)
    }))
})
