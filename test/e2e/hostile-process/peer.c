/* Sockets, shared memory and deadlines. */
#define _GNU_SOURCE
#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { deadline = 20 }; /* seconds */

void must(bool done, const char *what) {
  if (done) return;
  printf("failed: %s\n", what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void pause_briefly(void) { nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); }

static struct sockaddr_un address_of(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  must(strlen(path) < sizeof address.sun_path, "a socket's path has at most 107 bytes");
  strcpy(address.sun_path, path);
  return address;
}

static int listening(const char *path, int type) {
  struct sockaddr_un address = address_of(path);
  int fd = socket(AF_UNIX, type, 0);
  unlink(path);
  must(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 128) == 0, "listen");
  return fd;
}

static int connected(const char *path, int type) {
  struct sockaddr_un address = address_of(path);
  double until = now() + deadline;
  for (;;) {
    int fd = socket(AF_UNIX, type, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    must(now() < until, "connect to the switch");
    pause_briefly();
  }
}

int peer_open(struct peer *peer) {
  if (!peer->listens) return connected(peer->path, peer->type);
  /* For one connection: the switch finds nobody until the case wants another. */
  int listener = listening(peer->path, peer->type);
  struct pollfd ready = {.fd = listener, .events = POLLIN};
  must(poll(&ready, 1, deadline * 1000) == 1, "the switch connects");
  int fd = accept(listener, NULL, NULL);
  unlink(peer->path);
  close(listener);
  return fd;
}

bool peer_sends(int fd, const void *bytes, size_t length, const int *fds, int count) {
  union {
    char bytes[CMSG_SPACE(8 * sizeof(int))];
    struct cmsghdr aligned;
  } control = {0};
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (count > 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, (size_t)count * sizeof(int));
  }
  return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)length;
}

bool peer_receives(int fd, void *bytes, size_t length, int *descriptor) {
  size_t have = 0;
  while (have < length) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (poll(&ready, 1, deadline * 1000) != 1) return false;
    union {
      char bytes[CMSG_SPACE(8 * sizeof(int))];
      struct cmsghdr aligned;
    } control;
    struct iovec part = {.iov_base = (char *)bytes + have, .iov_len = length - have};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t some = recvmsg(fd, &message, 0);
    if (some <= 0) return false;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS && descriptor != NULL)
      memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
    have += (size_t)some;
  }
  return true;
}

bool peer_closes(int fd) {
  double until = now() + deadline;
  char bytes[4096];
  while (now() < until) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (poll(&ready, 1, 100) == 1 && recv(fd, bytes, sizeof bytes, 0) <= 0) return true;
  }
  return false;
}

uint8_t *shared_memory(size_t length, int *fd) {
  *fd = memfd_create("hostile", 0);
  must(*fd >= 0 && ftruncate(*fd, (off_t)length) == 0, "make a file in memory");
  uint8_t *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
  must(memory != MAP_FAILED, "map it");
  return memory;
}

int event(void) {
  int fd = eventfd(0, EFD_NONBLOCK);
  must(fd >= 0, "eventfd");
  return fd;
}

bool reaches(const volatile uint16_t *counter, uint16_t wanted) {
  double until = now() + deadline;
  while (*counter != wanted) {
    if (now() > until) return false;
    pause_briefly();
  }
  return true;
}

bool differs(const volatile uint16_t *counter, uint16_t from) {
  double until = now() + deadline;
  while (*counter == from) {
    if (now() > until) return false;
    pause_briefly();
  }
  return true;
}

void noise(void *bytes, size_t length, uint32_t seed) {
  for (size_t n = 0; n < length; n++) {
    seed = seed * 1664525 + 1013904223;
    ((uint8_t *)bytes)[n] = (uint8_t)(seed >> 24);
  }
}

void progress(void) {
  putchar('.');
  for (int n = 0; n < 10; n++) pause_briefly();
}

void broadcast(uint8_t *frame) {
  static const uint8_t head[] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0x66, 1, 0x88, 0xb5};
  memset(frame, 0, frame_length);
  memcpy(frame, head, sizeof head);
}
