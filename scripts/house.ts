/** Part of `make check`: verifies what docs/architecture.md says about the rooms of `src`. */
import { join } from "node:path"
import { floors } from "./house/Floors.ts"
import { filesOf, importsOf } from "./house/Imports.ts"
import { broken } from "./house/Rules.ts"

const src = join(import.meta.dirname, "../src")
const files = filesOf(src)
const lines = broken(files, importsOf(src), floors)
for (const line of lines) process.stderr.write(`house: ${line}\n`)
if (lines.length > 0) process.exitCode = 1
else process.stdout.write(`house: ${files.length} files on ${floors.length} floors, every import leads down\n`)
