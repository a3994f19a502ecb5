/** Files that the build has embedded into this executable; none when it runs from source. */
import * as Effect from "effect/Effect"

/** Undefined: there is none with this name. */
export const embedded = (name: string): Effect.Effect<Uint8Array | undefined> =>
  Effect.promise(() => {
    const file = Bun.embeddedFiles.find((one) => "name" in one && one.name === name)
    return file === undefined ? Promise.resolve(undefined) : file.arrayBuffer().then((bytes) => new Uint8Array(bytes))
  })
