/** {@link Handover} without an API server: the container config is a file beside the socket. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Attachment } from "../identity/Attachment.ts"
import { Files } from "../platform/Files.ts"
import { SharedDir } from "../shared-dir/SharedDir.ts"
import { defaultMappedDir, Handover } from "./ContainerConfig.ts"
import { type ContainerData, isFor } from "./ContainerData.ts"
import * as DeviceInfoFile from "./DeviceInfoFile.ts"

/** What both layers do alike. */
export const deviceInformation = (
  files: Files["Service"]
): Pick<Handover["Service"], "described" | "undescribed" | "describe"> => ({
  described: (path) => DeviceInfoFile.read(files, path),
  undescribed: (path) => DeviceInfoFile.survey(files, path),
  describe: (path, text, made) =>
    text === undefined ? DeviceInfoFile.remove(files, path, made) : DeviceInfoFile.write(files, path, text)
})

/** The file beside the socket. */
export const fileText = (data: ContainerData): string => `${JSON.stringify(data)}\n`

export const layer = (attachment: Attachment): Layer.Layer<Handover, never, Files | SharedDir> =>
  Layer.effect(
    Handover,
    Effect.gen(function* () {
      const sharedDir = yield* SharedDir
      return Handover.of({
        ...deviceInformation(yield* Files),
        site: Effect.succeed({ volume: undefined, mappedDir: defaultMappedDir }),
        oldVolumes: Effect.succeed([]),
        give: (place, data) => sharedDir.hand(place, fileText(data)),
        takeBack: Effect.void,
        verify: (place) =>
          Effect.map(sharedDir.handed(place), (text) =>
            text === undefined
              ? [`${place.configPath} is missing`]
              : isFor(text, attachment)
                ? []
                : [`${place.configPath} no longer belongs to this attachment`]
          )
      })
    })
  )
