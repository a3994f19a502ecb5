/** Flags of commands that read a whole node: where its records are, and switches that no record names. */
import * as Option from "effect/Option"
import { defaultStateDir } from "../../attachment/Call.ts"
import type { Control } from "../../cni/network/HostPort.ts"
import { text, textOr } from "./Flags.ts"

export const stateDirFlag = textOr(
  "state-dir",
  "DIR",
  `Directory of the records, stateDir of the networks (default: ${defaultStateDir})`,
  defaultStateDir
)

export const switchFlags = {
  ovs: text(
    "ovs-socket",
    "PATH",
    "Socket of another Open vSwitch, in addition to those of the records and of OVS_RUNDIR"
  ),
  vpp: text("vpp-socket", "PATH", "Socket of another VPP, in addition to those of the records and /run/vpp/api.sock")
}

export interface SwitchOptions {
  readonly ovs: Option.Option<string>
  readonly vpp: Option.Option<string>
}

export const controlsOf = ({ ovs, vpp }: SwitchOptions): ReadonlyArray<Control> => [
  ...Option.toArray(ovs).map((control): Control => ({ engine: "ovs-dpdk", control })),
  ...Option.toArray(vpp).map((control): Control => ({ engine: "vpp", control }))
]
