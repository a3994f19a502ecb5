/** Flags of the commands of a node, and the types of what they give. */
import type { Command } from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import { defaultStateDir } from "../../attachment/Call.ts"
import type { Control } from "../../cni/network/HostPort.ts"
import { networkFlags, selectorFlags } from "./AttachmentFlags.ts"
import { everyFlag, jsonFlag, text, textOr, timeoutFlag, yes } from "./Flags.ts"

export const stateDirFlag = textOr(
  "state-dir",
  "DIR",
  `Directory of the records, stateDir of the networks (default: ${defaultStateDir})`,
  defaultStateDir
)

export const switchFlags = {
  ovs: text(
    "ovs-socket",
    "PATH",
    "Socket of another Open vSwitch, in addition to those of the records and of OVS_RUNDIR"
  ),
  vpp: text("vpp-socket", "PATH", "Socket of another VPP, in addition to those of the records and /run/vpp/api.sock")
}

type SwitchOptions = Command.Config.Infer<typeof switchFlags>

export const controlsOf = ({ ovs, vpp }: SwitchOptions): ReadonlyArray<Control> => [
  ...Option.toArray(ovs).map((control): Control => ({ engine: "ovs-dpdk", control })),
  ...Option.toArray(vpp).map((control): Control => ({ engine: "vpp", control }))
]

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

export const listFlags = {
  network: text("network", "NAME", "Only the attachments of this network"),
  stateDir: stateDirFlag,
  ...switchFlags,
  watch: yes("watch", "Keep running and print what changes: the table anew on a terminal, else one line a change"),
  json: jsonFlag.pipe(Flag.withDescription("Print JSON; with --watch one document a change"))
}
export type ListOptions = Command.Config.Infer<typeof listFlags>

export const gcFlags = {
  ...networkFlags,
  config: networkFlags.config.pipe(
    Flag.withDescription(
      "One or more networks, also the output of `kubectl get net-attach-def -o json`. With --by-sandbox the default is all networks of the node"
    ),
    Flag.optional
  ),
  stateDir: stateDirFlag.pipe(
    Flag.withDescription(`Without --config: directory of the records (default: ${defaultStateDir})`)
  ),
  valid: Flag.Path("valid").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription('Live attachments: [{"containerID": "ID", "ifname": "net1"}, ...]. All others are removed'),
    Flag.optional
  ),
  bySandbox: yes("by-sandbox", "Remove only recorded attachments whose network namespace is gone"),
  every: everyFlag,
  dryRun: yes("dry-run", "Change nothing; print what would be removed"),
  json: jsonFlag
}
export type GcOptions = Command.Config.Infer<typeof gcFlags>

export const restoreFlags = {
  stateDir: stateDirFlag,
  ...selectorFlags,
  timeout: timeoutFlag("30s", "Time to wait for a switch that is starting, and for an ADD that is running"),
  dryRun: yes("dry-run", "Change nothing; print what would be restored, and by which calls"),
  json: jsonFlag
}
export type RestoreOptions = Command.Config.Infer<typeof restoreFlags>

export const statusFlags = { ...networkFlags, json: jsonFlag }
export type StatusOptions = Command.Config.Infer<typeof statusFlags>

export const topFlags = {
  pod: selectorFlags.pod.pipe(Flag.withDescription("Only the interfaces of this pod")),
  network: text("network", "NAME", "Only the interfaces of this network"),
  sort: Flag.Literals("sort", ["packets", "bits", "drops", "pod"]).pipe(
    Flag.withDescription("What the table begins with: the most packets, bits or drops, or by name (default: packets)"),
    Flag.withDefault("packets")
  ),
  every: everyFlag.pipe(Flag.withDescription("Time between two tables: 10s (default: 2s; at least 1s)")),
  once: yes("once", "Print one table and exit: the rates between two readings, --every apart"),
  stateDir: stateDirFlag,
  ...switchFlags,
  json: jsonFlag.pipe(Flag.withDescription("Print JSON, one document instead of each table"))
}
export type TopOptions = Command.Config.Infer<typeof topFlags>

export const doctorFlags = {
  pod: selectorFlags.pod.pipe(Flag.withDescription("Only this pod: every link from its record to its application")),
  config: networkFlags.config.pipe(
    Flag.withDescription(
      "Also a network whose ADD fails: a .conf, a .conflist or a NetworkAttachmentDefinition in JSON"
    ),
    Flag.optional
  ),
  cniPath: networkFlags.cniPath,
  stateDir: stateDirFlag,
  ...switchFlags,
  json: jsonFlag
}
export type DoctorOptions = Command.Config.Infer<typeof doctorFlags>

export const captureFlags = {
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
export type CaptureOptions = Command.Config.Infer<typeof captureFlags>
