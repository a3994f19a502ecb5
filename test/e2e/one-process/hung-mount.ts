/**
 * A mount whose server never answers, in a mount namespace of this program, and its effect on the edges of a process of
 * many calls. Argument: a directory. Prints the observations.
 */
import { spawnSync } from "node:child_process"
import { closeSync, openSync } from "node:fs"
import { Effect } from "effect"
import * as AsyncFiles from "../../../src/platform/async/AsyncFiles.ts"
import { Namespaces } from "../../../src/platform/Namespaces.ts"
import { lastSeen } from "../../support/Until.ts"

const [, , directory = ""] = process.argv
// The kernel waits for the answer to its first request (fuse(4)), and everybody who accesses a file waits for the
// kernel.
const server = openSync("/dev/fuse", "r+")
const options = ["-i", "-t", "fuse", "-o", "fd=3,rootmode=40000,user_id=0,group_id=0", "hung", directory]
const { status, stderr } = spawnSync("mount", options, { stdio: ["ignore", "ignore", "pipe", server] })
if (status !== 0) throw new Error(String(stderr))

/** In milliseconds: enough for another file system on a busy machine. */
const patience = 3_000
const files = AsyncFiles.make(patience)
const order: Array<string> = []
const noting = (what: string) => (self: Effect.Effect<string>) =>
  Effect.map(self, (code) => void order.push(`${what}: ${code}`))
const codeOf = <A>(self: Effect.Effect<A, { readonly code: string }>) =>
  Effect.match(self, { onFailure: ({ code }) => code, onSuccess: () => "done" })

const main = Effect.gen(function* () {
  yield* Effect.all(
    [
      codeOf(files.lstat(`${directory}/file`)).pipe(noting("there")),
      codeOf(files.read(`${directory}/file`, 10)).pipe(noting("there")),
      codeOf(files.list(`${directory}/below`)).pipe(noting("there")),
      codeOf(files.list("/proc")).pipe(noting("elsewhere"))
    ],
    { concurrency: "unbounded" }
  )
  const next = yield* Effect.sync(() => Effect.runSync(codeOf(files.lstat(`${directory}/another`))))
  const namespace = yield* Effect.flatMap(Namespaces, ({ judge }) => judge(`${directory}/ns`)).pipe(
    Effect.provide(AsyncFiles.namespaces(patience))
  )
  closeSync(server)
  const again = codeOf(files.lstat(`${directory}/file`))
  const after = yield* lastSeen(again, (code) => code !== "ETIMEDOUT", { every: "10 millis" })
  process.stdout.write(JSON.stringify({ order, next, namespace, after }))
})

await Effect.runPromise(main)
process.exit(0)
