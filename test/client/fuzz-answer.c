/*
 * The client's reader on any bytes, for clang's fuzzer: what they mean does not depend on where they are cut, and a
 * line is taken apart within its own bytes. The first byte is the length of the pieces.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/client/answer.h"

/* Of all events and lines. */
static uint64_t sum(uint64_t before, const char *bytes, size_t length) {
  for (size_t n = 0; n < length; n++) before = (before ^ (unsigned char)bytes[n]) * 1099511628211u;
  return before;
}

static uint64_t look(struct answer *answer, enum event event, uint64_t before) {
  before = sum(before, &(char){(char)event}, 1);
  if (event != EVENT_LINE) return before;
  struct said said;
  before = sum(before, answer->line.at, answer->line.length);
  if (!said_in(answer->line.at, answer->line.length, &said)) return before;
  if (said.text == NULL) return before;
  const char *end = answer->line.at + answer->line.length;
  if (said.text < answer->line.at || said.text + said.length >= end) abort();
  return sum(before, said.text, said.length);
}

static uint64_t read_in(const char *at, size_t length, size_t piece) {
  struct answer answer = {0};
  uint64_t all = 14695981039346656037u;
  for (size_t from = 0; from < length; from += piece) {
    const char *next = at + from, *end = next + (piece < length - from ? piece : length - from);
    for (enum event event; (event = answer_next(&answer, &next, end)) != EVENT_NONE;) all = look(&answer, event, all);
    if (next != end) abort();
  }
  answer_free(&answer);
  return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  /* A body that begins at once lets the fuzzer reach the lines. */
  static const char head[] = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
  size_t before = data[0] & 0x80 ? sizeof head - 1 : 0, length = before + size - 1;
  char *text = malloc(length);
  if (text == NULL) return 0;
  memcpy(text, head, before);
  memcpy(text + before, data + 1, size - 1);
  if (read_in(text, length, length) != read_in(text, length, (data[0] & 0x7f) + 1u)) abort();
  /* A line as it is, whatever chunks it would come in. */
  struct said said;
  (void)said_in(text + before, size - 1, &said);
  free(text);
  return 0;
}
