/** `make docs`: writes the generated parts of `docs/`. `make test` fails when they are not current. */
import { writeFileSync } from "node:fs"
import { generated, root } from "./docs/Pages.ts"

for (const { now, path, wanted } of generated()) {
  if (now !== wanted) writeFileSync(`${root}/${path}`, wanted)
  process.stdout.write(`${path}: ${now === wanted ? "is current" : "written"}\n`)
}
