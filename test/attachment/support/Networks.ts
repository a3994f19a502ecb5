/** Networks that take different steps: who makes the socket, how it is reached, who else is told. */
import type { Asked } from "./World.ts"

/** With addresses, a group, a VLAN and a directory of its own. */
export const network = {
  cniVersion: "1.1.0",
  name: "net",
  type: "userspace",
  sharedDir: "/shared",
  host: {
    engine: "ovs-dpdk",
    iftype: "vhostuser",
    netType: "bridge",
    vhost: { mode: "client", group: "hugetlbfs" },
    bridge: { bridgeName: "br-dpdk0", vlanId: 7 }
  },
  ipam: {
    type: "host-local",
    ranges: [[{ subnet: "10.1.2.0/24" }], [{ subnet: "fd00::/64" }]],
    routes: [{ dst: "0.0.0.0/0" }]
  }
}

export const networks = {
  "client mode": { conf: network },
  "server mode, a long directory, device information": {
    conf: {
      ...network,
      sharedDir: `/a/${"long".repeat(25)}`,
      host: { ...network.host, vhost: { mode: "server", group: "107" } },
      capabilities: { CNIDeviceInfoFile: true },
      runtimeConfig: { CNIDeviceInfoFile: "/var/run/k8s.cni.cncf.io/devinfo/dp/file.json" }
    }
  },
  "the original's defaults": {
    conf: { cniVersion: "0.4.0", name: "net", host: { engine: "ovs-dpdk", iftype: "vhostuser" }, ipam: network.ipam }
  }
} satisfies Readonly<Record<string, Asked>>
