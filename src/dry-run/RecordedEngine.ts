/** The switch's layer in a dry run: `Engines.ts` with the recording client. CHECK only looks, so it gets the real one. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { engineFor } from "../attachment/Engines.ts"
import type { EngineLayer } from "../attachment/Services.ts"
import { ErrorCodes } from "../cni/ErrorCodes.ts"
import type { HostPort } from "../cni/HostPort.ts"
import type { AttachmentVerb } from "../cni/Versions.ts"
import { OvsClient } from "../ovs/OvsClient.ts"
import * as OvsVswitch from "../ovs/OvsVswitch.ts"
import { Vswitch } from "../vswitch/Vswitch.ts"
import { VswitchError } from "../vswitch/VswitchError.ts"
import type { Overlay } from "./Overlay.ts"
import * as RecordedSwitch from "./RecordedSwitch.ts"
import type { Recorder } from "./Recorder.ts"

export const layer = (verb: AttachmentVerb, port: HostPort, overlay: Overlay, recorder: Recorder): EngineLayer => {
  if (verb === "CHECK") {
    recorder.note("CHECK changes nothing: it was made, but for the part of the IPAM plugin.")
    return engineFor(port)
  }
  if (port.engine === "vpp") return unplanned
  return Layer.provide(
    OvsVswitch.layer,
    Layer.effect(
      OvsClient,
      Effect.suspend(() => RecordedSwitch.make(verb, port, overlay, recorder))
    )
  )
}

const refuse = Effect.fail(
  new VswitchError({
    engine: "vpp",
    operation: "plan",
    answer: "this release plans for Open vSwitch only",
    cure: "Set host.engine to ovs-dpdk, or run it without --dry-run.",
    code: ErrorCodes.InvalidConfiguration
  })
)

const refused = () => refuse

const unplanned: EngineLayer = Layer.succeed(
  Vswitch,
  Vswitch.of({ preflight: refused, plug: refused, unplug: refused, verify: refused, list: refused, status: refuse })
)
