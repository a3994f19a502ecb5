/* The process of a call and its system calls: see process.h. */
#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Larger than any configuration with its prevResult: src/platform/process/StandardStreams.ts. */
enum { longest_stdin = 4 << 20, piece = 1 << 16 };

int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

const char *error_name(int error) {
  static char number[24];
  switch (error) {
    case EACCES: return "EACCES";
    case EAGAIN: return "EAGAIN";
    case EBADF: return "EBADF";
    case EDQUOT: return "EDQUOT";
    case EFBIG: return "EFBIG";
    case EINVAL: return "EINVAL";
    case EIO: return "EIO";
    case EISDIR: return "EISDIR";
    case ELOOP: return "ELOOP";
    case EMFILE: return "EMFILE";
    case ENOENT: return "ENOENT";
    case ENOEXEC: return "ENOEXEC";
    case ENOMEM: return "ENOMEM";
    case ENOSPC: return "ENOSPC";
    case ENOTDIR: return "ENOTDIR";
    case EPERM: return "EPERM";
    case EPIPE: return "EPIPE";
    default: snprintf(number, sizeof number, "error %d", error); return number;
  }
}

int write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(fd, bytes, length);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes += written;
    length -= (size_t)written;
  }
  return 0;
}

/* A descriptor that is none of stdin, stdout and stderr, which may be closed. */
static int above_standard(int fd) {
  if (fd < 0 || fd > 2) return fd;
  int other = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  close(fd);
  return other;
}

static enum input read_from(int fd, struct buffer *text, int64_t deadline) {
  for (;;) {
    struct pollfd there = {.fd = fd, .events = POLLIN};
    int64_t left = deadline - now();
    int ready = poll(&there, 1, left > 0 ? (int)left : 0);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return INPUT_LATE;
    if (!buffer_reserve(text, piece)) return INPUT_NO_MEMORY;
    ssize_t length = read(fd, text->at + text->length, text->room - text->length);
    if (length < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (length < 0) return INPUT_BROKEN;
    if (length == 0) return INPUT_WHOLE;
    text->length += (size_t)length;
    if (text->length > longest_stdin) return INPUT_LONG;
  }
}

enum input read_stdin(struct buffer *text, int64_t patience) {
  struct stat status;
  if (fstat(0, &status) != 0 || S_ISCHR(status.st_mode)) return INPUT_NONE;
  int64_t deadline = now() + patience;
  /* Opened again, because other holders must not find it non-blocking, and one of them may take what was ready. */
  int pipe = -1;
  if (S_ISFIFO(status.st_mode))
    pipe = above_standard(open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  enum input input = read_from(pipe < 0 ? 0 : pipe, text, deadline);
  if (pipe >= 0) close(pipe);
  return input;
}

int dial(const char *path, int64_t patience) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof to.sun_path) return -1;
  strcpy(to.sun_path, path);
  int fd = above_standard(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd < 0) return -1;
  /* It bounds the wait for a place in the queue of a listener that does not accept. */
  struct timeval time = {.tv_sec = patience / 1000, .tv_usec = patience % 1000 * 1000};
  if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time) == 0 &&
      connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
    return fd;
  close(fd);
  return -1;
}

bool is_ours(const char *path) {
  struct stat status;
  return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) && (status.st_mode & 022) == 0 &&
         status.st_uid == geteuid();
}

static bool link_at(const char *path, char *text, size_t room) {
  ssize_t length = readlink(path, text, room);
  if (length < 0 || (size_t)length >= room) return false;
  text[length] = '\0';
  return true;
}

bool here_in(char *namespaces, size_t room, char *mounts, size_t mounts_room) {
  struct stat root;
  char net[64], pid[64];
  if (stat("/", &root) != 0 || !link_at("/proc/self/ns/net", net, sizeof net) ||
      !link_at("/proc/self/ns/pid", pid, sizeof pid) || !link_at("/proc/self/ns/mnt", mounts, mounts_room))
    return false;
  int length = snprintf(namespaces, room, "%ju:%ju %s %s", (uintmax_t)root.st_dev, (uintmax_t)root.st_ino, net, pid);
  return length > 0 && (size_t)length < room;
}

bool random_uuid(char text[37]) {
  unsigned char bytes[16];
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) return false;
  /* Version 4 (RFC 9562, section 5.4). */
  bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
  bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
  for (int n = 0; n < 16; n++) {
    if (n == 4 || n == 6 || n == 8 || n == 10) *text++ = '-';
    snprintf(text, 3, "%02x", bytes[n]);
    text += 2;
  }
  return true;
}

/* A file in memory. Kernels before 6.3 do not know the flag, and others may insist on it (vm.memfd_noexec). */
static int file_in_memory(void) {
  const unsigned int not_executable = 0x8;
  int fd = memfd_create("stdin", not_executable);
  return fd < 0 && errno == EINVAL ? memfd_create("stdin", 0) : fd;
}

int put_stdin(const struct buffer *text) {
  int fd = file_in_memory();
  if (fd < 0) return errno;
  int error = write_all(fd, text->at, text->length);
  if (error == 0 && (lseek(fd, 0, SEEK_SET) != 0 || dup2(fd, 0) != 0)) error = errno;
  if (fd != 0) close(fd);
  return error;
}

int become_full(char *const arguments[], char *path, size_t room) {
  static const char full[] = "/" USERSPACE_FULL;
  path[0] = '\0';
  ssize_t length = readlink("/proc/self/exe", path, room);
  if (length < 0) return errno;
  if ((size_t)length >= room) return ENAMETOOLONG;
  path[length] = '\0';
  char *slash = strrchr(path, '/');
  if (slash == NULL || (size_t)(slash - path) + sizeof full > room) return ENAMETOOLONG;
  strcpy(slash, full);
  extern char **environ;
  execve(path, arguments, environ);
  return errno;
}
