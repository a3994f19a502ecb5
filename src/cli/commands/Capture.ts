/** `userspace capture`: which attachment, into which file, and what is said of it on stderr. */

import * as Console from "effect/Console"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { services } from "../../app/Composition.ts"
import { mirrorsFor } from "../../app/SwitchViews.ts"
import { version } from "../../app/Version.ts"
import { type Counted, capture, type Ending } from "../../attachment/capture/Capture.ts"
import { filter as compiled } from "../../attachment/capture/Filter.ts"
import * as Sink from "../../attachment/capture/Sink.ts"
import { attachmentOfRecord, configurationOfRecord } from "../../attachment/Recorded.ts"
import type { Record } from "../../attachment/records/Record.ts"
import type { Engine } from "../../cni/network/HostPort.ts"
import { defaultLogOptions } from "../../cni/network/LogOptions.ts"
import type { Explained } from "../../cni/types/CniError.ts"
import { CurrentUser } from "../../platform/process/CurrentUser.ts"
import * as Log from "../../program/Log.ts"
import { selectorFlags, stateDirFlag } from "../input/Flags.ts"
import { selected, selectorFrom } from "../input/Selected.ts"
import { CommandLineError, InvocationContext } from "../print/Printer.ts"

const number = (name: string, description: string) =>
  Flag.Int(name).pipe(
    Flag.withMetavar("N"),
    Flag.withDescription(description),
    Flag.filter(
      (value) => value > 0,
      () => "a positive number"
    ),
    Flag.optional
  )

const flags = {
  pod: selectorFlags.pod.pipe(Flag.withDescription("The pod whose interface is captured")),
  containerId: selectorFlags.containerId.pipe(
    Flag.withDescription("Its container instead: the ID, or a unique prefix of it")
  ),
  ifname: Flag.String("interface").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("The interface, when the pod has more than one: net1"),
    Flag.optional
  ),
  filter: Flag.String("filter").pipe(
    Flag.withMetavar("EXPR"),
    Flag.withDescription("Only packets that match, as for tcpdump (pcap-filter(7)); needs tcpdump on this node"),
    Flag.optional
  ),
  count: number("count", "End after this many packets"),
  seconds: number("seconds", "End after this many seconds"),
  write: Flag.String("write").pipe(
    Flag.withAlias("w"),
    Flag.withMetavar("FILE"),
    Flag.withDescription("The pcapng file to write; - for stdout")
  ),
  stateDir: stateDirFlag
}
type CaptureOptions = Command.Command.Config.Infer<typeof flags>

const failed = ({ code, cure, failed }: Explained) =>
  new CommandLineError({ failed: `cannot capture (code ${code})`, answer: failed, cure })

const unwritten = ({ code, path }: Sink.SinkError) =>
  new CommandLineError({
    failed: "the packets cannot be written",
    answer: `${path}: ${code === "ETIMEDOUT" ? `nobody has read from it for ${Sink.patience} seconds` : code}`,
    cure: unwrittenCures[code] ?? "Give -w a file in a directory that you may write to, or -."
  })

const unwrittenCures: { readonly [code: string]: string } = {
  ENOSPC: "Make room, or capture less: --count, --seconds, --filter. What was written before can be read.",
  ETIMEDOUT:
    "Capture again with a reader. With `kubectl exec`, which ends nothing on the node, give --seconds or --count."
}

const perform = Effect.fnUntraced(function* (options: CaptureOptions) {
  const { variables } = yield* InvocationContext
  if ((yield* CurrentUser).uid !== 0) return yield* notRoot
  const selector = yield* selectorFrom(options)
  if (selector.pod === undefined && selector.containerId === undefined) return yield* whichAttachment
  const record = yield* Effect.flatMap(selected("capture", options.stateDir, selector), only).pipe(
    Effect.provide(services(options.stateDir))
  )
  const call = configurationOfRecord(record, variables)
  if (Result.isFailure(call)) return yield* unusable(record)
  const { port } = call.success
  if (port.engine === "vpp" && port.iftype === "memif" && port.mode === "ip") return yield* notEthernet
  const expression = Option.getOrUndefined(options.filter)
  const filter =
    expression === undefined
      ? undefined
      : yield* Effect.mapError(compiled(expression, variables["PATH"] || "/usr/sbin:/usr/bin:/sbin:/bin"), failed)
  let begun = false
  const counted: Counted = { inbound: 0, outbound: 0, dropped: 0 }
  const { layer } = yield* Effect.promise(() => import("../../platform/bun/BunTaps.ts"))
  const about = { application: `userspace-cni ${version}`, description: describe(record), filter: expression }
  yield* Effect.scoped(
    Effect.gen(function* () {
      const sink = yield* Effect.mapError(Sink.open(options.write), unwritten)
      const mirrors = yield* mirrorsFor(port)
      return yield* capture(
        mirrors,
        {
          attachment: attachmentOfRecord(record),
          about,
          filter,
          count: Option.getOrUndefined(options.count),
          time: Option.getOrUndefined(Option.map(options.seconds, Duration.seconds)),
          sink,
          began: (name) =>
            Effect.suspend(() => {
              begun = true
              return Console.error(captureBegins(record, name, port.engine))
            })
        },
        counted
      )
    })
  ).pipe(
    Effect.provide(layer),
    Effect.provide(Log.layer(defaultLogOptions)),
    Effect.withTracerEnabled(false),
    // Whoever stops reading has seen enough.
    Effect.catchIf(isReaderGone, (): Effect.Effect<Ending> => Effect.succeed("reader")),
    Effect.tap((ending) => Console.error(captureEnds(counted, ending))),
    Effect.onInterrupt(() => {
      // It is ended by a signal, and that is well.
      process.exitCode = 0
      return Console.error(captureEnds(counted, "signal"))
    }),
    Effect.mapError((error) =>
      error instanceof CommandLineError ? error : error instanceof Sink.SinkError ? unwritten(error) : failed(error)
    ),
    Effect.tapError(() => (begun ? Console.error(captureEnds(counted, "failure")) : Effect.void))
  )
})

const isReaderGone = (error: unknown): error is Sink.SinkError =>
  error instanceof Sink.SinkError && error.path === "stdout" && error.code === "EPIPE"

const describe = ({ containerId, ifName, network, pod }: Record): string =>
  `${ifName} of ${pod === undefined ? `container ${containerId}` : `pod ${pod.namespace}/${pod.name}`}, network ${network}`

const only = (records: ReadonlyArray<Record>): Effect.Effect<Record, CommandLineError> => {
  const [record, ...others] = records
  return record === undefined || others.length > 0 ? Effect.fail(severalAttachments(records)) : Effect.succeed(record)
}

const unusable = ({ handle }: Record) =>
  new CommandLineError({
    failed: "cannot capture",
    answer: `the record ${handle} has a configuration that this release does not understand`,
    cure: "Run `userspace agent --once --dry-run` to see why."
  })

const costs: { readonly [E in Engine]: string } = {
  "ovs-dpdk":
    "Until it ends, the PMD threads of this port copy each packet of it to a tap device, one system call a batch: the port forwards less.",
  vpp: "Until it ends, VPP copies each packet of this interface to a tap device, one system call a batch: the interface forwards less."
}

const captureBegins = ({ ifName, network, pod }: Record, port: string, engine: Engine): string =>
  [
    `Capturing ${ifName}${pod === undefined ? "" : ` of pod ${pod.namespace}/${pod.name}`}, network ${network}, port ${port}. Ctrl-C ends it.`,
    costs[engine]
  ].join("\n")

const because: { readonly [E in Ending | "signal" | "failure"]: string } = {
  count: "",
  time: "",
  signal: "",
  failure: "",
  reader: " Nobody reads the output any more.",
  port: " The port was removed from the switch."
}

const captureEnds = ({ dropped, inbound, outbound }: Counted, ending: keyof typeof because): string =>
  `Captured ${inbound + outbound} packets: ${inbound} inbound to the pod, ${outbound} outbound from it; ${dropped} were dropped because they came too fast.${because[ending]}`

const notRoot = new CommandLineError({
  failed: "capture needs the rights of the node",
  answer: "it was not called by root: records, the switch and tap devices are for root only",
  cure: "Run it as root on the node."
})

const whichAttachment = new CommandLineError({
  failed: "capture needs an attachment",
  answer: "neither --pod nor --container-id is given",
  cure: "List attachments with `userspace list`, and give --pod NAMESPACE/NAME."
})

const severalAttachments = (records: ReadonlyArray<Record>) =>
  new CommandLineError({
    failed: "capture is of one attachment at a time",
    answer: records
      .map(({ containerId, ifName, network }) => `${ifName} of network ${network}, container ${containerId}`)
      .join("\n"),
    cure: "Give --interface NAME, or --container-id ID when the pod's sandbox was recreated."
  })

const notEthernet = new CommandLineError({
  failed: "cannot capture",
  answer: "the interface is a memif in mode ip, and VPP cannot copy what its pod sends",
  cure: "Capture at the other end of its network, or use memif.mode ethernet."
})

export const command = Command.make("capture", flags, perform).pipe(
  Command.withExamples([
    {
      command: "userspace capture --pod default/web-0 -w - | tcpdump -n -r -",
      description: "Watch what a pod sends and receives"
    },
    {
      command: "userspace capture --pod default/web-0 --interface net1 --filter icmp --count 10 -w net1.pcapng",
      description: "Ten packets of ICMP, for Wireshark"
    }
  ])
)
