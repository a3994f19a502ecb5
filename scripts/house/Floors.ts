/**
 * The floors of the house, from the roof to the ground, and the rooms on each: folders of `src`, or files in it. A room
 * imports from the floors below its own, and nothing from beside it.
 */
export interface Room {
  /** The longest matching name counts. */
  readonly name: string
  /** For the picture in docs/architecture.md. */
  readonly what: string
  /** It imports nothing of ours but itself. */
  readonly alone?: boolean
}

export type Floor = ReadonlyArray<Room>

export const floors: ReadonlyArray<Floor> = [
  [{ name: "main.ts", what: "the process: a CNI call if CNI_COMMAND is set, else the command line" }],
  [{ name: "cli", what: "the command line: flags, commands, what they print" }],
  [
    { name: "agent", what: "serves the calls of a node from one warm process; `client` hands a call over to it" },
    { name: "dry-run", what: "the same programs on edges and switches that record" },
    { name: "verify", what: "tries the plugin on a cluster by its API server, and takes away what it made" },
    { name: "install", what: "puts the executable and a kubeconfig on a node, and renews it" }
  ],
  [{ name: "app", what: "the roof: reads a call, composes the services, runs the program, answers" }],
  [
    { name: "attachment/doctor", what: "what is wrong on a node, and what cures it: pure judgements over looks" },
    {
      name: "attachment/heal",
      what: "looks after the attachments of a node in rounds; restore is one that is asked for"
    },
    { name: "attachment/traffic", what: "what the attachments of a node have passed and dropped" }
  ],
  [
    { name: "attachment/node", what: "all attachments of a node: survey, list, CHECK, GC" },
    { name: "attachment/capture", what: "the packets of one attachment, as a file" }
  ],
  [{ name: "attachment/verbs", what: "one attachment or network: ADD, DEL, CHECK, STATUS, restore" }],
  [{ name: "attachment/legacy", what: "what the original plugin and its fork left on a node" }],
  [{ name: "attachment", what: "a call as the programs know it, and back from a record to its call" }],
  [{ name: "attachment/records", what: "Records: what an ADD wrote down, on disk" }],
  [
    {
      name: "container-config",
      what: "ContainerConfig: what the container and Multus are told, by a file or by annotations"
    },
    { name: "container", what: "the library in the container: reads what ADD left there" }
  ],
  [
    { name: "ovs", what: "Vswitch on Open vSwitch: OVSDB and OpenFlow, without ovs-vsctl" },
    { name: "vpp", what: "Vswitch on VPP: its binary API, without vppctl" },
    { name: "kubernetes", what: "Pods: the API server" },
    { name: "kubevirt", what: "the sidecar of virtual machines: changes the domain of libvirt" },
    { name: "devices", what: "ports as resources that pods ask for: kubelet's device plugin" }
  ],
  [
    { name: "vswitch", what: "Vswitch: what both switches can do" },
    { name: "shared-dir", what: "SharedDir: sockets and files that host and container share" },
    { name: "ipam", what: "Ipam: delegation to an IPAM plugin" }
  ],
  [{ name: "grpc", what: "a gRPC server on a unix socket" }],
  [{ name: "program", what: "what programs are written with: undo, commitment, deadlines, log" }],
  [{ name: "identity", what: "who an attachment is, and every name that follows from it" }],
  [{ name: "cni", what: "the contract: environment, configuration, results, errors; pure", alone: true }],
  [{ name: "platform", what: "the edges: files, sockets, processes, namespaces, HTTPS", alone: true }]
]

interface RoomOnFloor {
  readonly room: Room
  /** 0 is the roof. */
  readonly floor: number
}

/** The room that a file of `src` is in. */
export const roomOf = (file: string, all: ReadonlyArray<Floor>): RoomOnFloor | undefined =>
  all
    .flatMap((rooms, floor) => rooms.map((room): RoomOnFloor => ({ room, floor })))
    .filter(({ room: { name } }) => file === name || file.startsWith(`${name}/`))
    .sort((one, other) => other.room.name.length - one.room.name.length)[0]
