/** `userspace container vpp` */
import * as Console from "effect/Console"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Configured, configure } from "../../container/vpp/Configure.ts"
import { startupConf } from "../../container/vpp/Link.ts"
import { VppClient } from "../../vpp/client/VppClient.ts"
import { chosen, fromContainer, type PlaceOptions, reportSkipped } from "../input/ContainerFlags.ts"
import { defaultVppSocket } from "../input/Flags.ts"
import { InvocationContext } from "../input/InvocationContext.ts"

interface VppOptions extends PlaceOptions {
  readonly interfaces: Option.Option<string>
  readonly json: boolean
  readonly socket: Option.Option<string>
  readonly timeout: Duration.Duration
  readonly startupConf: boolean
}

export const perform = Effect.fnUntraced(function* (options: VppOptions) {
  const { variables } = yield* InvocationContext
  const { found, interfaces } = yield* chosen(options)
  yield* reportSkipped(found)
  if (options.startupConf) {
    return yield* Console.log(yield* Effect.mapError(Effect.fromResult(startupConf(interfaces)), fromContainer))
  }
  const socket = Option.getOrElse(options.socket, () => variables["USERSPACE_VPP_SOCKET"] || defaultVppSocket)
  const configured = yield* configure(interfaces, options.timeout).pipe(
    Effect.provide(VppClient.layer(socket)),
    Effect.mapError(fromContainer)
  )
  if (options.json) return yield* Console.log(JSON.stringify(configured))
  for (const one of configured) yield* Console.log(line(one))
})

const line = ({ addresses, name, notes, vppName, was }: Configured): string =>
  [`${name}: ${vppName} ${was}, ${["up", ...addresses].join(", ")}`, ...notes.map((note) => `  ${note}`)].join("\n")
