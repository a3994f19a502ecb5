/** What the agent finds at its socket's path when it creates the socket. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { identityAt, listen } from "../../src/agent/Server.ts"
import { get } from "../../src/agent/Status.ts"

const place = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(`${tmpdir()}/server-`)),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

const listening = (path: string) =>
  Effect.acquireRelease(
    listen(path, (_, response) => void response.end("here")),
    ({ close }) => Effect.sync(close)
  )

it.effect("an empty directory is replaced by the socket", () =>
  Effect.gen(function* () {
    const path = `${yield* place}/agent.sock`
    mkdirSync(path, { recursive: true, mode: 0o700 })
    const { identity } = yield* listening(path)
    assert.strictEqual(identity, identityAt(path))
    assert.strictEqual((yield* get(path, "/")).text, "here")
  })
)

it.effect("a directory with something in it stays: the error says so, and no try leaves anything", () =>
  Effect.gen(function* () {
    const directory = yield* place
    const path = `${directory}/agent.sock`
    mkdirSync(path, { recursive: true, mode: 0o700 })
    writeFileSync(`${path}/somebody's`, "")
    const { answer, cure } = yield* Effect.flip(listening(path))
    assert.strictEqual(answer, `remove the directory ${path}: ENOTEMPTY`)
    assert.strictEqual(cure, `Move it away: ${path} has to be the agent's socket.`)
    assert.isTrue(existsSync(`${path}/somebody's`))
    assert.deepStrictEqual(readdirSync(directory), ["agent.sock"])
  })
)
