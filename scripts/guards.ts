/** `make guards`: writes the guards of the schemas. `make test` fails when they are not current. */
import { writeFileSync } from "node:fs"
import { generated, root } from "./guards/Modules.ts"

for (const { now, path, wanted } of generated()) {
  if (now !== wanted) writeFileSync(`${root}${path}`, wanted)
  process.stdout.write(`${path}: ${now === wanted ? "is current" : "written"}\n`)
}
