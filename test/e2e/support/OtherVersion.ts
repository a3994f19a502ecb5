/** This executable with another version number, and nothing else: the other one of a node that is being upgraded. */

import { copyFileSync, mkdirSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { Effect } from "effect"
import { cleanEnvironment, succeed } from "./Program.ts"

const root = resolve(import.meta.dirname, "../../..")
const path = `${root}/.cache/e2e/userspace-other`

export const otherVersion = "0.0.9"

/** Builds it; without bytecode, whose order would take two runs. */
export const otherExecutable = Effect.suspend(() => {
  mkdirSync(dirname(path), { recursive: true })
  const options = ["--compile", "--format=esm", "--splitting", "--minify", "--compile-exec-argv=--cwd=/"]
  const defined = ["--define", `process.env.USERSPACE_VERSION="${otherVersion}"`]
  const env = { ...cleanEnvironment, PATH: `${root}/node_modules/.bin:${cleanEnvironment.PATH}`, HOME: "/root" }
  const words = ["build", ...options, ...defined, `${root}/src/main.ts`, "--outfile", path]
  return Effect.as(succeed(`${root}/node_modules/.bin/bun`, words, { env, cwd: root }), path)
})

/**
 * A directory of plugins while one version is installed over the other: the client in C of one, and the executable of the
 * other. Returns the plugin in it.
 */
export const halfInstalled = (directory: string, client: string, full: string) =>
  Effect.suspend(() => {
    mkdirSync(`${directory}/.userspace`, { recursive: true })
    copyFileSync(full, `${directory}/.userspace/userspace`)
    const machine = process.arch === "arm64" ? "arm64" : "x64"
    const env = { ...cleanEnvironment, USERSPACE_VERSION: client }
    const plugin = `${directory}/userspace`
    return Effect.as(succeed("bash", ["scripts/client.sh", machine, plugin], { env, cwd: root }), plugin)
  })
