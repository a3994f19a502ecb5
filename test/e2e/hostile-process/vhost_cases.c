/* What a process does to a vhost-user port. */
#define _GNU_SOURCE
#include "vhost.h"

#include <string.h>
#include <unistd.h>

void vhost_neighbour(struct peer *);

static const struct vhost_region whole = {0x40000000, memory_size, 0x7f0000000000, 0};

/* Nothing but a request with an answer shows that those before it were read: answered, or the connection is closed. */
static void settles(const struct vhost *vhost) { (void)vhost_asks(vhost, GET_FEATURES, NULL, 0); }

static void tells(const struct vhost *vhost, uint32_t request, const void *payload, uint32_t size) {
  (void)vhost_tells(vhost, request, payload, size, NULL, 0);
}

/* Connections. */

static void regular(struct peer *peer) { vhost_runs(peer); }

static void closes_at_once(struct peer *peer) {
  for (int n = 0; n < 10; n++) close(peer_open(peer));
}

static void many_connections(struct peer *peer) {
  for (int n = 0; n < 200; n++) peer_open(peer);
}

static void closes_while_running(struct peer *peer) {
  for (int n = 0; n < 2; n++) close(vhost_runs(peer).fd);
}

static void closes_in_a_message(struct peer *peer) {
  struct vhost vhost = vhost_open(peer);
  (void)vhost_header(vhost.fd, SET_MEM_TABLE, 1, 40);
  close(vhost.fd);
}

/* Messages. */

static void garbage(struct peer *peer) {
  uint8_t bytes[4096];
  for (uint32_t seed = 1; seed <= (peer->listens ? 3 : 20); seed++) {
    int fd = peer_open(peer);
    noise(bytes, sizeof bytes, seed);
    (void)peer_sends(fd, bytes, sizeof bytes, NULL, 0);
    close(fd);
  }
}

static void unknown_requests(struct peer *peer) {
  static const uint32_t requests[] = {0, 63, 255, 9999, 0xffffffff};
  for (size_t n = 0; n < (peer->listens ? 2 : 5); n++) {
    struct vhost vhost = vhost_open(peer);
    tells(&vhost, requests[n], NULL, 0);
    settles(&vhost);
    close(vhost.fd);
  }
}

static void wrong_version(struct peer *peer) {
  struct vhost vhost = vhost_open(peer);
  (void)vhost_header(vhost.fd, GET_FEATURES, 3, 0);
  settles(&vhost);
}

static void length_4gb(struct peer *peer) {
  struct vhost vhost = vhost_open(peer);
  (void)vhost_header(vhost.fd, SET_MEM_TABLE, 1, 0xffffffff);
  close(vhost.fd);
}

static void length_zero(struct peer *peer) {
  struct vhost vhost = vhost_open(peer);
  static const uint32_t requests[] = {SET_VRING_NUM, SET_VRING_ADDR, SET_MEM_TABLE};
  for (size_t n = 0; n < 3; n++) tells(&vhost, requests[n], NULL, 0);
  settles(&vhost);
}

static void features_of_all_kinds(struct peer *peer) {
  struct vhost vhost = vhost_open(peer);
  uint64_t all = ~0ull;
  tells(&vhost, SET_FEATURES, &all, sizeof all);
  settles(&vhost);
}

static void base_before_memory(struct peer *peer) {
  struct vhost vhost = vhost_open(peer);
  struct vhost_state state = {0, 0};
  (void)vhost_asks(&vhost, GET_VRING_BASE, &state, sizeof state);
}

static void log_without_memory(struct peer *peer) {
  struct vhost vhost = vhost_open(peer);
  uint64_t log[] = {1ull << 40, ~0ull - 4095};
  (void)vhost_tells(&vhost, SET_LOG_BASE, log, sizeof log, &vhost.memory, 1);
  settles(&vhost);
}

/* Memory. */

static void regions_without_files(struct peer *peer) {
  struct vhost vhost = vhost_open(peer);
  struct vhost_table table = {.count = 1, .regions = {whole}};
  tells(&vhost, SET_MEM_TABLE, &table, 40);
  settles(&vhost);
}

static void a_million_regions(struct peer *peer) {
  struct vhost vhost = vhost_open(peer);
  struct vhost_table table = {.count = 1 << 20, .regions = {whole}};
  (void)vhost_tells(&vhost, SET_MEM_TABLE, &table, sizeof table, &vhost.memory, 1);
  settles(&vhost);
}

static void region_offset_overflows(struct peer *peer) {
  struct vhost vhost = vhost_open(peer);
  struct vhost_region region = {whole.guest, memory_size, whole.user, ~0ull - 4095};
  (void)vhost_shares(&vhost, &region, 1);
  settles(&vhost);
}

static void region_bigger_than_its_file(struct peer *peer) {
  struct vhost vhost = vhost_runs(peer);
  struct vhost_region region = {whole.guest, 64ull * memory_size, whole.user, 0};
  (void)vhost_shares(&vhost, &region, 1);
  (void)(vhost_ring(&vhost, receive_queue) && vhost_ring(&vhost, transmit_queue));
  descriptors(&vhost, transmit_queue)[0] = (struct descriptor){whole.guest + 32ull * memory_size, 1000, 0, 0};
  vhost_puts(&vhost, transmit_queue, 0);
  vhost_kicks(&vhost, receive_queue);
  vhost_kicks(&vhost, transmit_queue);
  /* The switch takes the rings into use when it comes to it. */
  (void)peer_closes(vhost.fd);
}

static void rings_beyond_the_file(struct peer *peer) {
  struct vhost vhost = vhost_open(peer);
  struct vhost_region region = {whole.guest, 64ull * memory_size, whole.user, 0};
  (void)vhost_shares(&vhost, &region, 1);
  must(ftruncate(vhost.memory, 4096) == 0, "truncate the file");
  (void)(vhost_ring(&vhost, receive_queue) && vhost_ring(&vhost, transmit_queue));
  vhost_kicks(&vhost, receive_queue);
  vhost_kicks(&vhost, transmit_queue);
  (void)peer_closes(vhost.fd);
}

static void memory_truncated(struct peer *peer) {
  struct vhost vhost = vhost_runs(peer);
  must(ftruncate(vhost.memory, 0) == 0, "truncate the file");
  vhost_kicks(&vhost, transmit_queue);
}

static void memory_replaced_while_running(struct peer *peer) {
  struct vhost vhost = vhost_runs(peer);
  struct vhost_region other = {whole.guest << 1, memory_size, whole.user << 1, 0};
  for (int n = 0; n < 10; n++) (void)vhost_shares(&vhost, n % 2 == 0 ? &other : &whole, 1);
  settles(&vhost);
}

static void no_memory_while_running(struct peer *peer) {
  struct vhost vhost = vhost_runs(peer);
  (void)vhost_shares(&vhost, NULL, 0);
  settles(&vhost);
}

/* Rings. */

static void rings_outside_of_memory(struct peer *peer) {
  struct vhost vhost = vhost_open(peer);
  struct vhost_region region = {whole.guest, memory_size, 0x1000, 0};
  (void)vhost_shares(&vhost, &region, 1);
  (void)(vhost_ring(&vhost, receive_queue) && vhost_ring(&vhost, transmit_queue));
  settles(&vhost);
}

static void ring_sizes(struct peer *peer) {
  static const uint32_t sizes[] = {3, 0, 32768, 65536, 0xffffffff};
  for (size_t n = 0; n < (peer->listens ? 2 : 5); n++) {
    struct vhost vhost = vhost_open(peer);
    struct vhost_state size = {transmit_queue, sizes[n]};
    (void)vhost_shares(&vhost, &whole, 1);
    tells(&vhost, SET_VRING_NUM, &size, sizeof size);
    settles(&vhost);
    close(vhost.fd);
  }
}

static void queue_numbers(struct peer *peer) {
  static const uint32_t queues[] = {4000, 0xffffffff, 255};
  for (size_t n = 0; n < (peer->listens ? 2 : 3); n++) {
    struct vhost vhost = vhost_open(peer);
    struct vhost_state state = {queues[n], ring_size};
    tells(&vhost, SET_VRING_NUM, &state, sizeof state);
    tells(&vhost, SET_VRING_BASE, &state, sizeof state);
    settles(&vhost);
    close(vhost.fd);
  }
}

static void available_jumps(struct peer *peer) {
  struct vhost vhost = vhost_runs(peer);
  for (int queue = 0; queue < 2; queue++) {
    available(&vhost, queue)->index += 40000;
    vhost_kicks(&vhost, queue);
  }
}

/* Descriptors, in the queue that the switch reads frames from. */

static void transmits(struct peer *peer, uint16_t head, struct descriptor descriptor) {
  struct vhost vhost = vhost_runs(peer);
  descriptors(&vhost, transmit_queue)[head % ring_size] = descriptor;
  vhost_puts(&vhost, transmit_queue, head);
  vhost_kicks(&vhost, transmit_queue);
}

static void descriptor_number(struct peer *peer) {
  transmits(peer, 60000, (struct descriptor){guest_base + buffers, 72, 0, 0});
}

static void descriptor_loop(struct peer *peer) {
  transmits(peer, 100, (struct descriptor){guest_base + buffers, 72, next, 100});
}

static void descriptor_4gb(struct peer *peer) {
  transmits(peer, 100, (struct descriptor){guest_base + buffers, 0xffffffff, 0, 0});
}

static void descriptor_outside(struct peer *peer) {
  transmits(peer, 100, (struct descriptor){0xdead00000000, 72, 0, 0});
}

static void descriptor_at_the_end(struct peer *peer) {
  transmits(peer, 100, (struct descriptor){guest_base + memory_size - 16, 2000, 0, 0});
}

static void descriptor_empty(struct peer *peer) {
  transmits(peer, 100, (struct descriptor){guest_base + buffers, 0, 0, 0});
}

static void indirect_outside(struct peer *peer) {
  transmits(peer, 100, (struct descriptor){0xdead00000000, 4096, indirect, 0});
}

static void indirect_loop(struct peer *peer) {
  transmits(peer, 100, (struct descriptor){guest_base + 100 * 16 + 0x10000, 4096, indirect | next, 100});
}

/* And in the one that it writes frames to: those of the neighbour come all the time. */

static void receives(struct peer *peer, struct descriptor descriptor) {
  struct vhost vhost = vhost_runs(peer);
  for (uint16_t n = 0; n < 64; n++) {
    descriptors(&vhost, receive_queue)[n] = descriptor;
    vhost_puts(&vhost, receive_queue, n);
  }
  vhost_kicks(&vhost, receive_queue);
}

static void receive_loop(struct peer *peer) {
  receives(peer, (struct descriptor){guest_base + buffers, 1, next | write_only, 0});
}

static void receive_outside(struct peer *peer) {
  receives(peer, (struct descriptor){0xdead00000000, 2048, write_only, 0});
}

static void receive_at_the_end(struct peer *peer) {
  receives(peer, (struct descriptor){guest_base + memory_size - 16, 2048, write_only, 0});
}

const struct act vhost_acts[] = {
    {"regular", regular},
    {"closes-at-once", closes_at_once},
    {"many-connections", many_connections},
    {"closes-while-running", closes_while_running},
    {"closes-in-a-message", closes_in_a_message},
    {"garbage", garbage},
    {"unknown-requests", unknown_requests},
    {"wrong-version", wrong_version},
    {"length-4gb", length_4gb},
    {"length-zero", length_zero},
    {"features-of-all-kinds", features_of_all_kinds},
    {"base-before-memory", base_before_memory},
    {"log-without-memory", log_without_memory},
    {"regions-without-files", regions_without_files},
    {"a-million-regions", a_million_regions},
    {"region-offset-overflows", region_offset_overflows},
    {"region-bigger-than-its-file", region_bigger_than_its_file},
    {"rings-beyond-the-file", rings_beyond_the_file},
    {"memory-truncated", memory_truncated},
    {"memory-replaced-while-running", memory_replaced_while_running},
    {"no-memory-while-running", no_memory_while_running},
    {"rings-outside-of-memory", rings_outside_of_memory},
    {"ring-sizes", ring_sizes},
    {"queue-numbers", queue_numbers},
    {"available-jumps", available_jumps},
    {"descriptor-number", descriptor_number},
    {"descriptor-loop", descriptor_loop},
    {"descriptor-4gb", descriptor_4gb},
    {"descriptor-outside", descriptor_outside},
    {"descriptor-at-the-end", descriptor_at_the_end},
    {"descriptor-empty", descriptor_empty},
    {"indirect-outside", indirect_outside},
    {"indirect-loop", indirect_loop},
    {"receive-loop", receive_loop},
    {"receive-outside", receive_outside},
    {"receive-at-the-end", receive_at_the_end},
    {"neighbour", vhost_neighbour},
    {NULL, NULL}};
