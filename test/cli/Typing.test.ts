/** The command line itself: help, versions, completions, and typing errors. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { about } from "../../src/cli/Userspace.ts"
import { make } from "../dry-run/support/MemoryNode.ts"
import { type } from "./support/Terminal.ts"

it.effect("lists its commands and how to complete them", () =>
  Effect.gen(function* () {
    const { stdout, well } = yield* type(make(), ["--help"])
    assert.isTrue(well)
    for (const word of ["add", "del", "check", "version", "--completions", "--help"]) assert.include(stdout, word)
    assert.notInclude(stdout, "--wizard")
  })
)

it.effect("describes every flag of a command", () =>
  Effect.gen(function* () {
    for (const command of ["add", "del", "check"]) {
      const { stdout, well } = yield* type(make(), [command, "--help"])
      assert.isTrue(well)
      for (const flag of ["config", "container-id", "netns", "ifname", "args", "cni-path", "dry-run", "json"]) {
        assert.match(stdout, new RegExp(`--${flag}\\b.* {2,}\\S`))
      }
    }
  })
)

it.effect("prints its version, and those of CNI", () =>
  Effect.gen(function* () {
    assert.include((yield* type(make(), ["version"])).stdout, "CNI 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0")
    const { supportedVersions, version } = JSON.parse((yield* type(make(), ["version", "--json"])).stdout)
    assert.strictEqual(supportedVersions.at(-1), "1.1.0")
    assert.isNotEmpty(version)
    assert.include((yield* type(make(), ["--version"])).stdout, version)
  })
)

it.effect.each(["bash", "zsh", "fish"])("completes commands and flags in %s", (shell) =>
  Effect.gen(function* () {
    const { stdout } = yield* type(make(), ["--completions", shell])
    for (const word of ["userspace", "check", "container-id", "dry-run"]) assert.include(stdout, word)
  })
)

it("prints what it is when it runs without arguments, as CNI plugins do", () => {
  const [first, second, third] = about.split("\n")
  assert.match(first ?? "", /^userspace-cni \S+: CNI plugin/)
  assert.strictEqual(second, "CNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0")
  assert.include(third ?? "", "userspace --help")
})

const mistakes: ReadonlyArray<readonly [string, string, string]> = [
  ["add", "Missing required flag: --config", "userspace add --help"],
  [
    "add --confg x",
    "Unrecognized flag: --confg in command userspace add. Did you mean --config?",
    "userspace add --help"
  ],
  ["ad --config x", 'Unknown subcommand "ad" for "userspace". Did you mean add?', "userspace --help"],
  ["frobnicate", 'Unknown subcommand "frobnicate" for "userspace"', "userspace --help"],
  ["del --config x surplus", 'Unexpected positional argument: "surplus"', "userspace del --help"],
  ["add --config x --dry-run=perhaps", 'Invalid value for flag --dry-run: "perhaps"', "userspace add --help"]
]

it.effect.each(mistakes)("reports a mistake in three parts: %s", ([line, answer, help]) =>
  Effect.gen(function* () {
    const { stderr, stdout, well } = yield* type(make(), line.split(" "))
    assert.isFalse(well)
    assert.strictEqual(stdout, "")
    const [failed, came, cure, ...more] = stderr.trimEnd().split("\n")
    assert.strictEqual(failed, "userspace: invalid command line")
    assert.isTrue(came?.startsWith(`  ${answer}`), came)
    assert.strictEqual(cure, `  -> Run \`${help}\` for usage.`)
    assert.deepStrictEqual(more, [])
  })
)
