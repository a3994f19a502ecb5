/* A regular start of vhost-user, and the neighbour. */
#include "vhost.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const uint64_t guest_base = 0x40000000, user_base = 0x7f0000000000;

enum { version = 1, version_1 = 32, indirect_descriptors = 28, net_header = 12, buffer_size = 2048 };

bool vhost_header(int fd, uint32_t request, uint32_t flags, uint32_t size) {
  uint32_t header[] = {request, flags, size};
  return peer_sends(fd, header, sizeof header, NULL, 0);
}

bool vhost_tells(const struct vhost *vhost, uint32_t request, const void *payload, uint32_t size, const int *fds,
                 int count) {
  uint8_t message[12 + 4096];
  uint32_t header[] = {request, version, size};
  memcpy(message, header, sizeof header);
  if (size > 0) memcpy(message + sizeof header, payload, size);
  return peer_sends(vhost->fd, message, sizeof header + size, fds, count);
}

static bool answers(const struct vhost *vhost, uint64_t *value) {
  uint32_t header[3];
  return peer_receives(vhost->fd, header, sizeof header, NULL) && header[2] == sizeof *value &&
         peer_receives(vhost->fd, value, sizeof *value, NULL);
}

bool vhost_asks(const struct vhost *vhost, uint32_t request, const void *payload, uint32_t size) {
  uint64_t value;
  return vhost_tells(vhost, request, payload, size, NULL, 0) && answers(vhost, &value);
}

struct vhost vhost_open(struct peer *peer) {
  struct vhost vhost = {.peer = peer, .fd = peer_open(peer)};
  uint64_t features = 0;
  must(vhost_tells(&vhost, SET_OWNER, NULL, 0, NULL, 0), "SET_OWNER");
  must(vhost_tells(&vhost, GET_FEATURES, NULL, 0, NULL, 0) && answers(&vhost, &features), "GET_FEATURES");
  features &= 1ull << version_1 | 1ull << indirect_descriptors;
  must(vhost_tells(&vhost, SET_FEATURES, &features, sizeof features, NULL, 0), "SET_FEATURES");
  vhost.map = shared_memory(memory_size, &vhost.memory);
  for (int queue = 0; queue < 2; queue++) {
    vhost.kick[queue] = event();
    vhost.call[queue] = event();
  }
  return vhost;
}

bool vhost_shares(struct vhost *vhost, const struct vhost_region *regions, uint32_t count) {
  struct vhost_table table = {.count = count};
  int fds[8];
  for (uint32_t n = 0; n < count; n++) {
    table.regions[n] = regions[n];
    fds[n] = vhost->memory;
  }
  return vhost_tells(vhost, SET_MEM_TABLE, &table, 8 + count * (uint32_t)sizeof *regions, fds, (int)count);
}

static uint32_t ring_offset(int queue) { return (uint32_t)queue * 0x10000; }

struct descriptor *descriptors(const struct vhost *vhost, int queue) {
  return (struct descriptor *)(vhost->map + ring_offset(queue));
}

struct available *available(const struct vhost *vhost, int queue) {
  return (struct available *)(vhost->map + ring_offset(queue) + 0x1000);
}

const volatile uint16_t *used(const struct vhost *vhost, int queue) {
  return (const volatile uint16_t *)(vhost->map + ring_offset(queue) + 0x2002);
}

bool vhost_ring(struct vhost *vhost, uint32_t queue) {
  uint64_t ring = user_base + ring_offset((int)queue), index = queue;
  struct vhost_state size = {queue, ring_size}, base = {queue, 0};
  struct vhost_addresses addresses = {
      .index = queue, .descriptors = ring, .available = ring + 0x1000, .used = ring + 0x2000};
  return vhost_tells(vhost, SET_VRING_NUM, &size, sizeof size, NULL, 0) &&
         vhost_tells(vhost, SET_VRING_BASE, &base, sizeof base, NULL, 0) &&
         vhost_tells(vhost, SET_VRING_ADDR, &addresses, sizeof addresses, NULL, 0) &&
         vhost_tells(vhost, SET_VRING_KICK, &index, sizeof index, &vhost->kick[queue], 1) &&
         vhost_tells(vhost, SET_VRING_CALL, &index, sizeof index, &vhost->call[queue], 1);
}

void vhost_puts(const struct vhost *vhost, int queue, uint16_t head) {
  struct available *ring = available(vhost, queue);
  ring->ring[ring->index % ring_size] = head;
  __atomic_thread_fence(__ATOMIC_RELEASE);
  __atomic_store_n(&ring->index, (uint16_t)(ring->index + 1), __ATOMIC_RELEASE);
}

void vhost_kicks(const struct vhost *vhost, int queue) {
  uint64_t one = 1;
  must(write(vhost->kick[queue], &one, sizeof one) == sizeof one, "kick");
}

void vhost_frame(const struct vhost *vhost, uint16_t head) {
  uint32_t offset = buffers + head * (uint32_t)buffer_size;
  memset(vhost->map + offset, 0, net_header);
  broadcast(vhost->map + offset + net_header);
  descriptors(vhost, transmit_queue)[head] =
      (struct descriptor){.address = guest_base + offset, .length = net_header + frame_length};
}

static bool burst_taken(const struct vhost *vhost) {
  for (uint16_t n = 0; n < 8; n++) {
    uint16_t head = available(vhost, transmit_queue)->index % ring_size;
    vhost_frame(vhost, head);
    vhost_puts(vhost, transmit_queue, head);
  }
  vhost_kicks(vhost, transmit_queue);
  return reaches(used(vhost, transmit_queue), available(vhost, transmit_queue)->index);
}

struct vhost vhost_runs(struct peer *peer) {
  struct vhost vhost = vhost_open(peer);
  struct vhost_region all = {guest_base, memory_size, user_base, 0};
  must(vhost_shares(&vhost, &all, 1), "SET_MEM_TABLE");
  must(vhost_ring(&vhost, receive_queue) && vhost_ring(&vhost, transmit_queue), "SET_VRING_*");
  vhost_kicks(&vhost, receive_queue);
  must(burst_taken(&vhost), "the switch takes frames");
  return vhost;
}

void vhost_neighbour(struct peer *peer) {
  struct vhost vhost = vhost_runs(peer);
  while (burst_taken(&vhost)) progress();
  must(false, "the switch goes on taking frames");
}
