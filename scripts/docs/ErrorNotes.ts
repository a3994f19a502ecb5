/** Cause and cure of every error code, for `docs/errors.md`. The codes are in `src/cni/spec/ErrorCodes.ts`. */
import type { ErrorCodes } from "../../src/cni/spec/ErrorCodes.ts"

export interface ErrorNote {
  readonly meaning: string
  readonly cause: string
  readonly cure: string
}

export const errorNotes: Readonly<Record<keyof typeof ErrorCodes, ErrorNote>> = {
  IncompatibleVersion: {
    meaning: "version not supported",
    cause:
      "`cniVersion` is none of ours, or is older than the verb (CHECK came with 0.4.0, GC and STATUS with 1.1.0). From an IPAM plugin see 104.",
    cure: "Set `cniVersion` to one that the message lists."
  },
  UnsupportedField: {
    meaning: "unknown key",
    cause:
      "A key inside `host` or `container` that nobody knows, most often a typing error. Keys at the top may be foreign.",
    cure: "The message names the key and the nearest known one. All keys: [configuration](configuration.md)."
  },
  UnknownContainer: {
    meaning: "no such attachment",
    cause: "CHECK of an attachment that has no record on this node: never added, or deleted.",
    cure: "Nothing to repair. If the pod should have the interface, delete the pod and let it be made again."
  },
  BadEnvironment: {
    meaning: "environment or arguments",
    cause:
      "A missing CNI variable, an unknown verb, a container id or interface name that is none, `CNI_NETNS` that is no network namespace, `CNI_ARGS` that are not `KEY=VALUE;...`.",
    cure: "A runtime sets these; the message names the variable. By hand, see [debugging](debugging.md)."
  },
  IoFailure: {
    meaning: "reading or writing failed",
    cause:
      "The shared directory, a record, stdin or stdout: no space, read-only, not a directory, no permission, a file in the way, a group file that cannot be read, a caller that does not take the result (then the message is on stderr only).",
    cure: "The message has the path and the system's error. ADD has undone what it did; try again after repairing it."
  },
  DecodingFailure: {
    meaning: "not readable as JSON",
    cause: "The configuration on stdin is empty, no JSON, or no object; or `prevResult` is no result.",
    cure: "Correct the file or the NetworkAttachmentDefinition. For `prevResult`, look at the plugin before this one."
  },
  InvalidConfiguration: {
    meaning: "configuration not valid",
    cause:
      "A value of the wrong type or out of range, values that do not go together (memif on ovs-dpdk, a VLAN of 5000), or a group that the node does not have. GC without a list of what is valid.",
    cure: "The message lists every problem of that kind with path, value and what is allowed."
  },
  OwnNetns: {
    meaning: "the plugin's own namespace",
    cause: "`CNI_NETNS` is the network namespace that the plugin runs in: a pod with `hostNetwork`.",
    cure: "Such a pod needs no attachment. `CNI_NETNS_OVERRIDE=1` allows it."
  },
  TryAgainLater: {
    meaning: "try again later",
    cause:
      "Somebody did not answer in time: the switch's control socket is absent, refuses or is silent; ovs-vswitchd does not act on what the database says; IPAM did not end; the whole call took too long.",
    cure: "Is the daemon that the message names running? Runtimes try again by themselves; ADD has left nothing. The DEL of what that ADD did not make ends [without the switch](restarts.md#a-del-that-has-nothing-to-remove-while-the-switch-is-down)."
  },
  NotAvailable: {
    meaning: "not available",
    cause:
      "STATUS: an ADD would fail now. The message has every reason: the records cannot be written, VPP lacks a plugin, the bridge is of another kind, the IPAM plugin says so or is too old.",
    cure: "As the code of the reason, above and below. [Operating](operating.md#status-for-runtimes-and-kubelet) has what is asked."
  },
  NotAvailableLimited: {
    meaning: "not available, existing containers may suffer",
    cause:
      "STATUS, as 50, and the switch does not run: its control socket is absent or silent, ovs-vswitchd is dead, or has no DPDK. Or the IPAM plugin gave this code.",
    cure: "As for 11 and 101."
  },
  SwitchRefused: {
    meaning: "the switch said no",
    cause:
      "The bridge exists and is not `netdev`, ovs-vswitchd could not make bridge or port, a port of our name belongs to somebody else, the socket is not that of an Open_vSwitch database. VPP lacks a plugin or a message, or refuses a request.",
    cure: "The message has the switch's own words. `ovs-vsctl show` and the log of ovs-vswitchd, or `vppctl show log`, say more."
  },
  DpdkMissing: {
    meaning: "no DPDK in the switch",
    cause: "ovs-vswitchd is built without DPDK, or `dpdk-init` is not set, or DPDK did not start.",
    cure: "Run the DPDK build, `ovs-vsctl set Open_vSwitch . other_config:dpdk-init=true`, restart it, read its log."
  },
  AlreadyAttached: {
    meaning: "attached already",
    cause: "A second ADD of the same network, container and interface. The first stays whole.",
    cure: "DEL it first. A runtime that retries an ADD without DEL is at fault."
  },
  SocketPath: {
    meaning: "the socket cannot be there",
    cause:
      "The path is too long (107 bytes; on VPP 106) or, on VPP, has a character that VPP from 23.06 does not take, even through the short link; another port uses it, its directory is missing, or something else is where the switch has to listen.",
    cure: "Leave `socketfile` out or change it, use a shorter `sharedDir` or `stateDir`, on VPP of letters, digits, `.`, `_`, `-` and `/`; server mode: check `OVS_SOCKDIR`."
  },
  IpamFailed: {
    meaning: "IPAM failed",
    cause:
      "The IPAM plugin was not found along `CNI_PATH`, could not be run, ended with an error, gave no address or no result. Its own code and words are in the message.",
    cure: "Look at the `ipam` section and at the state that the plugin keeps (host-local: `/var/lib/cni/networks`)."
  },
  CheckFailed: {
    meaning: "not as ADD left it",
    cause: "CHECK found differences on the switch, in the files, in the result or in the addresses. All are listed.",
    cure:
      "[`userspace restore`](restarts.md) makes ports again that a restarted switch has forgotten. For all else, delete " +
      "the pod and let it be made again: CHECK repairs nothing."
  },
  CleanupIncomplete: {
    meaning: "DEL or GC is not done",
    cause:
      "More than one step of DEL failed, or anything that GC did. Or DEL found a state file of the original plugin or its fork, and did not take the port that it names. All else is done, and the records are kept.",
    cure: "Repair what the message lists; the next DEL does the rest, and so does the next GC. Runtimes repeat a DEL by themselves; Multus does with [`retryDeleteOnError`](multus.md#a-del-that-failed) only, else run `userspace gc`."
  },
  Interrupted: {
    meaning: "stopped by a signal",
    cause: "SIGTERM or SIGINT. What was done is undone.",
    cure: "Try again."
  },
  ApiServer: {
    meaning: "the API server said no",
    cause:
      "With a kubeconfig: the API server's certificate is not trusted, its answer is 401 or 403, the pod is gone or was made anew under its name, or a webhook refuses the annotation.",
    cure: "The message has the API server's own words. The role that the kubeconfig's user needs is in [Kubernetes](kubernetes.md)."
  },
  Internal: {
    meaning: "a defect of the plugin",
    cause: "Something that the plugin does not expect.",
    cure: 'Please report it, with the log at `"logLevel": "debug"`.'
  }
}
