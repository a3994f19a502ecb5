/** Run by bun: writes what a passed file has, all of it, for those who run on Node, which cannot receive one. */
import { Effect } from "effect"
import { receive } from "../../../src/platform/bun/libc/BunPassedFile.ts"

const [, , path = ""] = process.argv
const chunk = 1 << 20

const copied = Effect.gen(function* () {
  const file = yield* receive(path)
  for (let at = 0, got = chunk; got === chunk; at += got) {
    const bytes = new Uint8Array(chunk)
    got = file.read(at, bytes)
    yield* Effect.callback<void>((resume) => {
      process.stdout.write(bytes.subarray(0, got), () => resume(Effect.void))
    })
  }
})

await Effect.runPromise(
  Effect.scoped(copied).pipe(
    Effect.catch(({ code, operation }) => Effect.sync(() => console.error(`${operation} ${code}`)))
  )
)
