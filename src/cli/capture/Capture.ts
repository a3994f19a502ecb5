/** `userspace capture`. What does the work is loaded when it is asked for. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { selectorFlags } from "../input/AttachmentFlags.ts"
import { stateDirFlag } from "../input/NodeFlags.ts"

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

export const capture = Command.make(
  "capture",
  {
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
  },
  (options) =>
    Effect.flatMap(
      Effect.promise(() => import("./PerformCapture.ts")),
      ({ performCapture }) => performCapture(options)
    )
).pipe(
  Command.withDescription("Write the packets of one interface to a pcapng file, both directions marked"),
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
