/**
 * The way of an ADD, from stdin to stdout: the files of `main.ts`, `app`, `cni` and `attachment` that it passes, in
 * order. Below them are five services, a door each. No file is entered twice: each is called by one other on the way.
 */
import type { Import } from "./Imports.ts"

interface Station {
  readonly file: string
  /** For the picture in docs/architecture.md. */
  readonly what: string
}

export const way: ReadonlyArray<Station> = [
  { file: "main.ts", what: "chooses: a call of a runtime, through the agent or not, or the command line" },
  { file: "app/CniProcess.ts", what: "the process: environment, signals, edges, exit status" },
  {
    file: "app/Stdio.ts",
    what: "takes stdin, to its end; at the end writes the document. One that nobody takes is undone"
  },
  {
    file: "app/CniCall.ts",
    what: "log, deadline, sandbox; runs ADD on the services, and answers in the asked `cniVersion`"
  },
  {
    file: "cni/Request.ts",
    what: "all that is known of the call, or why it is refused, in the order of Go's skeleton"
  },
  { file: "cni/network/LogOptions.ts", what: "`logFile`, `logLevel` and `logFormat`, whatever else is wrong" },
  {
    file: "cni/network/Configuration.ts",
    what: "JSON in our spelling; when it is asked for, types and ranges (`NetConf.ts`)"
  },
  { file: "cni/network/HostPorts.ts", what: "defaults, and what cannot work together: one `HostPort`" },
  {
    file: "app/Composition.ts",
    what: "chooses the switch and the handover; makes layers of five services, down to the edges"
  },
  { file: "attachment/verbs/Add.ts", what: "the steps, each with its undo" },
  { file: "attachment/Call.ts", what: "what the call is to the steps: paths, the request to the switch, the record" }
]

/** What stations use without passing on the call: words and checks of single values; and services. */
const besides = [
  "cni/types/",
  "cni/network/NetConfGuard.ts",
  "cni/network/Validators.ts",
  // In the place of what `HostPorts.ts` has for Open vSwitch.
  "cni/network/VppPorts.ts",
  "attachment/records/"
]

/** A reader can take this in. */
export const mostOnWay = { files: 12, lines: 1400 }

const passed = /^(app|cni|attachment)\//

export const entries = (values: ReadonlyArray<Import>, to: string): ReadonlyArray<string> =>
  values.filter((one) => one.to === to && way.some(({ file }) => file === one.from)).map(({ from }) => from)

/** `values`: imports without types. `lines`: of each file. */
export const offWay = (
  values: ReadonlyArray<Import>,
  later: ReadonlyArray<Import>,
  lines: (file: string) => number
): ReadonlyArray<string> => {
  const files = way.map(({ file }) => file)
  const all = files.reduce((sum, file) => sum + lines(file), 0)
  const first = files[0]
  const entered = [...values, ...later]
  return [
    ...(files.length > mostOnWay.files || all > mostOnWay.lines
      ? [
          `the way of an ADD has ${files.length} files and ${all} lines, and at most ${mostOnWay.files} and ` +
            `${mostOnWay.lines} are allowed. Move what an ADD does not pass to another file.`
        ]
      : []),
    ...files
      .filter((file) => file !== first)
      .flatMap((file) => {
        const by = entries(entered, file)
        return by.length === 1
          ? []
          : [
              `src/${file} is entered ${by.length} times on the way of an ADD (${by.join(", ") || "by none"}). Call it at ` +
                "one place, and pass on what it gave; or correct scripts/house/Way.ts."
            ]
      }),
    ...values
      .filter(
        ({ from, to }) =>
          files.includes(from) &&
          passed.test(to) &&
          !files.includes(to) &&
          !besides.some((one) => to === one || (one.endsWith("/") && to.startsWith(one)))
      )
      .map(
        ({ from, to }) =>
          `src/${from} leads the way of an ADD through src/${to}, which is not in scripts/house/Way.ts. Add it there, ` +
          "or load it when it is needed."
      )
  ]
}
