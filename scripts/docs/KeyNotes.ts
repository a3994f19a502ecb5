/**
 * Properties of keys that the schema does not have: the ports, the default, an example. `configuration.test.ts`,
 * `network-keys.test.ts` and `container-keys.test.ts` in `test/docs` verify them against the plugin, also the texts.
 */
export interface KeyNote {
  /** Who uses the key: ports of this kind; the plugin, for any port; the runtime, and not the plugin; nobody. */
  readonly for:
    | "both"
    | "ovs-dpdk"
    | "vpp"
    | "vpp memif"
    | "vpp vhostuser"
    | "vhostuser"
    | "the plugin"
    | "the runtime"
    | "nobody"
  /** The value that means the same as its absence, or in words the source of the value. */
  readonly absent: { readonly value: unknown } | { readonly words: string }
  readonly example: unknown
}

/** For a key below `container`: what the container gets when it is absent. */
export interface ContainerNote extends Pick<KeyNote, "for" | "example"> {
  readonly absent:
    | KeyNote["absent"]
    /** The value of this key, if there is one. */
    | { readonly as: string }
    /** The other one of two values. */
    | { readonly otherThan: string }
    | "not passed on"
  /** Exceptions from the schema, which is written for the switch's end. */
  readonly meaning?: string
}

const words = (text: string) => ({ words: text })
const value = (same: unknown) => ({ value: same })
const own = words("the switch's own")
const nameOfSocket = words("derived from container ID and interface")

export const keyNotes: Readonly<Record<string, KeyNote>> = {
  cniVersion: { for: "the plugin", absent: value("0.1.0"), example: "1.0.0" },
  name: { for: "the plugin", absent: words("required"), example: "ovs-standalone" },
  type: { for: "the runtime", absent: words("required by runtimes"), example: "userspace" },
  ipam: { for: "the plugin", absent: words("no addresses"), example: { type: "host-local" } },
  sharedDir: {
    for: "the plugin",
    absent: words(
      "`/usr/local/var/run/openvswitch` for ovs-dpdk, `/var/run/vpp` for vpp; with credentials for Kubernetes a pod needs a volume"
    ),
    example: "/run/userspace-cni"
  },
  resourceName: { for: "the plugin", absent: words("no device is needed"), example: "userspace-cni/br-dpdk" },
  deviceID: { for: "the plugin", absent: words("Multus passes it"), example: "br-dpdk-3" },
  kubeconfig: {
    for: "the plugin",
    absent: words("the service account of the plugin's own pod, if it has one; otherwise the API server is not used"),
    example: "/etc/cni/net.d/userspace.kubeconfig"
  },
  stateDir: { for: "the plugin", absent: value("/var/lib/cni/usrspcni"), example: "/var/lib/userspace-cni" },
  logFile: { for: "the plugin", absent: words("stderr only"), example: "/var/log/userspace-cni.log" },
  logLevel: { for: "the plugin", absent: value("warning"), example: "debug" },
  logFormat: { for: "the plugin", absent: value("text"), example: "json" },
  dns: {
    for: "the plugin",
    absent: words("what the IPAM plugin returns, if anything"),
    example: { nameservers: ["10.0.0.53"] }
  },
  capabilities: { for: "the runtime", absent: value({}), example: { mac: true } },
  runtimeConfig: { for: "the plugin", absent: words("set by the runtime"), example: { mac: "02:00:00:00:00:01" } },
  args: { for: "the plugin", absent: words("set by the caller"), example: { cni: { OvnPort: "default.app" } } },
  prevResult: {
    for: "the plugin",
    absent: words("set by the runtime"),
    example: { cniVersion: "1.0.0", interfaces: [{ name: "eth0" }] }
  },

  "host.engine": { for: "both", absent: words("required"), example: "ovs-dpdk" },
  "host.iftype": { for: "both", absent: words("required"), example: "vhostuser" },
  "host.netType": { for: "both", absent: value("none"), example: "bridge" },
  "host.mtu": { for: "both", absent: value(0), example: 9000 },
  "host.mac": { for: "both", absent: words("derived from the attachment"), example: "02:00:00:00:00:01" },
  "host.socket": {
    for: "both",
    absent: words("`$OVS_RUNDIR/db.sock` or `/var/run/openvswitch/db.sock`; `/run/vpp/api.sock`"),
    example: "/run/openvswitch/db.sock"
  },
  "host.vhost.mode": { for: "vhostuser", absent: value("server"), example: "client" },
  "host.vhost.group": { for: "both", absent: words("root's group; see shared-directory.md"), example: "hugetlbfs" },
  "host.vhost.socketfile": { for: "vhostuser", absent: nameOfSocket, example: "app.sock" },
  "host.vhost.queues": { for: "ovs-dpdk", absent: words("what both ends agree on"), example: 2 },
  "host.vhost.enableGso": { for: "vpp vhostuser", absent: value(false), example: true },
  "host.vhost.enablePacked": { for: "vpp vhostuser", absent: value(false), example: true },
  "host.vhost.enableEventIdx": { for: "vpp vhostuser", absent: value(false), example: true },
  "host.vhost.ingressPolicingRate": { for: "ovs-dpdk", absent: value(0), example: 1000000 },
  "host.vhost.ingressPolicingBurst": { for: "ovs-dpdk", absent: value(0), example: 100000 },
  "host.bridge.bridgeName": {
    for: "both",
    absent: words("`br0`, or `br-int` with an OvnPort; vpp: `bridgeId`"),
    example: "5"
  },
  "host.bridge.bridgeId": { for: "vpp", absent: words("none"), example: 5 },
  "host.bridge.vlanId": { for: "both", absent: words("untagged"), example: 100 },
  "host.bridge.trunks": { for: "ovs-dpdk", absent: value([]), example: [200, 201] },
  "host.bridge.vlanMode": {
    for: "ovs-dpdk",
    absent: words("access with `vlanId`, trunk without, native-untagged with `vlanId` and `trunks`"),
    example: "trunk"
  },
  "host.memif.role": { for: "vpp memif", absent: words("required for memif"), example: "slave" },
  "host.memif.mode": { for: "vpp memif", absent: value("ethernet"), example: "ip" },
  "host.memif.socketfile": { for: "vpp memif", absent: nameOfSocket, example: "app.sock" },
  "host.memif.socket": { for: "vpp memif", absent: value("file"), example: "abstract" },
  "host.memif.rxQueues": { for: "vpp memif", absent: own, example: 2 },
  "host.memif.txQueues": { for: "vpp memif", absent: own, example: 2 },
  "host.memif.ringSize": { for: "vpp memif", absent: own, example: 2048 },
  "host.memif.bufferSize": { for: "vpp memif", absent: own, example: 4096 },
  "host.memif.secret": { for: "vpp memif", absent: words("no secret"), example: "s3cret" },
  "host.memif.noZeroCopy": {
    for: "vpp memif",
    absent: words("`true` with `host.memif.role` `slave`, else `false`"),
    example: true
  },
  "host.memif.useDma": { for: "vpp memif", absent: value(false), example: true }
}

const as = (key: string) => ({ as: key })
const otherThan = (key: string) => ({ otherThan: key })
const theSocket = words("the name of the attachment's socket, whatever is set here")

/** For a switch role of the application. */
const inside = (example: unknown, what: string): ContainerNote => ({
  for: "both",
  absent: "not passed on",
  example,
  meaning: `Passed on to a switch in the container: ${what}`
})

/** Keys below `container`. Their values are passed on unchanged, unless it says otherwise. */
export const containerNotes: Readonly<Record<string, ContainerNote>> = {
  "container.engine": {
    for: "both",
    absent: as("host.engine"),
    example: "vpp",
    meaning: "Engine in the container config."
  },
  "container.iftype": {
    for: "both",
    absent: as("host.iftype"),
    example: "memif",
    meaning: "Kind of port in the container config."
  },
  "container.netType": {
    for: "both",
    absent: value("interface"),
    example: "bridge",
    meaning: "What the application does with its end. The plugin ignores it."
  },
  "container.mtu": {
    for: "both",
    absent: words("`host.mtu`, unless that is 0"),
    example: 1500,
    meaning: "Bytes. Without `host.mtu` also the MTU of the switch's end."
  },
  "container.mac": {
    for: "both",
    absent: words("`host.mac`, or one derived from the attachment"),
    example: "02:00:00:00:00:02",
    meaning: "MAC address of the container's end. Overrides `host.mac`; the pod's own request overrides both."
  },
  "container.memif.role": { for: "vpp memif", absent: otherThan("host.memif.role"), example: "slave" },
  "container.memif.mode": { for: "vpp memif", absent: as("host.memif.mode"), example: "ip" },
  "container.memif.socketfile": {
    for: "nobody",
    absent: theSocket,
    example: "app.sock",
    meaning: "File name of the socket. `host.memif.socketfile` changes it."
  },
  "container.memif.socket": {
    for: "nobody",
    absent: words("`abstract` if `host.memif.socket` is; else not passed on"),
    example: "abstract",
    meaning: "Where the socket lives. `host.memif.socket` changes it."
  },
  "container.memif.rxQueues": { for: "vpp memif", absent: as("host.memif.txQueues"), example: 2 },
  "container.memif.txQueues": { for: "vpp memif", absent: as("host.memif.rxQueues"), example: 2 },
  "container.memif.ringSize": { for: "vpp memif", absent: as("host.memif.ringSize"), example: 2048 },
  "container.memif.bufferSize": { for: "vpp memif", absent: as("host.memif.bufferSize"), example: 4096 },
  "container.memif.secret": { for: "vpp memif", absent: as("host.memif.secret"), example: "s3cret" },
  "container.memif.noZeroCopy": { for: "vpp memif", absent: "not passed on", example: true },
  "container.memif.useDma": { for: "vpp memif", absent: "not passed on", example: true },
  "container.vhost.mode": { for: "vhostuser", absent: otherThan("host.vhost.mode"), example: "client" },
  "container.vhost.group": {
    for: "vhostuser",
    absent: "not passed on",
    example: "hugetlbfs",
    meaning: "Passed on. The group of socket and directory is `host.vhost.group`."
  },
  "container.vhost.socketfile": {
    for: "nobody",
    absent: theSocket,
    example: "app.sock",
    meaning: "File name of the socket. `host.vhost.socketfile` changes it."
  },
  "container.vhost.queues": {
    for: "vhostuser",
    absent: words("`host.vhost.queues` on ovs-dpdk; not passed on on vpp"),
    example: 2,
    meaning: "Queues that the application requests."
  },
  "container.vhost.enableGso": {
    for: "vhostuser",
    absent: "not passed on",
    example: true,
    meaning: "Generic segmentation offload."
  },
  "container.vhost.enablePacked": {
    for: "vhostuser",
    absent: words("`true` on vpp if `host.vhost.enablePacked` is; else not passed on"),
    example: true,
    meaning: "Packed virtqueues."
  },
  "container.vhost.enableEventIdx": {
    for: "vhostuser",
    absent: "not passed on",
    example: true,
    meaning: "Event index."
  },
  "container.vhost.ingressPolicingRate": {
    for: "vhostuser",
    absent: "not passed on",
    example: 1000000,
    meaning: "Passed on. The limit is `host.vhost.ingressPolicingRate`."
  },
  "container.vhost.ingressPolicingBurst": {
    for: "vhostuser",
    absent: "not passed on",
    example: 100000,
    meaning: "Passed on. The burst is `host.vhost.ingressPolicingBurst`."
  },
  "container.bridge.bridgeName": inside("br0", "name of the bridge, or number of the bridge domain."),
  "container.bridge.bridgeId": inside(5, "number of the bridge domain (older)."),
  "container.bridge.vlanId": inside(100, "VLAN."),
  "container.bridge.trunks": inside([200, 201], "VLANs of a trunk."),
  "container.bridge.vlanMode": inside("trunk", "VLAN mode.")
}
