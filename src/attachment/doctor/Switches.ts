/** The switches of a node for `doctor`, and which of them networks and records name. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Configuration } from "../../cni/network/Configuration.ts"
import type { Control, HostPort } from "../../cni/network/HostPort.ts"
import { ErrorCodes, type Explained } from "../../cni/types/CniError.ts"
import type { SwitchView, View } from "../../vswitch/View.ts"
import { distinct } from "../node/Switches.ts"
import { found, isDenied, type Judged, together, unseen } from "./findings/Finding.ts"
import * as OfOvs from "./node/OfOvs.ts"
import * as OfVpp from "./node/OfVpp.ts"

interface Seen {
  readonly at: Control
  readonly view: Result.Result<SwitchView, Explained>
}

export const look = (controls: ReadonlyArray<Control>, viewAt: (at: Control) => View) =>
  Effect.forEach(
    distinct(controls),
    (at) => Effect.map(Effect.result(Effect.scoped(viewAt(at))), (view): Seen => ({ at, view })),
    { concurrency: "unbounded" }
  )

/** `configurations`: of the records, and of the requested network. */
export const judge = (seen: ReadonlyArray<Seen>, configurations: ReadonlyArray<Configuration>): Judged => {
  if (seen.length === 0) return found("switches", "switch-missing", "no control socket is in its default place")
  const ports = configurations.map(({ port }) => port)
  return together(seen.map((one) => ofOne(one, ports)))
}

const ofOne = ({ at, view }: Seen, ports: ReadonlyArray<HostPort>): Judged => {
  const unit = at.engine === "vpp" ? "vpp" : "openvswitch-switch"
  if (Result.isFailure(view)) {
    const name = at.engine === "vpp" ? "VPP" : "Open vSwitch"
    const { code, failed } = view.failure
    // Whoever may not ask it cannot say that it is away.
    return code === ErrorCodes.TryAgainLater && !isDenied(failed)
      ? found(`${name} on ${at.control}`, "switch-away", failed, { unit })
      : unseen(`${name} on ${at.control}`, failed)
  }
  const own = ports.filter(({ control, engine }) => control === at.control && engine === at.engine)
  return view.success.engine === "vpp"
    ? OfVpp.judge(view.success, new Set(own.map(({ iftype }) => iftype)))
    : OfOvs.judge(view.success, new Set(own.flatMap((port) => (port.engine === "vpp" ? [] : [port.bridge]))))
}
