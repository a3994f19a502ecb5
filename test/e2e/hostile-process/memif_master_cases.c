/* What a process does to a memif port that VPP is master of: the process is the slave, and shares the memory. */
#define _GNU_SOURCE
#include "memif.h"

#include <string.h>
#include <unistd.h>

enum { frames = 64 };

static void regular(struct peer *peer) { slave_runs(peer); }

/* Connections. */

static void closes_at_once(struct peer *peer) {
  for (int n = 0; n < 10; n++) close(peer_open(peer));
}

static void reads_hello_and_closes(struct peer *peer) {
  for (int n = 0; n < 10; n++) close(slave_opens(peer).fd);
}

static void many_connections(struct peer *peer) {
  for (int n = 0; n < 200; n++) peer_open(peer);
}

static void closes_after_init(struct peer *peer) {
  for (int n = 0; n < 10; n++) close(slave_inits(peer).fd);
}

static void closes_while_running(struct peer *peer) {
  for (int n = 0; n < 2; n++) close(slave_runs(peer).fd);
}

/* Messages. */

static void short_messages(struct peer *peer) {
  uint8_t bytes[10] = {INIT};
  for (int n = 0; n < 10; n++) {
    struct memif memif = slave_opens(peer);
    (void)peer_sends(memif.fd, bytes, sizeof bytes, NULL, 0);
    close(memif.fd);
  }
}

static void garbage(struct peer *peer) {
  uint8_t bytes[128];
  for (uint32_t seed = 1; seed <= 20; seed++) {
    struct memif memif = slave_opens(peer);
    noise(bytes, sizeof bytes, seed);
    (void)peer_sends(memif.fd, bytes, sizeof bytes, NULL, 0);
    close(memif.fd);
  }
}

static void unknown_type(struct peer *peer) {
  struct memif memif = slave_inits(peer);
  struct memif_message message = {.type = 99};
  (void)memif_asks(&memif, &message, -1);
}

static void init_with(struct peer *peer, struct memif_message init) {
  for (int n = 0; n < 3; n++) {
    struct memif memif = slave_opens(peer);
    (void)memif_asks(&memif, &init, -1);
    close(memif.fd);
  }
}

static void wrong_version(struct peer *peer) {
  struct memif_message init = init_message();
  init.init.version = 0x0300;
  init_with(peer, init);
}

static void wrong_id(struct peer *peer) {
  struct memif_message init = init_message();
  init.init.id = 77;
  init_with(peer, init);
}

static void wrong_mode(struct peer *peer) {
  struct memif_message init = init_message();
  init.init.mode = 1;
  init_with(peer, init);
}

static void again(struct peer *peer, struct memif_message message) {
  struct memif memif = slave_runs(peer);
  for (int n = 0; n < 2; n++) (void)memif_asks(&memif, &message, -1);
}

static void init_twice(struct peer *peer) {
  struct memif memif = slave_inits(peer);
  struct memif_message init = init_message();
  (void)memif_asks(&memif, &init, -1);
}

static void second_connection(struct peer *peer) {
  slave_runs(peer);
  init_with(peer, init_message());
}

static void connect_twice(struct peer *peer) { again(peer, (struct memif_message){.type = CONNECT}); }
static void connected_to_master(struct peer *peer) { again(peer, (struct memif_message){.type = CONNECTED}); }
static void hello_to_master(struct peer *peer) { again(peer, hello_message()); }
static void disconnect_twice(struct peer *peer) { again(peer, (struct memif_message){.type = DISCONNECT}); }

static void connect_before_rings(struct peer *peer) {
  struct memif memif = slave_inits(peer);
  struct memif_message connect = {.type = CONNECT};
  (void)memif_asks(&memif, &connect, -1);
}

/* Memory. */

static void region_without_file(struct peer *peer) {
  struct memif memif = slave_inits(peer);
  struct memif_message region = region_message(0, slave_memory);
  (void)memif_asks(&memif, &region, -1);
}

static void regions(struct peer *peer) {
  struct memif memif = slave_inits(peer);
  for (uint16_t n = 0; n < 300; n++) {
    struct memif_message region = region_message(n, slave_memory);
    if (!memif_asks(&memif, &region, memif.regions[0].file)) return;
  }
}

static void shares(struct peer *peer, uint64_t size, struct memif_message to_master_ring) {
  struct memif memif = slave_inits(peer);
  struct memif_message region = region_message(0, size), other = ring_message(to_slave), connect = {.type = CONNECT};
  (void)(memif_asks(&memif, &region, memif.regions[0].file) &&
         memif_asks(&memif, &to_master_ring, memif.interrupt[to_master]) &&
         memif_asks(&memif, &other, memif.interrupt[to_slave]) && memif_asks(&memif, &connect, -1));
}

static void region_of_16_exabytes(struct peer *peer) { shares(peer, ~0ull, ring_message(to_master)); }

static void ring_beyond_the_file(struct peer *peer) {
  struct memif_message ring = ring_message(to_master);
  ring.ring.offset = 32 * slave_memory;
  shares(peer, 64ull * slave_memory, ring);
}

static void ring_offset_4gb(struct peer *peer) {
  struct memif_message ring = ring_message(to_master);
  ring.ring.offset = 0xffffff00;
  shares(peer, slave_memory, ring);
}

static void ring_without_region(struct peer *peer) {
  struct memif_message ring = ring_message(to_master);
  ring.ring.region = 60000;
  shares(peer, slave_memory, ring);
}

static void ring_of_2_to_the_31(struct peer *peer) {
  struct memif_message ring = ring_message(to_master);
  ring.ring.log2_size = 31;
  shares(peer, slave_memory, ring);
}

static void no_cookie(struct peer *peer) {
  struct memif memif = slave_inits(peer);
  struct memif_message connect = {.type = CONNECT};
  memif.rings[to_slave]->cookie = 0;
  (void)(slave_shares(&memif) && memif_asks(&memif, &connect, -1));
}

static void memory_truncated(struct peer *peer) {
  struct memif memif = slave_runs(peer);
  must(ftruncate(memif.regions[0].file, 0) == 0, "truncate the file");
}

/* Rings and descriptors, first those that VPP reads frames from. */

static void head_jumps(struct peer *peer) {
  struct memif memif = slave_runs(peer);
  memif.rings[to_master]->head += 40000;
}

static void sends(struct peer *peer, struct memif_descriptor descriptor) {
  struct memif memif = slave_runs(peer);
  struct memif_descriptor all[frames];
  for (int n = 0; n < frames; n++) all[n] = descriptor;
  slave_puts(&memif, all, frames);
}

enum { last = 0xffffffff };

static void descriptor_loop(struct peer *peer) {
  sends(peer, (struct memif_descriptor){.flags = 1, .length = 60, .offset = slave_buffers});
}
static void descriptor_empty(struct peer *peer) { sends(peer, (struct memif_descriptor){.offset = slave_buffers}); }
static void descriptor_4gb(struct peer *peer) {
  sends(peer, (struct memif_descriptor){.length = last, .offset = slave_buffers});
}
static void descriptor_outside(struct peer *peer) {
  sends(peer, (struct memif_descriptor){.length = 60, .offset = 64 * slave_memory});
}
static void descriptor_overflow(struct peer *peer) {
  sends(peer, (struct memif_descriptor){.length = 1000, .offset = last - 500});
}
static void descriptor_without_region(struct peer *peer) {
  sends(peer, (struct memif_descriptor){.region = 60000, .length = 60});
}

/* And those that it writes frames to: the neighbour's come all the time. */

static void receives(struct peer *peer, struct memif_descriptor descriptor) {
  struct memif memif = slave_runs(peer);
  slave_receives(&memif, descriptor);
}

static void tail_jumps(struct peer *peer) {
  struct memif memif = slave_runs(peer);
  slave_receives(&memif, (struct memif_descriptor){.length = 2048, .offset = slave_buffers});
  memif.rings[to_slave]->tail += 40000;
}
static void receive_outside(struct peer *peer) {
  receives(peer, (struct memif_descriptor){.length = 2048, .offset = 64u * slave_memory});
}
static void receive_4gb(struct peer *peer) {
  receives(peer, (struct memif_descriptor){.length = last, .offset = last - 4095});
}
static void receive_empty(struct peer *peer) { receives(peer, (struct memif_descriptor){.offset = slave_buffers}); }
static void receive_without_region(struct peer *peer) {
  receives(peer, (struct memif_descriptor){.region = 60000, .length = 2048});
}

const struct act memif_master_acts[] = {
    {"regular", regular},
    {"closes-at-once", closes_at_once},
    {"reads-hello-and-closes", reads_hello_and_closes},
    {"many-connections", many_connections},
    {"closes-after-init", closes_after_init},
    {"closes-while-running", closes_while_running},
    {"short-messages", short_messages},
    {"garbage", garbage},
    {"unknown-type", unknown_type},
    {"wrong-version", wrong_version},
    {"wrong-id", wrong_id},
    {"wrong-mode", wrong_mode},
    {"init-twice", init_twice},
    {"second-connection", second_connection},
    {"connect-twice", connect_twice},
    {"connected-to-master", connected_to_master},
    {"hello-to-master", hello_to_master},
    {"disconnect-twice", disconnect_twice},
    {"connect-before-rings", connect_before_rings},
    {"region-without-file", region_without_file},
    {"300-regions", regions},
    {"region-of-16-exabytes", region_of_16_exabytes},
    {"ring-beyond-the-file", ring_beyond_the_file},
    {"ring-offset-4gb", ring_offset_4gb},
    {"ring-without-region", ring_without_region},
    {"ring-of-2-to-the-31", ring_of_2_to_the_31},
    {"no-cookie", no_cookie},
    {"memory-truncated", memory_truncated},
    {"head-jumps", head_jumps},
    {"descriptor-loop", descriptor_loop},
    {"descriptor-empty", descriptor_empty},
    {"descriptor-4gb", descriptor_4gb},
    {"descriptor-outside", descriptor_outside},
    {"descriptor-overflow", descriptor_overflow},
    {"descriptor-without-region", descriptor_without_region},
    {"tail-jumps", tail_jumps},
    {"receive-outside", receive_outside},
    {"receive-4gb", receive_4gb},
    {"receive-empty", receive_empty},
    {"receive-without-region", receive_without_region},
    {"neighbour", memif_slave_neighbour},
    {NULL, NULL}};
