/** The file of a socket that VPP left: removed at its own path or through our short link, and nowhere else. */
import { mkdirSync, renameSync, symlinkSync } from "node:fs"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { Files } from "../../src/platform/Files.ts"
import { removeSocketFile } from "../../src/vpp/Unplug.ts"
import { listening } from "../container/support/Pod.ts"
import { temporaryDirectory } from "./support/TestVpp.ts"

const scene = Effect.gen(function* () {
  const base = yield* temporaryDirectory
  for (const name of ["own", "prey", "links"]) mkdirSync(`${base}/${name}`)
  symlinkSync(`${base}/own`, `${base}/links/abcdefghijklmnopqrst`)
  for (const name of ["own", "prey"]) yield* listening(`${base}/${name}/a.sock`)
  const files = yield* Files
  yield* files.pin(`${base}/own`)
  const kind = (name: string) => Effect.map(files.lstat(`${base}/${name}/a.sock`), (found) => found?.kind)
  return { base, files, kind }
}).pipe(Effect.provide(Files.layer))

it.live.each(["own", "links/abcdefghijklmnopqrst"])("by way of %s", (way) =>
  Effect.gen(function* () {
    const { base, files, kind } = yield* scene
    assert.isTrue(yield* removeSocketFile(files, `${base}/${way}/a.sock`))
    assert.isFalse(yield* removeSocketFile(files, `${base}/${way}/a.sock`))
    assert.strictEqual(yield* kind("prey"), "socket")
  })
)

it.live.each(["own", "links/abcdefghijklmnopqrst"])("but not where a container's link leads, by way of %s", (way) =>
  Effect.gen(function* () {
    const { base, files, kind } = yield* scene
    renameSync(`${base}/own`, `${base}/moved`)
    symlinkSync(`${base}/prey`, `${base}/own`)
    assert.isFalse(yield* removeSocketFile(files, `${base}/${way}/a.sock`))
    assert.strictEqual(yield* kind("prey"), "socket")
  })
)
