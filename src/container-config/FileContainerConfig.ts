/** {@link ContainerConfig} without an API server: the container config is a file beside the socket. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Attachment } from "../identity/Attachment.ts"
import { Files } from "../platform/Files.ts"
import { SharedDir } from "../shared-dir/SharedDir.ts"
import { ContainerConfig, defaultMappedDir } from "./ContainerConfig.ts"
import { type ContainerData, isFor } from "./ContainerData.ts"
import * as DeviceInfo from "./DeviceInfo.ts"

/** The operations that both layers share. */
export const deviceInformation = (
  files: Files["Service"]
): Pick<ContainerConfig["Service"], "described" | "undescribed" | "describe"> => ({
  described: (path) => DeviceInfo.read(files, path),
  undescribed: (path) => DeviceInfo.survey(files, path),
  describe: (path, text, made) =>
    text === undefined ? DeviceInfo.remove(files, path, made) : DeviceInfo.write(files, path, text)
})

/** The content of the file beside the socket. */
export const fileText = (data: ContainerData): string => `${JSON.stringify(data)}\n`

export const layer = (attachment: Attachment): Layer.Layer<ContainerConfig, never, Files | SharedDir> =>
  Layer.effect(
    ContainerConfig,
    Effect.gen(function* () {
      const sharedDir = yield* SharedDir
      return ContainerConfig.of({
        ...deviceInformation(yield* Files),
        podMount: Effect.succeed({ volume: undefined, mappedDir: defaultMappedDir }),
        oldVolumes: Effect.succeed([]),
        publish: (place, data) => sharedDir.writeConfig(place, fileText(data)),
        withdraw: Effect.void,
        verify: (place) =>
          Effect.map(sharedDir.readConfig(place), (text) =>
            text === undefined
              ? [`${place.configPath} is missing`]
              : isFor(text, attachment)
                ? []
                : [`${place.configPath} no longer belongs to this attachment`]
          )
      })
    })
  )
