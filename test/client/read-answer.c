/*
 * Prints what the client's reader finds on stdin: a line for each event. The argument is the length of the pieces that
 * it is given; 0: one piece.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../src/client/answer.h"

static bool feed(struct answer *answer, const char *at, size_t length) {
  const char *end = at + length;
  for (;;) {
    switch (answer_next(answer, &at, end)) {
      case EVENT_NONE: return true;
      case EVENT_CONTINUE: puts("continue"); break;
      case EVENT_LINE:
        fputs("line ", stdout);
        fwrite(answer->line.at, 1, answer->line.length, stdout);
        putchar('\n');
        break;
      case EVENT_END: puts("end"); return false;
    }
  }
}

int main(int count, char *arguments[]) {
  size_t piece = count > 1 ? strtoul(arguments[1], NULL, 10) : 0;
  struct buffer text = {0};
  struct answer answer = {0};
  char bytes[4096];
  for (size_t length; (length = fread(bytes, 1, sizeof bytes, stdin)) > 0;)
    if (!buffer_add(&text, bytes, length)) return 1;
  if (piece == 0) piece = text.length;
  for (size_t at = 0; at < text.length; at += piece)
    if (!feed(&answer, text.at + at, piece < text.length - at ? piece : text.length - at)) break;
  free(text.at);
  answer_free(&answer);
  return 0;
}
