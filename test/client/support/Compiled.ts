/** The client in C, compiled for tests: with sanitizers, and with warnings as errors. */
import { spawnSync } from "node:child_process"
import { globSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { resolve } from "node:path"
import { Effect } from "effect"

export const repository = resolve(import.meta.dirname, "../../..")

export const sources: ReadonlyArray<string> = globSync(`${repository}/src/client/*.c`).toSorted()
/** Those without input and output. */
export const pure = ["answer", "buffer"].map((name) => `${repository}/src/client/${name}.c`)

const strict = ["-std=c17", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion"]
/** As a program that runs from source. */
const defined = ['-DUSERSPACE_VERSION="development"', '-DUSERSPACE_FULL=".userspace/userspace"']
export const warnings = [...strict, ...defined]
const sanitized = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

const works = (program: string, args: ReadonlyArray<string>): boolean => spawnSync(program, args).status === 0

/** Whether a program with these flags can be linked. */
const links = (compiler: string, ...flags: ReadonlyArray<string>): boolean => {
  const words = ["-x", "c", "-", "-o", "/dev/null", ...flags]
  return spawnSync(compiler, words, { input: "int main(void) { return 0; }" }).status === 0
}

export const hasSanitizers = links("gcc", ...sanitized)
export const hasAnalyser = works("clang-19", ["--version"])
export const hasMusl = works("musl-gcc", ["--version"])

export const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(`${tmpdir()}/client-`)),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** Dies with the compiler's words. */
export const compile = (compiler: string, ...words: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { status, stderr } = spawnSync(compiler, [...warnings, ...words], { encoding: "utf8" })
    return status === 0 ? Effect.void : Effect.die(new Error(`${compiler} ${words.join(" ")}: ${stderr}`))
  })

export const withSanitizers = (out: string, ...from: ReadonlyArray<string>) =>
  compile("gcc", ...sanitized, "-o", out, ...from)

/** For the title of a suite that needs something. */
export const unless = (isThere: boolean, what: string): string => (isThere ? "" : ` [skipped: no ${what}]`)
