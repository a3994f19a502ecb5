/*
 * Reads the agent's response: `100 Continue`, then `200` with a body in chunks, one JSON document on each line. It
 * accepts only the part of HTTP/1.1 that the agent uses (RFC 9112, sections 4 and 7.1), and only the form in which the
 * agent writes its lines (src/agent/Protocol.ts). Anything else ends the response. No input, no output.
 */
#ifndef USERSPACE_ANSWER_H
#define USERSPACE_ANSWER_H

#include "buffer.h"

enum event {
  EVENT_NONE,     /* all bytes are taken, and nothing is complete */
  EVENT_CONTINUE, /* the call is accepted */
  EVENT_LINE,     /* `line` has one, up to the next event */
  EVENT_END       /* of what can be read; nothing follows */
};

struct answer {
  enum { ANSWER_HEAD, ANSWER_SIZE, ANSWER_CHUNK, ANSWER_AFTER_CHUNK, ANSWER_OVER } step;
  /* A head, or the length of a chunk. */
  struct buffer head;
  struct buffer line;
  bool line_is_read;
  /* Bytes of the chunk, or of the end of its line, that are still to come. */
  size_t left;
};

/* Takes bytes from *at, before `end`, up to the next event. One that is zero begins. */
enum event answer_next(struct answer *answer, const char **at, const char *end);
void answer_free(struct answer *answer);

/* One line of the answer. */
struct said {
  enum { SAID_LOG, SAID_ANSWER } is;
  int status;
  bool has_document;
  /* Log lines follow the answer. */
  bool more;
  /* What was logged, or the document: in the line that was read. One more byte behind it may be written. */
  char *text;
  size_t length;
};

/* False: no line of an agent. Decodes in place. */
bool said_in(char *line, size_t length, struct said *said);

#endif
