/**
 * A Kubernetes API server, for pods and their readers and writers: TLS, bearer tokens and client certificates, RBAC,
 * GET, PUT and the kinds of PATCH, with the answers of the real one. It can be told to fail, to be slow, to lose an
 * answer, and to let others write in between. Listens on the loopback only.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer } from "node:https"
import { TLSSocket } from "node:tls"
import { Effect, Result, type Scope } from "effect"
import { pem } from "../../platform/support/HttpsPeer.ts"
import { createdEvent, eventsPath } from "./EventStore.ts"
import { type NodeRight, NodeStore, nodeRequest } from "./NodeStore.ts"
import { jsonPatch, mergePatch, strategicMergePatch } from "./Patches.ts"
import { decode, encode, type Json, PodStore, Refused, type Subresource } from "./PodStore.ts"

/** What a run of `verify` needs besides. */
export type OtherRight =
  | `${"get" | "create" | "delete"} namespaces`
  | "get serviceaccounts"
  | `${"list" | "create" | "delete"} pods`
  | `${"list" | "create" | "delete"} network-attachment-definitions`
  | "list events"

/** A request for what this server does not store. */
export interface Other {
  readonly right: OtherRight
  readonly answer: (body: string) => Json
}

/** `get pods`, `update pods/status`. */
export type Right = `${"get" | "update" | "patch"} ${"pods" | "pods/status"}` | "create events" | NodeRight | OtherRight

export const allRights: ReadonlyArray<Right> = [
  "get pods",
  "update pods",
  "update pods/status",
  "patch pods",
  "patch pods/status"
]

/** Optional: only the agent uses it. */
export const eventsRight: Right = "create events"

/** Optional as well. */
export const nodeRights: ReadonlyArray<NodeRight> = [
  "get nodes",
  "get userspacenodes",
  "create userspacenodes",
  "patch userspacenodes/status"
]

/** A fault of the next matching request. */
export interface Fault {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  /**
   * A status with its message; `slow`: the request is executed, and the answer waits until the test sends it, all of it
   * or, with `begun`, its second half; `silence`: no answer, ever; `hang up`: the connection ends before anything is
   * done; `lost`: the request is executed, and the connection ends instead of an answer.
   */
  readonly does:
    | { readonly status: number; readonly message?: string; readonly retryAfter?: string; readonly body?: string }
    | { readonly slow: (send: () => void) => void; readonly begun?: boolean }
    | "silence"
    | "hang up"
    | "lost"
  /** Lets this many matching requests pass first. */
  readonly after?: number
  /** How often; once when absent. */
  readonly times?: number
}

interface Asked {
  readonly method: string
  readonly path: string
  readonly user: string
  readonly status: number
}

export interface ApiServer {
  readonly url: string
  readonly pods: PodStore
  /** In order of their creation. */
  readonly events: Array<Json>
  readonly nodes: NodeStore
  /** Every request that was answered, or should have been. */
  readonly asked: Array<Asked>
  /** User by token; a certificate's user is its common name. */
  readonly tokens: Map<string, string>
  /** Rights by user. */
  readonly roles: Map<string, ReadonlyArray<Right>>
  readonly fail: ((...faults: ReadonlyArray<Fault>) => void) & { readonly clear: () => void }
  /** Called once before a write is processed, for a write by somebody else. */
  readonly beforeWrite: (write: () => void) => void
}

export interface Options {
  /** Name of certificate and key in the fixtures. */
  readonly certificate?: string
  readonly others?: (method: string, url: URL) => Other | undefined
}

const path = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+?)(?:\/(status))?(\?dryRun=All)?$/

const verbs: Readonly<Record<string, string>> = { GET: "get", PUT: "update", PATCH: "patch" }

const patches: Readonly<Record<string, (target: unknown, patch: unknown) => unknown>> = {
  "application/merge-patch+json": mergePatch,
  "application/strategic-merge-patch+json": strategicMergePatch,
  "application/json-patch+json": jsonPatch
}

export const apiServer = Effect.fnUntraced(function* ({
  certificate = "server",
  others = () => undefined
}: Options = {}): Effect.fn.Return<ApiServer, never, Scope.Scope> {
  const pods = new PodStore()
  const events: Array<Json> = []
  const nodes = new NodeStore()
  const asked: Array<Asked> = []
  const tokens = new Map<string, string>()
  const roles = new Map<string, ReadonlyArray<Right>>()
  let faults: ReadonlyArray<Required<Pick<Fault, "does" | "times" | "after">> & Fault> = []
  let interloper: (() => void) | undefined

  const userOf = ({ headers, socket }: IncomingMessage): string => {
    const token = /^Bearer (.*)$/.exec(headers.authorization ?? "")?.[1]
    const certified = socket instanceof TLSSocket && socket.authorized ? socket.getPeerCertificate().subject["CN"] : ""
    const user = token === undefined ? certified : tokens.get(token)
    if (typeof user === "string" && user !== "") return user
    throw new Refused(401, "Unauthorized", "Unauthorized")
  }

  const allowed = (user: string, verb: string, resource: string, namespace: string, name: string) => {
    if (roles.get(user)?.some((right) => right === `${verb} ${resource}`)) return
    const message = `pods "${name}" is forbidden: User "${user}" cannot ${verb} resource "${resource}" in API group "" in the namespace "${namespace}"`
    throw new Refused(403, "Forbidden", message)
  }

  const create = (user: string, namespace: string, body: string): Json => {
    if (roles.get(user)?.includes(eventsRight) !== true) {
      const message = `events.events.k8s.io is forbidden: User "${user}" cannot create resource "events" in API group "events.k8s.io" in the namespace "${namespace}"`
      throw new Refused(403, "Forbidden", message)
    }
    const event = createdEvent(namespace, decode(body))
    events.push(event)
    return event
  }

  const perform = (request: IncomingMessage, body: string): Json => {
    const user = userOf(request)
    const eventsOf = eventsPath.exec(request.url ?? "")?.[1]
    if (eventsOf !== undefined && request.method === "POST") return create(user, eventsOf, body)
    const other = others(request.method ?? "", new URL(request.url ?? "", "https://server"))
    if (other !== undefined) {
      if (roles.get(user)?.includes(other.right) !== true) {
        throw new Refused(403, "Forbidden", `User "${user}" cannot ${other.right}`)
      }
      return other.answer(body)
    }
    const ofNodes = nodeRequest(request.method ?? "", request.url ?? "")
    if (ofNodes !== undefined) {
      if (roles.get(user)?.includes(ofNodes.right) !== true) {
        throw new Refused(403, "Forbidden", `User "${user}" cannot ${ofNodes.right} at the cluster scope`)
      }
      return nodes.answer(ofNodes, body)
    }
    const [, namespace = "", name = "", status, dry] = path.exec(request.url ?? "") ?? []
    if (name === "") throw new Refused(404, "NotFound", "the server could not find the requested resource")
    const subresource: Subresource = status === undefined ? "" : "status"
    const { method = "" } = request
    const verb = verbs[method]
    if (verb === undefined) {
      throw new Refused(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    }
    allowed(user, verb, subresource === "" ? "pods" : "pods/status", namespace, name)
    if (verb === "get" || dry !== undefined) return pods.get(namespace, name)
    const write = interloper
    interloper = undefined
    write?.()
    const type = request.headers["content-type"] ?? ""
    if (verb === "update") {
      if (type !== "application/json") throw unsupported(type)
      return pods.update(namespace, name, subresource, decode(body))
    }
    const patch = patches[type]
    if (patch === undefined) throw unsupported(type)
    const patched = decode(encode(patch(pods.get(namespace, name), JSON.parse(body))))
    return pods.update(namespace, name, subresource, patched)
  }

  const nextFault = (method: string): Fault | undefined => {
    const concerned = faults.filter((one) => one.method === undefined || one.method === method)
    const fault = concerned.find(({ after }) => after === 0)
    faults = faults.flatMap((one) => {
      if (one === fault) return one.times > 1 ? [{ ...one, times: one.times - 1 }] : []
      return concerned.includes(one) && one.after > 0 ? [{ ...one, after: one.after - 1 }] : [one]
    })
    return fault
  }

  const answer = (request: IncomingMessage, response: ServerResponse, body: string) => {
    const { method = "", url = "" } = request
    const heard = (status: number) => void asked.push({ method, path: url, user: userOrNobody(request), status })
    const headOf = (status: number, headers: Readonly<Record<string, string>> = {}) => {
      heard(status)
      return response.writeHead(status, { "content-type": "application/json", ...headers })
    }
    const fault = nextFault(method)?.does
    if (fault === "silence" || fault === "hang up") {
      heard(0)
      return fault === "silence" ? undefined : request.socket.destroy()
    }
    if (typeof fault === "object" && "status" in fault) {
      const { message = "injected", retryAfter, status } = fault
      const after = retryAfter === undefined ? {} : { "retry-after": retryAfter }
      return headOf(status, after).end(fault.body ?? statusOf(new Refused(status, "", message)))
    }
    const { status, text } = outcomeOf(() => perform(request, body))
    if (fault === "lost") return request.socket.destroy()
    const answering = headOf(status)
    if (fault === undefined) return answering.end(text)
    const early = fault.begun === true ? text.slice(0, text.length / 2) : ""
    if (early !== "") answering.write(early)
    return fault.slow(() => void answering.end(text.slice(early.length)))
  }

  const outcomeOf = (doing: () => Json): { readonly status: number; readonly text: string } =>
    Result.match(Result.try(doing), {
      onSuccess: (done) => ({ status: 200, text: encode(done) }),
      onFailure: (error) => {
        const refused = error instanceof Refused ? error : new Refused(400, "BadRequest", String(error))
        return { status: refused.code, text: statusOf(refused) }
      }
    })

  const userOrNobody = (request: IncomingMessage): string =>
    Result.getOrElse(
      Result.try(() => userOf(request)),
      () => ""
    )

  const server = createServer(
    {
      cert: pem(`${certificate}.crt`),
      key: pem(`${certificate}.key`),
      ca: pem("ca.crt"),
      requestCert: true,
      rejectUnauthorized: false
    },
    (request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => answer(request, response, Buffer.concat(chunks).toString("utf8")))
    }
  )

  const port = yield* Effect.acquireRelease(
    Effect.callback<number>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(address === null || typeof address === "string" ? 0 : address.port))
      })
    }),
    () =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )

  return {
    url: `https://127.0.0.1:${port}`,
    pods,
    events,
    nodes,
    asked,
    tokens,
    roles,
    fail: Object.assign(
      (...more: ReadonlyArray<Fault>) => {
        faults = [...faults, ...more.map((fault) => ({ times: 1, after: 0, ...fault }))]
      },
      {
        clear: () => {
          faults = []
        }
      }
    ),
    beforeWrite: (write) => {
      interloper = write
    }
  }
})

const unsupported = (type: string) =>
  new Refused(415, "UnsupportedMediaType", `the body of the request was in an unknown format: ${type}`)

const statusOf = ({ code, message, reason }: Refused): string =>
  JSON.stringify({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code })
