/** Flags of commands that read a whole node: where its records are, and switches that no record names. */
import { defaultStateDir } from "../../attachment/Call.ts"
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
