/* Bytes that grow, and text as JSON: see buffer.h. */
#include "buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { smallest = 4096 };

bool buffer_reserve(struct buffer *buffer, size_t more) {
  if (more <= buffer->room - buffer->length) return true;
  if (more > SIZE_MAX / 2 - buffer->length) return false;
  size_t room = buffer->room == 0 ? smallest : buffer->room;
  while (room < buffer->length + more) room *= 2;
  char *at = realloc(buffer->at, room);
  if (at == NULL) return false;
  buffer->at = at;
  buffer->room = room;
  return true;
}

bool buffer_add(struct buffer *buffer, const char *bytes, size_t length) {
  if (length == 0) return true;
  if (!buffer_reserve(buffer, length)) return false;
  memcpy(buffer->at + buffer->length, bytes, length);
  buffer->length += length;
  return true;
}

bool buffer_texts(struct buffer *buffer, const char *const texts[]) {
  for (; *texts != NULL; texts++)
    if (!buffer_add(buffer, *texts, strlen(*texts))) return false;
  return true;
}

static bool escape(struct buffer *buffer, unsigned char byte) {
  static const char digits[] = "0123456789abcdef";
  if (byte == '"' || byte == '\\') return buffer_add(buffer, (char[]){'\\', (char)byte}, 2);
  return buffer_add(buffer, (char[]){'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]}, 6);
}

bool buffer_quote(struct buffer *buffer, const char *bytes, size_t length) {
  if (!buffer_add(buffer, "\"", 1)) return false;
  size_t from = 0;
  for (size_t to = 0; to < length; to++) {
    unsigned char byte = (unsigned char)bytes[to];
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    if (!buffer_add(buffer, bytes + from, to - from) || !escape(buffer, byte)) return false;
    from = to + 1;
  }
  return buffer_add(buffer, bytes + from, length - from) && buffer_add(buffer, "\"", 1);
}
