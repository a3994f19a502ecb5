/** {@link Taps} in memory: frames that a test has put there. */
import { Effect, Layer } from "effect"
import { TapError, Taps } from "../../../../src/platform/tap/Taps.ts"

export interface MemoryTaps {
  readonly layer: Layer.Layer<Taps>
  /** Frames that wait, by device. Put there before or while a capture runs. */
  readonly frames: Map<string, Array<Uint8Array>>
  readonly open: Set<string>
  /** Of the process that the devices were made for. */
  pid: number | undefined
  /** Code with which a device is refused. */
  refusal: string | undefined
  /** Somebody reads the output. */
  read: boolean
  dropped: number
}

/** `devices`: of the kernel, as the switch sees them. */
export const make = (devices: Set<string>): MemoryTaps => {
  const taps: MemoryTaps = {
    frames: new Map(),
    open: new Set(),
    pid: undefined,
    refusal: undefined,
    read: true,
    dropped: 0,
    layer: Layer.succeed(
      Taps,
      Taps.of({
        open: (names, pid) =>
          Effect.forEach(names, (name) =>
            Effect.acquireRelease(
              Effect.suspend(() => {
                if (taps.refusal !== undefined) return Effect.fail(new TapError({ device: name, code: taps.refusal }))
                taps.pid = pid
                devices.add(name)
                taps.open.add(name)
                return Effect.succeed({
                  name,
                  read: () => taps.frames.get(name)?.shift(),
                  dropped: () => taps.dropped
                })
              }),
              () =>
                Effect.sync(() => {
                  devices.delete(name)
                  taps.open.delete(name)
                })
            )
          ),
        listener: (path) => Effect.succeed(path.length),
        wait: () => taps.read
      })
    )
  }
  return taps
}
