/* Bytes that grow. No more memory is a result, never a crash. */
#ifndef USERSPACE_BUFFER_H
#define USERSPACE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
  char *at;
  size_t length;
  size_t room;
};

/* Room for so many bytes behind the content. False: there is no memory, and the content is as before. */
bool buffer_reserve(struct buffer *buffer, size_t more);
bool buffer_add(struct buffer *buffer, const char *bytes, size_t length);
/* Up to the NULL at the end of the list. */
bool buffer_texts(struct buffer *buffer, const char *const texts[]);
/* As a JSON string. Bytes that are not UTF-8 stay as they are: the reader replaces them, as it does without this client. */
bool buffer_quote(struct buffer *buffer, const char *bytes, size_t length);

#endif
