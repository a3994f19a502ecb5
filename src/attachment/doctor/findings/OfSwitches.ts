/** Findings about a switch. */
import { type Entry, error, note, warning } from "./Entry.ts"

export const switchFindings = {
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
