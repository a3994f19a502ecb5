/** `userspace container`: the container's end of the port, for use inside the pod. Here are `wait` and `doctor`. */
import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as waiting from "../../container/Wait.ts"
import { Changes } from "../../platform/Changes.ts"
import { fromContainer, interfacesFlag, namesOf, placeFlags, placesOf } from "../input/ContainerFlags.ts"
import { defaultVppSocket, jsonFlag, onDemand, text, timeoutFlag, yes } from "../input/Flags.ts"
import { InvocationContext } from "../input/InvocationContext.ts"
import { dpdk, testpmd } from "./container/Dpdk.ts"
import { show } from "./container/Show.ts"

const wait = Command.make(
  "wait",
  {
    ...placeFlags,
    interfaces: text("interfaces", "NAMES", "Wait for these interfaces, comma-separated: net1,net2"),
    count: Flag.Int("count").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription(
        "Wait for this many interfaces (default: all named ones, or all configured ones, at least one)"
      ),
      Flag.filter(
        (count) => count >= 1 && count <= 256,
        () => "1 to 256"
      ),
      Flag.optional
    ),
    timeout: timeoutFlag("60s", "Give up after this time")
  },
  Effect.fnUntraced(function* (options) {
    const { variables } = yield* InvocationContext
    const expected = { names: namesOf(options.interfaces), count: Option.getOrUndefined(options.count) }
    const { interfaces } = yield* waiting
      .wait(placesOf(options, variables), expected, options.timeout)
      .pipe(Effect.provide(Changes.layer), Effect.mapError(fromContainer))
    yield* Console.log(`Ready: ${interfaces.map(({ name }) => name).join(", ")}`)
  })
).pipe(
  Command.withDescription(
    "Wait until every expected interface is ready: configured, and its socket exists if the switch creates it"
  )
)

const doctor = Command.make(
  "doctor",
  { ...placeFlags, json: jsonFlag },
  onDemand(() => import("../doctor/PerformContainerDoctor.ts"))
).pipe(
  Command.withDescription(
    "Find what keeps the application from opening its interfaces, as far as it can be seen from inside; changes nothing. Exit status 1: something was found; 2: something could not be inspected"
  )
)

const vpp = Command.make(
  "vpp",
  {
    ...placeFlags,
    interfaces: interfacesFlag,
    json: jsonFlag,
    socket: text("socket", "PATH", `VPP's API socket (USERSPACE_VPP_SOCKET; default: ${defaultVppSocket})`),
    timeout: timeoutFlag("30s", "Time to wait for a VPP that is starting"),
    startupConf: yes("startup-conf", "Print only the section of startup.conf that opens the vhost-user interfaces")
  },
  onDemand(() => import("../vpp/PerformVpp.ts"))
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

export const container = Command.make("container").pipe(
  Command.withDescription("Inside a pod: its interfaces, and how to open them"),
  Command.withSubcommands([show, wait, doctor, testpmd, dpdk, vpp]),
  Command.withExamples([
    { command: "userspace container show", description: "Which interfaces does this pod have?" },
    { command: "userspace container wait --count 2", description: "Before the application starts" },
    { command: "dpdk-testpmd $(userspace container testpmd) -- -i", description: "Open all of them" }
  ])
)
