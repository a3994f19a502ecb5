/** The other edges that fail: the API server, the connection slots of VPP, the sandbox. */
import { Effect } from "effect"
import { Https, HttpsError, type HttpsResponse } from "../../../src/platform/Https.ts"
import { type NamespaceKind, Namespaces } from "../../../src/platform/Namespaces.ts"
import { SlotError, Slots } from "../../../src/platform/Sockets.ts"
import type { Step } from "./Steps.ts"

const broken = ["ECONNRESET", "ECONNREFUSED", "CERT_HAS_EXPIRED", "BADTLS", "TOOBIG"]
/** Not 404, which is no failure for DEL: it means that the pod is gone. */
const statuses = [400, 401, 403, 409, 422, 429, 500, 503]

const answer = (status: number): HttpsResponse => ({
  status,
  retryAfter: undefined,
  body: JSON.stringify({ kind: "Status", status: "Failure", message: "ordered", code: status })
})

export const https = (real: Https["Service"], step: Step): Https["Service"] =>
  Https.of({
    send: (request) => {
      const { origin, pathname } = new URL(request.url)
      const failed = (code: string) => Effect.fail(new HttpsError({ origin, code }))
      return step(
        {
          edge: "Https",
          name: `${request.method} ${pathname}`,
          changes: request.method !== "GET",
          waits: true,
          errors: {
            ...Object.fromEntries(broken.map((code) => [code, failed(code)])),
            ...Object.fromEntries(statuses.map((status) => [`status ${status}`, Effect.succeed(answer(status))])),
            "no JSON": Effect.succeed({ status: 200, retryAfter: undefined, body: "<html>" })
          }
        },
        real.send(request)
      )
    }
  })

export const slots = (real: Slots["Service"], step: Step): Slots["Service"] =>
  Slots.of({
    hold: (name) =>
      step(
        {
          edge: "Slots",
          name: "take a turn at VPP",
          changes: false,
          waits: false,
          errors: { EACCES: Effect.fail(new SlotError({ name, code: "EACCES" })), taken: Effect.succeed(false) }
        },
        real.hold(name)
      ),
    freed: real.freed
  })

const kinds: ReadonlyArray<NamespaceKind> = ["missing", "unreadable", "other file", "own"]

export const namespaces = (real: Namespaces["Service"], step: Step): Namespaces["Service"] =>
  Namespaces.of({
    judge: (path) =>
      step(
        {
          edge: "Namespaces",
          name: "look at the sandbox",
          changes: false,
          waits: false,
          errors: Object.fromEntries(kinds.map((kind) => [kind, Effect.succeed(kind)]))
        },
        real.judge(path)
      )
  })
