/**
 * `userspace lint`: what an ADD would refuse in networks, before they are on a cluster: in files of a node, and in manifests
 * as they are written and as kubectl prints them. Asks nothing of the node.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { readConfiguration, readEnvelope } from "../../cni/network/Configuration.ts"
import { inWords } from "../../cni/network/SchemaMismatch.ts"
import type { CniError } from "../../cni/types/CniError.ts"
import { contents, networksIn } from "../input/ConfigurationFile.ts"
import { jsonFlag } from "../input/Flags.ts"
import {
  type Column,
  CommandLineError,
  ExitStatus,
  errorJson,
  InvocationContext,
  jsonOf,
  print,
  table
} from "../print/Printer.ts"

interface Linted {
  readonly file: string
  readonly network: string
  readonly error: CniError | undefined
  readonly warnings: ReadonlyArray<string>
}

const flags = {
  files: Argument.String("FILE").pipe(
    Argument.withDescription("Networks: .conf, .conflist, or manifests in YAML or JSON; `-`: standard input"),
    Argument.variadic({ min: 1 })
  ),
  json: jsonFlag
}

/** The judgement of an ADD, without the node: its environment and arguments are a pod's. */
const lintedNetwork = (file: string, text: string): Linted => {
  const envelope = readEnvelope(text)
  const network = Result.isSuccess(envelope) ? envelope.success.name : ""
  const configuration = Result.mapError(
    Result.flatMap(envelope, (read) => readConfiguration(read, new Map(), {})),
    inWords
  )
  return Result.match(configuration, {
    onSuccess: ({ warnings }): Linted => ({ file, network, error: undefined, warnings }),
    onFailure: (error): Linted => ({ file, network, error, warnings: [] })
  })
}

const result = ({ error, warnings }: Linted): ReadonlyArray<string> =>
  error === undefined
    ? [warnings.length === 0 ? "right" : "right, with warnings", ...warnings.map((warning) => `warning: ${warning}`)]
    : [`code ${error.code}: ${error.msg}`, `-> ${error.details}`]

const columns: ReadonlyArray<Column<Linted>> = [
  { key: "file", head: "FILE", of: ({ file }) => file },
  { key: "network", head: "NETWORK", of: ({ network }) => network },
  { key: "error", of: ({ error }) => errorJson(error) },
  { key: "warnings", head: "RESULT", of: ({ warnings }) => warnings, text: result }
]

const perform = Effect.fnUntraced(function* ({ files, json }: Command.Command.Config.Infer<typeof flags>) {
  const { style } = yield* InvocationContext
  const linted = (yield* Effect.forEach(files, (file) =>
    Effect.map(Effect.flatMap(contents(file === "-" ? "/dev/stdin" : file), networksIn(file)), (networks) =>
      networks.map((text) => lintedNetwork(file, text))
    )
  )).flat()
  if (linted.length === 0) {
    return yield* new CommandLineError({
      failed: "nothing to check",
      answer: `no network of type userspace is in ${files.join(", ")}`,
      cure: "Give a network, or a manifest that has one."
    })
  }
  yield* print(json, { networks: linted.map((one) => jsonOf(columns, one)) }, table(linted, columns, style))
  if (linted.some(({ error }) => error !== undefined)) return yield* new ExitStatus({ status: 1 })
})

export const command = Command.make("lint", flags, perform).pipe(
  Command.withExamples([
    { command: "userspace lint networks/*.yaml", description: "Before they are applied" },
    {
      command: "kubectl get network-attachment-definitions -A -o json | userspace lint -",
      description: "Those of a cluster"
    }
  ])
)
