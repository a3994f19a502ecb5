/* Both ends of memif, as VPP's memif.h has the protocol: a control channel of messages of 128 bytes, and two rings in
 * memory that the slave shares: from slave to master, and from master to slave. */
#ifndef MEMIF_H
#define MEMIF_H

#include "peer.h"

enum { ACK = 1, HELLO = 2, INIT = 3, ADD_REGION = 4, ADD_RING = 5, CONNECT = 6, CONNECTED = 7, DISCONNECT = 8 };

struct memif_message {
  uint16_t type;
  union {
    struct __attribute__((packed)) {
      uint8_t name[32];
      uint16_t oldest, newest, regions, to_slave, to_master;
      uint8_t log2_ring_size;
    } hello;
    struct __attribute__((packed)) {
      uint16_t version;
      uint32_t id;
      uint8_t mode, secret[24], name[32];
    } init;
    struct __attribute__((packed)) {
      uint16_t index;
      uint64_t size;
    } region;
    struct __attribute__((packed)) {
      uint16_t flags, index, region;
      uint32_t offset;
      uint8_t log2_size;
      uint16_t private_header;
    } ring;
    uint8_t bytes[126];
  };
} __attribute__((packed));

_Static_assert(sizeof(struct memif_message) == 128, "a message has 128 bytes");

enum { memif_version = 0x0200, cookie = 0x3e31f20, log2_ring_size = 8, memif_ring_size = 1 << log2_ring_size };

struct memif_descriptor {
  uint16_t flags, region;
  uint32_t length, offset, metadata;
};

struct memif_ring {
  uint32_t cookie;
  uint16_t flags;
  volatile uint16_t head;
  uint8_t padding[56];
  volatile uint16_t tail;
  uint8_t more[62];
  struct memif_descriptor descriptors[];
};

enum { to_master = 0, to_slave = 1, slave_memory = 1 << 20, slave_buffers = 0x10000, most_regions = 8 };

struct memif {
  struct peer *peer;
  int fd;
  struct {
    int file;
    uint8_t *map;
    size_t size;
  } regions[most_regions];
  int count;
  struct memif_ring *rings[2];
  int interrupt[2];
  uint32_t slots; /* of a ring, as its slave has it */
};

bool memif_tells(const struct memif *, const struct memif_message *, int fd);
/* False when the switch has closed. */
bool memif_hears(const struct memif *, struct memif_message *, int *fd);
/* Tells, and waits for the answer. */
bool memif_asks(const struct memif *, const struct memif_message *, int fd);

/* As slave of a VPP that is master: the steps of a start, each after those above it. */
struct memif slave_opens(struct peer *); /* and has read HELLO */
struct memif_message init_message(void);
struct memif slave_inits(struct peer *);
struct memif_message region_message(uint16_t index, uint64_t size);
struct memif_message ring_message(int ring);
bool slave_shares(const struct memif *);
struct memif slave_runs(struct peer *);
/* Gives the master descriptors of the ring to it, from the slot on that it reads next. */
void slave_puts(const struct memif *, const struct memif_descriptor *, uint16_t count);
/* Gives the master this descriptor to write each frame to. */
void slave_receives(const struct memif *, struct memif_descriptor);

/* As master of a VPP that is slave. */
struct memif_message hello_message(void);
struct memif master_runs(struct peer *);
/* Sends what is in the slots of the ring to the slave that are next. */
void master_puts(const struct memif *, uint16_t count);

void memif_slave_neighbour(struct peer *);
void memif_master_neighbour(struct peer *);

#endif
