/*
 * The plugin's name on a node with an agent: passes a call on, and relays log lines to stderr and the answer to stdout.
 * For everything else it becomes the full executable, which lies in a directory beside it: for what is no call, for a
 * call that the agent declines or does not accept in time, and, told what to do, for one whose agent was lost. What the
 * first argument of such a process means is in src/agent/client/Resumed.ts. docs/agent.md has its rules.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exchange.h"
#include "process.h"

static const char default_socket[] = "/run/userspace-cni/agent.sock";
/* More than any configuration and its environment. The full executable makes a longer call. */
static const size_t longest_body = (size_t)5 << 20;
/* Milliseconds for all of stdin. A caller of VERSION that keeps it open gets its answer all the same. */
enum { stdin_time = 15000, stdin_time_of_version = 1000 };

/* Answers a call as the specification has it, when there is nobody else to do it. */
static int fail(const char *command, const char *what, const char *path, int error) {
  struct buffer text = {0}, quoted = {0};
  const char *words[] = {what, path, path[0] == '\0' ? "" : ": ", error_name(error), NULL};
  if (!buffer_texts(&text, words)) return 1;
  if (command == NULL) {
    const char *lines[] = {"\n  -> Install the plugin again: `userspace install`, of the release or of its image.\n", NULL};
    if (buffer_texts(&text, lines)) write_all(STDERR_FILENO, text.at, text.length);
    return 1;
  }
  const char *before[] = {"{\"cniVersion\":\"1.1.0\",\"code\":5,\"msg\":", NULL};
  const char *after[] = {",\"details\":\"Install the plugin again: `userspace install`, of the release or of its image.\"}\n",
                         NULL};
  if (buffer_texts(&quoted, before) && buffer_quote(&quoted, text.at, text.length) && buffer_texts(&quoted, after))
    write_all(STDOUT_FILENO, quoted.at, quoted.length);
  return 1;
}

static int become(const char *command, char *const arguments[]) {
  char path[PATH_MAX];
  int error = become_full(arguments, path, sizeof path);
  return fail(command, "cannot execute the plugin ", path, error);
}

struct call {
  char *program;
  const char *command;
  struct buffer text;
  /* Of the call to the agent. */
  struct buffer body;
  /* Whether the full executable cannot read it again. */
  bool is_read;
};

/* The full executable goes on with a call. */
static int resume(struct call *call, const char *how, const char *invocation, const char *untaken) {
  int error = call->is_read ? put_stdin(&call->text) : 0;
  if (error != 0) return fail(call->command, "cannot pass stdin on", "", error);
  char *arguments[] = {call->program, "resume", (char *)how, (char *)invocation, (char *)untaken, NULL};
  return become(call->command, arguments);
}

static int alone(struct call *call) { return resume(call, "alone", NULL, NULL); }

/* Absolute, or there is none. */
static const char *agent_socket(void) {
  const char *named = getenv("USERSPACE_AGENT");
  const char *path = named == NULL ? default_socket : named;
  return path[0] == '/' && is_ours(path) ? path : NULL;
}

static bool put_environment(struct buffer *body) {
  extern char **environ;
  bool is_first = true;
  for (char **one = environ; *one != NULL; one++) {
    const char *value = strchr(*one, '=');
    if (value == NULL || value == *one) continue;
    if (!is_first && !buffer_add(body, ",", 1)) return false;
    is_first = false;
    if (!buffer_quote(body, *one, (size_t)(value - *one)) || !buffer_add(body, ":", 1) ||
        !buffer_quote(body, value + 1, strlen(value + 1)))
      return false;
  }
  return true;
}

static bool put_body(struct buffer *body, const struct buffer *text) {
  const char *first[] = {"{\"environment\":{", NULL}, *then[] = {"},\"stdin\":", NULL}, *last[] = {"}", NULL};
  return buffer_texts(body, first) && put_environment(body) && buffer_texts(body, then) &&
         buffer_quote(body, text->at, text->length) && buffer_texts(body, last);
}

static int hand_over(struct call *call, const char *path) {
  char namespaces[192], mounts[64], invocation[37];
  if (!here_in(namespaces, sizeof namespaces, mounts, sizeof mounts) || !random_uuid(invocation) ||
      !put_body(&call->body, &call->text) || call->body.length > longest_body)
    return alone(call);
  struct request request = {path, USERSPACE_VERSION, namespaces, mounts, invocation, &call->body};
  struct reply reply = {0};
  bool is_add = strcmp(call->command, "ADD") == 0;
  switch (exchange(&request, &reply)) {
    case OUTCOME_DECLINED: return alone(call);
    case OUTCOME_LOST: return is_add ? resume(call, "take-back", invocation, NULL) : alone(call);
    case OUTCOME_STOPPED: return resume(call, is_add ? "take-back" : "stopped", invocation, NULL);
    case OUTCOME_ANSWERED: break;
  }
  if (reply.untaken == 0) return reply.status;
  /* An ADD whose answer nobody has. */
  if (is_add && reply.status == 0) return resume(call, "take-back", invocation, error_name(reply.untaken));
  return 1;
}

int main(int count, char *arguments[]) {
  (void)count;
  /* Its memory is the process's, to its end. */
  static struct call call;
  call.program = arguments[0];
  call.command = getenv("CNI_COMMAND");
  if (call.command == NULL) return become(NULL, arguments);
  const char *path = agent_socket();
  if (path == NULL) return alone(&call);
  bool is_version = strcmp(call.command, "VERSION") == 0;
  enum input input = read_stdin(&call.text, is_version ? stdin_time_of_version : stdin_time);
  call.is_read = call.text.length > 0;
  switch (input) {
    case INPUT_NONE:
    case INPUT_WHOLE: return hand_over(&call, path);
    case INPUT_LATE: return is_version ? hand_over(&call, path) : resume(&call, "unread", NULL, NULL);
    case INPUT_LONG: return alone(&call);
    case INPUT_BROKEN:
      call.is_read = false;
      return alone(&call);
    case INPUT_NO_MEMORY: break;
  }
  return fail(call.command, "cannot read stdin", "", ENOMEM);
}
