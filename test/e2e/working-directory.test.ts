/**
 * The working directory of the executable matters only for relative paths: a removed one, one outside of the root as
 * with Multus' thick plugin, one that may not be entered. Relative paths mean what was typed.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { resolve } from "node:path"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { CniNode } from "./support/CniNode.ts"
import { executable } from "./support/Machine.ts"
import * as Plugin from "./support/Plugin.ts"
import { cleanEnvironment, run, succeed } from "./support/Program.ts"
import { onMachine } from "./support/Suite.ts"
import { look, returnsTo } from "./support/World.ts"

const thick = resolve(import.meta.dirname, "support/thick.pl")

/** The executable at a path that everybody can reach. */
class Site extends Context.Service<Site, { readonly directory: string; readonly program: string }>()(
  "userspace-cni/test/Site"
) {
  static readonly layer = Layer.effect(
    Site,
    Effect.gen(function* () {
      const directory = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(`${tmpdir()}/cwd-`)),
        (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
      )
      yield* succeed("chmod", ["755", directory])
      const program = `${directory}/userspace`
      copyFileSync(executable, program)
      for (const name of ["removed", "closed", "thick"]) mkdirSync(`${directory}/${name}`, { mode: 0o700 })
      return { directory, program }
    })
  )
}

/** Command lines that execute the program in such a directory. */
const places = {
  "was removed": (directory: string) => [
    "sh",
    "-c",
    'mkdir -p "$0" && cd "$0" && rmdir "$0" && exec "$@"',
    `${directory}/removed`
  ],
  "is outside of the root, as Multus' thick plugin leaves it": (directory: string) => {
    const [program, ...args] = ["unshare", "--mount", "perl", thick, `${directory}/thick`]
    return [program ?? "", ...args]
  }
} as const

const unprivileged = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

onMachine(["root", "executable", "ovs", "hostLocal"], Layer.merge(CniNode.layer, Site.layer))(
  "a working directory that",
  (test) => {
    for (const [name, through] of Object.entries(places)) {
      test(`${name}: ADD, CHECK and DEL work as usual`, () =>
        Effect.gen(function* () {
          const { call, network, sandbox, watched } = yield* CniNode
          const more = { through: through((yield* Site).directory) }
          const of = yield* sandbox
          const before = yield* look(watched)
          const added = yield* call("ADD", of, network, more)
          const { ips } = yield* Plugin.resultOf(added)
          assert.lengthOf(ips, 1)
          Plugin.well(yield* call("CHECK", of, { ...network, prevResult: added.document }, more))
          Plugin.well(yield* call("DEL", of, network, more))
          yield* returnsTo(watched, before)
        }))
    }
  }
)

onMachine(["root", "executable"], Site.layer)("without a switch, a working directory that", (test) => {
  const ways: Readonly<Record<string, (directory: string) => ReadonlyArray<string>>> = {
    ...places,
    "may not be entered": (directory) => ["sh", "-c", 'cd "$0" && exec "$@"', `${directory}/closed`, ...unprivileged]
  }
  for (const [name, through] of Object.entries(ways)) {
    test(`${name}: VERSION and commands answer`, () =>
      Effect.gen(function* () {
        const { directory, program } = yield* Site
        const [outer = "", ...args] = [...through(directory), program]
        const asked = (env: Readonly<Record<string, string>>, ...more: ReadonlyArray<string>) =>
          run(outer, [...args, ...more], { env: { ...cleanEnvironment, ...env } })
        const answer = yield* Plugin.judge("VERSION", yield* asked({ CNI_COMMAND: "VERSION" }))
        assert.include(answer.stdout, "supportedVersions", answer.stderr)
        assert.include((yield* asked({}, "version")).stdout, "userspace-cni ")
        const shown = yield* asked({}, "container", "show", "--annotations", "/nowhere")
        assert.include(shown.stderr, "no interface of this plugin was found")

        const relative = yield* asked({}, "add", "--dry-run", "--config", "net.conf")
        assert.deepStrictEqual([relative.status, relative.stdout], [1, ""])
        assert.match(relative.stderr, /^userspace: cannot (resolve net\.conf|read .*net\.conf)\n/)
        assert.notInclude(relative.stderr, "directory was deleted")
      }))
  }
})

onMachine(["executable"], Site.layer)("a relative path starts where the caller is", (test) => {
  const network = { cniVersion: "1.0.0", type: "bridge" }

  /** The content names its file. */
  const typed = Effect.fnUntraced(function* (script: string, env: Readonly<Record<string, string>> = {}) {
    const { directory, program } = yield* Site
    const root = mkdtempSync(`${directory}/typed-`)
    mkdirSync(`${root}/a/b`, { recursive: true })
    symlinkSync("a/b", `${root}/link`)
    for (const name of ["", "a/", "a/b/"]) {
      writeFileSync(`${root}/${name}net.conf`, JSON.stringify({ ...network, type: `at-${name || "top"}` }))
    }
    const { stderr } = yield* run("bash", ["-c", `cd ${root} && { ${script}; }; exit $?`, program], {
      env: { ...cleanEnvironment, ...env }
    })
    return stderr
  })

  const cases: ReadonlyArray<readonly [string, string, string]> = [
    ["in a directory", 'cd a; "$0" add --dry-run --config net.conf', 'its type is "at-a/"'],
    ["above one", 'cd a/b; "$0" add --dry-run --config ../net.conf', 'its type is "at-a/"'],
    ["in one that was reached by a link", 'cd link; "$0" add --dry-run -c net.conf', 'its type is "at-a/b/"'],
    ["above one that was reached by a link", 'cd link; "$0" add --dry-run --config=../net.conf', 'its type is "at-a/"'],
    ["without PWD, as sudo starts it", 'cd a; env -u PWD "$0" add --dry-run --config net.conf', 'its type is "at-a/"'],
    ["with a PWD that is nowhere", 'cd a; PWD=/nowhere "$0" add --dry-run --config net.conf', 'its type is "at-a/"'],
    [
      "from a shell that becomes the command",
      '(cd a && exec "$0" add --dry-run --config net.conf)',
      'its type is "at-a/"'
    ],
    ["from a script of sh", 'sh -c \'cd a/b && "$0" add --dry-run --config net.conf\' "$0"', 'its type is "at-a/b/"'],
    [
      "of a program that left a PWD behind",
      'cd a; perl -e \'chdir ".."; system @ARGV\' "$0" add --dry-run --config net.conf',
      "cannot resolve net.conf"
    ],
    [
      "in a directory that was removed, without PWD",
      'mkdir r; cd r; rmdir ../r; env -u PWD "$0" add --dry-run --config net.conf',
      "PWD is not set"
    ]
  ]
  for (const [name, script, expected] of cases) {
    test(name, () => Effect.map(typed(script), (stderr) => assert.include(stderr, expected)))
  }
})
