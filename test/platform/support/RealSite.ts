/** A directory in the real file system for the suite of `Files`, below the system's temporary directory. */
import * as Fs from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { FilesSite } from "../../suites/FilesSite.ts"

const listening = (path: string) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer()
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

/** With a umask that removes bits of a mode. */
export const layer = Layer.effect(
  FilesSite,
  Effect.gen(function* () {
    const base = yield* Effect.acquireRelease(
      Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "files-"))),
      (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
    )
    const umask = yield* Effect.acquireRelease(
      Effect.sync(() => process.umask(0o077)),
      (before) => Effect.sync(() => process.umask(before))
    )
    const own = process.getgid?.() ?? 0
    const gid = process.getuid?.() === 0 ? 12345 : own
    const access = (path: string, time: number) =>
      Effect.sync(() => Fs.utimesSync(path, time / 1000, Fs.statSync(path).mtimeMs / 1000))
    return FilesSite.of({ base, gid, socket: (path) => Effect.as(listening(path), umask), access })
  })
)
