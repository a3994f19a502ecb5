/** {@link Receive} for tests on Node: bun receives it, and gives a copy. */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type { Receive } from "../../../../src/platform/PassedFile.ts"
import { SocketError } from "../../../../src/platform/Sockets.ts"

const bun = join(import.meta.dirname, "../../../../node_modules/.bin/bun")
const program = join(import.meta.dirname, "../bun-passed-file.ts")

export const receive: Receive = (path) =>
  Effect.suspend(() => {
    const { stderr, stdout } = spawnSync(bun, [program, path], { maxBuffer: 1 << 28, timeout: 60_000 })
    const [, operation, code] = /^(connect|read) (\w+)/.exec(String(stderr)) ?? []
    if (operation === "connect" || operation === "read") {
      return Effect.fail(new SocketError({ path, code: code ?? "UNKNOWN", operation }))
    }
    return Effect.succeed({
      read: (at: number, bytes: Uint8Array) => (at < stdout.length ? stdout.copy(bytes, 0, at) : 0)
    })
  })
