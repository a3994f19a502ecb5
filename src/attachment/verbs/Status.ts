/**
 * STATUS: whether an ADD would succeed now. Asks switch, state directory and IPAM plugin in parallel; changes nothing.
 * Code 51 when the switch is down: existing containers then have no connectivity. CNI specification 1.1.0, section 2.
 */
import * as Effect from "effect/Effect"
import { CniError, ErrorCodes, type Explained } from "../../cni/types/CniError.ts"
import { Ipam, type IpamError } from "../../ipam/Ipam.ts"
import { Deadlines } from "../../program/Step.ts"
import { Vswitch, type VswitchError } from "../../vswitch/Vswitch.ts"
import { delegation, type NetworkCall } from "../Call.ts"
import { Records } from "../records/Records.ts"

export const status = Effect.fn("STATUS")(function* (call: NetworkCall) {
  const vswitch = yield* Vswitch
  const records = yield* Records
  const { port } = call.configuration
  const { engine, control } = port
  const questions: ReadonlyArray<Effect.Effect<void, Trouble, Ipam>> = [
    inTime(`${engine} on ${control}`, true, Effect.mapError(vswitch.status(port), ofSwitch)),
    inTime("the state directory", false, Effect.mapError(records.writable, trouble(false))),
    askIpam(call)
  ]
  const [, found] = yield* Effect.partition(questions, (question) => question, { concurrency: "unbounded" })
  if (found.length === 0) return
  return yield* CniError.of(
    found.some(({ limited }) => limited) ? ErrorCodes.NotAvailableLimited : ErrorCodes.NotAvailable,
    found.map(({ failed }) => failed).join("; "),
    [...new Set(found.map(({ cure }) => cure))].join(" ")
  )
})

interface Trouble {
  /** Existing containers are affected as well. */
  readonly limited: boolean
  readonly failed: string
  readonly cure: string
}

const trouble =
  (limited: boolean) =>
  ({ cure, failed }: Explained): Trouble => ({ limited, failed, cure })

/** The switch does not answer or does not forward. A switch that only lacks a feature still serves its ports. */
const ofSwitch = (error: VswitchError): Trouble =>
  trouble(error.code === ErrorCodes.TryAgainLater || error.code === ErrorCodes.DpdkMissing)(error)

const ofIpam = (error: IpamError): Trouble =>
  trouble(error.reason._tag === "Refused" && error.reason.code === ErrorCodes.NotAvailableLimited)(error)

/** Searches CNI_PATH. A caller may omit it, and then the plugin cannot be found. */
const askIpam = (call: NetworkCall): Effect.Effect<void, Trouble, Ipam> =>
  Effect.flatMap(Ipam, (ipam) => {
    const delegate = delegation(call)
    return delegate === undefined || delegate.path.length === 0
      ? Effect.void
      : inTime(`IPAM plugin ${delegate.plugin}`, false, Effect.mapError(ipam.status(delegate), ofIpam))
  })

const inTime = (whom: string, limited: boolean, question: Effect.Effect<void, Trouble>): Effect.Effect<void, Trouble> =>
  Effect.flatMap(Deadlines, ({ status: seconds }) =>
    Effect.timeoutOrElse(question, {
      duration: `${seconds} seconds`,
      orElse: () =>
        Effect.fail({
          limited,
          failed: `${whom}: no answer within ${seconds} s`,
          cure: "Check its log: it is overloaded or hangs."
        })
    })
  )
