/** The objects UserspaceNode of a cluster, for `fleet` and `doctor --node`: with the kubeconfig of the person. Reads only. */
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Variables } from "../../cni/types/Environment.ts"
import { ask } from "../../kubernetes/ApiServer.ts"
import { readAccess } from "../../kubernetes/Credentials.ts"
import type { Origin } from "../../kubernetes/Origin.ts"
import { PodsError, type Reason } from "../../kubernetes/PodsError.ts"
import * as UserspaceNode from "../../kubernetes/UserspaceNode.ts"
import { Files } from "../../platform/Files.ts"
import { Https } from "../../platform/Https.ts"
import { CommandLineError, InvocationContext } from "../print/Printer.ts"
import { text } from "./Flags.ts"

export const kubeconfigFlag = text(
  "kubeconfig",
  "FILE",
  "Kubeconfig with a token or a client certificate (default: KUBECONFIG, or ~/.kube/config; in a pod its account)"
).pipe(Flag.map(Option.getOrUndefined))

export const originOf = (given: string | undefined, variables: Variables): Origin => {
  const {
    HOME = "",
    KUBECONFIG = "",
    KUBERNETES_SERVICE_HOST: host = "",
    KUBERNETES_SERVICE_PORT: port = ""
  } = variables
  const named = given ?? KUBECONFIG.split(":").find((path) => path !== "")
  return named === undefined && host !== "" ? { host, port } : { kubeconfig: named ?? `${HOME}/.kube/config` }
}

const get = Effect.fnUntraced(function* <A>(
  kubeconfig: string | undefined,
  operation: string,
  path: string,
  decode: (body: string) => Option.Option<A>
) {
  const { variables } = yield* InvocationContext
  const files = yield* Files
  const https = yield* Https
  let server = ""
  const asking = Effect.mapError(
    readAccess(files, originOf(kubeconfig, variables)),
    (problem): Reason => ({ _tag: "NoAccess", ...problem })
  ).pipe(
    Effect.flatMap((access) => {
      server = access.server
      return ask(https, access, { method: "GET", path })
    }),
    Effect.flatMap((body) =>
      Effect.mapError(
        Effect.fromOption(decode(body)),
        (): Reason => ({ _tag: "Garbage", problem: "the answer is not of this resource" })
      )
    )
  )
  return yield* Effect.mapError(asking, (reason) => refused(operation, server, reason))
})

const refused = (operation: string, server: string, reason: Reason): CommandLineError => {
  const { cure, failed } = new PodsError({ server, operation, reason })
  const answer = reason._tag === "NotFound" ? `404 Not Found on ${server}` : failed
  return new CommandLineError({ failed: `cannot ${operation}`, answer, cure: cures[reason._tag] ?? cure })
}

const cures: { readonly [K in Reason["_tag"]]?: string } = {
  NotFound: "Apply examples/kubernetes/userspacenodes.yaml, start the agents with --node, and check the node's name.",
  Forbidden: "Allow the kubeconfig's user to get and list userspacenodes.",
  NoAccess:
    "Name a kubeconfig with --kubeconfig. One that starts a program for its credentials cannot be used: make one with a token."
}

/** All nodes by name, a part of the list at a time. */
export const fleetNodes = Effect.fnUntraced(function* (kubeconfig: string | undefined) {
  const all: Array<UserspaceNode.FleetNode> = []
  let continued = ""
  do {
    const path = UserspaceNode.pathOfList(continued)
    const { next, nodes } = yield* get(kubeconfig, "list userspacenodes", path, UserspaceNode.decodeList)
    all.push(...nodes)
    continued = next
  } while (continued !== "")
  return all.toSorted((one, other) => (one.name < other.name ? -1 : 1))
})

export const fleetNode = (kubeconfig: string | undefined, name: string) =>
  get(kubeconfig, `read userspacenode ${name}`, UserspaceNode.pathOf(name), UserspaceNode.decodeNode)
