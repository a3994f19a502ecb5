/** `userspace agent` and `userspace agent status`. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { addressIn } from "../../agent/metrics/Address.ts"
import { defaultSocket, socketVariable } from "../../agent/Protocol.ts"
import { defaultStateDir } from "../../attachment/Call.ts"
import { networkFlags } from "../input/AttachmentFlags.ts"
import { everyFlag, jsonFlag, onDemand, text, yes } from "../input/Flags.ts"
import { enterHost, hostFlag } from "../input/Host.ts"
import { stateDirFlag } from "../input/NodeFlags.ts"
import { CommandLineError } from "../text/CommandLineError.ts"

const performHeal = onDemand(() => import("../perform/PerformHeal.ts"))
const performAgent = onDemand(() => import("../perform/PerformAgent.ts"))
const performAgentStatus = onDemand(() => import("../perform/PerformAgentStatus.ts"))

const status = Command.make(
  "status",
  {
    socket: text("socket", "PATH", `Socket of the agent (default: ${socketVariable}, or ${defaultSocket})`),
    ready: yes("ready", "Exit with 1 unless the agent would accept a call from here now"),
    host: hostFlag,
    json: jsonFlag
  },
  (options) => Effect.andThen(enterHost(options), performAgentStatus(options))
).pipe(Command.withDescription("Show since when the agent runs, its calls, its switches, and its last failure"))

const metricsFlag = Flag.String("metrics").pipe(
  Flag.withMetavar("ADDRESS:PORT"),
  Flag.withDescription("Serve GET /metrics and /healthz on this TCP address too; default: on the agent's socket alone"),
  Flag.filterMap(
    (text) => Option.fromUndefinedOr(addressIn(text)),
    () => "an IP address and a port, such as 10.0.0.5:9464 or [fd00::5]:9464"
  ),
  Flag.optional
)

const onlyOnce = new CommandLineError({
  failed: "the agent serves and heals for as long as it runs",
  answer: "--dry-run and --json are for one round, and --once is missing",
  cure: "Give --once with them."
})

export const agent = Command.make(
  "agent",
  {
    socket: text(
      "socket",
      "PATH",
      `The socket that calls are served on (default: ${socketVariable}, or ${defaultSocket})`
    ),
    once: yes("once", "Inspect all attachments of this node once, repair them, print the findings, and exit"),
    dryRun: yes("dry-run", "With --once: change nothing; print what would be done"),
    repair: Flag.Literals("repair", ["missing", "all"]).pipe(
      Flag.withDescription(
        "missing: recreate ports that a switch has lost. all: also revert changes to a port (default: missing)"
      ),
      Flag.withDefault("missing")
    ),
    stateDir: stateDirFlag.pipe(
      Flag.withDescription(`Where the records are, as stateDir of the networks (default: ${defaultStateDir})`)
    ),
    every: everyFlag.pipe(Flag.withDescription("Pause between two full rounds over all attachments (default: 5m)")),
    metrics: metricsFlag,
    events: Flag.Literals("events", ["on", "off"]).pipe(
      Flag.withDescription("on: write events of pods, if their network's kubeconfig may create them (default: on)"),
      Flag.withDefault("on")
    ),
    cniPath: networkFlags.cniPath,
    host: hostFlag,
    json: jsonFlag
  },
  (options) => {
    if (options.once) return Effect.andThen(enterHost(options), performHeal(options))
    if (options.dryRun || options.json) return Effect.fail(onlyOnce)
    return Effect.andThen(enterHost(options), performAgent(options))
  }
).pipe(
  Command.withDescription(
    "Serve the plugin's calls on this node from one warm process, and recreate ports that a switch has lost"
  ),
  Command.withSubcommands([status]),
  Command.withExamples([
    { command: "userspace agent", description: "Serve calls and heal until SIGTERM" },
    { command: "userspace agent status", description: "Is it running, and what is it doing?" },
    { command: "userspace agent --once --dry-run", description: "What would be repaired?" },
    { command: "userspace agent --once", description: "Repair it" }
  ])
)
