// Adds up the runners' own reports and prints the closing line; before it, what failed and how it began to. A step that
// failed without a failing test counts as one failure; a tier that ran no test is one as well. No test runs twice: one that
// fails now and then is a finding.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const [directory, ...failedSteps] = process.argv.slice(2)
const total = { passed: 0, failed: 0, skipped: 0 }
const explained = new Set()
const failures = []

function began(messages) {
  const lines = messages.flatMap((message) => message.slice(0, 2000).split("\n").slice(0, 8))
  return lines.map((line) => `    ${line}`).join("\n")
}

for (const file of readdirSync(directory).sort()) {
  const name = file.replace(/\.json$/, "")
  const report = JSON.parse(readFileSync(join(directory, file), "utf8"))
  const skipped = report.numPendingTests + report.numTodoTests
  total.passed += report.numPassedTests
  total.failed += report.numFailedTests
  total.skipped += skipped
  if (report.numFailedTests > 0) explained.add(name)
  console.log(`${name}: ${report.numPassedTests} passed, ${report.numFailedTests} failed, ${skipped} skipped`)
  for (const test of report.testResults.flatMap((suite) => suite.assertionResults)) {
    if (test.status === "failed") failures.push(`${name}: failed: ${test.fullName}\n${began(test.failureMessages)}`)
    if (["pending", "skipped", "todo"].includes(test.status)) console.log(`  skipped: ${test.fullName}`)
  }
  if (report.numPassedTests === 0 && !failedSteps.includes(name)) failedSteps.push(name)
}

for (const step of failedSteps) {
  if (explained.has(step)) continue
  total.failed += 1
  failures.push(`${step}: failed without a failing test, see above`)
}
for (const one of failures) console.log(one)
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0)
