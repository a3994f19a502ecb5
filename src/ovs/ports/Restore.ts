/**
 * The restore of {@link OvsVswitch}. The database is persistent, so a port is only missing after it was emptied.
 * ovs-vswitchd loses the flow of a port on a bridge in fail_mode secure when it exits. An existing row is not changed;
 * differences from the record are reported.
 */
import * as Effect from "effect/Effect"
import type { OvsVhostPort } from "../../cni/network/HostPort.ts"
import { ErrorCodes } from "../../cni/spec/CniError.ts"
import type { PortRequest } from "../../vswitch/PortRequest.ts"
import type { Plugged, Restored } from "../../vswitch/Vswitch.ts"
import type { VswitchError } from "../../vswitch/VswitchError.ts"
import type { Daemon } from "../client/Daemon.ts"
import * as Marks from "../client/Marks.ts"
import type { OvsClient } from "../client/OvsClient.ts"
import { flowRefused, fromOvsdb, orNotCaughtUp, toError } from "../client/PortError.ts"
import { type PortPlan, portPlan } from "../client/PortPlan.ts"
import type { PortRow } from "../client/Tables.ts"
import { differences, type Found, findings } from "./Verify.ts"

type PlugPort = (request: PortRequest, port: OvsVhostPort) => Effect.Effect<Plugged, VswitchError>

export const restore = (client: OvsClient["Service"], daemon: Daemon, plugPort: PlugPort) =>
  Effect.fn("OvsVswitch.restore")(function* (
    request: PortRequest,
    port: OvsVhostPort
  ): Effect.fn.Return<Restored, VswitchError> {
    const plan = portPlan(request, port)
    const operation = `restore port ${plan.name}`
    const failed = fromOvsdb(operation)
    const dead = yield* daemon.silent
    if (dead !== undefined) return yield* toError(operation, dead)
    const [there] = yield* Effect.mapError(client.portsMarked(plan.mark), failed)
    if (there === undefined) {
      const { port: name, socketAt } = yield* plugPort(request, port)
      return { port: name, socketAt, made: [`port ${name}`] }
    }
    // A starting ovs-vswitchd has created neither sockets nor port numbers.
    const caughtUp = yield* Effect.mapError(Effect.flatMap(client.root, client.caughtUp), failed)
    yield* orNotCaughtUp(operation)(caughtUp)
    const found = yield* Effect.mapError(findings(client, plan, there), failed)
    const learned = yield* relearn(client, plan, there, found)
    const wrong = differences(plan, { ...found, learns: found.learns || learned })
    if (wrong.length > 0) {
      return yield* toError(operation, {
        code: ErrorCodes.SwitchRefused,
        answer: `different from the record: ${wrong.map(({ what }) => what).join("; ")}`,
        cure: "Correct it with ovs-vsctl, or delete the pod so that it is recreated. The port was not changed."
      })
    }
    return {
      port: there.name,
      socketAt: plan.type === "dpdkvhostuser" ? plan.socket : undefined,
      made: learned ? [`flow of port ${there.name}`] : []
    }
  })

/** Only restores a flow that the port's own ADD created: DEL knows from its mark that there is a flow to remove. */
const relearn = Effect.fnUntraced(function* (
  client: OvsClient["Service"],
  { bridge, cookie, name }: PortPlan,
  { external_ids }: PortRow,
  { interface: row, learns }: Found
) {
  if (learns || Marks.flowOf(external_ids) !== cookie || row?.ofport === undefined || row.ofport < 0) return false
  yield* client.learn(bridge, row.ofport, cookie).pipe(Effect.mapError(flowRefused(`restore port ${name}`, bridge)))
  return true
})
