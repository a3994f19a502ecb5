/** The command line as a person uses it, on a node in memory: its output, errors and exit. */
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { Effect, Exit, Layer } from "effect"
import { TestConsole } from "effect/testing"
import { commandLine } from "../../../src/cli/CommandLine.ts"
import type { Edges } from "../../../src/platform/Edges.ts"
import { netns } from "../../dry-run/support/MemoryNode.ts"

interface Ended {
  /** Exit status 0. */
  readonly well: boolean
  readonly stdout: string
  readonly stderr: string
}

export const type = (
  node: { readonly edges: Layer.Layer<Edges> },
  args: ReadonlyArray<string>,
  variables: Readonly<Record<string, string>> = {}
) =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit(commandLine(args, { CNI_PATH: "/opt/cni/bin", ...variables }))
    const text = (lines: ReadonlyArray<unknown>) => lines.map((line) => `${String(line)}\n`).join("")
    const ended: Ended = {
      well: Exit.isSuccess(exit),
      stdout: text(yield* TestConsole.logLines),
      stderr: text(yield* TestConsole.errorLines)
    }
    return ended
  }).pipe(Effect.provide([Layer.fresh(TestConsole.layer), NodeServices.layer, node.edges]))

/** The attachment of these tests. */
export const attached = ["--container-id", "c1", "--netns", netns]

/** A file of that name with this content, for the scope of the test. */
export const file = (name: string, content: unknown) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "cli-"))),
      (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
    ),
    (directory) => {
      const path = join(directory, name)
      Fs.writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content))
      return path
    }
  )
