/** Part of `make check`: verifies what docs/architecture.md says about the rooms of `src`. */
import { join } from "node:path"
import { floors } from "./house/Floors.ts"
import { filesOf, importsOf, laterOf, linesOf, valuesOf } from "./house/Imports.ts"
import { broken } from "./house/Rules.ts"
import { offWay, way } from "./house/Way.ts"

const src = join(import.meta.dirname, "../src")
const files = filesOf(src)
const lengthOf = linesOf(src)
const lines = [...broken(files, importsOf(src), floors), ...offWay(valuesOf(src), laterOf(src), lengthOf)]
for (const line of lines) process.stderr.write(`house: ${line}\n`)
if (lines.length > 0) process.exitCode = 1
else {
  const onWay = way.reduce((sum, { file }) => sum + lengthOf(file), 0)
  process.stdout.write(
    `house: ${files.length} files on ${floors.length} floors, every import leads down; an ADD passes ${way.length} files ` +
      `with ${onWay} lines, none twice\n`
  )
}
