/** Before and after all campaigns: builds the faulty executable, and writes the report. */
import { execFileSync } from "node:child_process"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import packageJson from "../../../package.json" with { type: "json" }
import { choose } from "./Draw.ts"
import { page } from "./Page.ts"
import { text } from "./Report.ts"
import * as Results from "./Results.ts"
import { faulty } from "./Ways.ts"

const root = resolve(import.meta.dirname, "../../..")

/** Like `scripts/build.sh` for the shipped one, except for the order of its bytecode. */
const options = [
  ...["--compile", "--bytecode", "--format=esm", "--splitting", "--minify", "--compile-jit-policy=100"],
  ...["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig", "--min-chunk-size=16384"]
]

export const setup = (): void => {
  choose()
  rmSync(Results.directory, { recursive: true, force: true })
  mkdirSync(Results.directory, { recursive: true })
  mkdirSync(dirname(faulty), { recursive: true })
  execFileSync(`${root}/node_modules/.bin/bun`, [
    "build",
    ...options,
    // An agent serves calls of its own release only.
    `--define=process.env.USERSPACE_VERSION="${packageJson.version}"`,
    `${root}/test/faults/FaultyMain.ts`,
    ...["--outfile", faulty]
  ])
}

export const teardown = (): void => {
  const results = Results.read()
  const file = `${root}/dist/faults.html`
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, page(results, new Date(), packageJson.version))
  process.stdout.write(`${text(results)}\nfaults: the matrix is in dist/faults.html\n`)
}
