/** `userspace doctor` of the executable, and the findings that docs/troubleshooting.md has for its symptoms. */
import { readFileSync, writeFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { executable } from "./Machine.ts"
import { run } from "./Program.ts"

const Judged = {
  links: Schema.Array(Schema.Struct({ link: Schema.String, is: Schema.String, seen: Schema.String })),
  findings: Schema.Array(Schema.Struct({ id: Schema.String, seen: Schema.String })),
  unseen: Schema.Array(Schema.String)
}
const OfNode = Schema.fromJsonString(
  Schema.Struct({ status: Schema.Int, node: Schema.Struct(Judged), attachments: Schema.Array(Schema.Struct(Judged)) })
)
const OfContainer = Schema.fromJsonString(Schema.Struct({ status: Schema.Int, ...Judged }))

const ids = ({ findings }: { readonly findings: ReadonlyArray<{ readonly id: string }> }) =>
  findings.map(({ id }) => id)

/** Run by a program: `unshare --mount`. */
export const doctorThrough = Effect.fnUntraced(function* (
  through: ReadonlyArray<string>,
  ...args: ReadonlyArray<string>
) {
  const [program = executable, ...words] = [...through, executable, "doctor", "--json", ...args]
  const { status, stderr, stdout } = yield* run(program, words)
  const report = yield* Schema.decodeUnknownEffect(OfNode)(stdout)
  assert.strictEqual(status, report.status, stderr)
  return { ...report, ids: [report.node, ...report.attachments].flatMap(ids) }
})

/** Each attachment apart, and the identifiers of all. Its exit status is what it says. */
export const doctor = (...args: ReadonlyArray<string>) => doctorThrough([], ...args)

/** As a user of the container. */
export const inContainer = Effect.fnUntraced(function* (uid: number, ...args: ReadonlyArray<string>) {
  const user = [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"]
  const { status, stderr, stdout } = yield* run("setpriv", [
    ...user,
    executable,
    "container",
    "doctor",
    "--json",
    ...args
  ])
  const report = yield* Schema.decodeUnknownEffect(OfContainer)(stdout || stderr)
  assert.strictEqual(status, report.status, stderr)
  return { ...report, ids: ids(report) }
})

const page = readFileSync("docs/troubleshooting.md", "utf8")

/** By the name under which the page quotes it. */
export const symptom = (name: string): string => {
  const [, id] =
    new RegExp(`<!-- said: ${name} -->\n\n\`\`\`\n[\\s\\S]*?\n\`\`\`\n\nFinding: \\[\`([a-z-]+)\`\\]`).exec(page) ?? []
  return id ?? assert.fail(`docs/troubleshooting.md has no finding for ${name}`)
}

export const networkFile = (directory: string, network: object): string => {
  const path = `${directory}/network.json`
  writeFileSync(path, JSON.stringify(network))
  return path
}
