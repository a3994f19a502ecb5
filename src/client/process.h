/* The process of a call: its stdin, its way to the agent's socket, and the full executable that it becomes. */
#ifndef USERSPACE_PROCESS_H
#define USERSPACE_PROCESS_H

#include <stdint.h>

#include "buffer.h"

/* Milliseconds. */
int64_t now(void);

/* The system's name of an error, such as "ENOSPC". */
const char *error_name(int error);

/* All bytes, whatever a signal does. 0, or the error. */
int write_all(int fd, const char *bytes, size_t length);

enum input {
  INPUT_NONE,   /* a terminal, or no descriptor: nothing was read */
  INPUT_WHOLE,  /* up to its end */
  INPUT_LONG,   /* more than any configuration */
  INPUT_LATE,   /* it did not end within the time */
  INPUT_BROKEN, /* the system's error, which whoever reads it again meets as well */
  INPUT_NO_MEMORY
};

enum input read_stdin(struct buffer *text, int64_t patience);

/* Connected, and not blocking; -1: it is not. */
int dial(const char *path, int64_t patience);

/* Whether the agent's socket belongs to this user, and nobody else can replace it. */
bool is_ours(const char *path);

/* What the agent compares: root directory, network and PID namespace; and the mount namespace. False without /proc. */
bool here_in(char *namespaces, size_t room, char *mounts, size_t mounts_room);

/* A UUID. False: the kernel has no random numbers. */
bool random_uuid(char text[37]);

/* Has the full executable read this instead of stdin. 0, or the error. */
int put_stdin(const struct buffer *text);

/* The full executable, with this process's environment. Returns only when it cannot be executed: the error. */
int become_full(char *const arguments[], char *path, size_t room);

#endif
