/**
 * All findings of `userspace doctor`: severity, meaning and cure. Identifiers are stable between releases;
 * docs/errors.md is generated from this table. A name in braces is replaced by the observed value.
 */

/** `note`: information that does not set exit status 1. */
export type Severity = "error" | "warning" | "note"

interface Entry {
  readonly severity: Severity
  /** The meaning, as a sentence. */
  readonly means: string
  /** What to do, as an imperative. */
  readonly cure: string
  /** The cure as a command line, or, if the cure is an edit, the command that verifies it. */
  readonly command: string
}

const of =
  (severity: Severity) =>
  (means: string, cure: string, command: string): Entry => ({ severity, means, cure, command })

const error = of("error")
const warning = of("warning")
const note = of("note")

const switchFindings = {
  "switch-missing": warning(
    "No switch has its control socket in the default place, and no attachment names one.",
    "Start Open vSwitch or VPP, or give the network with --config.",
    "systemctl status openvswitch-switch vpp"
  ),
  "switch-away": error(
    "The control socket of a switch does not answer: no ADD succeeds, and a DEL fails.",
    "Start the switch, or set host.socket of the network to its socket.",
    "systemctl status {unit}"
  ),
  "ovs-vswitchd-away": error(
    "ovsdb-server answers and ovs-vswitchd does not: ports do not forward, and none is created.",
    "Start ovs-vswitchd, and check its log for why it ended.",
    "systemctl restart openvswitch-switch"
  ),
  "ovs-vswitchd-not-asked": note(
    "The pidfile and the control socket of ovs-vswitchd are not beside the database's socket: nothing tells whether it runs. The database keeps what it wrote last, also when it has ended.",
    "Check that it runs. Start it with --pidfile and --unixctl in the directory of the database's socket, if the doctor shall ask it.",
    "pgrep -a ovs-vswitchd"
  ),
  "dpdk-not-initialized": error(
    "ovs-vswitchd runs without DPDK: it cannot create vhost-user ports.",
    "Run a build with DPDK, set dpdk-init, reserve hugepages, and restart it.",
    "ovs-vsctl set Open_vSwitch . other_config:dpdk-init=true"
  ),
  "ovs-without-vhost": error(
    "ovs-vswitchd does not support an interface type of vhost-user.",
    "Select a build with DPDK and vhost.",
    "update-alternatives --config ovs-vswitchd"
  ),
  "bridge-not-netdev": error(
    "The bridge of a network uses the kernel datapath: it cannot have vhost-user ports.",
    "Set another bridge in bridge.bridgeName, or change this one if it has no other users.",
    "ovs-vsctl set bridge {bridge} datapath_type=netdev"
  ),
  "bridge-drops-unknown": warning(
    "The bridge is in fail_mode=secure and ports on it have no flow of the plugin: only a controller's flows forward.",
    'Set netType of the network to "bridge", or add flows.',
    "ovs-ofctl dump-flows {bridge}"
  ),
  "bridge-without-uplink": note(
    "Only pods of this node are on the bridge: pods of other nodes are out of reach.",
    "Add a port that leads out of the node, if pods of other nodes shall be reached.",
    "ovs-vsctl add-port {bridge} PORT"
  ),
  "memory-on-other-numa-node": warning(
    "A thread polls a port whose memory is on another NUMA node: each packet crosses between sockets.",
    "Give a PMD thread a core on NUMA node {numa}, or pin the pod to the node of the threads.",
    "ovs-appctl dpif-netdev/pmd-rxq-show"
  ),
  "vpp-plugin-not-loaded": error(
    "VPP runs without the plugin that a port needs.",
    "Set plugins { plugin {plugin} { enable } } in startup.conf, and restart VPP.",
    "userspace vpp-compat --socket {socket}"
  ),
  "vpp-plugin-unused": note(
    "VPP runs without a plugin that no network here uses.",
    "Load it before a network uses it.",
    "userspace vpp-compat --socket {socket}"
  ),
  "vpp-message-missing": error(
    "This VPP is older or newer than the supported releases: it lacks a message.",
    "Use VPP 21.10 to 26.06.",
    "userspace vpp-compat --socket {socket}"
  ),
  "vpp-memif-overflow": warning(
    "VPP below 26.06 does not see that a memif descriptor's offset and length overflow (e36567760d6): a pod's process can make VPP read outside of the memory that they share, and end it.",
    "Use VPP 26.06, and give memif to pods that you trust.",
    "vppctl show version"
  ),
  "vpp-buffers-used-up": error(
    "Less than a twentieth of VPP's buffers is free: packets are dropped.",
    "Raise buffers { buffers-per-numa } in startup.conf, and restart VPP.",
    "vppctl show buffers"
  )
} as const satisfies Readonly<Record<string, Entry>>

const nodeFindings = {
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

const kubernetesFindings = {
  "kubeconfig-unusable": error(
    "The kubeconfig of a network, or a file that it names, is missing or cannot be used.",
    "Start the DaemonSet's pod of this node, which writes it, or correct the file.",
    "kubectl -n kube-system logs daemonset/userspace-cni"
  ),
  "credentials-expired": error(
    "The API server does not accept the credentials of the kubeconfig.",
    "Start the DaemonSet's pod of this node again, which renews them.",
    "kubectl -n kube-system rollout restart daemonset/userspace-cni"
  ),
  "credentials-expire": warning(
    "The token or certificate of a kubeconfig ends within an hour, and nothing has renewed it.",
    "Check that the DaemonSet's pod of this node runs: it renews the token before.",
    "kubectl -n kube-system logs daemonset/userspace-cni"
  ),
  "pods-not-readable": error(
    "The user of the kubeconfig may not get pods.",
    "Apply the role in examples/kubernetes/role.yaml.",
    "kubectl auth can-i get pods --as=system:serviceaccount:kube-system:userspace-cni"
  ),
  "pods-not-writable": error(
    "The user of the kubeconfig may not update pods/status.",
    "Apply the role in examples/kubernetes/role.yaml.",
    "kubectl auth can-i update pods --subresource=status --as=system:serviceaccount:kube-system:userspace-cni"
  ),
  "annotations-denied": error(
    "A policy of the cluster denies the annotations of the plugin.",
    "Allow userspace/configuration-data and userspace/mapped-dir in the policy.",
    "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"
  ),
  "api-server-away": error(
    "The API server of a kubeconfig does not answer, or is not trusted.",
    "Check that the node reaches the server of the kubeconfig.",
    "kubectl --kubeconfig {file} version"
  ),
  "pod-missing": error(
    "The API server has no such pod.",
    "Check the name, and that the kubeconfig is for this cluster.",
    "kubectl -n {namespace} get pod {name}"
  ),
  "pod-without-volume": error(
    "The pod has no volume shared-dir, or no container mounts it, and the network has no sharedDir.",
    "Give the pod the volume and mount it, or the network a sharedDir.",
    "kubectl -n {namespace} get pod {name} -o yaml"
  ),
  "interface-requested-twice": error(
    "Two networks of the pod's annotation have one interface name: the second ADD fails.",
    "Give each an interface name of its own.",
    "kubectl -n {namespace} get pod {name} -o yaml"
  )
} as const satisfies Readonly<Record<string, Entry>>

const attachmentFindings = {
  "attachment-missing": error(
    "No attachment of this pod is on this node: no ADD has succeeded.",
    "Read the pod's events, and examine the network with --config.",
    "kubectl -n {namespace} describe pod {name}"
  ),
  "attachment-unfinished": warning(
    "Its ADD or DEL is running, was killed, or has failed.",
    "If the pod is gone, delete it.",
    "userspace del --container-id {container} --ifname {ifname}"
  ),
  "attachment-stale": warning(
    "Its network namespace is gone, and no DEL came: port, socket and addresses stay.",
    "Remove it.",
    "userspace gc --by-sandbox"
  ),
  "port-without-record": warning(
    "A port has the plugin's mark, and there is no record of it.",
    "Delete the attachment with the configuration of its network, or the pod so that it is recreated.",
    "userspace del --config FILE --container-id {container} --ifname {ifname}"
  ),
  "port-missing": error(
    "The switch has no port of this attachment: it was restarted, or somebody removed the port.",
    "Recreate it.",
    "userspace restore --container-id {container} --ifname {ifname}"
  ),
  "attachment-isolated": error(
    "The agent leaves this port away: VPP has ended again and again when it was put back.",
    "Look at what the application sends on its socket. When it is mended, restore the port.",
    "userspace restore --container-id {container} --ifname {ifname}"
  ),
  "vpp-ended": warning(
    "VPP has ended within seconds after this port was made or its application connected: it may have ended VPP.",
    "Compare the time with VPP's log and with what the application does. After three such ends the agent isolates it.",
    "journalctl -u vpp; userspace list"
  ),
  "port-incomplete": error(
    "The switch has lost a part of this port, most often by a restart.",
    "Recreate it.",
    "userspace restore --container-id {container} --ifname {ifname}"
  ),
  "port-changed": warning(
    "Somebody has changed the port since its ADD.",
    "Revert the changes, or delete the pod so that it is recreated.",
    "userspace agent --once --repair all"
  ),
  "port-failed": error(
    "The switch could not create the port.",
    "Check the log of the switch.",
    "grep {port} /var/log/openvswitch/ovs-vswitchd.log"
  ),
  "port-may-not-work": warning(
    "The port is as its ADD made it, and what it depends on is not there.",
    "Do what the message says.",
    "userspace check --container-id {container} --ifname {ifname}"
  ),
  "application-not-connected": warning(
    "The application in the pod has not opened its end of the port.",
    "Start it as the driver of the interface and in the role that the pod's configuration has.",
    "userspace container show   # in the pod"
  ),
  "link-down": error(
    "The application is connected and the link is down: most often there is no memory for packet buffers.",
    "Reserve more hugepages, or set other_config:per-port-memory=true.",
    'grep "memory pool" /var/log/openvswitch/ovs-vswitchd.log'
  ),
  "switch-does-not-connect": error(
    "The application listens on its socket, and the switch does not connect: it has no permission, or SELinux denies it.",
    "Run the switch as root or in the group of the directory, or correct the label.",
    "ls -lZ {path}; ausearch -m avc -ts recent"
  ),
  "mtu-differs": warning(
    "The switch and the application have different MTUs: the larger frames are dropped.",
    "Set host.mtu and container.mtu of the network alike, and delete the pod so that it is recreated.",
    "ovs-vsctl get Interface {port} mtu"
  ),
  "packets-not-counted": note(
    "Open vSwitch from 3.1 on does not count the packets of a port whose socket it creates: metrics and top have none.",
    "Set host.vhost.mode of the network to client and container.vhost.mode to server, and delete the pod so that it is recreated.",
    "ovs-vsctl get Interface {port} statistics"
  ),
  "packets-over-rate": note(
    "Packets were dropped because they were above the rate limit of the pod or the network.",
    "Raise the limit, if it is not meant.",
    "ovs-vsctl get Interface {port} statistics"
  ),
  "application-too-slow": note(
    "Packets to the pod were dropped because the application did not take them fast enough.",
    "Give it more queues, descriptors or CPU.",
    "ovs-vsctl get Interface {port} statistics"
  ),
  "address-lost": error(
    "The IPAM plugin does not confirm the address of the attachment.",
    "Delete the pod so that it is recreated.",
    "userspace check --container-id {container} --ifname {ifname}"
  )
} as const satisfies Readonly<Record<string, Entry>>

/** From the node, or from inside the container. */
const sharedFindings = {
  "shared-directory-missing": error(
    "The directory of the socket does not exist.",
    "On the node: delete the pod so that it is recreated. In the pod: mount its volume shared-dir.",
    "ls -ld {path}"
  ),
  "shared-directory-changed": warning(
    "Owner, mode or content of the shared directory are not as ADD made them.",
    "Delete the pod so that it is recreated.",
    "ls -la {path}"
  ),
  "socket-missing": error(
    "The switch has not created its socket, it was removed, or another directory is mounted.",
    "Restore the ports on the node; in the pod check what is mounted.",
    "userspace restore"
  ),
  "socket-stale": warning(
    "The socket of an earlier application is there and nobody listens: the next one fails with Address already in use.",
    "Remove the file, if the application is not running.",
    "rm {path}"
  ),
  "socket-path-too-long": error(
    "The path of the socket is longer than a socket address.",
    "Mount the shared directory at a shorter path.",
    "ls -ld {path}"
  ),
  "socket-obstructed": error("Something that is no socket has the name of the socket.", "Remove it.", "ls -ld {path}"),
  "application-may-not-create-socket": error(
    "The application makes the socket, and its user has no write permission in the directory.",
    "Set host.vhost.group of the network to a group of the pod (fsGroup, supplementalGroups).",
    "ls -ld {path}"
  ),
  "application-may-not-connect": error(
    "The switch has made the socket, and the user of the application has no permission to connect.",
    "Set host.vhost.group of the network to a group of the pod (fsGroup, supplementalGroups).",
    "ls -l {path}"
  ),
  "container-config-missing": error(
    "Nothing tells the application of its interface.",
    "In the pod: mount the annotations with the downward API and the volume shared-dir. On the node: delete the pod so that it is recreated.",
    "userspace container show"
  ),
  "container-config-changed": error(
    "What the container is told is not what ADD told it.",
    "Delete the pod so that it is recreated.",
    "userspace check --container-id {container} --ifname {ifname}"
  ),
  "container-config-damaged": warning(
    "A part of what tells of the interfaces cannot be read, and was left out.",
    "Correct or remove it.",
    "userspace container show"
  ),
  "hugepages-not-mounted": warning(
    "The container has no hugepages mounted: DPDK starts only with --no-huge.",
    "Give the pod a volume of medium HugePages and mount it.",
    "grep hugetlbfs /proc/mounts"
  ),
  "hugepages-scattered": note(
    "Small hugepages: DPDK shares each with the switch, which takes eight at most (Too many memory regions).",
    "Add --single-file-segments, as `userspace container testpmd` does.",
    "userspace container testpmd"
  )
} as const satisfies Readonly<Record<string, Entry>>

/** In the order of the page. */
export const groups = [
  ["Switches", switchFindings],
  ["The node and its networks", nodeFindings],
  ["Kubernetes", kubernetesFindings],
  ["Attachments", attachmentFindings],
  ["Host and container", sharedFindings]
] as const

export const findings = {
  ...switchFindings,
  ...nodeFindings,
  ...kubernetesFindings,
  ...attachmentFindings,
  ...sharedFindings
}

export type FindingId = keyof typeof findings
