/**
 * Repairs an existing port. VPP loses everything at once, but a restore may have been killed half-way (a port without
 * tag, down, outside its bridge domain), or settings were changed by hand. Settings are set again; what cannot be set,
 * such as the role, is reported.
 */
import * as Effect from "effect/Effect"
import { ErrorCodes } from "../../cni/spec/CniError.ts"
import { keyOf } from "../../identity/Attachment.ts"
import type { Restored } from "../../vswitch/Vswitch.ts"
import { run, type Session } from "../client/Session.ts"
import * as Bridging from "../interfaces/Bridging.ts"
import { addRoutes, addressesOf } from "../interfaces/HostAddresses.ts"
import { byMark, byName } from "../interfaces/Interfaces.ts"
import { fromTag, portName, portNumber } from "../interfaces/Mark.ts"
import { fromVpp, toError } from "../interfaces/PortError.ts"
import { type Plan, refuseConflict, refuseTaken, setUp } from "./SetUp.ts"
import { verify } from "./Verify.ts"

/** Undefined: there is no port, not even one without a tag. */
export const complete = Effect.fnUntraced(function* (session: Session, plan: Plan) {
  const there = yield* Effect.mapError(find(session, plan), fromVpp("find the port"))
  if (there === undefined) return undefined
  const { interface_name: name, sw_if_index: index } = there
  const lacking = yield* Effect.mapError(verify(session, plan), fromVpp("inspect the port"))
  if (lacking.length > 0) {
    yield* refuseTaken(session, `restore ${name}`, plan.addresses, index)
    const { network } = plan.port
    if (network.netType === "bridge") yield* refuseConflict(session, `restore ${name}`, network)
    yield* setAgain(session, plan, index)
    const wrong = yield* Effect.mapError(verify(session, plan), fromVpp("inspect the port"))
    if (wrong.length > 0) {
      return yield* toError(`restore ${name}`, {
        code: ErrorCodes.SwitchRefused,
        answer: `different from the record: ${wrong.map(({ what }) => what).join("; ")}`,
        cure: "Delete the pod so that it is recreated."
      })
    }
  }
  const made = lacking.length > 0 ? [`settings of interface ${name}`] : []
  const restored: Restored = { port: name, socketAt: undefined, made }
  return restored
})

const find = Effect.fnUntraced(function* (session: Session, { port, request }: Plan) {
  const key = keyOf(request.attachment)
  const numbered = yield* byName(session, portName(port.iftype, portNumber(key)))
  if (numbered !== undefined && (numbered.tag === "" || fromTag(numbered.tag)?.key === key)) return numbered
  const [marked] = yield* byMark(session, { key, invocation: undefined })
  return marked
})

/** A port in a bridge domain leaves it first: an earlier release may have set something on it that must be removed. */
const setAgain = Effect.fnUntraced(
  function* (session: Session, plan: Plan, index: number) {
    const { network } = plan.port
    const bridged = network.netType === "bridge"
    const has = plan.addresses.addresses.length === 0 ? [] : yield* addressesOf(session, index)
    const addresses = plan.addresses.addresses.filter((address) => !has.includes(address))
    const rest = { ...plan, addresses: { ...plan.addresses, addresses } }
    yield* setUp(session, rest, index, undefined, bridged ? Bridging.leave(session, index) : [])
    yield* run(session, addRoutes(index, plan.addresses))
    if (bridged && network.vlan !== undefined) yield* Bridging.removeUnused(session, network.bridgeDomain)
  },
  Effect.mapError(fromVpp("set up the port"))
)
