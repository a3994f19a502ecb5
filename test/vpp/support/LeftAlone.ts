/**
 * Whether calls have changed anything at all: every file in some directories, and the whole state of a VPP in
 * TypeScript.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { knowledge } from "../server/Knowledge.ts"
import type { VppServer } from "../server/VppServer.ts"

const described = (path: string): string => {
  const { gid, mode, uid } = fs.lstatSync(path)
  const what = fs.lstatSync(path).isFile()
    ? fs.readFileSync(path, "base64")
    : fs.lstatSync(path).isSymbolicLink()
      ? fs.readlinkSync(path)
      : ""
  return `${path} ${mode.toString(8)} ${uid}:${gid} ${what}`
}

export const everything = (directories: ReadonlyArray<string>, server?: VppServer): ReadonlyArray<string> => [
  ...directories.flatMap((directory) =>
    ["", ...fs.readdirSync(directory, { recursive: true, encoding: "utf8" })]
      .sort()
      .map((name) => described(join(directory, name)))
  ),
  ...(server === undefined ? [] : knowledge(server))
]

/** The state after `self` is as before. */
export const leftAlone =
  (directories: ReadonlyArray<string>, server?: VppServer) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      const before = everything(directories, server)
      return Effect.tap(self, () => Effect.sync(() => assert.deepStrictEqual(everything(directories, server), before)))
    })
