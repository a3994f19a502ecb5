/**
 * The process of a call on a node with an agent: passes the call on, and relays log lines to stderr and the answer to
 * stdout. A call that the agent declines is made by this process, as without an agent. When the agent dies during a
 * call, a DEL, CHECK, GC or STATUS is repeated, and an ADD is rolled back and fails. No Effect, and no code of a call
 * before it is needed, because most calls of a node load only this.
 */
import * as Fs from "node:fs"
import { version } from "../../app/Version.ts"
import { attempt, codeOf, type Read, readStdin, writeStdout } from "../../platform/process/StandardStreams.ts"
import { isOurs, mountNamespace, namespaces } from "../Location.ts"
import { longestBody } from "../Protocol.ts"
import { type Answer, exchange } from "./Exchange.ts"

const alone = (stdin: Read) => import("../../app/CniProcess.ts").then(({ run }) => run(undefined, stdin))

/** Undefined when the text was written to stdout; otherwise the reason. */
const written = (text: string): Promise<string | undefined> =>
  new Promise<undefined>((resolve) => {
    writeStdout(text)
    resolve(undefined)
  }).catch(codeOf)

const log = (text: string) => void attempt(() => Fs.writeSync(2, text))

interface Here {
  readonly namespaces: string
  readonly mounts: string
}

export const run = (path: string): void => {
  const command = process.env["CNI_COMMAND"]
  const invocation = crypto.randomUUID()

  const takenBack = (stdin: string, untaken: string | undefined) =>
    import("../../app/TakeBack.ts").then(({ run }) => run({ stdin, invocation, untaken }))

  const unfinished = (stdin: string) =>
    import("../../app/TakeBack.ts").then(({ stopped }) => stopped(stdin, command ?? ""))

  const handOver = (stdin: string, here: Here): Promise<unknown> => {
    const body = JSON.stringify({ environment: { ...process.env }, stdin })
    if (Buffer.byteLength(body) > longestBody) return alone({ text: stdin })
    let stopped = false
    let answered: Promise<() => unknown> = Promise.resolve(() => process.exit(1))
    const stop = () => {
      stopped = true
      call.interrupt()
    }
    const signals = ["SIGTERM", "SIGINT"] as const
    const accepted = () => {
      for (const signal of signals) process.once(signal, stop)
    }
    const answer = (one: Answer) => {
      const { document, status } = one
      const taken = document === undefined ? Promise.resolve(undefined) : written(`${document}\n`)
      answered = taken.then((untaken) => {
        process.exitCode = untaken === undefined ? status : 1
        const isLost = untaken !== undefined && command === "ADD" && status === 0
        return isLost ? () => takenBack(stdin, untaken) : () => process.exit()
      })
    }
    const call = exchange({ path, version, ...here, invocation, body, log, answer }, accepted)
    return call.outcome.then((is) => {
      for (const signal of signals) process.off(signal, stop)
      if (is === "answered") return answered.then((next) => next())
      if (is === "declined") return alone({ text: stdin })
      if (command === "ADD") return takenBack(stdin, undefined)
      return stopped ? unfinished(stdin) : alone({ text: stdin })
    })
  }

  const here = attempt(() => (isOurs(path) ? { namespaces: namespaces(), mounts: mountNamespace() } : undefined))
  void readStdin().then((stdin) =>
    here === undefined || "problem" in stdin ? alone(stdin) : handOver(stdin.text, here)
  )
}
