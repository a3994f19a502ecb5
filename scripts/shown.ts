/**
 * Whether a run of all tiers confirms the tests named in docs/security.md: `npm run node scripts/shown.ts DIR` reads
 * the reports in that directory, as `.ci/run` collects them. Exit status 1 when a named test failed or did not run;
 * skipped ones are listed.
 */
import { readdirSync, readFileSync } from "node:fs"
import { type Result, unshown } from "../test/docs/support/Shown.ts"

interface Report {
  readonly testResults: ReadonlyArray<{
    readonly name: string
    readonly assertionResults: ReadonlyArray<Omit<Result, "file">>
  }>
}

const [directory = "."] = process.argv.slice(2)
const results = readdirSync(directory).flatMap((file) => {
  const report: Report = JSON.parse(readFileSync(`${directory}/${file}`, "utf8"))
  return report.testResults.flatMap(({ assertionResults, name }) =>
    assertionResults.map((one) => ({ ...one, file: name }))
  )
})
const left = unshown(results)
for (const [became, test] of left) process.stdout.write(`docs/security.md: ${became}: ${test}\n`)
process.exitCode = left.some(([became]) => became !== "skipped") ? 1 : 0
