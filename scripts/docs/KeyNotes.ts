/**
 * What the schema cannot say about a key: which switch it is for, what stands for it when it is absent, an example.
 * `test/docs/configuration.test.ts` asks the plugin whether it is so.
 */
export interface KeyNote {
  /** The ports that it changes. `none`: it is for the plugin, the runtime or the container. */
  readonly for: "both" | "ovs-dpdk" | "vpp" | "vpp memif" | "vpp vhostuser" | "vhostuser" | "none"
  /** The value that means the same as leaving it out; or, in words, where the value then comes from. */
  readonly absent: { readonly value: unknown } | { readonly words: string }
  readonly example: unknown
}

const words = (text: string) => ({ words: text })
const value = (same: unknown) => ({ value: same })
const own = words("the switch's own")
const nameOfSocket = words("made from container id and interface")

export const keyNotes: Readonly<Record<string, KeyNote>> = {
  cniVersion: { for: "none", absent: value("0.1.0"), example: "1.0.0" },
  name: { for: "none", absent: words("required"), example: "ovs-standalone" },
  type: { for: "none", absent: words("required by runtimes"), example: "userspace" },
  ipam: { for: "none", absent: words("no addresses"), example: { type: "host-local" } },
  sharedDir: {
    for: "none",
    absent: words("`/usr/local/var/run/openvswitch` for ovs-dpdk, `/var/run/vpp` for vpp"),
    example: "/run/userspace-cni"
  },
  kubeconfig: {
    for: "none",
    absent: words("not used in this release"),
    example: "/etc/cni/net.d/userspace.kubeconfig"
  },
  stateDir: { for: "none", absent: value("/var/lib/cni/usrspcni"), example: "/var/lib/userspace-cni" },
  logFile: { for: "none", absent: words("stderr only"), example: "/var/log/userspace-cni.log" },
  logLevel: { for: "none", absent: value("warning"), example: "debug" },
  logFormat: { for: "none", absent: value("text"), example: "json" },
  dns: { for: "none", absent: words("what IPAM gives"), example: { nameservers: ["10.0.0.53"] } },
  capabilities: { for: "none", absent: value({}), example: { mac: true } },
  runtimeConfig: { for: "none", absent: words("set by the runtime"), example: { mac: "02:00:00:00:00:01" } },
  args: { for: "none", absent: words("set by the caller"), example: { cni: { OvnPort: "default.app" } } },
  prevResult: { for: "none", absent: words("set by the runtime"), example: { cniVersion: "1.0.0" } },

  "host.engine": { for: "both", absent: words("required"), example: "ovs-dpdk" },
  "host.iftype": { for: "both", absent: words("required"), example: "vhostuser" },
  "host.netType": { for: "both", absent: value("none"), example: "bridge" },
  "host.mtu": { for: "both", absent: value(0), example: 9000 },
  "host.mac": { for: "both", absent: words("made from the attachment's identity"), example: "02:00:00:00:00:01" },
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
  "host.memif.noZeroCopy": { for: "vpp memif", absent: value(false), example: true },
  "host.memif.useDma": { for: "vpp memif", absent: value(false), example: true }
}

/** Below `container`: what the container is told when a key is absent. `*` stands for the keys not named. */
export const containerNotes: Readonly<Record<string, string>> = {
  "container.engine": "`host.engine`",
  "container.iftype": "`host.iftype`",
  "container.netType": "`interface`",
  "container.mtu": "`host.mtu`; written here only, it counts for the switch's end as well",
  "container.mac": "`host.mac`, or one made from the attachment's identity; goes before `host.mac`",
  "container.memif.role": "the other one of `host.memif.role`",
  "container.memif.mode": "`host.memif.mode`",
  "container.memif.secret": "`host.memif.secret`",
  "container.memif.socketfile": "always the name of the attachment's socket, whatever is written here",
  "container.memif.*": "not told; what is written here is passed on as it is",
  "container.vhost.mode": "the other one of `host.vhost.mode`",
  "container.vhost.socketfile": "always the name of the attachment's socket, whatever is written here",
  "container.vhost.*": "not told; what is written here is passed on as it is",
  "container.bridge.*": "not told; what is written here is passed on as it is"
}
