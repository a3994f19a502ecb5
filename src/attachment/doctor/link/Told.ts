/** The container config, and whether it is current: the file beside the socket, or the pod's annotations. */
import * as Effect from "effect/Effect"
import type { Explained } from "../../../cni/spec/CniError.ts"
import { ContainerConfig } from "../../../container-config/ContainerConfig.ts"
import { SharedDir } from "../../../shared-dir/SharedDir.ts"
import type { Record } from "../../records/Record.ts"
import { found, type Judged, nothing, together, unseen, well } from "../findings/Finding.ts"

export interface Told {
  readonly config: ReadonlyArray<string> | Explained
  readonly shared: ReadonlyArray<string> | Explained
  /** Undefined: none was requested. */
  readonly deviceInfo: { readonly path: string; readonly there: boolean } | undefined
}

const orWhy = <A, R>(self: Effect.Effect<A, Explained, R>): Effect.Effect<A | Explained, never, R> =>
  Effect.catch(self, (error) => Effect.succeed(error))

export const look = Effect.fnUntraced(function* (record: Record, socket: boolean) {
  const containerConfig = yield* ContainerConfig
  const sharedDir = yield* SharedDir
  const { deviceInfo: path, place } = record
  const described = path === undefined ? undefined : yield* orWhy(containerConfig.described(path))
  const told: Told = {
    config: yield* orWhy(containerConfig.verify(place)),
    shared: yield* orWhy(sharedDir.verify(place, { socket })),
    deviceInfo: path === undefined ? undefined : { path, there: described !== undefined }
  }
  return told
})

export const judge = (
  { config, deviceInfo, shared }: Told,
  directory: string,
  values: { readonly [name: string]: string }
): Judged =>
  together([
    "failed" in config
      ? unseen("container config", config.failed)
      : config.length === 0
        ? well("container config", "as ADD wrote it")
        : together(
            config.map((words) =>
              found(
                "container config",
                / is missing$|has no configuration data/.test(words)
                  ? "container-config-missing"
                  : "container-config-changed",
                words,
                values
              )
            )
          ),
    "failed" in shared
      ? unseen("directory", shared.failed)
      : together(
          // `Socket.ts` judges missing files.
          shared
            .filter((words) => !/ is missing$/.test(words))
            .map((words) => found("directory", "shared-directory-changed", words, { ...values, path: directory }))
        ),
    deviceInfo === undefined
      ? nothing
      : deviceInfo.there
        ? well("device information", deviceInfo.path)
        : found("device information", "container-config-missing", `${deviceInfo.path} is missing`, values)
  ])
