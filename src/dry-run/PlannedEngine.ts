/** What stands around a switch's client in a dry run: it records. CHECK only looks, so nothing stands around its own. */
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

/** Those of the port are IPAM's, which is not asked. */
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
