/** The configuration arrives completely, for any kind of stdin, in one piece or in many, before or after the start. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { executable } from "./support/Machine.ts"
import { ErrorDocument } from "./support/Plugin.ts"
import { cleanEnvironment, run } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"

const environment = {
  ...cleanEnvironment,
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "a",
  CNI_IFNAME: "net1",
  CNI_NETNS: "/nowhere",
  CNI_PATH: "/nowhere"
}

/** Text of that length; a part of it is no JSON. */
const network = (bytes: number): string => {
  const padded = (padding: string) => JSON.stringify({ cniVersion: "1.0.0", name: "n", prevResult: { padding } })
  return padded("x".repeat(Math.max(0, bytes - padded("").length)))
}

/** Ways to pass the same bytes to the executable, which is `$0`. */
const ways = {
  "a file": 'exec "$0" <"$1"',
  "a pipe that is full before": 'cat "$1" | "$0"',
  "a pipe that fills meanwhile": '{ dd if="$1" bs=100 count=1; dd if="$1" bs=100 skip=1; } 2>/dev/null | "$0"',
  "a socket": 'exec "$0"'
} as const

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(ErrorDocument))

onMachine(["executable"], Layer.empty)("stdin", (test) => {
  for (const [way, script] of Object.entries(ways)) {
    for (const [size, code, says] of [
      [200, 4, /nowhere/],
      [300_000, 4, /nowhere/],
      [5 << 20, 5, /longer than 4194304 bytes/]
    ] as const) {
      test(`${way}, of ${size} bytes`, () =>
        Effect.gen(function* () {
          const directory = mkdtempSync(join(tmpdir(), "userspace-stdin-"))
          yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(directory, { recursive: true })))
          const file = join(directory, "network")
          writeFileSync(file, network(size))
          const { stdout } = yield* run("/bin/sh", ["-c", script, executable, file], {
            env: environment,
            stdin: network(size)
          })
          const error = yield* decode(stdout)
          assert.deepStrictEqual([error.code, says.test(error.msg)], [code, true], error.msg)
        }).pipe(Effect.scoped))
    }
  }
})
