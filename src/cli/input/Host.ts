/**
 * `--host`: a command of a container that sees the node's processes goes to the node's mounts and network first, so that
 * paths, sockets and namespaces are those that the runtime has. Process 1 is the node's.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Executed } from "../../platform/bun/BunEnter.ts"
import { CommandLineError, InvocationContext } from "../print/Printer.ts"
import { yes } from "./Flags.ts"

export const hostFlag = yes(
  "host",
  "In a container with hostPID: run in the mount and network namespaces of the node's process 1"
)

type Enter = (pid: number, executed: Executed) => Effect.Effect<void, string>

/** How a process gets there. */
export const Entering = Context.Reference<Enter>("userspace-cni/Entering", {
  defaultValue: () => (pid, executed) =>
    Effect.flatMap(
      Effect.promise(() => import("../../platform/bun/BunEnter.ts")),
      ({ enter }) => enter(pid, executed)
    )
})

const nodesFirst = 1

/**
 * What follows runs on the node: in this process when it is there already, else in the one that this becomes, which begins
 * anew. `carried`: environment for it, of what only the container has.
 */
export const enterHost = Effect.fnUntraced(function* (
  { host }: { readonly host: boolean },
  carried: Readonly<Record<string, string>> = {}
) {
  if (!host) return
  const { variables } = yield* InvocationContext
  const enter = yield* Entering
  yield* enter(nodesFirst, {
    path: process.execPath,
    args: process.argv.slice(2),
    env: { ...variables, ...carried }
  }).pipe(
    Effect.mapError(
      (answer) =>
        new CommandLineError({
          failed: "cannot run in the node's namespaces",
          answer,
          cure:
            "Run the container with hostPID, privileged, and the node's directory of CNI plugins mounted at the path " +
            "that it has on the node, as examples/kubernetes/daemonset.yaml does. Without --host it runs where it is."
        })
    )
  )
})
