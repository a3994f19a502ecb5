/** The requests to the agent. A call is validated by its head, and begins when its body is complete. */
import type * as Http from "node:http"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { versionDocument } from "../app/VersionProcess.ts"
import { parsed } from "../platform/text/Json.ts"
import { type Refusal, refusalOf } from "./Acceptance.ts"
import type { Calls, Peer } from "./Calls.ts"
import { type Answers, metricsPath } from "./metrics/Endpoint.ts"
import * as Protocol from "./Protocol.ts"
import type { Handle } from "./Server.ts"

interface State {
  readonly is: () => "starting" | "ready" | "draining"
  readonly instance: string
  readonly namespaces: string
  readonly status: () => unknown
  /** Answers `GET /metrics`. */
  readonly metrics: Answers
  /** Is told of every call that was declined: why in a word, in words, and by which status. */
  readonly declined: (refusal: Refusal) => void
}

type Request = Http.IncomingMessage
type Response = Http.ServerResponse

/** Distinguishes agents at the same path. */
export const instanceHeader = "userspace-instance"

const answer = (response: Response, status: number, document: unknown, more: Http.OutgoingHttpHeaders = {}) => {
  response.writeHead(status, { "content-type": "application/json", ...more })
  response.end(`${JSON.stringify(document)}\n`)
}

/** Closes the connection, because a call that was not accepted has a body that nobody reads. */
const refuse = (response: Response, status: number, error: string) =>
  answer(response, status, { error }, { connection: "close" })

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Maximum number of bytes that wait for a peer that does not read; further log lines are dropped. */
const mostUnread = 1 << 20
const readPatience = "5 seconds"

export const make = (calls: Calls, state: State): Handle => {
  const unwelcome = ({ headers }: Request) => refusalOf(headers, { is: state.is(), namespaces: state.namespaces })

  const refusal = (request: Request, length: number): Refusal | undefined => {
    const { headers } = request
    const refused = unwelcome(request)
    if (refused !== undefined) return refused
    if (!uuid.test(String(headers[Protocol.invocationHeader])))
      return { status: 400, reason: "invalid", why: "a call without invocation" }
    if (!Number.isSafeInteger(length) || length < 0)
      return { status: 411, reason: "invalid", why: "a call without a length" }
    if (length > Protocol.longestBody)
      return { status: 413, reason: "too-long", why: `more than ${Protocol.longestBody} bytes` }
    return calls.reserve(length) ? undefined : { status: 503, reason: "busy", why: "busy" }
  }

  const take = (request: Request, response: Response, continues: boolean) => {
    const length = Number(request.headers["content-length"])
    const refused = refusal(request, length)
    if (refused !== undefined) {
      state.declined(refused)
      return refuse(response, refused.status, refused.why)
    }
    const invocation = String(request.headers[Protocol.invocationHeader])
    let step: "reading" | "begun" | "over" = "reading"
    const chunks: Array<Buffer> = []
    const left = () => {
      if (step === "reading") calls.release(length)
      step = "over"
    }
    // The end of the connection reports a failed write.
    response.on("error", () => {})
    response.on("close", () => {
      if (step === "begun") calls.interrupt(invocation)
      left()
    })
    request.on("error", left)
    request.on("data", (chunk: Buffer) => void chunks.push(chunk))
    request.on("end", () => {
      if (step !== "reading" || !request.complete) return
      const handed = handedIn(Buffer.concat(chunks).toString("utf8"))
      chunks.length = 0
      if (handed === undefined) {
        left()
        return refuse(response, 400, "a call is {environment, stdin}, and nothing else")
      }
      response.writeHead(200, { "content-type": "application/x-ndjson", connection: "close" })
      step = "begun"
      const peer = peerOf(response, () => {
        step = "over"
      })
      if (handed.environment["CNI_COMMAND"] === "VERSION") {
        peer.say({ status: 0, document: JSON.stringify(versionDocument(handed.stdin)) })
        peer.leave()
      } else calls.begin(handed, invocation, peer)
      calls.release(length)
    })
    if (continues) response.writeContinue()
  }

  const interrupt = (url: string, response: Response) =>
    calls.interrupt(url.slice(Protocol.callsPath.length))
      ? answer(response, 202, {})
      : answer(response, 404, { error: "no such call" })

  /** With the headers of a call: whether a call with them would be accepted. */
  const ready = (request: Request, response: Response) => {
    const is = state.is()
    const refused = Protocol.versionHeader in request.headers ? unwelcome(request) : undefined
    if (refused !== undefined) return answer(response, refused.status, { state: is, error: refused.why })
    answer(response, is === "ready" ? 200 : 503, { state: is })
  }

  return (request, response, continues) => {
    const { method, url = "" } = request
    const ask = `${method} ${url}`
    response.setHeader(instanceHeader, state.instance)
    if (ask === `POST ${Protocol.callPath}`) return take(request, response, continues)
    if (method === "DELETE" && url.startsWith(Protocol.callsPath)) return interrupt(url, response)
    if (ask === `GET ${Protocol.healthPath}`) return answer(response, 200, { instance: state.instance })
    if (ask === `GET ${Protocol.readyPath}`) return ready(request, response)
    if (ask === `GET ${metricsPath}`) return state.metrics(request, response)
    if (ask === `GET ${Protocol.statusPath}`) return answer(response, 200, state.status())
    refuse(response, 404, "not found")
  }
}

const isEnvironment = (value: unknown): value is Protocol.Handed["environment"] =>
  Predicate.isReadonlyObject(value) && Object.values(value).every(Predicate.isString)

/** Undefined: the text is not a call. */
const handedIn = (text: string): Protocol.Handed | undefined => {
  const value = parsed(text)
  if (!Predicate.isReadonlyObject(value)) return undefined
  const { environment, stdin, ...rest }: { readonly [key: string]: unknown } = value
  return isEnvironment(environment) && Predicate.isString(stdin) && Object.keys(rest).length === 0
    ? { environment, stdin }
    : undefined
}

const peerOf = (response: Response, over: () => void): Peer => ({
  say: (line) => {
    const isTaken = !response.destroyed && !response.writableEnded && response.writableLength < mostUnread
    if (isTaken) response.write(`${JSON.stringify(line)}\n`)
  },
  tell: (line) =>
    Effect.callback<void, string>((resume) => {
      if (response.destroyed) return resume(Effect.fail("EPIPE"))
      response.write(`${JSON.stringify(line)}\n`, (error) => {
        if (error) return resume(Effect.fail("EPIPE"))
        over()
        resume(Effect.void)
      })
    }).pipe(Effect.timeoutOrElse({ duration: readPatience, orElse: () => Effect.fail("EAGAIN") })),
  leave: () => {
    if (!response.writableEnded) response.end()
  }
})
