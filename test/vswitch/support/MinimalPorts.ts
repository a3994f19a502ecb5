/**
 * The ports of the smallest configurations: the original plugin's defaults, to which `Defaults.test.ts` holds the plugin.
 * A test, or the benchmark, writes only what it is about.
 */
import type { OvsVhostPort, VppMemifPort, VppVhostPort } from "../../../src/cni/network/HostPort.ts"

const common = { mtu: undefined, mac: undefined, socketFile: undefined, group: undefined }

export const ovsPort: OvsVhostPort = {
  ...common,
  engine: "ovs-dpdk",
  iftype: "vhostuser",
  control: "/var/run/openvswitch/db.sock",
  ovsSocketDir: "/var/run/openvswitch",
  netType: "none",
  mode: "server",
  bridge: "br0",
  vlan: undefined,
  trunks: [],
  vlanMode: undefined,
  ingressPolicingRate: 0,
  ingressPolicingBurst: 0,
  queues: undefined,
  ovnPort: undefined
}

export const memifPort: VppMemifPort = {
  ...common,
  engine: "vpp",
  iftype: "memif",
  control: "/run/vpp/api.sock",
  network: { netType: "none" },
  limits: [],
  role: "master",
  mode: "ethernet",
  abstract: false,
  rxQueues: undefined,
  txQueues: undefined,
  ringSize: undefined,
  bufferSize: undefined,
  secret: undefined,
  noZeroCopy: false,
  useDma: false
}

export const vppVhostPort: VppVhostPort = {
  ...common,
  engine: "vpp",
  iftype: "vhostuser",
  control: "/run/vpp/api.sock",
  network: { netType: "none" },
  limits: [],
  mode: "server",
  enableGso: false,
  enablePacked: false,
  enableEventIdx: false
}
