/** `userspace container vpp` */

import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Configured, configure } from "../../../container/vpp/Configure.ts"
import { startupConf } from "../../../container/vpp/Link.ts"
import { VppClient } from "../../../vpp/client/VppClient.ts"
import { defaultVppSocket, jsonFlag, text, timeoutFlag, yes } from "../../input/Flags.ts"
import { InvocationContext } from "../../print/Printer.ts"
import {
  chosen,
  fromContainer,
  interfacesFlag,
  type PlaceOptions,
  placeFlags,
  reportSkipped
} from "./ContainerFlags.ts"

interface VppOptions extends PlaceOptions {
  readonly interfaces: Option.Option<string>
  readonly json: boolean
  readonly socket: Option.Option<string>
  readonly timeout: Duration.Duration
  readonly startupConf: boolean
}

const perform = Effect.fnUntraced(function* (options: VppOptions) {
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

export const command = Command.make(
  "vpp",
  {
    ...placeFlags,
    interfaces: interfacesFlag,
    json: jsonFlag,
    socket: text("socket", "PATH", `VPP's API socket (USERSPACE_VPP_SOCKET; default: ${defaultVppSocket})`),
    timeout: timeoutFlag("30s", "Time to wait for a VPP that is starting"),
    startupConf: yes("startup-conf", "Print only the section of startup.conf that opens the vhost-user interfaces")
  },
  perform
).pipe(
  Command.withDescription("Configure the VPP in this container: memif, addresses, MTU, routes, up; can be repeated"),
  Command.withExamples([
    { command: "vpp -c startup.conf & userspace container vpp", description: "As a container starts" },
    {
      command: "userspace container vpp --startup-conf >> startup.conf",
      description: "Before VPP starts, for vhost-user"
    }
  ])
)
