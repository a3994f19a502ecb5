/** What this machine has for the end-to-end tests and the benchmark, and where. */
import { spawnSync } from "node:child_process"
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs"
import { resolve } from "node:path"
import { libraries } from "./VppInstance.ts"

const repository = resolve(import.meta.dirname, "../../..")

const { USERSPACE_EXECUTABLE = "dist/userspace", USERSPACE_BEFORE = "" } = process.env

/** The executable under test. The variable names another build of it. */
export const executable = resolve(repository, USERSPACE_EXECUTABLE)
/** The executable of an earlier release, for tests of two releases on one node. */
export const before = resolve(repository, USERSPACE_BEFORE)
export const cnitool = resolve(repository, ".cache/cnitool")
export const pluginDirectory = "/usr/lib/cni"
export const kubectl = "/usr/bin/kubectl"
export const criProto = "/usr/share/gocode/src/k8s.io/cri-api/pkg/apis/runtime/v1/api.proto"

/** The directories of installed VPPs, the newest first: `VPP_PREFIX=/opt/vpp` or `/opt/vpp-26.06:/opt/vpp-23.02`. */
export const vppPrefixes: ReadonlyArray<string> = (process.env["VPP_PREFIX"] ?? "")
  .split(":")
  .filter((prefix) => prefix !== "" && existsSync(`${prefix}/bin/vpp`))

/** Those that can capture: a build may lack `af_packet`, which is a plugin of later releases. */
export const capturingPrefixes = (): ReadonlyArray<string> =>
  vppPrefixes.filter((prefix) =>
    globSync(`${libraries(prefix)}/{libvnet.so.*,vpp_plugins/af_packet_plugin.so}`).some((file) =>
      readFileSync(file).includes("af_packet_create")
    )
  )

/** Whether the earlier release has the commands of operators, and GC. */
const beforeCollects = (): boolean =>
  USERSPACE_BEFORE !== "" && /^ +gc /m.test(spawnSync(before, ["--help"], { encoding: "utf8" }).stdout)

/** The words of its request, which TypeScript does not write in this form. */
const carriesClient = (): boolean =>
  existsSync(executable) && readFileSync(executable).includes("\r\nuserspace-namespaces: ")

/** Where `install-e2e.sh` puts it, with the modules of its network driver beside it. */
export const guestKernel = resolve(repository, ".cache/guest/vmlinuz")

const needs = {
  root: { present: () => process.getuid?.() === 0, reason: "not root" },
  executable: { present: () => existsSync(executable), reason: "dist/userspace is not built (make build)" },
  clientInC: {
    present: carriesClient,
    reason: "dist/userspace carries no client in C: musl-tools was not installed when it was built"
  },
  before: {
    present: () => USERSPACE_BEFORE !== "" && existsSync(before),
    reason: "USERSPACE_BEFORE names no executable of an earlier release"
  },
  beforeCollects: {
    present: beforeCollects,
    reason: "the earlier release has no GC, list and restore, or there is none"
  },
  ovs: {
    present: () => existsSync("/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk") && existsSync("/dev/net/tun"),
    reason: "no Open vSwitch with DPDK, or no /dev/net/tun"
  },
  ovn: {
    present: () => ["/usr/bin/ovn-northd", "/usr/bin/ovn-controller"].every(existsSync),
    reason: "no OVN (ovn-central, ovn-host)"
  },
  memoryGroups: {
    present: () => existsSync("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
    reason: "no control groups (v1) for memory"
  },
  testpmd: { present: () => existsSync("/usr/bin/dpdk-testpmd"), reason: "no dpdk-testpmd" },
  memif: {
    present: () => readdirSync("/usr/lib").some((name) => existsSync(`/usr/lib/${name}/librte_net_memif.so.25`)),
    reason: "no memif driver of DPDK (librte-net-memif25)"
  },
  pcap: {
    present: () => readdirSync("/usr/lib").some((name) => existsSync(`/usr/lib/${name}/librte_net_pcap.so.25`)),
    reason: "no pcap driver of DPDK (librte-net-pcap25)"
  },
  prometheus: {
    present: () => ["/usr/bin/prometheus", "/usr/bin/promtool"].every(existsSync),
    reason: "no prometheus (Debian's prometheus, with promtool)"
  },
  fuse: { present: () => existsSync("/dev/fuse"), reason: "no /dev/fuse" },
  hostLocal: { present: () => existsSync(`${pluginDirectory}/host-local`), reason: "no host-local" },
  containerd: {
    present: () =>
      ["/usr/bin/containerd", "/usr/sbin/runc", "/usr/bin/busybox", criProto, `${pluginDirectory}/loopback`].every(
        existsSync
      ),
    reason: "no containerd, runc, busybox-static, loopback or CRI definition"
  },
  buildah: {
    // Without netavark Debian's buildah builds nothing.
    present: () => ["/usr/bin/buildah", "/usr/lib/podman/netavark", "/usr/sbin/runc"].every(existsSync),
    reason: "no buildah, netavark or runc"
  },
  kubectl: { present: () => existsSync(kubectl), reason: "no kubectl" },
  vpp: {
    present: () => vppPrefixes.length > 0,
    reason: "VPP_PREFIX names no installed VPP"
  },
  afPacket: {
    present: () => capturingPrefixes().length > 0,
    reason: "VPP_PREFIX names no VPP with af_packet"
  },
  machines: {
    present: () =>
      ["/usr/bin/virt-qemu-run", "/usr/bin/qemu-system-x86_64", "/bin/busybox", guestKernel].every(existsSync),
    reason: "no QEMU, virt-qemu-run, busybox-static or kernel of a guest"
  },
  hugepages: {
    present: () => {
      const kilobytes = Number(/MemAvailable: +(\d+)/.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0)
      return existsSync("/sys/kernel/mm/hugepages/hugepages-2048kB") && kilobytes > 2 << 20
    },
    reason: "no pages of 2 MiB, or less than 2 GiB of memory"
  },
  tcpdump: { present: () => existsSync("/usr/bin/tcpdump"), reason: "no tcpdump" },
  time: { present: () => existsSync("/usr/bin/time"), reason: "no GNU time" },
  compiler: { present: () => existsSync("/usr/bin/gcc"), reason: "no C compiler (gcc, libc6-dev)" },
  cnitool: { present: () => existsSync(cnitool), reason: "cnitool could not be built" }
} as const

export type Need = keyof typeof needs

/** The reason for each need that this machine does not meet. */
export const missing = (wanted: ReadonlyArray<Need>): ReadonlyArray<string> =>
  wanted.filter((need) => !needs[need].present()).map((need) => needs[need].reason)
