/**
 * The schema of the network configuration: keys, types, ranges and their meaning. The reference page and the JSON
 * Schema in `docs/` are generated from it. `HostPorts.ts` checks combinations. CNI specification 1.1.0, section 1; keys
 * of the original plugin and of its fork keep their names. A call does not load this module: it uses `NetConfGuard.ts`,
 * which `make guards` generates.
 */
import * as Schema from "effect/Schema"
import { levelNames } from "./LogOptions.ts"
import { absolutePath, fitsSecret, isRingSize, unicastMac } from "./Validators.ts"

const described = (description: string) => ({ description })

const insteadOf = (expected: string) => ({ message: `Expected ${expected}` })

/** Patterns need the flag `u`: only those are copied to the JSON Schema. */
const text = (expected: string, pattern: RegExp, longest = 1024) =>
  Schema.String.annotate(insteadOf(expected)).check(
    Schema.isPattern(pattern, { expected }),
    Schema.isMaxLength(longest, { expected })
  )

const whole = (expected: string) => Schema.Number.annotate(insteadOf(expected)).check(Schema.isInt({ expected }))

const integer = (minimum: number, maximum: number, expected = `an integer from ${minimum} to ${maximum}`) =>
  whole(expected).check(Schema.isBetween({ minimum, maximum }, { expected })).annotate({ expected })

const optional = <S extends Schema.Top>(schema: S, description: string) =>
  Schema.optionalKey(schema.annotate({ description }))

const flag = (description: string) => optional(Schema.Boolean, description)

const oneOf = <const L extends ReadonlyArray<string>>(values: L, description: string) =>
  optional(Schema.Literals(values), description)

const numberOf = (minimum: number, maximum: number, description: string) =>
  optional(integer(minimum, maximum), description)

/** Becomes a name in a directory, so it has no `/`. VPP from 23.06 allows no other characters. */
const FileName = text(
  "a file name of at most 80 letters, digits, `_`, `.` and `-`",
  /^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,80}$/u
)

const AbsolutePath = text("an absolute path (at most 1024 characters, no control characters)", absolutePath)

const powerOfTwo = whole("a power of two from 2 to 16384")
  .check(
    Schema.makeFilter(isRingSize, {
      rule: "isRingSize",
      expected: "a power of two from 2 to 16384",
      toJsonSchema: () => ({ enum: Array.from({ length: 14 }, (_, bit) => 2 << bit) })
    })
  )
  .annotate({ expected: "a power of two from 2 to 16384" })

const socketfile = optional(FileName, "File name of the socket, without directory. Made from container and interface.")

const secretLimit = "at most 23 bytes (a character of ASCII is one)"

export const Memif = Schema.Struct({
  role: oneOf(["master", "slave"], "The master creates the socket, the slave connects."),
  mode: oneOf(["ethernet", "ip", "inject-punt"], "What a frame is. inject-punt is rejected: it crashes VPP."),
  socketfile,
  socket: oneOf(
    ["file", "abstract"],
    "Where the socket lives: in the shared directory, or in the sandbox's namespace."
  ),
  rxQueues: numberOf(1, 255, "Receive queues."),
  txQueues: numberOf(1, 255, "Transmit queues."),
  ringSize: optional(powerOfTwo, "Descriptors in a ring."),
  bufferSize: numberOf(1, 65535, "Bytes in a packet buffer."),
  secret: optional(
    Schema.String.check(
      Schema.makeFilter(fitsSecret, { rule: "fitsSecret", expected: secretLimit }),
      Schema.isMaxLength(23, { expected: secretLimit })
    ),
    "Shared secret of both ends. Never shown in logs or plans."
  ),
  noZeroCopy: flag(
    "Copy packets instead of sharing buffers: a slave that shares them shows the pod those of every port."
  ),
  useDma: flag("Let VPP copy with DMA engines.")
})

export const Vhost = Schema.Struct({
  mode: oneOf(["client", "server"], "client: connects to a socket that the other end creates. server: creates it."),
  group: optional(
    text(
      "a group name or number of at most 32 letters, digits, `_`, `.` and `-`",
      /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/u,
      32
    ),
    "Group that may use the socket and write in its directory."
  ),
  socketfile,
  queues: numberOf(1, 1024, "Receive queues (options:n_rxq), where Open vSwitch has it."),
  enableGso: flag("VPP: generic segmentation offload."),
  enablePacked: flag("VPP: packed virtqueues."),
  enableEventIdx: flag("VPP: event index."),
  ingressPolicingRate: numberOf(0, 4294967295, "Open vSwitch: kbit/s that the container may send; 0: no limit."),
  ingressPolicingBurst: numberOf(0, 4294967295, "Open vSwitch: kbit of burst above that rate.")
})

const Vlan = integer(1, 4094, "a VLAN from 1 to 4094 (leave it out for none)")

export const Bridge = Schema.Struct({
  bridgeName: optional(
    Schema.String.check(Schema.isMaxLength(255, { expected: "at most 255 characters" })),
    "Open vSwitch: name of the bridge. VPP: number of the bridge domain."
  ),
  bridgeId: numberOf(0, 16777215, "VPP: number of the bridge domain, when bridgeName is absent (older)."),
  vlanId: optional(
    Vlan,
    "Access VLAN of the port; native VLAN beside trunks. On VPP the bridge domain bridgeName * 4096 + vlanId."
  ),
  trunks: optional(Schema.Array(Vlan), "Open vSwitch: VLANs of a trunk port."),
  vlanMode: oneOf(
    ["access", "trunk", "native-tagged", "native-untagged", "dot1q-tunnel"],
    "Open vSwitch: vlan_mode of the port, to override the mode that vlanId and trunks imply."
  )
})

const MacAddress = text("a unicast MAC address such as 02:00:00:00:00:01", unicastMac)

const end = {
  engine: Schema.Literals(["vpp", "ovs-dpdk"]).annotate(described("The switch.")),
  iftype: Schema.Literals(["memif", "vhostuser"]).annotate(described("The kind of port.")),
  netType: oneOf(
    ["bridge", "interface", "none"],
    "bridge: a layer-2 network. interface: the switch's end gets the address (VPP). none or empty: only the port."
  ),
  mtu: numberOf(0, 65535, "Bytes; 0 or absent keeps the switch's default."),
  mac: optional(MacAddress, "MAC address of the container's end."),
  memif: Schema.optionalKey(Memif),
  vhost: Schema.optionalKey(Vhost),
  bridge: Schema.optionalKey(Bridge)
}

export const Host = Schema.Struct({
  ...end,
  socket: optional(
    AbsolutePath,
    "Control socket of the switch. /var/run/openvswitch/db.sock (OVS_RUNDIR honoured), /run/vpp/api.sock."
  )
})

/** Absent values mirror the host's: role and mode are inverted, netType is `interface`, the rest is copied. */
export const Container = Schema.Struct({
  ...end,
  engine: Schema.optionalKey(end.engine),
  iftype: Schema.optionalKey(end.iftype)
})

const Ipam = Schema.StructWithRest(
  Schema.Struct({
    type: text(
      "the name of an IPAM plugin (at most 255 letters, digits, `_`, `.` and `-`)",
      /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/u,
      255
    )
  }),
  [Schema.Record(Schema.String, Schema.Unknown)]
)

const handed = (description: string) => optional(Schema.Record(Schema.String, Schema.Unknown), description)

export const NetConf = Schema.Struct({
  cniVersion: optional(Schema.String, "Version of the specification."),
  name: text(
    "a network name (letters, digits, `_`, `.`, `-`, first a letter or digit, at most 253)",
    /^[A-Za-z0-9][A-Za-z0-9_.-]*$/u,
    253
  ).annotate(described("Name of the network, unique on the node.")),
  type: optional(Schema.String, "`userspace`."),
  host: Host.annotate(described("The switch's end of the port.")),
  container: optional(Container, "The container's end."),
  ipam: optional(Ipam, "IPAM plugin that assigns the addresses; passed on unchanged."),
  resourceName: optional(
    text(
      "a resource of the agent, such as userspace-cni/br-dpdk",
      /^userspace-cni\/[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/u
    ),
    "The resource whose devices the network's pods have. A pod that asked for none is refused."
  ),
  deviceID: optional(
    Schema.String,
    "The device that Multus passes. Without resourceName, a device of the agent or any text."
  ),
  sharedDir: optional(AbsolutePath, "Host directory with one subdirectory per container."),
  kubeconfig: optional(AbsolutePath, "Credentials for reading and annotating the pod."),
  stateDir: optional(AbsolutePath, "Where the plugin keeps its records. Default /var/lib/cni/usrspcni."),
  logFile: optional(AbsolutePath, "Also log to this file."),
  logLevel: Schema.optionalKey(
    Schema.String.annotate({
      ...insteadOf(levelNames.map(([name]) => name).join(" | ")),
      ...described("panic, error, warning (default), info, debug or verbose.")
    })
  ),
  logFormat: oneOf(["text", "json"], "Form of the log lines."),
  dns: handed("Name servers for the result, when the IPAM plugin gives none."),
  capabilities: handed(
    "What the runtime may pass in runtimeConfig. The plugin reads mac, bandwidth, CNIDeviceInfoFile and deviceID."
  ),
  runtimeConfig: handed("What the runtime passes for the declared capabilities."),
  args: handed("args.cni has the pod's own requests (the cni-args of Multus). The plugin reads mac and OvnPort."),
  prevResult: handed("Result of the preceding plugin in a list; on CHECK and DEL the result of ADD.")
})

export type NetConf = typeof NetConf.Type
export type Host = typeof Host.Type
export type Container = typeof Container.Type
