/* Regular starts of memif from both ends, and the neighbours. */
#include "memif.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { burst = 64, ring_bytes = sizeof(struct memif_ring) + memif_ring_size * sizeof(struct memif_descriptor) };

bool memif_tells(const struct memif *memif, const struct memif_message *message, int fd) {
  return peer_sends(memif->fd, message, sizeof *message, &fd, fd < 0 ? 0 : 1);
}

bool memif_hears(const struct memif *memif, struct memif_message *message, int *fd) {
  return peer_receives(memif->fd, message, sizeof *message, fd);
}

bool memif_asks(const struct memif *memif, const struct memif_message *message, int fd) {
  struct memif_message answer;
  return memif_tells(memif, message, fd) && memif_hears(memif, &answer, NULL) && answer.type != DISCONNECT;
}

static void interrupts(const struct memif *memif, int ring) {
  uint64_t one = 1;
  must(write(memif->interrupt[ring], &one, sizeof one) == sizeof one, "interrupt");
}

/* The slave's end. */

struct memif slave_opens(struct peer *peer) {
  struct memif memif = {.peer = peer, .fd = peer_open(peer)};
  struct memif_message hello;
  must(memif_hears(&memif, &hello, NULL) && hello.type == HELLO, "HELLO");
  memif.regions[0].map = shared_memory(slave_memory, &memif.regions[0].file);
  memif.regions[0].size = slave_memory;
  memif.count = 1;
  for (int ring = 0; ring < 2; ring++) {
    memif.rings[ring] = (struct memif_ring *)(memif.regions[0].map + ring * ring_bytes);
    memif.rings[ring]->cookie = cookie;
    memif.interrupt[ring] = event();
  }
  return memif;
}

struct memif_message init_message(void) {
  return (struct memif_message){.type = INIT, .init = {.version = memif_version, .name = "hostile"}};
}

struct memif slave_inits(struct peer *peer) {
  struct memif memif = slave_opens(peer);
  struct memif_message init = init_message();
  must(memif_asks(&memif, &init, -1), "INIT");
  return memif;
}

struct memif_message region_message(uint16_t index, uint64_t size) {
  return (struct memif_message){.type = ADD_REGION, .region = {.index = index, .size = size}};
}

struct memif_message ring_message(int ring) {
  return (struct memif_message){
      .type = ADD_RING,
      .ring = {.flags = ring == to_master, .offset = (uint32_t)ring * ring_bytes, .log2_size = log2_ring_size}};
}

bool slave_shares(const struct memif *memif) {
  struct memif_message region = region_message(0, slave_memory);
  struct memif_message rings[] = {ring_message(to_master), ring_message(to_slave)};
  return memif_asks(memif, &region, memif->regions[0].file) &&
         memif_asks(memif, &rings[to_master], memif->interrupt[to_master]) &&
         memif_asks(memif, &rings[to_slave], memif->interrupt[to_slave]);
}

void slave_puts(const struct memif *memif, const struct memif_descriptor *descriptors, uint16_t count) {
  struct memif_ring *ring = memif->rings[to_master];
  for (uint16_t n = 0; n < count; n++)
    ring->descriptors[(uint16_t)(ring->head + n) % memif_ring_size] = descriptors[n];
  __atomic_store_n(&ring->head, (uint16_t)(ring->head + count), __ATOMIC_RELEASE);
  interrupts(memif, to_master);
}

static bool slave_burst(const struct memif *memif) {
  struct memif_descriptor frames[burst];
  for (uint16_t n = 0; n < burst; n++) {
    frames[n] = (struct memif_descriptor){.length = frame_length, .offset = slave_buffers + n * 2048u};
    broadcast(memif->regions[0].map + frames[n].offset);
  }
  slave_puts(memif, frames, burst);
  return reaches(&memif->rings[to_master]->tail, memif->rings[to_master]->head);
}

void slave_receives(const struct memif *memif, struct memif_descriptor descriptor) {
  struct memif_ring *ring = memif->rings[to_slave];
  for (int n = 0; n < memif_ring_size; n++) ring->descriptors[n] = descriptor;
  __atomic_store_n(&ring->head, (uint16_t)(ring->tail + memif_ring_size), __ATOMIC_RELEASE);
}

struct memif slave_runs(struct peer *peer) {
  struct memif memif = slave_inits(peer);
  struct memif_message connect = {.type = CONNECT};
  must(slave_shares(&memif), "ADD_REGION and ADD_RING");
  must(memif_asks(&memif, &connect, -1), "CONNECT");
  must(slave_burst(&memif), "the switch takes frames");
  return memif;
}

void memif_slave_neighbour(struct peer *peer) {
  struct memif memif = slave_runs(peer);
  while (slave_burst(&memif)) progress();
  must(false, "the switch goes on taking frames");
}

/* The master's end. */

struct memif_message hello_message(void) {
  return (struct memif_message){.type = HELLO,
                                .hello = {.name = "hostile",
                                          .oldest = memif_version,
                                          .newest = memif_version,
                                          .regions = 255,
                                          .to_slave = 255,
                                          .to_master = 255,
                                          .log2_ring_size = 14}};
}

static bool maps(struct memif *memif, int fd, size_t size) {
  if (memif->count == most_regions) return false;
  void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  memif->regions[memif->count].file = fd;
  memif->regions[memif->count].map = map;
  memif->regions[memif->count++].size = size;
  return map != MAP_FAILED;
}

static bool takes_ring(struct memif *memif, const struct memif_message *message, int fd) {
  int ring = message->ring.flags & 1 ? to_master : to_slave;
  if (message->ring.region >= memif->count || message->ring.index != 0) return false;
  memif->rings[ring] = (struct memif_ring *)(memif->regions[message->ring.region].map + message->ring.offset);
  memif->interrupt[ring] = fd;
  memif->slots = 1u << message->ring.log2_size;
  return true;
}

static struct memif master_hears_all(struct peer *peer) {
  struct memif memif = {.peer = peer, .fd = peer_open(peer)};
  struct memif_message message = hello_message(), ack = {.type = ACK}, connected = {.type = CONNECTED};
  must(memif_tells(&memif, &message, -1), "HELLO");
  for (;;) {
    int fd = -1;
    must(memif_hears(&memif, &message, &fd), "INIT, ADD_REGION, ADD_RING and CONNECT");
    if (message.type == ADD_REGION) must(maps(&memif, fd, message.region.size), "ADD_REGION");
    if (message.type == ADD_RING) must(takes_ring(&memif, &message, fd), "ADD_RING");
    bool last = message.type == CONNECT;
    must(memif_tells(&memif, last ? &connected : &ack, -1), "ACK");
    if (last) return memif;
  }
}

void master_puts(const struct memif *memif, uint16_t count) {
  struct memif_ring *ring = memif->rings[to_slave];
  __atomic_store_n(&ring->tail, (uint16_t)(ring->tail + count), __ATOMIC_RELEASE);
  interrupts(memif, to_slave);
}

/* The slave has taken some of the last burst when it gives new buffers; the ring never is full of either. */
static bool master_burst(const struct memif *memif) {
  struct memif_ring *ring = memif->rings[to_slave];
  /* It gives its first buffers when it is asked to look. */
  interrupts(memif, to_slave);
  if (!differs(&ring->head, ring->tail)) return false;
  uint16_t before = ring->head, count = 0;
  for (; count < burst && (uint16_t)(ring->tail + count) != before; count++) {
    struct memif_descriptor *one = &ring->descriptors[(uint16_t)(ring->tail + count) % memif->slots];
    must(one->region < memif->count, "a buffer of the slave");
    broadcast(memif->regions[one->region].map + one->offset);
    one->length = frame_length;
    one->flags = 0;
  }
  master_puts(memif, count);
  return differs(&ring->head, before);
}

struct memif master_runs(struct peer *peer) {
  struct memif memif = master_hears_all(peer);
  must(master_burst(&memif), "the switch takes frames");
  return memif;
}

void memif_master_neighbour(struct peer *peer) {
  struct memif memif = master_runs(peer);
  while (master_burst(&memif)) progress();
  must(false, "the switch goes on taking frames");
}
