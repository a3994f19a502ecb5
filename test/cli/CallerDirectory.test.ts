/** The directory of relative paths, from the two sources that exist. */
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { callerDirectory, pathFlags, relativePaths, unknownDirectory } from "../../src/cli/CallerDirectory.ts"
import { make } from "../dry-run/support/MemoryNode.ts"
import { type } from "./support/Terminal.ts"

/** Directories `a` and `b`, `link` to `a`, and a parent's entries in /proc. */
const site = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "caller-"))),
    (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
  ),
  (root) => {
    for (const name of ["a", "b", "parent"]) Fs.mkdirSync(join(root, name))
    Fs.symlinkSync(join(root, "a"), join(root, "link"))
    Fs.writeFileSync(join(root, "file"), "")
    return root
  }
)

interface Case {
  /** Relative names become names in the temporary directory. */
  readonly pwd?: string
  readonly parent?: string
  readonly began?: string
  /** A name in the temporary directory, or a reason. */
  readonly expected: string | RegExp
}

const cases: ReadonlyArray<readonly [string, Case]> = [
  ["a shell typed it", { pwd: "a", parent: "a", expected: "a" }],
  ["a shell in a directory that it came to by a link", { pwd: "link", parent: "a", expected: "link" }],
  ["sudo has taken PWD away", { parent: "a", expected: "a" }],
  ["PWD names nothing", { pwd: "absent", parent: "a", expected: "a" }],
  ["PWD names a file", { pwd: "file", parent: "a", expected: "a" }],
  ["PWD is relative itself", { pwd: "./a", parent: "b", expected: "b" }],
  ["a shell went elsewhere and became the command", { pwd: "b", parent: "a", began: "a", expected: "b" }],
  ["a shell whose environment cannot be read did so", { pwd: "b", parent: "a", expected: "b" }],
  [
    "a program went elsewhere and left PWD as it was",
    { pwd: "b", parent: "a", began: "b", expected: /PWD is .*\/b, and/ }
  ],
  ["the parent cannot be looked at", { pwd: "a", expected: "a" }],
  ["there is neither", { expected: /^PWD is not set, and .* parent process cannot be resolved$/ }],
  [
    "PWD names nothing, and there is no other",
    { pwd: "absent", expected: /^PWD is ".*absent", which is not a directory/ }
  ],
  ["the parent's directory was removed", { parent: "absent", expected: /parent process cannot be resolved/ }]
]

it.effect.each(cases)("%s", ([, { began, expected, parent, pwd }]) =>
  Effect.gen(function* () {
    const root = yield* site
    const of = (name: string) => (name.startsWith(".") ? name : join(root, name))
    const proc = join(root, "parent")
    if (parent !== undefined) Fs.symlinkSync(join(root, parent), join(proc, "cwd"))
    if (began !== undefined) Fs.writeFileSync(join(proc, "environ"), `A=1\0PWD=${join(root, began)}\0B=2\0`)
    const found = yield* Effect.result(callerDirectory(pwd === undefined ? {} : { PWD: of(pwd) }, proc))
    if (expected instanceof RegExp) assert.match(found._tag === "Failure" ? found.failure : "", expected)
    else assert.strictEqual(found._tag === "Success" ? found.success : found.failure, join(root, expected))
  }).pipe(Effect.provide(NodeServices.layer))
)

describe("relative paths", () => {
  it("are found in every form of a flag, and in the variables", () => {
    const args = [
      "--config",
      "a.conf",
      "-c",
      "b",
      "--valid=c",
      "--device-info",
      "net1=d",
      "--device-info=net2=e",
      "--dir"
    ]
    assert.deepStrictEqual(relativePaths(args, { USERSPACE_DIR: "f" }), ["a.conf", "b", "c", "d", "e", "f"])
  })

  it("exclude absolute, empty and non-path values", () => {
    const args = [
      "add",
      "--config=/a",
      "--valid",
      "/b",
      "--container-id",
      "c",
      "--device-info",
      "net1=/d",
      "--json",
      "-w",
      "-"
    ]
    assert.deepStrictEqual(relativePaths(args, { USERSPACE_DIR: "/e", USERSPACE_ANNOTATIONS: "", PWD: "x" }), [])
  })

  it("are those of files to check", () => {
    assert.deepStrictEqual(relativePaths(["lint", "a.yaml", "/b.conf", "-", "--json"], {}), ["a.yaml"])
  })

  it("are reported when the caller's directory is unknown", () => {
    const { answer, cure, message } = unknownDirectory(["a", "b"], "PWD is not set")
    assert.strictEqual(message.startsWith("cannot resolve a and b: "), true, message)
    assert.include(answer, "PWD is not set")
    assert.include(cure, "absolute")
  })

  const absolute = ["--netns", "--cni-path"]

  it.effect("every flag that takes a path is listed", () =>
    Effect.gen(function* () {
      const node = make()
      const seen = new Set<string>()
      const look = (command: ReadonlyArray<string>): Effect.Effect<void> =>
        Effect.gen(function* () {
          const { stdout } = yield* type(node, [...command, "--help"])
          for (const [, flags = "", metavar = ""] of stdout.matchAll(/^ {2}(-[-\w, ]*?) ([A-Z=]+) {2}/gm)) {
            if (/(FILE|DIRS?|PATH)$/.test(metavar)) for (const flag of flags.split(", ")) seen.add(flag)
          }
          const [, below = ""] = /^SUBCOMMANDS\n((?: {2}[a-z-]+ {2}.*\n)+)/m.exec(stdout) ?? []
          for (const [, name = ""] of below.matchAll(/^ {2}([a-z-]+)/gm)) yield* look([...command, name])
        })
      yield* look([])
      assert.deepStrictEqual([...seen].filter((flag) => !absolute.includes(flag)).sort(), [...pathFlags].sort())
    })
  )
})
