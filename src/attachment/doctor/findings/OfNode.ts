/** Findings about a node and its networks. */
import { type Entry, error, warning } from "./Entry.ts"

export const nodeFindings = {
  "hugepages-missing": warning(
    "No hugepages are reserved on this node: DPDK and applications get no memory, or a slow one.",
    "Reserve some, and keep the setting over a reboot (default_hugepagesz, hugepages on the kernel's command line).",
    "sysctl -w vm.nr_hugepages=1024"
  ),
  "hugepages-used-up": warning(
    "No hugepage is free: the next port or application gets none.",
    "Reserve more.",
    "grep Huge /proc/meminfo"
  ),
  "state-directory-not-writable": error(
    "No record can be written: every ADD fails.",
    "Make the directory writable, and free space on it.",
    "df -h {path}"
  ),
  "record-damaged": warning(
    "A record cannot be read: its attachment is known by its mark only.",
    "Delete the pod so that it is recreated. If the attachment is gone, remove the file.",
    "userspace list"
  ),
  "multus-does-not-retry": warning(
    "Multus forgets a pod's networks with a DEL that fails: what it should have removed stays until the agent or `userspace gc --by-sandbox` removes it.",
    "Set retryDeleteOnError to true in this file; where Multus' DaemonSet writes it, give that a file of your own.",
    "grep retryDeleteOnError {path}"
  ),
  "network-invalid": error(
    "The configuration of the network is not accepted: every ADD fails.",
    "Correct what is named.",
    "userspace add --dry-run --config {file}"
  ),
  "ipam-plugin-missing": error(
    "The IPAM plugin of the network is not along CNI_PATH.",
    "Install it there, or correct ipam.type.",
    "ls {path}"
  ),
  "ipam-plugin-fails": error(
    "The IPAM plugin says that it cannot give addresses.",
    "Do what its message says.",
    "userspace status --config {file}"
  ),
  "addresses-used-up": error(
    "host-local has given away every address of the network.",
    "Remove what is left of deleted pods, or enlarge the range.",
    "userspace gc --by-sandbox --dry-run"
  ),
  "lease-left-over": warning(
    "host-local keeps an address for a container that has no attachment here.",
    "Remove the file, if the runtime does not know the container.",
    "crictl inspectp {container} || rm {path}"
  )
} as const satisfies Readonly<Record<string, Entry>>
