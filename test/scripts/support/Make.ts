/** Targets of the Makefile as a user calls them, with programs in PATH that only record their calls. */
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { temporaryDirectory } from "../../vpp/support/TestVpp.ts"

export const root = join(import.meta.dirname, "../../..")

/** A small image of `make test-container` has none. Tests that do not run for that reason say so in their names. */
export const noMake = spawnSync("make", ["--version"]).status !== 0
export const named = (suite: string) => (noMake ? `${suite} [skipped: no make]` : suite)

interface Call {
  readonly args: string
  readonly stdin: string
}

/** A directory for such programs. */
export const programs = Effect.map(temporaryDirectory, (directory) => {
  const call = (program: string, words: ReadonlyArray<string>, cwd: string, env = {}) => {
    const own = { PATH: `${directory}:/usr/bin:/bin`, LANG: "C.UTF-8", HOME: directory }
    const { status, stderr, stdout } = spawnSync(program, words, { cwd, encoding: "utf8", env: { ...own, ...env } })
    return { status, stderr, stdout }
  }
  return {
    directory,
    /** A program that records its arguments, and then runs this. It writes its input to the file `$stdin`. */
    put: (name: string, script = "") => {
      const record = `call=$(mktemp -d ${directory}/${name}-call-XXXXXX)\necho "$*" >$call/args\nstdin=$call/stdin\n`
      const order = `echo $call >>${directory}/${name}-calls\n`
      Fs.writeFileSync(join(directory, name), `#!/bin/sh\n${record}${order}${script}\n`, { mode: 0o755 })
    },
    calls: (name: string): ReadonlyArray<Call> => {
      const list = join(directory, `${name}-calls`)
      const calls = Fs.existsSync(list) ? Fs.readFileSync(list, "utf8").trim().split("\n") : []
      return calls.map((call) => ({
        args: Fs.readFileSync(join(call, "args"), "utf8").trimEnd(),
        stdin: Fs.existsSync(join(call, "stdin")) ? Fs.readFileSync(join(call, "stdin"), "utf8") : ""
      }))
    },
    /** `make WORDS` with nothing else in the environment. */
    make: (words: ReadonlyArray<string>) => call("make", words, root),
    /** `scripts/image.sh VERB` of another checkout, with docker. */
    run: (checkout: string, verb: string, env: Readonly<Record<string, string>> = {}) =>
      call("/bin/bash", ["scripts/image.sh", verb], checkout, { IMAGE_BUILDER: "docker", ...env })
  }
})

export type Programs = Effect.Success<typeof programs>
