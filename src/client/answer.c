/* Reads the agent's response: see answer.h. */
#include "answer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An answer is as long as its document. */
static const size_t longest_line = (size_t)64 << 20;
enum { longest_head = 1 << 16, longest_size = 8 };

static enum event over(struct answer *answer) {
  answer->step = ANSWER_OVER;
  return EVENT_END;
}

static bool ends_with(const struct buffer *buffer, const char *text) {
  size_t length = strlen(text);
  return buffer->length >= length && memcmp(buffer->at + buffer->length - length, text, length) == 0;
}

static bool starts_with(const char *at, const char *end, const char *text) {
  size_t length = strlen(text);
  return (size_t)(end - at) >= length && memcmp(at, text, length) == 0;
}

static const char *end_of_line(const char *at, const char *end) {
  while (at < end && *at != '\r') at++;
  return at;
}

static bool is_chunked(const char *at, const char *end) {
  static const char name[] = "transfer-encoding:", value[] = "chunked";
  if ((size_t)(end - at) < sizeof name - 1 || strncasecmp(at, name, sizeof name - 1) != 0) return false;
  at += sizeof name - 1;
  while (at < end && (*at == ' ' || *at == '\t')) at++;
  return (size_t)(end - at) == sizeof value - 1 && strncasecmp(at, value, sizeof value - 1) == 0;
}

/* Of a complete head, with the empty line at its end. */
static enum event judge_head(struct answer *answer) {
  const char *at = answer->head.at, *end = at + answer->head.length;
  answer->head.length = 0;
  if (starts_with(at, end, "HTTP/1.1 100 ") || starts_with(at, end, "HTTP/1.1 100\r")) return EVENT_CONTINUE;
  if (!starts_with(at, end, "HTTP/1.1 200 ") && !starts_with(at, end, "HTTP/1.1 200\r")) return over(answer);
  for (const char *line = at; line < end; line = end_of_line(line, end) + 2) {
    if (!is_chunked(line, end_of_line(line, end))) continue;
    answer->step = ANSWER_SIZE;
    return EVENT_NONE;
  }
  return over(answer);
}

static enum event take_head(struct answer *answer, char byte) {
  if (answer->head.length == longest_head || !buffer_add(&answer->head, &byte, 1)) return over(answer);
  return ends_with(&answer->head, "\r\n\r\n") ? judge_head(answer) : EVENT_NONE;
}

static int digit(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  byte |= 0x20;
  return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The length of a chunk: hexadecimal digits and CRLF. The last chunk is empty. */
static enum event take_size(struct answer *answer, char byte) {
  struct buffer *head = &answer->head;
  if (byte == '\n' && ends_with(head, "\r")) {
    size_t size = 0;
    for (size_t n = 0; n + 1 < head->length; n++) size = size << 4 | (size_t)digit(head->at[n]);
    head->length = 0;
    if (size == 0 || size > longest_line - answer->line.length) return over(answer);
    answer->left = size;
    answer->step = ANSWER_CHUNK;
    return EVENT_NONE;
  }
  bool is_next = byte == '\r' ? head->length > 0 : digit(byte) >= 0 && head->length < longest_size;
  return is_next && !ends_with(head, "\r") && buffer_add(head, &byte, 1) ? EVENT_NONE : over(answer);
}

/* A part of a chunk, up to the end of a line. */
static enum event take_chunk(struct answer *answer, const char **at, const char *end) {
  size_t length = (size_t)(end - *at);
  if (length > answer->left) length = answer->left;
  const char *feed = memchr(*at, '\n', length);
  size_t taken = feed == NULL ? length : (size_t)(feed - *at);
  if (!buffer_add(&answer->line, *at, taken)) return over(answer);
  if (feed != NULL) taken++;
  *at += taken;
  answer->left -= taken;
  if (answer->left == 0) {
    answer->left = 2;
    answer->step = ANSWER_AFTER_CHUNK;
  }
  if (feed == NULL) return EVENT_NONE;
  answer->line_is_read = true;
  return EVENT_LINE;
}

static enum event take_after_chunk(struct answer *answer, char byte) {
  if (byte != "\n\r"[--answer->left]) return over(answer);
  if (answer->left == 0) answer->step = ANSWER_SIZE;
  return EVENT_NONE;
}

enum event answer_next(struct answer *answer, const char **at, const char *end) {
  if (answer->line_is_read) answer->line.length = 0;
  answer->line_is_read = false;
  while (*at < end) {
    enum event event = EVENT_NONE;
    switch (answer->step) {
      case ANSWER_HEAD: event = take_head(answer, *(*at)++); break;
      case ANSWER_SIZE: event = take_size(answer, *(*at)++); break;
      case ANSWER_CHUNK: event = take_chunk(answer, at, end); break;
      case ANSWER_AFTER_CHUNK: event = take_after_chunk(answer, *(*at)++); break;
      case ANSWER_OVER: *at = end; return EVENT_NONE;
    }
    if (event != EVENT_NONE) return event;
  }
  return EVENT_NONE;
}

void answer_free(struct answer *answer) {
  free(answer->head.at);
  free(answer->line.at);
}

/* The four digits of \uXXXX; -1: they are not there. */
static int32_t unit_at(const char *at, const char *end) {
  int32_t unit = 0;
  if (end - at < 4) return -1;
  for (int n = 0; n < 4; n++) {
    int value = digit(at[n]);
    if (value < 0) return -1;
    unit = unit << 4 | value;
  }
  return unit;
}

static bool is_between(int32_t unit, int32_t first, int32_t last) { return unit >= first && unit <= last; }

static char *put_utf8(char *to, int32_t point) {
  if (point < 0x80) {
    *to++ = (char)point;
    return to;
  }
  int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  *to++ = (char)(0xff << (7 - more) | point >> 6 * more);
  while (more-- > 0) *to++ = (char)(0x80 | (point >> 6 * more & 0x3f));
  return to;
}

/* Behind the \u, which may be half of a pair. NULL: not JSON. */
static const char *take_unicode(const char *at, const char *end, char **to) {
  int32_t point = unit_at(at, end);
  if (point < 0) return NULL;
  at += 4;
  if (is_between(point, 0xd800, 0xdbff) && starts_with(at, end, "\\u")) {
    int32_t low = unit_at(at + 2, end);
    if (is_between(low, 0xdc00, 0xdfff)) {
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
      at += 6;
    }
  }
  *to = put_utf8(*to, is_between(point, 0xd800, 0xdfff) ? 0xfffd : point);
  return at;
}

/* Behind the backslash. NULL: not JSON. */
static const char *take_escape(const char *at, const char *end, char **to) {
  static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
  if (at == end) return NULL;
  if (*at == 'u') return take_unicode(at + 1, end, to);
  const char *name = memchr(names, *at, sizeof names - 1);
  if (name == NULL) return NULL;
  *(*to)++ = bytes[name - names];
  return at + 1;
}

/* Decodes a string in its own place: none gets longer. Returns what follows it; NULL: not JSON. */
static const char *take_string(char *at, const char *end, struct said *said) {
  char *to = at;
  const char *from = at;
  while (from != NULL && from < end && *from != '"') {
    if ((unsigned char)*from < 0x20) return NULL;
    if (*from == '\\') from = take_escape(from + 1, end, &to);
    else *to++ = *from++;
  }
  if (from == NULL || from == end) return NULL;
  said->text = at;
  said->length = (size_t)(to - at);
  return from + 1;
}

static bool take(const char **at, const char *end, const char *text) {
  if (!starts_with(*at, end, text)) return false;
  *at += strlen(text);
  return true;
}

bool said_in(char *line, size_t length, struct said *said) {
  /* An empty line may have no memory. */
  if (length == 0) return false;
  const char *at = line, *end = line + length;
  *said = (struct said){.is = SAID_LOG};
  if (take(&at, end, "{\"log\":\"")) {
    at = take_string(line + (at - line), end, said);
  } else {
    said->is = SAID_ANSWER;
    if (take(&at, end, "{\"status\":1")) said->status = 1;
    else if (!take(&at, end, "{\"status\":0")) return false;
    if (take(&at, end, ",\"document\":\"")) {
      said->has_document = true;
      at = take_string(line + (at - line), end, said);
      if (at == NULL) return false;
    }
    said->more = take(&at, end, ",\"more\":true");
  }
  return at != NULL && take(&at, end, "}") && at == end;
}
