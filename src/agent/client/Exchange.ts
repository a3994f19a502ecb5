/** One call passed to the agent, until its answer. No Effect. */
import {
  callPath,
  callsPath,
  invocationHeader,
  longestCall,
  mountsHeader,
  namespacesHeader,
  patience,
  versionHeader
} from "../Protocol.ts"
import * as Reply from "./Reply.ts"

interface Connection {
  readonly write: (text: string) => void
  readonly close: () => void
}

interface Handlers {
  readonly opened: (connection: Connection) => void
  readonly received: (bytes: Uint8Array) => void
  /** Called once, also when the connection never opened; not after `close`. */
  readonly ended: () => void
}

const connect = (path: string, { ended, opened, received }: Handlers): void => {
  let rest: Uint8Array = new Uint8Array()
  let over = false
  const end = () => {
    if (!over) ended()
    over = true
  }
  const flush = (socket: Bun.Socket<undefined>) => {
    const written = rest.length === 0 ? 0 : socket.write(rest)
    if (written > 0) rest = rest.subarray(written)
  }
  Bun.connect<undefined>({
    unix: path,
    data: undefined,
    socket: {
      binaryType: "uint8array",
      open: (socket) =>
        opened({
          write: (text) => {
            rest = Buffer.concat([rest, Buffer.from(text)])
            flush(socket)
          },
          close: () => {
            over = true
            socket.terminate()
          }
        }),
      data: (_, bytes) => {
        if (!over) received(bytes)
      },
      drain: flush,
      end,
      close: end,
      error: end,
      connectError: end
    }
  }).then(undefined, end)
}

interface Request {
  readonly path: string
  readonly version: string
  readonly namespaces: string
  readonly mounts: string
  readonly invocation: string
  /** JSON of {@link Handed}. */
  readonly body: string
  readonly log: (text: string) => void
  /** The call has ended; only log lines follow. */
  readonly answer: (answer: Answer) => void
}

export interface Answer {
  readonly status: 0 | 1
  /** The text for stdout. */
  readonly document: string | undefined
}

/** `declined`: the agent has not started the call. `lost`: it may have started it, with unknown progress. */
const outcomes = { offered: "declined", accepted: "lost", answered: "answered" } as const
type Outcome = (typeof outcomes)[keyof typeof outcomes]

interface Said {
  readonly log?: unknown
  readonly status?: unknown
  readonly document?: unknown
  readonly more?: unknown
}

const lineOf = (text: string): Said => {
  const value: unknown = JSON.parse(text)
  return typeof value === "object" && value !== null ? value : {}
}

/** `interrupt` interrupts the call, which still has an outcome. */
export const exchange = (request: Request, accepted: () => void) => {
  const { body, invocation, log, mounts, namespaces, path, version } = request
  const head = (line: string, ...fields: ReadonlyArray<string>) =>
    [`${line} HTTP/1.1`, "host: agent", ...fields, "", ""].join("\r\n")

  let step: keyof typeof outcomes | "over" = "offered"
  let connection: Connection | undefined
  const { promise: outcome, resolve } = Promise.withResolvers<Outcome>()
  const end = () => {
    if (step === "over") return
    resolve(outcomes[step])
    step = "over"
    clearTimeout(timer)
    connection?.close()
  }
  // On a busy node this process may not have run for the whole time, so pending data is read first.
  const giveUp = () => setImmediate(() => setImmediate(() => step === "offered" && end()))
  let timer = setTimeout(giveUp, patience)
  const wait = (next: "accepted" | "answered", millis: number) => {
    step = next
    clearTimeout(timer)
    timer = setTimeout(end, millis)
  }

  const accept = () => {
    wait("accepted", longestCall)
    accepted()
    connection?.write(body)
  }

  const hear = (text: string) => {
    const { document, log: said, more, status } = lineOf(text)
    if (typeof said === "string") log(said)
    else if (step === "accepted" && (status === 0 || status === 1)) {
      wait("answered", patience)
      request.answer({ status, document: typeof document === "string" ? document : undefined })
      if (more !== true) end()
    }
  }

  const reader = Reply.make()
  const take = (event: Reply.Event) => {
    if (event.is === "continue" && step === "offered") accept()
    else if (event.is === "line" && (step === "accepted" || step === "answered")) hear(event.text)
    else end()
  }
  connect(path, {
    opened: (opened) => {
      connection = opened
      if (step === "over") return opened.close()
      opened.write(
        head(
          `POST ${callPath}`,
          `${versionHeader}: ${version}`,
          `${namespacesHeader}: ${namespaces}`,
          `${mountsHeader}: ${process.pid} ${mounts}`,
          `${invocationHeader}: ${invocation}`,
          "expect: 100-continue",
          "content-type: application/json",
          `content-length: ${Buffer.byteLength(body)}`
        )
      )
    },
    received: (bytes) => reader.push(bytes).forEach(take),
    ended: end
  })

  const interrupt = () => {
    let heard = false
    connect(path, {
      opened: (other) => other.write(head(`DELETE ${callsPath}${invocation}`, "connection: close")),
      received: () => {
        heard = true
      },
      // The end of the connection reports the end of a call that could not be answered.
      ended: () => {
        if (!heard) end()
      }
    })
  }
  return { outcome, interrupt }
}
