/** `userspace install`: installs the executable and a kubeconfig on a node, from a pod or by hand. */

import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Account, readAccount, renew, writeKubeconfig } from "../../../install/AccountKubeconfig.ts"
import { type InstallError, installExecutable } from "../../../install/Executable.ts"
import { account } from "../../../kubernetes/Origin.ts"
import { Changes } from "../../../platform/Changes.ts"
import { text, textOr, yes } from "../../input/Flags.ts"
import { CommandLineError, commandLineErrorText, endsWell, InvocationContext, misused } from "../../print/Printer.ts"

export const command = Command.make(
  "install",
  {
    binDir: text("cni-bin-dir", "DIR", "Install this executable in this directory, as `userspace`"),
    kubeconfig: text("kubeconfig", "FILE", "Write a kubeconfig to this file, from this pod's service account"),
    renewing: yes("renew", "Keep running, and update the kubeconfig when the service account changes"),
    tokenFile: text(
      "token-file",
      "FILE",
      "Token file on the node that the kubeconfig refers to (default: the kubeconfig contains the token)"
    ),
    serviceAccount: textOr(
      "service-account",
      "DIR",
      `Mount point of the service account (default: ${account})`,
      account
    )
  },
  Effect.fnUntraced(function* (options) {
    if (Option.isNone(options.binDir) && Option.isNone(options.kubeconfig)) {
      return yield* misused("nothing to install", "Give --cni-bin-dir, --kubeconfig or both.")
    }
    if (Option.isNone(options.kubeconfig) && options.renewing) {
      return yield* misused("--renew needs --kubeconfig", "Give --kubeconfig too.")
    }
    if (Option.isSome(options.binDir)) {
      const target = yield* Effect.mapError(installExecutable(options.binDir.value), fromInstall)
      yield* Console.log(`Installed ${target}`)
    }
    if (Option.isNone(options.kubeconfig)) return
    const path = options.kubeconfig.value
    const from = { directory: options.serviceAccount, tokenFile: Option.getOrUndefined(options.tokenFile) }
    // Without a kubeconfig the start is a failure, which Kubernetes shows and retries; an old one may not exist.
    yield* Effect.mapError(first(path, from), fromInstall)
    if (options.renewing) yield* stay(path, from)
  })
).pipe(
  Command.withExamples([
    { command: "userspace install --cni-bin-dir /opt/cni/bin", description: "By hand, on the node" },
    {
      command: "userspace install --kubeconfig /host/etc/cni/net.d/userspace.kubeconfig --renew",
      description: "In a pod of a DaemonSet"
    }
  ])
)

const first = Effect.fnUntraced(function* (path: string, from: Account) {
  const { variables } = yield* InvocationContext
  const text = yield* readAccount(from, variables)
  yield* writeKubeconfig(path, text)
  yield* Console.log(`Wrote ${path}`)
})

/** Runs until it is stopped, which is not a failure: a pod is stopped this way. */
const stay = Effect.fnUntraced(
  function* (path: string, from: Account) {
    const { style, variables } = yield* InvocationContext
    yield* renew(path, from, variables, {
      renewed: Console.log(`Updated ${path}`),
      failed: (error) => Console.error(commandLineErrorText(fromInstall(error), style.strong))
    })
  },
  Effect.provide(Changes.layer),
  Effect.onInterrupt(() => endsWell)
)

const fromInstall = ({ cure, details, operation }: InstallError) =>
  new CommandLineError({ failed: operation, answer: details, cure })
