/**
 * What a port that is there lacks: all that VPP forgets, it forgets together, but a restore may have been killed half-way
 * (a port without tag, down, outside its bridge domain), and people change things. Settings are set again, which changes
 * nothing that is right; what cannot be set, as the role, is told of.
 */
import * as Effect from "effect/Effect"
import { keyOf } from "../attachment/Attachment.ts"
import { ErrorCodes } from "../cni/ErrorCodes.ts"
import type { Restored } from "../vswitch/Vswitch.ts"
import { run } from "./Batch.ts"
import { addRoutes, addressesOf } from "./HostAddresses.ts"
import { byMark, byName } from "./Interfaces.ts"
import { fromTag } from "./Mark.ts"
import { type Plan, refuseTaken, settings } from "./Plug.ts"
import { portName, portNumber } from "./PortName.ts"
import { fromVpp, toError } from "./Refusal.ts"
import type { Session } from "./Session.ts"
import { verify } from "./Verify.ts"

/** Undefined: there is no port, not even one that has not got its tag. */
export const complete = Effect.fnUntraced(function* (session: Session, plan: Plan) {
  const there = yield* Effect.mapError(find(session, plan), fromVpp("look for the port"))
  if (there === undefined) return undefined
  const { interface_name: name, sw_if_index: index } = there
  const lacking = yield* Effect.mapError(verify(session, plan), fromVpp("look at the port"))
  if (lacking.length > 0) {
    yield* refuseTaken(session, `restore ${name}`, plan.addresses, index)
    yield* Effect.mapError(setAgain(session, plan, index), fromVpp(`set up ${name}`))
    const wrong = yield* Effect.mapError(verify(session, plan), fromVpp("look at the port"))
    if (wrong.length > 0) {
      return yield* toError(`restore ${name}`, {
        code: ErrorCodes.SwitchRefused,
        answer: `not as recorded: ${wrong.map(({ what }) => what).join("; ")}`,
        cure: "Delete the pod and let it be made again."
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

const setAgain = Effect.fnUntraced(function* (session: Session, plan: Plan, index: number) {
  const has = plan.addresses.addresses.length === 0 ? [] : yield* addressesOf(session, index)
  const addresses = plan.addresses.addresses.filter((address) => !has.includes(address))
  yield* run(session, settings(session, { ...plan, addresses: { ...plan.addresses, addresses } }, index))
  yield* run(session, addRoutes(index, plan.addresses))
})
