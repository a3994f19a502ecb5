/* One call passed to the agent, until its answer. */
#ifndef USERSPACE_EXCHANGE_H
#define USERSPACE_EXCHANGE_H

#include "buffer.h"

enum outcome {
  OUTCOME_DECLINED, /* the agent has not started the call */
  OUTCOME_LOST,     /* it may have started it, with unknown progress */
  OUTCOME_STOPPED,  /* the same, and a signal has asked this process to end */
  OUTCOME_ANSWERED
};

struct request {
  const char *path;
  const char *version;
  const char *namespaces;
  const char *mounts;
  const char *invocation;
  /* JSON of the environment and stdin. */
  const struct buffer *body;
};

struct reply {
  int status;
  /* 0, or why the document could not be written to stdout. */
  int untaken;
};

/* Relays log lines to stderr and the document to stdout. Signals are as before when it returns. */
enum outcome exchange(const struct request *request, struct reply *reply);

#endif
