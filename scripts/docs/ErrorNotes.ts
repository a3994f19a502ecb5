/** Cause and cure of every error code, for `docs/errors.md`. The codes are in `src/cni/types/CniError.ts`. */
import type { ErrorCodes } from "../../src/cni/types/CniError.ts"

interface ErrorNote {
  readonly meaning: string
  readonly cause: string
  readonly cure: string
}

export const errorNotes: Readonly<Record<keyof typeof ErrorCodes, ErrorNote>> = {
  IncompatibleVersion: {
    meaning: "version not supported",
    cause:
      "`cniVersion` is unknown, or older than the verb (CHECK needs 0.4.0, GC and STATUS 1.1.0). For an IPAM plugin see 104.",
    cure: "Set `cniVersion` to a version from the message."
  },
  UnsupportedField: {
    meaning: "unknown key",
    cause:
      "An unknown key inside `host` or `container`, most often a typing error. Unknown keys at the top level are allowed.",
    cure: "Correct the key: the message names the nearest known one. All keys: [configuration](configuration.md)."
  },
  UnknownContainer: {
    meaning: "no such attachment",
    cause: "CHECK of an attachment without a record on this node: never added, or deleted.",
    cure: "Nothing to repair. If the pod should have the interface, delete the pod so that it is recreated."
  },
  BadEnvironment: {
    meaning: "environment or arguments",
    cause:
      "A CNI variable is missing, the verb is unknown, the container ID or interface name is invalid, `CNI_NETNS` is not a network namespace, or `CNI_ARGS` is not `KEY=VALUE;...`.",
    cure: "Correct the variable that the message names. A runtime sets them; for calls by hand see [a call by hand](troubleshooting.md#call-it-by-hand)."
  },
  IoFailure: {
    meaning: "reading or writing failed",
    cause:
      "The shared directory, a record, stdin or stdout: no space, read-only, not a directory, no permission, a file in the way, an unreadable group file, or a caller that does not read the result (the message is then only on stderr).",
    cure: "The message has the path and the system's error. A failed ADD has been rolled back; repair the cause and try again."
  },
  DecodingFailure: {
    meaning: "not readable as JSON",
    cause: "The configuration on stdin is empty, not JSON, or not an object; or `prevResult` is not a CNI result.",
    cure: "Correct the file or the NetworkAttachmentDefinition. For `prevResult`, check the preceding plugin in the list."
  },
  InvalidConfiguration: {
    meaning: "configuration not valid",
    cause:
      "A value has the wrong type or is out of range, two values conflict (memif on ovs-dpdk), or the node lacks a group. GC without the list of valid attachments.",
    cure: "Correct what the message lists: every such problem with path, value and what is allowed."
  },
  OwnNetns: {
    meaning: "the plugin's own namespace",
    cause: "`CNI_NETNS` is the network namespace that the plugin runs in: a pod with `hostNetwork`.",
    cure: "Remove the network from the pod. `CNI_NETNS_OVERRIDE=1` allows the attachment."
  },
  TryAgainLater: {
    meaning: "try again later",
    cause:
      "A timeout or a daemon that is down: the switch's control socket is absent, refuses or is silent; ovs-vswitchd does not apply the database; IPAM did not end; the whole call took too long.",
    cure: "Check the daemon that the message names. Runtimes try again by themselves; a failed ADD leaves nothing. The DEL of an ADD that created nothing succeeds [without the switch](restarts.md#a-del-that-has-nothing-to-remove-while-the-switch-is-down)."
  },
  NotAvailable: {
    meaning: "not available",
    cause:
      "STATUS: an ADD would fail now. The message has every reason: the records cannot be written, VPP lacks a plugin, the bridge has another datapath type, the IPAM plugin reports it or is too old.",
    cure: "As for the code of the reason, above and below. [Operating](operating.md#status-for-runtimes-and-kubelet) lists what STATUS asks."
  },
  NotAvailableLimited: {
    meaning: "not available, existing containers may suffer",
    cause:
      "STATUS, as 50, and the switch is down: its control socket is absent or silent, ovs-vswitchd is dead, or it has no DPDK. Or the IPAM plugin returned this code.",
    cure: "As for 11 and 101."
  },
  SwitchRefused: {
    meaning: "the switch refused",
    cause:
      "The bridge exists and is not `netdev`, ovs-vswitchd could not create bridge or port, a port of this name exists without the plugin's mark, or the socket is not that of an Open_vSwitch database. VPP lacks a plugin or a message, or rejects a request.",
    cure: "Read the switch's own error in the message, `ovs-vsctl show` and the log of ovs-vswitchd, or `vppctl show log`."
  },
  DpdkMissing: {
    meaning: "no DPDK in the switch",
    cause: "ovs-vswitchd is built without DPDK, `dpdk-init` is not set, or DPDK did not start.",
    cure: "Run the DPDK build, `ovs-vsctl set Open_vSwitch . other_config:dpdk-init=true`, restart it, read its log."
  },
  AlreadyAttached: {
    meaning: "already attached",
    cause: "A second ADD of the same network, container and interface. The first is not changed.",
    cure: "DEL it first. A runtime that retries an ADD without DEL is at fault."
  },
  SocketPath: {
    meaning: "socket path not usable",
    cause:
      "The path is too long (107 bytes; on VPP 106) even through the short link, or has a character that VPP from 23.06 rejects; another port uses it, its directory is missing, or another file is where the switch has to listen.",
    cure: "Leave `socketfile` out or change it. Use a shorter `sharedDir` or `stateDir`, on VPP only of letters, digits, `.`, `_`, `-` and `/`. In server mode, check `OVS_SOCKDIR`."
  },
  IpamFailed: {
    meaning: "IPAM failed",
    cause:
      "The IPAM plugin was not found along `CNI_PATH`, could not be run, ended with an error, or returned no address or no result. Its own code and message are in the message.",
    cure: "Check the `ipam` section and the plugin's state (host-local: `/var/lib/cni/networks`)."
  },
  CheckFailed: {
    meaning: "changed since ADD",
    cause: "CHECK found differences on the switch, in the files, in the result or in the addresses. All are listed.",
    cure: "Run [`userspace restore`](restarts.md) to recreate ports that a restarted switch has lost. For anything else, delete the pod so that it is recreated: CHECK repairs nothing."
  },
  CleanupIncomplete: {
    meaning: "DEL or GC is incomplete",
    cause:
      "Several steps of DEL failed, or any step of GC. Or DEL found a state file of the original plugin or its fork, and kept the port that it names. Everything else is done, and the records are kept.",
    cure: "Repair what the message lists; the next DEL or GC does the rest. containerd repeats a DEL by itself; Multus only with [`retryDeleteOnError`](multus.md#a-del-that-failed); CRI-O does not. Otherwise run `userspace gc`."
  },
  Interrupted: {
    meaning: "interrupted by a signal",
    cause: "SIGTERM or SIGINT. An ADD has been rolled back.",
    cure: "Try again."
  },
  ApiServer: {
    meaning: "the API server refused",
    cause:
      "With a kubeconfig: the API server's certificate is not trusted, the answer is 401 or 403, the pod is gone or was recreated under its name, or a webhook rejects the annotation.",
    cure: "Read the API server's own error in the message. [Kubernetes](kubernetes.md) has the role that the kubeconfig's user needs."
  },
  Internal: {
    meaning: "a bug in the plugin",
    cause: "Anything that the plugin does not expect.",
    cure: 'Report it, with the log at `"logLevel": "debug"`.'
  }
}
