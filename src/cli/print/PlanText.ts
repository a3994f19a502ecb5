/**
 * A plan and a result as text for people: every step in order, each with its rollback, then what is known of the end.
 * Pure.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Document } from "../../app/CniCall.ts"
import { AnyResult } from "../../cni/types/AnyResult.ts"
import { fromAnyResult } from "../../cni/types/CniResult.ts"
import type { Change, Plan, Step, VppChange } from "../../dry-run/plan/Plan.ts"
import { retvalInWords } from "../../vpp/client/VppError.ts"
import { anyMac } from "../../vpp/messages/Field.ts"
import { netChanges } from "./NetChanges.ts"
import { plain, type Style } from "./Printer.ts"

export const planText = (plan: Plan, style: Style = plain): string =>
  [
    style.strong(`Dry run of ${plan.verb}: ${plan.ifName} of container ${plan.containerId}, network ${plan.network}.`),
    "Nothing was changed.",
    ...plan.notes,
    ...plan.warnings.map((warning) => `Warning: ${warning}`),
    ...(plan.steps.length === 0 ? ["", "Nothing to do."] : []),
    ...plan.steps.flatMap((step, index) => ["", ...stepLines(plan, step, index, style)]),
    "",
    ...ending(plan)
  ].join("\n")

const stepLines = (plan: Plan, { changes, step, undo }: Step, index: number, style: Style): ReadonlyArray<string> => {
  const by = plan.verb === "ADD" && undo.length === 0 ? undoneBy(plan.steps, changes) : undefined
  return [
    style.strong(`${index + 1}. ${step}`),
    ...indent(changeLines(changes, style)),
    ...(undo.length > 0 ? [style.faint("   undo:"), ...indent(changeLines(undo, style))] : []),
    ...(by === undefined ? [] : [style.faint(`   undo: with step ${by + 1}`)])
  ]
}

const indent = (lines: ReadonlyArray<string>): ReadonlyArray<string> => lines.map((line) => `     ${line}`)

/** Returns the step whose rollback removes what these changes create. */
const undoneBy = (steps: ReadonlyArray<Step>, changes: ReadonlyArray<Change>): number | undefined => {
  const made = netChanges(changes).map(({ path }) => path)
  const at = steps.findIndex(({ undo }) => undo.some((change) => change.kind === "file" && made.includes(change.path)))
  return at < 0 ? undefined : at
}

/** The lines of one step. */
export const changeLines = (changes: ReadonlyArray<Change>, style: Style): ReadonlyArray<string> => {
  const files = netChanges(changes)
  const width = Math.max(...files.map(({ what }) => what.length))
  return [
    ...files.map(({ path, sign, what }) => `${sign} ${what.padEnd(width)}  ${path}`),
    ...joined(changes.filter(({ kind }) => kind !== "file")).flatMap((change) => otherLines(change, style))
  ]
}

const otherLines = (change: Change, { faint }: Style): ReadonlyArray<string> => {
  switch (change.kind) {
    case "file":
      return []
    case "ipam":
      return [
        change.program === null
          ? `run ${change.plugin} ${change.verb}: not found along CNI_PATH`
          : `run ${change.program} ${change.verb}`
      ]
    case "program":
      return [`run ${[change.program, ...change.args].join(" ")}`]
    case "https":
      return [`write the annotations of the pod: ${change.method} ${change.url}`]
    case "openflow":
      return [`one flow on bridge ${change.bridge}, the same as:`, ...faintly(change.ovsOfctl, faint)]
    case "vpp":
      return [
        `calls on ${change.socket}:`,
        ...callLines(change)
          .flatMap((line) => wrapped(line))
          .map((line) => `  ${line}`),
        "the same as:",
        ...vppctlLines(change).map((line) => faint(`  ${line}`))
      ]
    case "ovsdb":
      return [
        `one transaction on ${change.socket}:`,
        ...change.text.flatMap((line) => wrapped(line)).map((line) => `  ${line}`),
        "the same as:",
        ...faintly(change.ovsVsctl, faint)
      ]
  }
}

/** A command for a shell, one part a line, with continuation characters. */
const faintly = (command: string, faint: Style["faint"]): ReadonlyArray<string> => {
  const lines = command.split(" -- ").flatMap((part, index) => wrapped(index === 0 ? part : `  -- ${part}`))
  return lines.map((line, index) => faint(`  ${line}${index < lines.length - 1 ? " \\" : ""}`))
}

const columns = 104

/** Breaks a line between words and indents the following lines. */
const wrapped = (line: string): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let current = ""
  for (const word of line.split(/ (?=\S)(?![^(]*\))/)) {
    if (current !== "" && current.length + word.length >= columns) {
      lines.push(current)
      current = `      ${word}`
    } else current = current === "" ? word : `${current} ${word}`
  }
  return [...lines, current]
}

const ending = ({ error, result, steps, unknown, verb }: Plan): ReadonlyArray<string> => [
  ...(error === null
    ? succeeding(verb, result)
    : [`${verb} would fail here${steps.length > 0 ? ", and roll back" : ""}.`]),
  ...(error === null && unknown.length > 0
    ? ["Known only to the real call:", ...unknown.map((what) => `  ${what}`)]
    : [])
]

const succeeding = (verb: Plan["verb"], result: Plan["result"]): ReadonlyArray<string> => {
  switch (verb) {
    case "ADD":
      return ["ADD would return:", ...resultLines(result ?? undefined)]
    case "DEL":
      return ["DEL does not roll back: every step runs even if another fails, and the next DEL does the rest."]
    case "CHECK":
      return ["Nothing has changed since ADD."]
  }
}

/** Merges consecutive writes into one list. */
const joined = (changes: ReadonlyArray<Change>): ReadonlyArray<Change> => {
  const lists: Array<Change> = []
  for (const change of changes) {
    const last = lists.at(-1)
    if (change.kind === "vpp" && last?.kind === "vpp" && last.socket === change.socket) {
      lists[lists.length - 1] = { ...last, calls: [...last.calls, ...change.calls] }
    } else lists.push(change)
  }
  return lists
}

const callLines = ({ calls }: VppChange): ReadonlyArray<string> =>
  calls.map(({ arguments: values, message, retval }) =>
    [
      message,
      ...Object.entries(values).flatMap(([key, value]) =>
        key !== "is_add" && isDefault(value) ? [] : [`${key}=${shown(value)}`]
      ),
      ...(retval === undefined ? [] : [`(${retvalInWords(retval)}, which is expected)`])
    ].join(" ")
  )

const isDefault = (value: unknown): boolean => [0, false, "", anyMac].some((one) => one === value)

const shown = (value: unknown): string => (Array.isArray(value) ? value.map(String).join(",") : String(value))

/** The lines that do the same. A socket id is registered, freed and registered again, because of a fault of VPP; one line is sufficient here. */
export const vppctlLines = ({ calls }: VppChange): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const line of calls.flatMap(({ vppctl }) => vppctl)) {
    const [, id] = /^delete memif socket id (\d+)$/.exec(line) ?? []
    if (id !== undefined && lines.at(-1)?.startsWith(`create memif socket id ${id} `)) lines.pop()
    else lines.push(line)
  }
  return lines.map((line) => `vppctl ${line}`)
}

const decode = Schema.decodeUnknownOption(AnyResult)

/** The result of a call, one line for each: interface, MAC, socket, addresses, routes. */
export const resultLines = (document: Document): ReadonlyArray<string> =>
  Option.match(decode(document ?? {}), {
    onNone: () => [],
    onSome: (any) => {
      const { interfaces, ips, routes } = fromAnyResult(any)
      const facts: ReadonlyArray<readonly [string, string | undefined]> = [
        ...interfaces.flatMap(
          ({ mac, mtu, name, sandbox, socketPath }): ReadonlyArray<[string, string | undefined]> => [
            ["interface", `${name}${sandbox === undefined ? "" : ` in ${sandbox}`}`],
            ["mac", mac],
            ["mtu", mtu === undefined ? undefined : String(mtu)],
            ["socket", socketPath]
          ]
        ),
        ...ips.map(({ address, gateway }): [string, string] => [
          "address",
          `${address}${gateway === undefined ? "" : `, gateway ${gateway}`}`
        ]),
        ...routes.map((route): [string, string] => [
          "route",
          `${String(route["dst"])}${route["gw"] === undefined ? "" : ` via ${String(route["gw"])}`}`
        ])
      ]
      return facts.flatMap(([what, value]) => (value === undefined ? [] : [`  ${what.padEnd(10)} ${value}`]))
    }
  })
