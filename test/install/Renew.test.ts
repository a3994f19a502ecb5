/**
 * `userspace install --renew` as a process on bun, as in the executable: follows the token, and is stopped as pods are.
 */
import { type ChildProcess, spawn } from "node:child_process"
import * as Fs from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { untilTrue } from "../support/Until.ts"
import { node, type SocketPaths } from "./support/Place.ts"

const root = join(import.meta.dirname, "../..")

const started = ({ account, kubeconfig, variables }: SocketPaths) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const args = ["src/main.ts", "install", "--kubeconfig", kubeconfig, "--service-account", account, "--renew"]
      const child = spawn(join(root, "node_modules/.bin/bun"), args, {
        cwd: root,
        env: { PATH: process.env["PATH"], ...variables }
      })
      let said = ""
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += String(chunk)))
      return { child, said: () => said }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )

const ended = (child: ChildProcess, signal?: NodeJS.Signals) =>
  Effect.callback<readonly [number | null, NodeJS.Signals | null]>((resume) => {
    child.once("close", (code, by) => resume(Effect.succeed([code, by])))
    if (signal !== undefined) child.kill(signal)
  })

const has = (path: string, text: string) => Fs.existsSync(path) && Fs.readFileSync(path, "utf8").includes(text)

it.live(
  "follows the token, reports an unusable one and keeps the old one, and exits with 0 on SIGTERM",
  () =>
    Effect.gen(function* () {
      const place = yield* node
      const { child, said } = yield* started(place)
      const { kubeconfig, mount } = place
      yield* untilTrue("the first token", () => has(kubeconfig, '"token-1"'))
      mount("token-2")
      yield* untilTrue("the second token", () => has(kubeconfig, '"token-2"'))
      assert.strictEqual(Fs.statSync(kubeconfig).mode & 0o777, 0o600)
      mount("")
      yield* untilTrue("the error", () => said().includes("-> Run it in a pod"))
      assert.isTrue(has(kubeconfig, '"token-2"'))
      mount("token-3")
      yield* untilTrue("the third token", () => has(kubeconfig, '"token-3"'))
      assert.deepStrictEqual(yield* ended(child, "SIGTERM"), [0, null])
      assert.deepStrictEqual(Fs.readdirSync(place.net), ["userspace.kubeconfig"])
      assert.include(said(), `Updated ${kubeconfig}`)
    }),
  60_000
)

it.live(
  "exits with 1 when it cannot start, which Kubernetes shows and retries; the old kubeconfig stays",
  () =>
    Effect.gen(function* () {
      const place = yield* node
      Fs.writeFileSync(place.kubeconfig, "old")
      place.mount("")
      const { child, said } = yield* started(place)
      assert.deepStrictEqual(yield* ended(child), [1, null])
      assert.include(said(), "-> Run it in a pod that has a service account")
      assert.strictEqual(Fs.readFileSync(place.kubeconfig, "utf8"), "old")
    }),
  60_000
)
