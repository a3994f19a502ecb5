/** Rounds of healing on a node in memory, and what they found in words. */
import type { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Outcome } from "../../../src/attachment/heal/Act.ts"
import { type Memory, nothing, type Policy } from "../../../src/attachment/heal/Decide.ts"
import { ofSwitch } from "../../../src/attachment/heal/Round.ts"
import type { Control } from "../../../src/cni/network/HostPort.ts"
import { portName } from "../../../src/identity/Attachment.ts"
import { runDir, stateDir, vppSocket, World, type Wrap } from "./World.ts"

export const ovs: Control = { engine: "ovs-dpdk", control: `${runDir}/db.sock` }
export const vpp: Control = { engine: "vpp", control: vppSocket }
export const variables = { CNI_PATH: "/opt/cni/bin" }
const containerId = "0958c8871b32cafe"
export const port = portName({ network: "net", containerId, ifName: "net1" })
export const path = `${stateDir}/attachments/0958c8871b32-net1.json`
export const nothingLeft = new World().dump()

interface Wanted {
  readonly memory?: Memory
  readonly repair?: Policy["repair"]
  readonly dry?: boolean
  readonly at?: Control
  readonly wrap?: Wrap
}

export const round = (
  world: World,
  { at = ovs, dry = false, memory = nothing, repair = "missing", wrap }: Wanted = {}
) => world.resident((switches) => ofSwitch(at, memory, { switches, variables, repair, dry }), wrap)

export const said = (outcome: Outcome): string =>
  outcome._tag === "Failed"
    ? `failed with ${outcome.error.code}, ${outcome.error.msg}`
    : outcome._tag === "Reported"
      ? "reported"
      : `${outcome._tag.toLowerCase()}, ${outcome.words}`

export const words = ({ found }: Effect.Success<ReturnType<typeof round>>) =>
  found.map(({ kind, outcome, words }) => `${kind}: ${words}; ${said(outcome)}`)

export const minute = TestClock.adjust("1 minute")
