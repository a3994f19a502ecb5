/** An ADD whose result nobody can receive is rolled back, and fails: a runtime without a result sends no DEL either. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { CniNode } from "./support/CniNode.ts"
import { executable } from "./support/Machine.ts"
import * as Plugin from "./support/Plugin.ts"
import { run } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { look, returnsTo } from "./support/World.ts"

/** Kinds of stdout. */
const outputs = {
  "has no room": ["sh", "-c", 'exec "$0" "$@" >/dev/full'],
  "is closed": ["sh", "-c", 'exec "$0" "$@" >&-'],
  "has lost its reader": [
    "perl",
    "-e",
    'pipe(my $reader, my $writer) or die; open(STDOUT, ">&", $writer) or die; close $reader; close $writer; exec @ARGV'
  ]
} as const

onMachine(["root", "executable", "ovs", "hostLocal"], CniNode.layer)("stdout", (test) => {
  for (const [name, through] of Object.entries(outputs)) {
    test(`that ${name}: ADD is rolled back, and says why on stderr`, () =>
      Effect.gen(function* () {
        const { call, network, sandbox, watched } = yield* CniNode
        const of = yield* sandbox
        const before = yield* look(watched)
        const { signal, status, stderr } = yield* call("ADD", of, network, { through })
        assert.deepStrictEqual([status, signal], [1, null], stderr)
        assert.match(stderr, /the result cannot be written to stdout: (ENOSPC|EBADF|EPIPE); changes were rolled back/)
        yield* returnsTo(watched, before)
      }))
  }

  for (const [name, through] of Object.entries(outputs)) {
    test(`that ${name}: DEL has no output, and an error stays an error`, () =>
      Effect.gen(function* () {
        const { call, network, sandbox, watched } = yield* CniNode
        const of = yield* sandbox
        const before = yield* look(watched)
        Plugin.well(yield* call("ADD", of, network))
        const again = yield* call("ADD", of, network, { through })
        assert.strictEqual(again.status, 1)
        assert.match(again.stderr, /\bDEL\b/)
        Plugin.well(yield* call("DEL", of, network, { through }))
        yield* returnsTo(watched, before)
      }))
  }

  for (const name of ["has no room", "has lost its reader"] as const) {
    test(`that ${name}: VERSION fails`, () =>
      Effect.gen(function* () {
        const { call, network, sandbox } = yield* CniNode
        const { status, stderr } = yield* call("VERSION", yield* sandbox, network, { through: outputs[name] })
        assert.strictEqual(status, 1)
        assert.match(stderr, /VERSION result cannot be written to stdout: (ENOSPC|EPIPE)/)
      }))
  }

  for (const [name, through] of Object.entries(outputs)) {
    test(`that ${name}: a command fails, and reports it on stderr`, () =>
      Effect.gen(function* () {
        const [program, ...args] = through
        const { stderr, status } = yield* run(program, [...args, executable, "list", "--json"])
        assert.strictEqual(status, 1)
        assert.match(
          stderr,
          name === "has lost its reader" ? /^$/ : /stdout cannot be written: (ENOSPC|EBADF)\n {2}-> /
        )
      }))
  }

  test("that is /dev/null by the caller's choice is accepted", () =>
    Effect.gen(function* () {
      const { call, network, sandbox, watched } = yield* CniNode
      const of = yield* sandbox
      const before = yield* look(watched)
      Plugin.well(yield* call("ADD", of, network, { through: ["sh", "-c", 'exec "$0" "$@" >/dev/null'] }))
      Plugin.well(
        yield* call("ADD", { ...of, ifName: "net2" }, network, { through: ["sh", "-c", 'exec "$0" 1<>/dev/null'] })
      )
      for (const ifName of ["net1", "net2"]) Plugin.well(yield* call("DEL", { ...of, ifName }, network))
      yield* returnsTo(watched, before)
    }))
})
