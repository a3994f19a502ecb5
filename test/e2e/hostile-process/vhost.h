/* The front end of vhost-user, as a virtual machine monitor or DPDK's virtio-user is one: QEMU's docs/interop/vhost-user.
 * Split rings of virtio 1.1 (2.6), two of them: 0 receives, 1 transmits. */
#ifndef VHOST_H
#define VHOST_H

#include "peer.h"

enum {
  GET_FEATURES = 1,
  SET_FEATURES = 2,
  SET_OWNER = 3,
  RESET_OWNER = 4,
  SET_MEM_TABLE = 5,
  SET_LOG_BASE = 6,
  SET_LOG_FD = 7,
  SET_VRING_NUM = 8,
  SET_VRING_ADDR = 9,
  SET_VRING_BASE = 10,
  GET_VRING_BASE = 11,
  SET_VRING_KICK = 12,
  SET_VRING_CALL = 13,
  SET_VRING_ENABLE = 18
};

enum { receive_queue = 0, transmit_queue = 1, ring_size = 256, next = 1, write_only = 2, indirect = 4 };

struct vhost_region {
  uint64_t guest, size, user, offset;
};

struct vhost_table {
  uint32_t count, padding;
  struct vhost_region regions[8];
};

struct vhost_state {
  uint32_t index, number;
};

struct vhost_addresses {
  uint32_t index, flags;
  uint64_t descriptors, used, available, log;
};

struct descriptor {
  uint64_t address;
  uint32_t length;
  uint16_t flags, next;
};

struct available {
  uint16_t flags, index, ring[ring_size];
};

struct vhost {
  struct peer *peer;
  int fd, memory, kick[2], call[2];
  uint8_t *map;
};

/* The file of the memory, its place for the guest and for the process, and a place for buffers in it. */
enum { memory_size = 1 << 20, buffers = 0x40000 };
extern const uint64_t guest_base, user_base;

bool vhost_header(int fd, uint32_t request, uint32_t flags, uint32_t size);
bool vhost_tells(const struct vhost *, uint32_t request, const void *payload, uint32_t size, const int *fds, int count);
/* False when the switch has closed. */
bool vhost_asks(const struct vhost *, uint32_t request, const void *payload, uint32_t size);

/* The steps of a regular start, each after those above it. */
struct vhost vhost_open(struct peer *);
bool vhost_shares(struct vhost *, const struct vhost_region *, uint32_t count);
bool vhost_ring(struct vhost *, uint32_t queue);
/* All of it, until the switch takes frames. */
struct vhost vhost_runs(struct peer *);

struct descriptor *descriptors(const struct vhost *, int queue);
struct available *available(const struct vhost *, int queue);
const volatile uint16_t *used(const struct vhost *, int queue);
/* Gives the switch a chain of descriptors, without and with a kick. */
void vhost_puts(const struct vhost *, int queue, uint16_t head);
void vhost_kicks(const struct vhost *, int queue);
/* A frame, in a buffer of the transmitting queue. */
void vhost_frame(const struct vhost *, uint16_t head);

#endif
