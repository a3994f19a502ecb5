/** Networks with different steps: who creates the socket, how it is reached, who else is informed. */
import { administered } from "../../vpp/support/MemoryVpp.ts"
import { type Asked, vppSocket } from "./World.ts"

/** With addresses, a group, a VLAN and a separate directory. */
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

const onOvs = {
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
}

const vpp = (host: object, more: object = {}) => ({
  conf: { ...network, host: { engine: "vpp", socket: vppSocket, ...host }, ...more }
})

const onVpp = {
  "VPP, memif in a bridge domain": vpp({
    iftype: "memif",
    netType: "bridge",
    memif: { role: "master" },
    vhost: { group: "hugetlbfs" },
    bridge: { bridgeName: "4", vlanId: 7 }
  }),
  "VPP, memif with addresses": vpp({ iftype: "memif", netType: "interface", memif: { role: "slave" } }),
  "VPP, vhost-user in an administrator's bridge domain, device information": vpp(
    {
      iftype: "vhostuser",
      netType: "bridge",
      vhost: { mode: "server", group: "107" },
      bridge: { bridgeName: String(administered) }
    },
    {
      capabilities: { CNIDeviceInfoFile: true },
      runtimeConfig: { CNIDeviceInfoFile: "/var/run/k8s.cni.cncf.io/devinfo/dp/file.json" }
    }
  )
}

export const networks = { ...onOvs, ...onVpp } satisfies Readonly<Record<string, Asked>>

export const isOnVpp = (name: string): name is keyof typeof onVpp => name in onVpp
