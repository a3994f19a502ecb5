/** Findings about an attachment and its port. */
import { type Entry, error, note, warning } from "./Entry.ts"

export const attachmentFindings = {
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
