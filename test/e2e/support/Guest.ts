/**
 * Virtual machines as KubeVirt starts them: the sidecar changes the domain, and libvirt's QEMU driver runs it, without a
 * daemon, in a mount namespace where kubelet's directory is where the container has it. The guest is a kernel and a shell; QEMU
 * emulates its CPU, because a machine in a cloud may have no virtualization to give.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { Effect } from "effect"
import type { NetworkInfo } from "../../../src/kubevirt/Request.ts"
import * as Launcher from "../../kubevirt/support/Launcher.ts"
import { executable, guestKernel } from "./Machine.ts"
import { cleanEnvironment, start, succeed } from "./Program.ts"

const reserved = "/proc/sys/vm/nr_hugepages"

/** Pages of 2 MiB for so many guests, given back at the end of the scope. */
export const pagesFor = (guests: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = readFileSync(reserved, "utf8")
      writeFileSync(reserved, String(Number(before) + guests * 72))
      return before
    }),
    (before) => Effect.sync(() => writeFileSync(reserved, before))
  )

/** A ping that the guest sends when it has started. */
interface Ping {
  readonly to: string
  readonly count: number
}

export interface Guest {
  readonly name: string
  readonly directory: string
  /** Kubelet's directory for the container, and where the container has it. */
  readonly mount: { readonly from: string; readonly at: string }
  readonly info: NetworkInfo
  readonly address: string
  readonly ping: Ping | undefined
}

const init = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mkdir -p /proc /sys; mount -t proc p /proc; mount -t sysfs s /sys
for m in failover net_failover virtio_net; do insmod /$m.ko; done
for a in $(cat /proc/cmdline); do case $a in own=*) own=\${a#own=};; to=*) to=\${a#to=};; count=*) count=\${a#count=};; esac; done
ip link set eth0 up; ip addr add $own/24 dev eth0
echo "GUEST ready mac=$(cat /sys/class/net/eth0/address) mtu=$(cat /sys/class/net/eth0/mtu)"
[ -z "$to" ] || ping -c $count -i 0.2 -W 5 $to | sed -n 's/.* \\([0-9]*\\) packets received.*/GUEST received \\1/p'
while :; do sleep 60; done
`

const initrd = Effect.fnUntraced(function* (directory: string) {
  const root = `${directory}/initrd`
  mkdirSync(`${root}/bin`, { recursive: true })
  copyFileSync("/bin/busybox", `${root}/bin/busybox`)
  for (const module of ["failover", "net_failover", "virtio_net"]) {
    copyFileSync(`${dirname(guestKernel)}/${module}.ko`, `${root}/${module}.ko`)
  }
  writeFileSync(`${root}/init`, init, { mode: 0o755 })
  yield* succeed("sh", ["-c", `cd ${root} && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1 > ${root}.gz`])
  return `${root}.gz`
})

const domainOf = ({ address, directory, name, ping }: Guest, ram: string): string => `<domain type="qemu">
  <name>${name}</name>
  <memory unit="MiB">128</memory>
  <memoryBacking>
    <hugepages><page size="2" unit="MiB"/></hugepages>
    <source type="memfd"/>
  </memoryBacking>
  <vcpu>1</vcpu>
  <os>
    <type arch="x86_64" machine="q35">hvm</type>
    <kernel>${guestKernel}</kernel>
    <initrd>${ram}</initrd>
    <cmdline>console=ttyS0 quiet own=${address}${ping === undefined ? "" : ` to=${ping.to} count=${ping.count}`}</cmdline>
  </os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <serial type="file"><source path="${directory}/serial"/><target port="0"/></serial>
    <memballoon model="none"/>
  </devices>
</domain>`

/** It runs as root and without a log daemon: no user, group or service of the machine is needed. */
const configuration = `stdio_handler = "file"
user = "root"
group = "root"
security_driver = "none"
namespaces = []
cgroup_controllers = []
`

/** Runs until the scope ends. Gives what it has written on its console. */
export const run = Effect.fnUntraced(function* (guest: Guest) {
  const { directory, info, mount, name } = guest
  mkdirSync(`${directory}/libvirt/etc`, { recursive: true })
  writeFileSync(`${directory}/libvirt/etc/qemu.conf`, configuration)
  writeFileSync(`${directory}/network-info`, JSON.stringify(info))
  const socket = `${directory}/hooks/userspace.sock`
  yield* start(executable, ["kubevirt-hook", "--socket", socket, "--network-info", `${directory}/network-info`], {
    env: cleanEnvironment,
    stop: "SIGTERM"
  })
  const { define } = yield* Launcher.meet(socket)
  const interfaces = info.interfaces.map(({ network }) => ({ name: network, binding: { name: "userspace" } }))
  const domain = domainOf(guest, yield* initrd(directory))
  const changed = yield* define(domain, { spec: { domain: { devices: { interfaces } } } })
  writeFileSync(`${directory}/domain.xml`, changed)
  const script = `mkdir -p ${mount.at} && mount --bind ${mount.from} ${mount.at} && exec virt-qemu-run --root ${directory}/libvirt ${directory}/domain.xml`
  yield* start("unshare", ["--mount", "sh", "-c", script], {
    env: cleanEnvironment,
    log: `${directory}/run.log`,
    stop: "SIGTERM"
  })
  const serial = Effect.sync(() =>
    existsSync(`${directory}/serial`) ? readFileSync(`${directory}/serial`, "utf8") : ""
  )
  const log = Effect.sync(() => `${name}: ${readFileSync(`${directory}/run.log`, "utf8")}`)
  return { serial, log, domain: changed }
})
