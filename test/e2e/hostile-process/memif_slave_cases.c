/* What a process does to a memif port that VPP is slave of: the process is the master, and the memory is VPP's. */
#define _GNU_SOURCE
#include "memif.h"

#include <string.h>
#include <unistd.h>

static void regular(struct peer *peer) { master_runs(peer); }

/* Connections. */

static void closes_at_once(struct peer *peer) {
  for (int n = 0; n < 3; n++) close(peer_open(peer));
}

static void says_hello_and_closes(struct peer *peer) {
  struct memif_message hello = hello_message();
  for (int n = 0; n < 3; n++) {
    struct memif memif = {.peer = peer, .fd = peer_open(peer)};
    (void)memif_asks(&memif, &hello, -1);
    close(memif.fd);
  }
}

static void closes_while_running(struct peer *peer) {
  for (int n = 0; n < 2; n++) close(master_runs(peer).fd);
}

/* Messages. */

static void first_message(struct peer *peer, const void *bytes, size_t length) {
  for (int n = 0; n < 2; n++) {
    struct memif memif = {.peer = peer, .fd = peer_open(peer)};
    (void)peer_sends(memif.fd, bytes, length, NULL, 0);
    struct memif_message answer;
    (void)memif_hears(&memif, &answer, NULL);
    close(memif.fd);
  }
}

static void first(struct peer *peer, struct memif_message message) { first_message(peer, &message, sizeof message); }

static void short_messages(struct peer *peer) { first_message(peer, "\2\0hostile", 10); }

static void garbage(struct peer *peer) {
  uint8_t bytes[128];
  for (uint32_t seed = 1; seed <= 3; seed++) {
    int fd = peer_open(peer);
    noise(bytes, sizeof bytes, seed);
    (void)peer_sends(fd, bytes, sizeof bytes, NULL, 0);
    close(fd);
  }
}

static void unknown_type(struct peer *peer) { first(peer, (struct memif_message){.type = 99}); }
static void connected_first(struct peer *peer) { first(peer, (struct memif_message){.type = CONNECTED}); }

static void wrong_version(struct peer *peer) {
  struct memif_message hello = hello_message();
  hello.hello.oldest = hello.hello.newest = 0x0300;
  first(peer, hello);
}

static void hello_of_nothing(struct peer *peer) {
  first(peer, (struct memif_message){.type = HELLO, .hello = {.newest = 0xffff}});
}

static void init_to_slave(struct peer *peer) {
  struct memif_message init = {.type = INIT, .init = {.version = memif_version, .name = "hostile"}};
  first(peer, init);
}

static void again(struct peer *peer, struct memif_message message, int fd) {
  struct memif memif = master_runs(peer);
  for (int n = 0; n < 2; n++) (void)memif_tells(&memif, &message, fd);
}

static void hello_twice(struct peer *peer) { again(peer, hello_message(), -1); }
static void connected_twice(struct peer *peer) { again(peer, (struct memif_message){.type = CONNECTED}, -1); }
static void connect_to_slave(struct peer *peer) { again(peer, (struct memif_message){.type = CONNECT}, -1); }
static void disconnect_twice(struct peer *peer) { again(peer, (struct memif_message){.type = DISCONNECT}, -1); }

static void region_to_slave(struct peer *peer) {
  struct memif memif = master_runs(peer);
  struct memif_message region = {.type = ADD_REGION, .region = {.index = (uint16_t)memif.count, .size = 4096}};
  (void)memif_tells(&memif, &region, memif.regions[0].file);
}

static void ring_to_slave(struct peer *peer) {
  again(peer, (struct memif_message){.type = ADD_RING, .ring = {.index = 1, .log2_size = 8}}, event());
}

/* Memory. */

static void memory_truncated(struct peer *peer) {
  struct memif memif = master_runs(peer);
  /* VPP has sealed it: it is refused. */
  if (ftruncate(memif.regions[0].file, 0) != 0) return;
}

static void memory_overwritten(struct peer *peer) {
  struct memif memif = master_runs(peer);
  memset(memif.regions[0].map, 0xff, memif.regions[0].size);
}

/* Without zero copy there is no memory but the port's own. */
static void packets_of_others_overwritten(struct peer *peer) {
  struct memif memif = master_runs(peer);
  for (int n = 1; n < memif.count; n++) memset(memif.regions[n].map, 0xff, memif.regions[n].size);
}

/* Rings and descriptors, first those that VPP reads frames from. */

static void tail_jumps(struct peer *peer) {
  struct memif memif = master_runs(peer);
  memif.rings[to_slave]->tail += 40000;
}

static void sends(struct peer *peer, struct memif_descriptor descriptor) {
  struct memif memif = master_runs(peer);
  for (uint32_t n = 0; n < memif.slots; n++) memif.rings[to_slave]->descriptors[n] = descriptor;
  master_puts(&memif, 64);
}

enum { last = 0xffffffff };

static void descriptor_loop(struct peer *peer) { sends(peer, (struct memif_descriptor){.flags = 1, .length = 60}); }
static void descriptor_empty(struct peer *peer) { sends(peer, (struct memif_descriptor){0}); }
static void descriptor_4gb(struct peer *peer) { sends(peer, (struct memif_descriptor){.length = last}); }
static void descriptor_outside(struct peer *peer) {
  sends(peer, (struct memif_descriptor){.length = 60, .offset = 1 << 30});
}
static void descriptor_overflow(struct peer *peer) {
  sends(peer, (struct memif_descriptor){.length = 1000, .offset = last - 500});
}
static void descriptor_without_region(struct peer *peer) {
  sends(peer, (struct memif_descriptor){.region = 60000, .length = 60});
}

/* And those that it writes frames to: the neighbour's come all the time. */

static void receives(struct peer *peer, struct memif_descriptor descriptor) {
  struct memif memif = master_runs(peer);
  struct memif_ring *ring = memif.rings[to_master];
  for (uint32_t n = 0; n < memif.slots; n++) ring->descriptors[n] = descriptor;
  __atomic_store_n(&ring->tail, ring->head, __ATOMIC_RELEASE);
}

static void head_jumps(struct peer *peer) {
  struct memif memif = master_runs(peer);
  memif.rings[to_master]->head += 40000;
}

static void receive_outside(struct peer *peer) {
  receives(peer, (struct memif_descriptor){.length = 2048, .offset = 1 << 30});
}
static void receive_without_region(struct peer *peer) {
  receives(peer, (struct memif_descriptor){.region = 60000, .length = 2048});
}

const struct act memif_slave_acts[] = {
    {"regular", regular},
    {"closes-at-once", closes_at_once},
    {"says-hello-and-closes", says_hello_and_closes},
    {"closes-while-running", closes_while_running},
    {"short-messages", short_messages},
    {"garbage", garbage},
    {"unknown-type", unknown_type},
    {"connected-first", connected_first},
    {"wrong-version", wrong_version},
    {"hello-of-nothing", hello_of_nothing},
    {"init-to-slave", init_to_slave},
    {"hello-twice", hello_twice},
    {"connected-twice", connected_twice},
    {"connect-to-slave", connect_to_slave},
    {"disconnect-twice", disconnect_twice},
    {"region-to-slave", region_to_slave},
    {"ring-to-slave", ring_to_slave},
    {"memory-truncated", memory_truncated},
    {"memory-overwritten", memory_overwritten},
    {"packets-of-others-overwritten", packets_of_others_overwritten},
    {"tail-jumps", tail_jumps},
    {"descriptor-loop", descriptor_loop},
    {"descriptor-empty", descriptor_empty},
    {"descriptor-4gb", descriptor_4gb},
    {"descriptor-outside", descriptor_outside},
    {"descriptor-overflow", descriptor_overflow},
    {"descriptor-without-region", descriptor_without_region},
    {"head-jumps", head_jumps},
    {"receive-outside", receive_outside},
    {"receive-without-region", receive_without_region},
    {"neighbour", memif_master_neighbour},
    {NULL, NULL}};
