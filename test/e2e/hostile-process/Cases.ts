/** The cases of the hostile process: the names of the C program, and what each does, for a reader. */
import { Struct } from "effect"

/** What the switch is. The process needs to know the first word. */
export type Role = "memif-master" | "memif-slave" | "memif-slave, zero copy" | "vhost-server" | "vhost-client"

/** As `hostile.c` has it. */
export const wordOf = (role: Role): string => role.split(",")[0] ?? role

export const sources = import.meta.dirname

/** The same for both modes of vhost-user: the process has the same end of the protocol in both. */
export const vhost = {
  regular: "keeps to the protocol, and is killed",
  "closes-at-once": "connects and closes, ten times",
  "many-connections": "connects 200 times and keeps all connections",
  "closes-while-running": "closes while frames are in its rings, twice",
  "closes-in-a-message": "closes after the head of a message",
  garbage: "sends 4 kB of random bytes and closes, 20 times (client mode: 3 times)",
  "unknown-requests": "sends requests that do not exist",
  "wrong-version": "sends a request of version 3",
  "length-4gb": "announces a message of 4 GB and closes",
  "length-zero": "sends SET_MEM_TABLE and SET_VRING_* without their content",
  "features-of-all-kinds": "accepts features that were not offered",
  "base-before-memory": "asks for a ring's base before it has shared memory",
  "log-without-memory": "shares a dirty log whose offset overflows",
  "regions-without-files": "announces a region without its file",
  "a-million-regions": "announces a million regions",
  "region-offset-overflows": "shares a region whose offset and size overflow",
  "region-bigger-than-its-file": "shares a region of 64 MB in a file of 1 MB, and a frame beyond the file",
  "rings-beyond-the-file": "truncates the file before it sets its rings",
  "memory-truncated": "truncates the file of its memory while its rings run",
  "memory-replaced-while-running": "replaces its memory while its rings run, ten times",
  "no-memory-while-running": "replaces its memory by none while its rings run",
  "rings-outside-of-memory": "sets rings outside of all memory",
  "ring-sizes": "sets rings of 0, 3, 32768, 65536 and 4 G descriptors (client mode: 3 and 0)",
  "queue-numbers": "sets up queues 255, 4000 and 4 G (client mode: 4000 and 4 G)",
  "available-jumps": "moves the index of available descriptors by 40000",
  "descriptor-number": "makes descriptor 60000 of a ring of 256 available",
  "descriptor-loop": "sends a chain of descriptors that leads to itself",
  "descriptor-4gb": "sends a descriptor of 4 GB",
  "descriptor-outside": "sends a descriptor outside of all memory",
  "descriptor-at-the-end": "sends a descriptor that ends behind its memory",
  "descriptor-empty": "sends a descriptor of no bytes",
  "indirect-outside": "sends an indirect table outside of all memory",
  "indirect-loop": "sends an indirect table that leads to itself",
  "receive-loop": "receives into a chain of descriptors that leads to itself",
  "receive-outside": "receives into descriptors outside of all memory",
  "receive-at-the-end": "receives into descriptors that end behind its memory"
} as const satisfies Record<string, string>

const memifMaster = {
  regular: "keeps to the protocol, and is killed",
  "closes-at-once": "connects and closes, ten times",
  "reads-hello-and-closes": "connects, reads HELLO and closes, ten times",
  "many-connections": "connects 200 times and keeps all connections",
  "closes-after-init": "closes after INIT, ten times",
  "closes-while-running": "closes while frames are in its rings, twice",
  "short-messages": "sends a message of 10 bytes and closes, ten times",
  garbage: "sends a message of random bytes and closes, 20 times",
  "unknown-type": "sends a type of message that does not exist",
  "wrong-version": "sends INIT of version 3, three times",
  "wrong-id": "sends INIT with an id that there is not, three times",
  "wrong-mode": "sends INIT with another mode, three times",
  "init-twice": "sends INIT twice",
  "second-connection": "sends INIT on three more connections while the first runs",
  "connect-twice": "sends CONNECT again while its rings run",
  "connected-to-master": "sends CONNECTED, which is the master's, while its rings run",
  "hello-to-master": "sends HELLO, which is the master's, while its rings run",
  "disconnect-twice": "sends DISCONNECT twice",
  "connect-before-rings": "sends CONNECT before any region and ring",
  "region-without-file": "announces a region without its file",
  "300-regions": "shares 300 regions",
  "region-of-16-exabytes": "shares a region of 16 exabytes",
  "ring-beyond-the-file": "shares a region of 64 MB in a file of 1 MB, with a ring beyond the file",
  "ring-offset-4gb": "sets a ring 4 GB behind the start of a region of 1 MB",
  "ring-without-region": "sets a ring in a region that does not exist",
  "ring-of-2-to-the-31": "sets a ring of 2^31 descriptors",
  "no-cookie": "shares a ring without its cookie",
  "memory-truncated": "truncates the file of its memory while its rings run",
  "head-jumps": "moves the head of the ring that VPP reads by 40000",
  "descriptor-loop": "sends descriptors each of which says that more follow",
  "descriptor-empty": "sends descriptors of no bytes",
  "descriptor-4gb": "sends descriptors of 4 GB",
  "descriptor-outside": "sends descriptors outside of their region",
  "descriptor-overflow": "sends descriptors whose offset and length overflow",
  "descriptor-without-region": "sends descriptors in a region that does not exist",
  "tail-jumps": "moves the tail of the ring that VPP writes by 40000",
  "receive-outside": "receives into descriptors outside of their region",
  "receive-4gb": "receives into descriptors of 4 GB at 4 GB",
  "receive-empty": "receives into descriptors of no bytes",
  "receive-without-region": "receives into descriptors in a region that does not exist"
} as const satisfies Record<string, string>

const memifSlave = {
  regular: "keeps to the protocol, and is killed",
  "closes-at-once": "accepts and closes, three times",
  "says-hello-and-closes": "closes after HELLO and INIT, three times",
  "closes-while-running": "closes while frames are in the rings, twice",
  "short-messages": "sends a message of 10 bytes, twice",
  garbage: "sends a message of random bytes and closes, three times",
  "unknown-type": "sends a type of message that does not exist, twice",
  "connected-first": "sends CONNECTED before HELLO, twice",
  "wrong-version": "sends HELLO of version 3, twice",
  "hello-of-nothing": "sends HELLO without any region or ring, twice",
  "init-to-slave": "sends INIT, which is the slave's, twice",
  "hello-twice": "sends HELLO twice while the rings run",
  "connected-twice": "sends CONNECTED twice while the rings run",
  "connect-to-slave": "sends CONNECT, which is the slave's, while the rings run",
  "disconnect-twice": "sends DISCONNECT twice",
  "region-to-slave": "shares a region, which is the slave's to do",
  "ring-to-slave": "sets a ring, which is the slave's to do",
  "memory-truncated": "truncates the file of VPP's memory",
  "memory-overwritten": "fills the memory that VPP shares with ones, rings and all",
  "packets-of-others-overwritten":
    "fills the regions after the first with ones: with zero copy they are the packets of all ports",
  "tail-jumps": "moves the tail of the ring that VPP reads by 40000",
  "descriptor-loop": "sends descriptors each of which says that more follow",
  "descriptor-empty": "sends descriptors of no bytes",
  "descriptor-4gb": "sends descriptors of 4 GB",
  "descriptor-outside": "sends descriptors outside of their region",
  "descriptor-overflow": "sends descriptors whose offset and length overflow",
  "descriptor-without-region": "sends descriptors in a region that does not exist",
  "head-jumps": "moves the head of the ring that VPP writes by 40000",
  "receive-outside": "changes the descriptors that VPP writes to, to places outside of their region",
  "receive-without-region": "changes them to a region that does not exist"
} as const satisfies Record<string, string>

/** A switch that connects does so once. */
const { "many-connections": _, ...vhostClient } = vhost

/** Those that come after frames have passed. */
const running = [
  "regular",
  "closes-while-running",
  "region-bigger-than-its-file",
  "memory-truncated",
  "memory-replaced-while-running",
  "no-memory-while-running",
  "available-jumps",
  "descriptor-number",
  "descriptor-loop",
  "descriptor-4gb",
  "descriptor-outside",
  "descriptor-at-the-end",
  "descriptor-empty",
  "indirect-outside",
  "indirect-loop",
  "receive-loop",
  "receive-outside",
  "receive-at-the-end"
] as const

type Cases = Readonly<Record<string, string>>

/**
 * What is tried on each engine. Open vSwitch in client mode loses a race with each connection that ends early: what such a
 * case sends makes no difference, and one shows it for all.
 */
export const casesOf: Readonly<Record<string, Readonly<Partial<Record<Role, Cases>>>>> = {
  "Open vSwitch": {
    "vhost-server": vhost,
    "vhost-client": { "closes-at-once": vhost["closes-at-once"], ...Struct.pick(vhost, running) }
  },
  VPP: {
    "memif-master": memifMaster,
    "memif-slave, zero copy": memifSlave,
    "memif-slave": memifSlave,
    "vhost-server": vhost,
    "vhost-client": vhostClient
  }
}

/** Those that depend on who is first: what was seen is recorded, and nothing is asserted. */
export const isRace = (engine: string, role: Role, name: string): boolean =>
  engine === "Open vSwitch" && role === "vhost-client" && name === "closes-at-once"
