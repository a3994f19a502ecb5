/** The cases of the hostile process: the names of the C program, and what each does, for a reader. */

/** What the switch is: `hostile.c` has the same. */
export type Role = "memif-master" | "memif-slave" | "vhost-server" | "vhost-client"

export const sources = import.meta.dirname

/** The same for both modes of vhost-user: the process has the same end of the protocol in both. */
export const vhost = {
  regular: "keeps to the protocol, and is killed",
  "closes-at-once": "connects and closes, three times",
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

/** A switch that connects does so once. */
const { "many-connections": _, ...vhostClient } = vhost

export const casesOf: Readonly<Record<Role, Readonly<Record<string, string>>>> = {
  "vhost-server": vhost,
  "vhost-client": vhostClient,
  "memif-master": {},
  "memif-slave": {}
}
