/**
 * A kubeconfig for the plugin from the service account that kubelet mounts into this pod. Written as JSON, which is
 * YAML and needs no library to read. The plugin runs on the node, without kubelet's mount: the certificate authority is
 * inline, and so is the token unless there is a token file on the node.
 */
import { randomUUID } from "node:crypto"
import { basename, dirname, join } from "node:path"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schedule from "effect/Schedule"
import type { Variables } from "../cni/types/Environment.ts"
import { Changes } from "../platform/Changes.ts"
import { Files } from "../platform/Files.ts"
import { failureWords } from "../platform/text/FailureWords.ts"
import { InstallError } from "./Executable.ts"

export interface Account {
  /** The directory where kubelet mounts it. */
  readonly directory: string
  /** A file on the node that contains the token, and that somebody else renews. */
  readonly tokenFile: string | undefined
}

const inPod = "Run it in a pod that has a service account (automountServiceAccountToken, serviceAccountName)."

/** Returns the text for the current service account. */
export const readAccount = Effect.fn("read the service account")(function* (
  { directory, tokenFile }: Account,
  variables: Variables
) {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = variables
  if (!host || !port) return yield* refused("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
  const ca = yield* contents(join(directory, "ca.crt"))
  if (!ca.includes("-----BEGIN ")) return yield* refused(`${directory}/ca.crt is not in PEM form`)
  if (tokenFile !== undefined) return kubeconfig(host, port, ca, { tokenFile })
  const token = (yield* contents(join(directory, "token"))).trim()
  if (!/^[\x21-\x7e]+$/.test(token)) return yield* refused(`${directory}/token is empty or contains blanks`)
  return kubeconfig(host, port, ca, { token })
})

const refused = (details: string) =>
  new InstallError({ operation: "cannot create a kubeconfig from the service account", details, cure: inPod })

const contents = Effect.fnUntraced(function* (path: string) {
  const system = yield* FileSystem.FileSystem
  return yield* Effect.mapError(system.readFileString(path), (error) => refused(failureWords(error, path)))
})

const kubeconfig = (
  host: string,
  port: string,
  ca: string,
  user: { readonly token: string } | { readonly tokenFile: string }
): string => {
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`
  const name = "userspace-cni"
  const cluster = { server, "certificate-authority-data": Buffer.from(ca).toString("base64") }
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name
  }
  return `${JSON.stringify(config, undefined, 2)}\n`
}

/** Writes the file beside, syncs and renames it, never readable for others: a plugin reads the old or the new one. */
export const writeKubeconfig = Effect.fn("write the kubeconfig")(
  function* (path: string, text: string) {
    const files = yield* Files
    const directory = dirname(path)
    const beside = join(directory, `.${basename(path)}.${randomUUID()}`)
    yield* files.create(beside, text, 0o600)
    yield* Effect.andThen(files.sync(beside), files.rename(beside, path)).pipe(
      Effect.onError(() => Effect.ignore(files.unlink(beside)))
    )
    yield* files.sync(directory)
  },
  (effect, path) =>
    Effect.mapError(
      effect,
      ({ message }) =>
        new InstallError({
          operation: `cannot write the kubeconfig ${path}`,
          details: message,
          cure: "Create its directory, and make it writable for root."
        })
    )
)

/** How long a change without an event can go unnoticed, and the pause after a failure. */
const interval: Duration.Input = "1 minute"

/**
 * Keeps the node's kubeconfig up to date: kubelet renews the token long before it expires, and the file may have been
 * removed or changed on the node. Runs until it is interrupted. A failed round is reported and repeated: an old token is
 * better than none.
 */
export const renew = Effect.fn("renew the kubeconfig")(function* <R>(
  path: string,
  account: Account,
  variables: Variables,
  tell: {
    readonly renewed: Effect.Effect<void, never, R>
    readonly failed: (error: InstallError) => Effect.Effect<void, never, R>
  }
) {
  const files = yield* Files
  const changes = yield* Changes
  const look = Effect.gen(function* () {
    const text = yield* readAccount(account, variables)
    // A file that cannot be read, such as a link, or that is longer, is replaced too.
    const there = yield* Effect.orElseSucceed(files.read(path, Buffer.byteLength(text)), () => undefined)
    if (text === there) return
    yield* writeKubeconfig(path, text)
    yield* tell.renewed
  })
  const round = Effect.gen(function* () {
    // Watch before the check, so that no change is missed in between.
    const changed = yield* changes.watch([account.directory])
    yield* Effect.catch(look, tell.failed)
    yield* Effect.raceFirst(changed, Effect.sleep(interval))
  })
  return yield* Effect.repeat(Effect.scoped(round), Schedule.forever)
})
