/** The switch's layer in a dry run: `Engines.ts` with the recording client. CHECK only looks, so it gets the real one. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { engineFor } from "../attachment/Engines.ts"
import type { EngineLayer } from "../attachment/Services.ts"
import type { HostPort } from "../cni/HostPort.ts"
import type { AttachmentVerb } from "../cni/Versions.ts"
import { OvsClient } from "../ovs/OvsClient.ts"
import * as OvsVswitch from "../ovs/OvsVswitch.ts"
import { VppClient } from "../vpp/VppClient.ts"
import * as VppVswitch from "../vpp/VppVswitch.ts"
import { Vswitch } from "../vswitch/Vswitch.ts"
import type { Overlay } from "./Overlay.ts"
import { unknown } from "./Plan.ts"
import * as RecordedSwitch from "./RecordedSwitch.ts"
import * as RecordedVpp from "./RecordedVpp.ts"
import type { Recorder } from "./Recorder.ts"

export const layer = (
  verb: AttachmentVerb | "restore",
  port: HostPort,
  overlay: Overlay,
  recorder: Recorder
): EngineLayer => {
  if (verb === "CHECK") {
    recorder.note("CHECK changes nothing: it was made, but for the part of the IPAM plugin.")
    return engineFor(port)
  }
  if (port.engine === "vpp") {
    const client = Layer.effect(
      VppClient,
      Effect.suspend(() => RecordedVpp.make(verb, overlay, recorder))
    )
    return knownAddresses(recorder).pipe(
      Layer.provide(VppVswitch.layer),
      Layer.provide(client),
      Layer.provide(VppClient.layer(port.control))
    )
  }
  return Layer.provide(
    OvsVswitch.layer,
    Layer.effect(
      OvsClient,
      Effect.suspend(() => RecordedSwitch.make(verb, port, overlay, recorder))
    )
  )
}

/** Those of the port are IPAM's, which is not asked. */
const knownAddresses = (recorder: Recorder) =>
  Layer.effect(
    Vswitch,
    Effect.map(Vswitch, (vswitch) =>
      Vswitch.of({
        ...vswitch,
        plug: (request) => {
          const addresses = request.addresses.filter(({ address }) => address !== unknown)
          if (addresses.length < request.addresses.length) {
            recorder.unknown("the calls that give them to the port, and routes to the container where they need some")
          }
          return vswitch.plug({ ...request, addresses })
        }
      })
    )
  )
