/**
 * A process of a call as a runtime starts it, and in the agent's place a listener that says, byte for byte, what a case
 * has it say.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync } from "node:fs"
import { createServer, type Socket } from "node:net"
import { Effect } from "effect"

export interface Heard {
  /** Heads of requests, in the order of their connections. */
  readonly heads: Array<string>
  /** Bodies of calls that were accepted. */
  readonly bodies: Array<string>
  /** Signals the process. */
  readonly signal: (name: NodeJS.Signals) => void
}

/** What it says to a call, and what it does when it has a whole body. */
export interface Agent {
  /** To the head of a call. Absent: it accepts. */
  readonly refusal?: string
  /** It never says anything to the head of a call. */
  readonly isSilent?: true
  /** When it has the body. */
  readonly called: (socket: Socket, heard: Heard) => void
  /** To a request to interrupt the call, whose connection is the second. */
  readonly interrupted?: (socket: Socket, call: Socket) => void
}

const endOfHead = "\r\n\r\n"

const lengthIn = (head: string): number => Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)

const serve = (agent: Agent, heard: Heard, calls: Array<Socket>) => (socket: Socket) => {
  let text: Buffer = Buffer.alloc(0)
  let step: "head" | "body" | "over" = "head"
  socket.on("error", () => {})
  socket.on("data", (bytes: Buffer) => {
    text = Buffer.concat([text, bytes])
    const end = text.indexOf(endOfHead)
    if (step === "head" && end >= 0) {
      const head = text.subarray(0, end).toString()
      heard.heads.push(head)
      text = text.subarray(end + endOfHead.length)
      const [call] = calls
      if (head.startsWith("DELETE ")) {
        step = "over"
        if (call !== undefined) agent.interrupted?.(socket, call)
        return
      }
      calls.push(socket)
      step = agent.refusal === undefined && agent.isSilent !== true ? "body" : "over"
      if (agent.refusal !== undefined) socket.end(agent.refusal)
      if (step === "body") socket.write(`HTTP/1.1 100 Continue${endOfHead}`)
    }
    if (step === "body" && text.length >= lengthIn(heard.heads[0] ?? "")) {
      step = "over"
      heard.bodies.push(text.toString())
      agent.called(socket, heard)
    }
  })
}

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly words: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  readonly stdin: string | Buffer
  readonly socket: string
  /** Permission bits of the socket. */
  readonly mode?: number
}

const listening = (started: Started, agent: Agent, heard: Heard) =>
  Effect.acquireRelease(
    Effect.promise(() => {
      const sockets = new Set<Socket>()
      const take = serve(agent, heard, [])
      const server = createServer((socket) => {
        sockets.add(socket)
        take(socket)
      }).listen(started.socket)
      return once(server, "listening").then(() => {
        chmodSync(started.socket, started.mode ?? 0o600)
        return { server, sockets }
      })
    }),
    ({ server, sockets }) =>
      Effect.sync(() => {
        for (const socket of sockets) socket.destroy()
        server.close()
      })
  )

/** Runs it beside this agent. */
export const run = Effect.fnUntraced(function* (started: Started, agent: Agent) {
  const { environment, stdin, words } = started
  let signal: Heard["signal"] = () => {}
  const heard: Heard = { heads: [], bodies: [], signal: (name) => signal(name) }
  yield* listening(started, agent, heard)
  const outcome = yield* Effect.callback<Outcome>((resume) => {
    const [program = "", ...args] = words
    const child = spawn(program, args, { env: { ...environment, USERSPACE_AGENT: started.socket } })
    signal = (name) => child.kill(name)
    const [stdout, stderr]: [Array<Buffer>, Array<Buffer>] = [[], []]
    child.stdout.on("data", (bytes: Buffer) => stdout.push(bytes))
    child.stderr.on("data", (bytes: Buffer) => stderr.push(bytes))
    child.on("close", (status) =>
      resume(Effect.succeed({ status, stdout: `${Buffer.concat(stdout)}`, stderr: `${Buffer.concat(stderr)}` }))
    )
    // A process that gives up early reads no stdin.
    child.stdin.on("error", () => {}).end(stdin)
    return Effect.sync(() => child.kill("SIGKILL"))
  }).pipe(Effect.timeout("100 seconds"))
  return { ...outcome, heard }
}, Effect.scoped)
