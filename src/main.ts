/**
 * The process: a CNI verb when CNI_COMMAND is set, otherwise the command line. It only dispatches; each part is loaded
 * when needed, because a node starts this program for every pod (docs/performance.md).
 */
import { existsSync } from "node:fs"
import { socketIn } from "./agent/Protocol.ts"

const command = process.env["CNI_COMMAND"]

// Effect captures a stack trace for every named function, and nobody reads them: `program/Trace.ts` enables them again.
if (command !== undefined) Error.stackTraceLimit = 0

/** Undefined: there is no agent, and the process makes the call itself. */
const agent = (): string | undefined => {
  const socket = socketIn(process.env)
  return socket !== undefined && existsSync(socket) ? socket : undefined
}

const alone = () => import("./app/CniProcess.ts")

const throughAgent = () => {
  const socket = agent()
  return socket === undefined
    ? alone()
    : import("./agent/client/Client.ts").then(({ run }) => ({ run: () => run(socket) }))
}

/** What the client in C says when it executes this. */
const words = process.argv.slice(2)

const ofVerb = () => {
  if (words[0] !== "resume") return throughAgent()
  return words[1] === "alone"
    ? alone()
    : import("./agent/client/Resumed.ts").then(({ run }) => ({ run: () => run(words) }))
}

const chosen =
  command === "VERSION" ? import("./app/VersionProcess.ts") : command === undefined ? import("./cli/Main.ts") : ofVerb()

void chosen.then(({ run }) => run())
