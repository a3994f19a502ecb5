/** Wraps a switch's client in a dry run to record changes. CHECK only reads, so its client is not wrapped. */
import * as Effect from "effect/Effect"
import type { Around } from "../app/Composition.ts"
import type { HostPort } from "../cni/network/HostPort.ts"
import type { AttachmentVerb } from "../cni/spec/Versions.ts"
import { Vswitch } from "../vswitch/Vswitch.ts"
import type { Overlay } from "./edges/Overlay.ts"
import * as RecordedSwitch from "./ovs/PlannedSwitch.ts"
import { unknown } from "./plan/Plan.ts"
import type { PlanRecorder } from "./plan/PlanRecorder.ts"

import * as RecordedVpp from "./vpp/PlannedVpp.ts"

export const around = (
  verb: AttachmentVerb | "restore",
  port: HostPort,
  overlay: Overlay,
  recorder: PlanRecorder
): Around => {
  if (verb === "CHECK") {
    recorder.note("CHECK changes nothing: it was run, except for the IPAM plugin's CHECK.")
    return {}
  }
  if (port.engine === "vpp") {
    return {
      VppClient: Effect.map((real) => RecordedVpp.make(real, verb, overlay, recorder)),
      Vswitch: Effect.map(knownAddresses(recorder))
    }
  }
  return { OvsClient: () => RecordedSwitch.make(verb, port, overlay, recorder) }
}

/** The port's addresses come from IPAM, which is not called. */
const knownAddresses =
  (recorder: PlanRecorder) =>
  (vswitch: Vswitch["Service"]): Vswitch["Service"] =>
    Vswitch.of({
      ...vswitch,
      plug: (request) => {
        const addresses = request.addresses.filter(({ address }) => address !== unknown)
        if (addresses.length < request.addresses.length) {
          recorder.unknown("the calls that assign them to the port, and routes to the container where needed")
        }
        return vswitch.plug({ ...request, addresses })
      }
    })
