/**
 * `userspace verify`: tries the plugin on a cluster, by its API server alone. A line at the end of each case; what was
 * made is removed, also when the command is stopped.
 */
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import { writeText } from "../../../app/Stdio.ts"
import { oneLine } from "../../../cni/types/Secrets.ts"
import { Cluster, make, type VerifyError } from "../../../verify/Cluster.ts"
import type { Case, Plan } from "../../../verify/Plan.ts"
import { type Outcome, run } from "../../../verify/Verify.ts"
import { jsonFlag, text, textOr, yes } from "../../input/Flags.ts"
import { fleetNodes, kubeconfigFlag, originOf } from "../../input/FleetNodes.ts"
import { CommandLineError, commandLineErrorText, ExitStatus, InvocationContext } from "../../print/Printer.ts"
import { head, html, line, summaryText, widthsOf } from "../../print/VerifyText.ts"

const flags = {
  kubeconfig: kubeconfigFlag,
  node: text("node", "NAMES", "These nodes, comma-separated (default: the first three with a switch)"),
  image: textOr(
    "image",
    "IMAGE",
    "The plugin's image, for the pods (default: localhost/userspacecni:latest)",
    "localhost/userspacecni:latest"
  ),
  pods: Flag.Int("pods").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("Pods at once (default: 20)"),
    Flag.withDefault(20),
    Flag.filter(
      (count) => count >= 1 && count <= 200,
      () => "1 to 200"
    )
  ),
  kernelBridges: yes(
    "with-kernel-bridges",
    "Compare with two networks of the plugin bridge; its bridges us-verify-k0 and us-verify-k1 stay on the node"
  ),
  namespace: text(
    "namespace",
    "NAME",
    "A namespace that exists, and stays (default: userspace-verify is made, and removed)"
  ),
  replace: yes("replace", "Remove first what an earlier run left"),
  report: text("report", "FILE", "Write the report as a page of HTML"),
  json: jsonFlag
}

/** Replaces the last line of a terminal, if it is not a line of the table. A reference, so that tests can replace it. */
export const Running = Context.Reference<(text: string) => Effect.Effect<void>>("userspace-cni/Running", {
  defaultValue: () => (text) => Effect.ignore(writeText(`\r\x1b[2K${oneLine(text)}`))
})

const shown = ({ answer, cure, failed }: VerifyError) => new CommandLineError({ failed, answer, cure })

const written = Effect.fnUntraced(function* (path: string, page: string) {
  const files = yield* FileSystem.FileSystem
  yield* Effect.mapError(
    files.writeFileString(path, page),
    ({ message }) =>
      new CommandLineError({
        failed: `cannot write the report ${path}`,
        answer: message,
        cure: "Name a file in a directory that exists and that you can write to."
      })
  )
})

const perform = Effect.fnUntraced(function* ({
  json,
  node,
  report: page,
  ...options
}: Command.Command.Config.Infer<typeof flags>) {
  const { style, variables } = yield* InvocationContext
  // A report that cannot be written is told of before minutes are spent.
  if (Option.isSome(page)) yield* written(page.value, "")
  const all = yield* fleetNodes(options.kubeconfig)
  const cluster = yield* make(originOf(options.kubeconfig, variables))
  const nodes = Option.getOrUndefined(
    Option.map(node, (names) => names.split(",").flatMap((name) => name.trim() || []))
  )
  const { canAnimate } = yield* TerminalCapabilities.TerminalCapabilities
  const write = yield* Running
  const running = (words: string) => (canAnimate && !json ? write(words) : Effect.void)
  let widths = widthsOf([])
  const begin = ({ cases, skipped }: Plan) => {
    widths = widthsOf([...cases, ...skipped])
    const count = `${cases.length} cases of some seconds each. Ctrl-C ends it, and removes what it made.`
    return json ? Console.error(count) : Console.log(`${count}\n${head(widths, style)}`)
  }
  const starts = ({ name, node }: Case) => running(`${node}: ${name} ...`)
  const tell = (outcome: Outcome) =>
    Effect.andThen(running(""), (json ? Console.error : Console.log)(line(outcome, widths)))
  const cutShort = (failure: VerifyError | undefined) =>
    Effect.andThen(
      running(""),
      Console.error(
        failure === undefined
          ? "Interrupted. Everything that was made is removed."
          : commandLineErrorText(shown(failure), style.strong)
      )
    )
  const report = yield* run(
    all,
    { ...options, namespace: Option.getOrUndefined(options.namespace), nodes },
    { begin, cutShort, starts, tell }
  ).pipe(Effect.mapError(shown), Effect.provideService(Cluster, cluster))
  if (Option.isSome(page)) yield* written(page.value, html(report))
  yield* Console.log(json ? JSON.stringify(report) : summaryText(report))
  if (report.status !== 0) return yield* new ExitStatus({ status: 1 })
})

export const command = Command.make("verify", flags, perform).pipe(
  Command.withExamples([
    { command: "userspace verify", description: "Does the installation work?" },
    { command: "userspace verify --report verify.html", description: "With a page to keep" },
    { command: "userspace verify --node worker-1 --pods 50", description: "One node, more pods" }
  ])
)
