/**
 * The reference of the command line: the help of each command as Markdown, its exit statuses, and an example with what
 * it prints. The node commands run for it on a node in memory; what needs a switch or a pod is written down here.
 */
import { NodeServices } from "@effect/platform-node"
import { Console, Effect, Option } from "effect"
import { CliConfig, CliOutput, Command, GlobalFlag, type HelpDoc } from "effect/cli"
import { InvocationContext, plain } from "../../src/cli/print/Printer.ts"
import { userspace } from "../../src/cli/Userspace.ts"
import { add, sandboxOf } from "../../test/cli/support/Attached.ts"
import { file, type } from "../../test/cli/support/Terminal.ts"
import { pod, three } from "../../test/cli/support/ThreePods.ts"
import { network } from "../../test/dry-run/support/Calls.ts"
import { make } from "../../test/dry-run/support/MemoryNode.ts"

const failed = "1: it failed, and stderr says what to do."

const exitStatuses: Readonly<Record<string, string>> = {
  add: "1: the ADD failed, or its dry run says that it would.",
  del: "1: a DEL failed. The others are done all the same.",
  check: "1: an attachment differs or could not be compared.",
  list: "1: something could not be inspected. The rest is listed.",
  top: "1 with `--once`: something could not be read. Without it the command runs until it is stopped: 0.",
  status: "1: an ADD would not succeed.",
  doctor: "1: a finding needs a cure. 2: none does, but something could not be inspected, or the doctor failed.",
  gc: "1: something could not be removed or inspected. With `--every` it runs until it is stopped: 0.",
  restore: "1: a port could not be made again, or a record is corrupt.",
  capture: "1: it failed. 0 also when it is stopped, when nobody reads any more, and when the port is removed.",
  agent: "1: it cannot serve. 0 when it is stopped. With `--once` 1: the round is incomplete.",
  "agent status": "1: no agent answers, or with `--ready` it would not accept a call from here.",
  "container doctor": "1: a finding needs a cure. 2: none does, but something could not be inspected.",
  "vpp-compat": "1: VPP does not answer, or lacks a message that the plugin needs."
}

/** Written down: they need packets, a pod, or another file system. */
const written: Readonly<Record<string, readonly [command: string, output: string]>> = {
  capture: [
    "userspace capture --pod default/web-0 --count 10 -w net1.pcapng",
    "Captured 10 packets: 5 inbound to the pod, 5 outbound from it; 0 were dropped because they came too fast."
  ],
  "container wait": ["userspace container wait --count 2", "Ready: net1, net2"],
  install: ["userspace install --cni-bin-dir /opt/cni/bin", "Installed /opt/cni/bin/userspace"]
}

/** Where a page shows what it prints. */
const elsewhere: Readonly<Record<string, string>> = {
  top: "[Traffic](operating.md#traffic) shows what it prints.",
  doctor: "[The doctor](troubleshooting.md#the-doctor) shows what it prints.",
  "agent status": "[The agent](agent.md) shows what it prints.",
  container: "[In the container](container.md) shows what its commands print.",
  "vpp-compat": "[Does this VPP serve?](vpp.md#does-this-vpp-serve) shows what it prints."
}

/** What the command prints on a node with three pods. `FILE`: a network configuration. */
const played: Readonly<Record<string, ReadonlyArray<string>>> = {
  add: ["add", "--config", "FILE", "--container-id", "c0ffee"],
  del: ["del", "--pod", "default/web-0"],
  check: ["check"],
  list: ["list"],
  status: ["status", "--config", "FILE"],
  gc: ["gc", "--by-sandbox", "--dry-run"],
  restore: ["restore"],
  agent: ["agent", "--once"]
}

const play = Effect.fnUntraced(function* (args: ReadonlyArray<string>) {
  const node = args[0] === "add" ? make() : yield* three()
  node.sandboxes.add(sandboxOf("c0ffee"))
  if (args[0] === "gc") {
    yield* add(node, "c41f22e0d9a3cafe", pod("web-3"))
    node.sandboxes.delete(sandboxOf("c41f22e0d9a3cafe"))
  }
  const path = yield* file("net.conf", network)
  const { stderr, stdout } = yield* type(
    node,
    args.map((argument) => (argument === "FILE" ? path : argument))
  )
  const command = `userspace ${args.join(" ").replace("FILE", "net.conf")}`
  return [command, `${stdout}${stderr}`.trimEnd()] as const
}, Effect.scoped)

/** The help of a command, as data. */
const helpOf = Effect.fnUntraced(function* (path: ReadonlyArray<string>) {
  let found: HelpDoc.HelpDoc | undefined
  const formatter: CliOutput.Formatter = {
    ...CliOutput.defaultFormatter({ colors: false }),
    formatHelpDoc: (doc) => {
      found = doc
      return ""
    }
  }
  const command = yield* userspace(() => true)
  yield* Command.runWith(command, { version: "" })([...path, "--help"]).pipe(
    Effect.provideService(InvocationContext, { variables: {}, style: plain }),
    Effect.provideService(CliConfig.CliConfig, { builtIns: [GlobalFlag.Help] }),
    Effect.updateService(
      Console.Console,
      (console): Console.Console => Object.assign(Object.create(console), { log: () => undefined })
    ),
    Effect.provide([CliOutput.layer(formatter), NodeServices.layer, make().edges]),
    Effect.ignore
  )
  if (found === undefined) return yield* Effect.die(new Error(`no help of userspace ${path.join(" ")}`))
  return found
})

const namesIn = ({ subcommands = [] }: HelpDoc.HelpDoc): ReadonlyArray<string> =>
  subcommands.flatMap(({ commands }) => commands.map(({ name }) => name))

const cell = (text: string) => text.replaceAll("|", "\\|")

const flagRow = ({ aliases, description, name, type }: HelpDoc.FlagDoc): string => {
  const value = type === "boolean" ? "" : ` ${type}`
  return `| \`--${name}${cell(value)}\`${aliases.map((alias) => `, \`${alias}\``).join("")} | ${cell(Option.getOrElse(description, () => ""))} |`
}

const chapter = (path: ReadonlyArray<string>, doc: HelpDoc.HelpDoc, example: readonly [string, string] | undefined) => {
  const name = path.join(" ")
  return [
    `### userspace ${name}`,
    `${doc.description}.`,
    ...(doc.flags.length === 0 ? [] : [["| Flag | |", "| --- | --- |", ...doc.flags.map(flagRow)].join("\n")]),
    ...(namesIn(doc).length > 0 && doc.flags.length === 0 ? [] : [`Exit status ${exitStatuses[name] ?? failed}`]),
    ...(doc.examples === undefined || doc.examples.length === 0
      ? []
      : [
          ["```sh", ...doc.examples.map(({ command, description }) => `${command}   # ${description}`), "```"].join(
            "\n"
          )
        ]),
    ...(elsewhere[name] === undefined ? [] : [elsewhere[name]]),
    ...(example === undefined ? [] : [["```", `$ ${example[0]}`, example[1], "```"].join("\n")])
  ].join("\n\n")
}

const reference = Effect.gen(function* () {
  const chapters: Array<string> = []
  const visit = (path: ReadonlyArray<string>): Effect.Effect<void> =>
    Effect.gen(function* () {
      const doc = yield* helpOf(path)
      if (path.length > 0) {
        const name = path.join(" ")
        const args = played[name]
        chapters.push(chapter(path, doc, args === undefined ? written[name] : yield* play(args)))
      }
      for (const name of namesIn(doc)) yield* visit([...path, name])
    }).pipe(Effect.orDie)
  yield* visit([])
  return chapters.join("\n\n")
})

export const commandReference = await Effect.runPromise(reference)
