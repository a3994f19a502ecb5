/* What every role of the hostile process needs: a connection to the switch, messages with descriptors, and an end that
 * says whether the case was carried out. Nothing here is hostile. */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer {
  const char *path;
  bool listens; /* the switch connects to us */
  int type; /* SOCK_STREAM or SOCK_SEQPACKET */
};

/* A case, or the neighbour: it does what it does, and returns while it is still connected. */
struct act {
  const char *name;
  void (*run)(struct peer *);
};

/* Ends the process: what comes before a hostile act has to succeed, or the case says nothing about the switch. */
void must(bool done, const char *what);

/* A new connection, made by us or by the switch, within the deadline. */
int peer_open(struct peer *);
bool peer_sends(int fd, const void *bytes, size_t length, const int *fds, int count);
/* All bytes; false when the other end has closed, or at the deadline. */
bool peer_receives(int fd, void *bytes, size_t length, int *descriptor);
/* Waits until the other end has closed; false at the deadline. */
bool peer_closes(int fd);

/* Shared memory in a file of its own, mapped. */
uint8_t *shared_memory(size_t length, int *fd);
int event(void);
/* Waits until a counter that the switch writes has this value; false at the deadline. */
bool reaches(const volatile uint16_t *counter, uint16_t wanted);
bool differs(const volatile uint16_t *counter, uint16_t from);
/* Bytes that look random, the same in each run. */
void noise(void *bytes, size_t length, uint32_t seed);
/* One more sign on stdout that the switch takes frames. */
void progress(void);

enum { frame_length = 60 };
/* A broadcast, so that it reaches every port of the bridge. */
void broadcast(uint8_t *frame);

extern const struct act memif_master_acts[], memif_slave_acts[], vhost_acts[];

#endif
