/** The container config, and whether it is current: the file beside the socket, or the pod's annotations. */
import * as Effect from "effect/Effect"
import type { Explained } from "../../../cni/types/CniError.ts"
import { ContainerConfig } from "../../../container-config/ContainerConfig.ts"
import { SharedDir } from "../../../shared-dir/SharedDir.ts"
import type { Record } from "../../records/Record.ts"
import { found, type Judged, nothing, together, unseen, well } from "../findings/Finding.ts"

export interface Published {
  readonly config: ReadonlyArray<string> | Explained
  readonly shared: ReadonlyArray<string> | Explained
  /** Undefined: none was requested. */
  readonly deviceInfo: { readonly path: string; readonly text: string | Explained | undefined } | undefined
}

const orWhy = <A, R>(self: Effect.Effect<A, Explained, R>): Effect.Effect<A | Explained, never, R> =>
  Effect.catch(self, (error) => Effect.succeed(error))

export const look = Effect.fnUntraced(function* (record: Record, socket: boolean) {
  const containerConfig = yield* ContainerConfig
  const sharedDir = yield* SharedDir
  const { deviceInfo: path, place } = record
  const published: Published = {
    config: yield* orWhy(containerConfig.verify(place)),
    shared: yield* orWhy(Effect.map(sharedDir.verify(place, { socket }), (all) => all.map(({ what }) => what))),
    deviceInfo: path === undefined ? undefined : { path, text: yield* orWhy(containerConfig.described(path)) }
  }
  return published
})

export const judge = (
  { config, deviceInfo, shared }: Published,
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
    deviceInfo === undefined ? nothing : ofDeviceInfo(deviceInfo.path, deviceInfo.text, values)
  ])

const ofDeviceInfo = (
  path: string,
  text: string | Explained | undefined,
  values: { readonly [name: string]: string }
): Judged => {
  const link = "device information"
  if (text === undefined) return found(link, "container-config-missing", `${path} is missing`, values)
  return typeof text === "string" ? well(link, path) : unseen(link, text.failed)
}
