/** Domains and virtual machines as KubeVirt writes them, with hugepages and a pod network. */
import type { NetworkInfo } from "../../../src/kubevirt/Request.ts"

export const domain = `<domain type="kvm" xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0">
  <!-- of virt-launcher -->
  <name>default_vm-a</name>
  <memory unit="b">536870912</memory>
  <memoryBacking>
    <hugepages><page size="2" unit="Mi"></page></hugepages>
    <source type="memfd"></source>
  </memoryBacking>
  <vcpu placement="static">2</vcpu>
  <devices>
    <interface type="ethernet">
      <source></source>
      <target dev="tap0" managed="no"></target>
      <model type="virtio-non-transitional"></model>
      <alias name="ua-default"></alias>
    </interface>
    <console type="pty"></console>
  </devices>
  <qemu:commandline><qemu:arg value="-msg"></qemu:arg></qemu:commandline>
</domain>
`

export const virtualMachine = (devices: object = {}) => ({
  apiVersion: "kubevirt.io/v1",
  kind: "VirtualMachineInstance",
  metadata: { name: "vm-a" },
  spec: {
    domain: {
      cpu: { cores: 2, sockets: 1, threads: 1 },
      memory: { hugepages: { pageSize: "2Mi" } },
      devices: {
        interfaces: [
          { name: "default", masquerade: {} },
          { name: "left", binding: { name: "userspace" } },
          { name: "right", binding: { name: "userspace" }, macAddress: "02:00:00:00:00:09" },
          { name: "other", binding: { name: "passt" } }
        ],
        ...devices
      }
    },
    networks: [
      { name: "default", pod: {} },
      { name: "left", multus: { networkName: "dpdk" } }
    ]
  }
})

const directory = "/var/run/userspace/br-dpdk"

export const networkInfo: NetworkInfo = {
  interfaces: [
    { network: "default" },
    {
      network: "left",
      mac: "02:00:00:00:00:08",
      mtu: 9000,
      deviceInfo: { type: "vhost-user", "vhost-user": { mode: "server", path: `${directory}/pod1a2b3c` } }
    },
    {
      network: "right",
      deviceInfo: { type: "vhost-user", "vhost-user": { mode: "client", path: `${directory}/pod4d5e6f` } }
    }
  ]
}
