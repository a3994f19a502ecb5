/** Findings about what host and container share, from the node, or from inside the container. */
import { type Entry, error, note, warning } from "./Entry.ts"

export const sharedFindings = {
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
