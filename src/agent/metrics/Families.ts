/** Every series that the agent exports: name, type, labels, and meaning. docs/metrics.md has a table of them. Pure. */

export interface Family {
  readonly name: string
  readonly type: "counter" | "gauge" | "histogram"
  readonly labels: ReadonlyArray<string>
  /** A sentence. */
  readonly help: string
  /** The engines that have it; absent: both. */
  readonly engine?: "ovs-dpdk" | "vpp"
}

const prefix = "userspace_cni"
/** Labels of every series of an interface. */
export const ofInterface: ReadonlyArray<string> = ["namespace", "pod", "interface", "network", "switch"]
const ofSwitch = ["engine", "switch"]

const family = (
  type: Family["type"],
  name: string,
  labels: ReadonlyArray<string>,
  help: string,
  engine?: Family["engine"]
): Family => ({ name: `${prefix}_${name}`, type, labels, help, ...(engine === undefined ? {} : { engine }) })

const way = (name: "receive" | "transmit", verb: string, of: string) => ({
  packets: family("counter", `interface_${name}_packets_total`, ofInterface, `Packets that the pod ${verb}.`),
  bytes: family("counter", `interface_${name}_bytes_total`, ofInterface, `Bytes that the pod ${verb}.`),
  dropped: family(
    "counter",
    `interface_${name}_dropped_total`,
    [...ofInterface, "reason"],
    `Packets ${of} the pod that the switch dropped.`
  ),
  errors: family("counter", `interface_${name}_errors_total`, ofInterface, `Packets ${of} the pod with an error.`)
})

export const families = {
  receive: way("receive", "received", "to"),
  transmit: way("transmit", "sent", "from"),
  retries: family(
    "counter",
    "interface_receive_retries_total",
    ofInterface,
    "Bursts that the application took only when they were sent again.",
    "ovs-dpdk"
  ),
  connected: family(
    "gauge",
    "interface_connected",
    ofInterface,
    "1: an application is at the other end of the interface."
  ),
  linkResets: family("counter", "interface_link_resets_total", ofInterface, "Resets of the link.", "ovs-dpdk"),
  mtu: family("gauge", "interface_mtu_bytes", ofInterface, "MTU of the port on the switch."),
  queues: family(
    "gauge",
    "interface_queues",
    ofInterface,
    "Queues on which the switch receives from the pod, while an application is connected."
  ),
  numaNode: family("gauge", "interface_numa_node", ofInterface, "NUMA node of the application's memory.", "ovs-dpdk"),
  interfaces: family("gauge", "interfaces", [], "Interfaces that the switches of the node have counters of."),
  omitted: family(
    "gauge",
    "interfaces_omitted",
    [],
    "Interfaces without series of their own, because the limit of the agent is reached."
  ),
  countersUp: family("gauge", "switch_counters_up", ofSwitch, "1: the counters of the switch were read."),

  calls: family(
    "counter",
    "calls_total",
    ["verb", "code", "engine"],
    "Answered calls, by the CNI error code; 0: success."
  ),
  duration: family(
    "histogram",
    "call_duration_seconds",
    ["verb", "engine"],
    "Time from the acceptance of a call to its answer, waiting included."
  ),
  running: family("gauge", "calls_running", [], "Calls that run."),
  queued: family("gauge", "calls_queued", [], "Calls that wait for their turn."),
  declined: family(
    "counter",
    "calls_declined_total",
    ["reason"],
    "Calls that the agent declined, so that their own process made them."
  ),

  switchUp: family("gauge", "switch_up", ofSwitch, "1: the switch answers."),
  reconnects: family("counter", "switch_reconnects_total", ofSwitch, "Times that the switch was reached again."),
  ends: family(
    "counter",
    "switch_ends_total",
    ofSwitch,
    "Times that VPP, ovsdb-server or ovs-vswitchd closed the agent's connection: its process ended, by a signal, a crash or a planned stop, which a connection does not tell apart."
  ),
  attachments: family(
    "gauge",
    "attachments",
    [...ofSwitch, "state"],
    "Attachments by the state that the last round of healing found."
  ),
  rounds: family("counter", "healing_rounds_total", ofSwitch, "Rounds of healing."),
  lastRound: family("gauge", "healing_last_round_timestamp_seconds", ofSwitch, "Time of the last round of healing."),
  repairs: family(
    "counter",
    "repairs_total",
    [...ofSwitch, "action", "result"],
    "Ports recreated (restore) or corrected (repair), and attachments without a sandbox deleted (delete)."
  ),
  damaged: family("counter", "damaged_records_total", [], "Records that could not be read, and were set aside."),
  unusable: family("gauge", "unusable_records", [], "Records whose configuration is no longer valid."),
  events: family("counter", "events_total", ["kind", "result"], "Events of pods, by what has become of them."),
  devices: family(
    "gauge",
    "devices",
    ["resource", "state"],
    "Devices of a resource: attached, free, or free and unhealthy because the switch is away."
  ),
  info: family("gauge", "agent_info", ["version"], "1, with the version of the agent."),
  started: family("gauge", "agent_start_time_seconds", [], "When the agent started.")
}

const isFamily = (value: Family | { readonly [part: string]: Family }): value is Family => "help" in value

export const all: ReadonlyArray<Family> = Object.values(families).flatMap(
  (one: Family | { readonly [part: string]: Family }) => (isFamily(one) ? [one] : Object.values(one))
)
