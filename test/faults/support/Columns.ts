/** The columns of the matrix: the faults of a step. For each step the orders of a fault, or why it is impossible. */
import type { How, Traced, Wrong } from "../process/Order.ts"
import type { Blow } from "./Ground.ts"

export interface Column {
  readonly title: string
  /** Shortened deadlines: the call waits for something that does not come. */
  readonly hurried: boolean
  /** The fault of the switch. */
  readonly blow: Blow["name"] | undefined
  /** Empty: it is impossible. */
  readonly orders: (step: Traced) => ReadonlyArray<Wrong>
  /** Why it is impossible. */
  readonly otherwise: string
  /** Of a call through an agent, who is signalled: the promises are others then. */
  readonly signalled?: "agent" | "caller"
  /** With a fault of its own, that an undo does not survive. */
  readonly isFault?: true
}

type When = (step: Traced) => boolean

const always: When = () => true
const changes: When = ({ changes }) => changes
const waits: When = ({ waits }) => waits
const canBeUnheard: When = ({ changes, edge, waits }) => waits && (changes || edge === "Sockets")
const changesFiles: When = ({ changes, edge }) => edge === "Files" && changes
const canBeSplit =
  (signal: string): When =>
  ({ halves }) =>
    halves.includes(signal)

const column = (how: How, when: When, otherwise = "", hurried = false): Column => ({
  title: how,
  hurried,
  blow: undefined,
  orders: (step) => (when(step) ? [{ step: step.step, how }] : []),
  otherwise
})

/** Errors of a full disk have separate columns. */
const ofDisk = new Set(["ENOSPC", "EROFS"])

const nothingBetween = "it changes nothing: the same as before the next step"
const neverWaits = "a file system that hangs stops the process: the same as SIGKILL"

export const columns: ReadonlyArray<Column> = [
  {
    ...column("fails", always),
    orders: ({ errors, step }) =>
      errors.filter((which) => !ofDisk.has(which)).map((which) => ({ step, how: "fails", which }))
  },
  column("fails late", changes, nothingBetween),
  column("hangs", waits, neverWaits, true),
  column("hangs late", canBeUnheard, neverWaits, true),
  column("dies", always),
  column("dies late", changes, nothingBetween),
  column("SIGTERM", always),
  column("SIGTERM half", canBeSplit("SIGTERM"), "no signal is heard in the middle of it"),
  column("SIGTERM late", changes, nothingBetween),
  column("SIGKILL", always),
  column("SIGKILL half", canBeSplit("SIGKILL"), "it happens at once or not at all"),
  column("SIGKILL late", changes, nothingBetween),
  column("disk full", changesFiles, "it changes no file"),
  column("read-only", changesFiles, "it changes no file")
]

const agent = (how: How, when: When, otherwise = ""): Column => ({
  ...column(how, when, otherwise),
  title: `agent ${how}`,
  signalled: "agent"
})

const caller = (which: string, how: How, when: When, otherwise = ""): Column => ({
  title: how === "struck" ? which : `${which} ${how.replace("struck ", "")}`,
  hurried: false,
  blow: undefined,
  orders: ({ step, ...rest }) => (when({ step, ...rest }) ? [{ step, how, which }] : []),
  otherwise,
  signalled: "caller"
})

/** Of a call that an agent does for a process: a signal is for one of the two. */
export const throughAgent: ReadonlyArray<Column> = [
  ...columns.filter(({ title }) => !title.startsWith("SIG")),
  agent("SIGTERM", always),
  agent("SIGKILL", always),
  agent("SIGKILL half", canBeSplit("SIGKILL"), "it happens at once or not at all"),
  agent("SIGKILL late", changes, nothingBetween),
  caller("caller SIGTERM", "struck", always),
  caller("caller SIGTERM", "struck late", changes, nothingBetween),
  caller("caller SIGKILL", "struck", always),
  {
    ...caller("caller SIGKILL", "struck half", canBeUnheard, "it happens at once, or is undone"),
    hurried: true,
    isFault: true
  },
  caller("caller SIGKILL", "struck late", changes, nothingBetween)
]

/** The faults at steps that another configuration has as well: a kill leaves what all earlier steps created. */
export const brief: ReadonlySet<string> = new Set(["SIGKILL", "SIGKILL late"])

/** The moment does not matter between two steps on the switch. */
export const strikes = (blow: Blow["name"]): Column => ({
  title: blow,
  hurried: blow.endsWith("killed"),
  blow,
  orders: ({ edge, step }) => (edge === "Sockets" ? [{ step, how: "struck", which: blow }] : []),
  otherwise: "the same as before the next step on a socket"
})
