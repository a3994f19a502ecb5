/**
 * Keeping the kubeconfig up to date, on real files and the test's clock: a minute after any change of the file or the
 * account, it is correct again. There are no change events here; `Renew.test.ts` has those.
 */
import * as Fs from "node:fs"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Queue } from "effect"
import { TestClock } from "effect/testing"
import { renew } from "../../src/install/AccountKubeconfig.ts"
import { Changes } from "../../src/platform/Changes.ts"
import { Files } from "../../src/platform/Files.ts"
import { node } from "./support/Place.ts"

/** One that has run once, and so has written. */
const kept = Effect.gen(function* () {
  const place = yield* node
  const { account, kubeconfig, variables } = place
  const waiting = yield* Queue.unbounded<void>()
  const said: Array<string> = []
  // It waits after the round.
  const watch = () => Effect.succeed(Effect.andThen(Queue.offer(waiting, undefined), Effect.never))
  yield* renew(kubeconfig, { directory: account, tokenFile: undefined }, variables, {
    renewed: Effect.sync(() => void said.push("renewed")),
    failed: ({ details }) => Effect.sync(() => void said.push(details))
  }).pipe(
    Effect.provideService(Changes, Changes.of({ watch })),
    Effect.provide([Files.layer, NodeServices.layer]),
    Effect.forkChild
  )
  yield* Queue.take(waiting)
  assert.deepStrictEqual(said, ["renewed"])
  said.length = 0
  return {
    ...place,
    said,
    text: Fs.readFileSync(kubeconfig, "utf8"),
    aMinute: Effect.andThen(TestClock.adjust("1 minute"), Queue.take(waiting))
  }
})

describe("a change that somebody made to it", () => {
  /** With another mode, and more content than before. */
  const other = (path: string) => {
    const beside = `${path}.other`
    Fs.writeFileSync(beside, `${Fs.existsSync(path) ? Fs.readFileSync(path, "utf8") : ""}\n`, { mode: 0o644 })
    return beside
  }

  const deeds: ReadonlyArray<readonly [string, (path: string) => void]> = [
    ["removed it", (path) => Fs.rmSync(path)],
    ["wrote over it", (path) => Fs.writeFileSync(path, "apiVersion: v1\nkind: Config\n")],
    ["emptied it", (path) => Fs.truncateSync(path)],
    ["put another in its place", (path) => Fs.renameSync(other(path), path)],
    [
      "put a link in its place",
      (path) => {
        Fs.rmSync(path)
        Fs.symlinkSync(other(path), path)
      }
    ]
  ]
  it.effect.each(deeds)("%s: it is restored", ([, deed]) =>
    Effect.gen(function* () {
      const { aMinute, kubeconfig, said, text } = yield* kept
      deed(kubeconfig)
      yield* aMinute
      assert.isTrue(Fs.lstatSync(kubeconfig).isFile())
      assert.strictEqual(Fs.statSync(kubeconfig).mode & 0o777, 0o600)
      assert.strictEqual(Fs.readFileSync(kubeconfig, "utf8"), text)
      assert.deepStrictEqual(said, ["renewed"])
    })
  )

  it.effect("nothing: it is not written again", () =>
    Effect.gen(function* () {
      const { aMinute, kubeconfig, said } = yield* kept
      const { ino, mtimeMs } = Fs.statSync(kubeconfig)
      yield* aMinute
      yield* aMinute
      const now = Fs.statSync(kubeconfig)
      assert.deepStrictEqual([now.ino, now.mtimeMs, said], [ino, mtimeMs, []])
    })
  )

  it.effect("replaced by a directory: it is reported each minute, until that is gone", () =>
    Effect.gen(function* () {
      const { aMinute, kubeconfig, net, said, text } = yield* kept
      Fs.rmSync(kubeconfig)
      Fs.mkdirSync(kubeconfig)
      yield* aMinute
      yield* aMinute
      assert.lengthOf(said, 2)
      assert.match(said[1] ?? "", /: EISDIR$/)
      assert.deepStrictEqual(Fs.readdirSync(net), ["userspace.kubeconfig"])
      Fs.rmdirSync(kubeconfig)
      yield* aMinute
      assert.strictEqual(Fs.readFileSync(kubeconfig, "utf8"), text)
    })
  )
})

describe("a change of the account", () => {
  it.effect("a new token is written, also without an event", () =>
    Effect.gen(function* () {
      const { aMinute, kubeconfig, mount, said } = yield* kept
      mount("token-2")
      yield* aMinute
      assert.include(Fs.readFileSync(kubeconfig, "utf8"), '"token-2"')
      assert.deepStrictEqual(said, ["renewed"])
    })
  )

  it.effect("an unreadable token is reported, the old kubeconfig stays, and the token is read again later", () =>
    Effect.gen(function* () {
      const { account, aMinute, kubeconfig, said, text } = yield* kept
      Fs.renameSync(join(account, "token"), join(account, "gone"))
      yield* aMinute
      assert.lengthOf(said, 1)
      assert.include(said[0], `${account}/token`)
      assert.strictEqual(Fs.readFileSync(kubeconfig, "utf8"), text)
      Fs.renameSync(join(account, "gone"), join(account, "token"))
      Fs.rmSync(kubeconfig)
      yield* aMinute
      assert.strictEqual(Fs.readFileSync(kubeconfig, "utf8"), text)
    })
  )
})
