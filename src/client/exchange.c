/* One call passed to the agent: see exchange.h. The protocol is in src/agent/Protocol.ts. */
#define _GNU_SOURCE
#include "exchange.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "process.h"

/* Milliseconds. Longer than the deadline of an accepted call and its rollback is the second. */
enum { patience = 1000, longest_call = 150000 };

static const int signals[] = {SIGTERM, SIGINT};
enum { all_signals = sizeof signals / sizeof signals[0] };

static volatile sig_atomic_t stopped = 0;

static void stop(int signal) {
  (void)signal;
  stopped = 1;
}

enum step { OFFERED, ACCEPTED, ANSWERED, OVER };

struct call {
  const struct request *request;
  struct reply *reply;
  enum step step;
  enum outcome outcome;
  int64_t deadline;
  int fd;
  /* What is still to be sent. */
  struct buffer out;
  size_t sent;
  struct answer answer;
  /* The connection that interrupts the call; -1: none. */
  int other;
  bool interrupted;
  bool is_heard;
  sigset_t mask;
  struct sigaction actions[all_signals];
};

static void end(struct call *call) { call->step = OVER; }

static void wait_for(struct call *call, enum step step, enum outcome outcome, int64_t time) {
  call->step = step;
  call->outcome = outcome;
  call->deadline = now() + time;
}

/* Once: a second signal ends this process. */
static void hear_signals(struct call *call) {
  struct sigaction action = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND};
  sigset_t blocked;
  sigemptyset(&blocked);
  for (int n = 0; n < all_signals; n++) sigaddset(&blocked, signals[n]);
  /* They come only while this process waits. */
  sigprocmask(SIG_BLOCK, &blocked, &call->mask);
  for (int n = 0; n < all_signals; n++) sigaction(signals[n], &action, &call->actions[n]);
}

static void leave_signals(struct call *call) {
  sigprocmask(SIG_SETMASK, &call->mask, NULL);
  for (int n = 0; n < all_signals; n++) sigaction(signals[n], &call->actions[n], NULL);
}

static void accept_call(struct call *call) {
  hear_signals(call);
  wait_for(call, ACCEPTED, OUTCOME_LOST, longest_call);
  if (!buffer_add(&call->out, call->request->body->at, call->request->body->length)) end(call);
}

static void answered(struct call *call, struct said *said) {
  wait_for(call, ANSWERED, OUTCOME_ANSWERED, patience);
  call->reply->status = said->status;
  if (said->has_document) {
    said->text[said->length] = '\n';
    call->reply->untaken = write_all(STDOUT_FILENO, said->text, said->length + 1);
  }
  if (!said->more) end(call);
}

static void hear(struct call *call) {
  struct said said;
  if (!said_in(call->answer.line.at, call->answer.line.length, &said)) end(call);
  else if (said.is == SAID_LOG) (void)write_all(STDERR_FILENO, said.text, said.length);
  else if (call->step == ACCEPTED) answered(call, &said);
}

static void take(struct call *call, enum event event) {
  if (event == EVENT_CONTINUE && call->step == OFFERED) accept_call(call);
  else if (event == EVENT_LINE && (call->step == ACCEPTED || call->step == ANSWERED)) hear(call);
  else end(call);
}

static bool again(ssize_t result) { return result < 0 && (errno == EAGAIN || errno == EINTR); }

static void receive(struct call *call) {
  char bytes[1 << 14];
  ssize_t length = recv(call->fd, bytes, sizeof bytes, 0);
  if (again(length)) return;
  if (length <= 0) end(call);
  const char *at = bytes;
  while (call->step != OVER) {
    enum event event = answer_next(&call->answer, &at, bytes + length);
    if (event == EVENT_NONE) return;
    take(call, event);
  }
}

static void transmit(struct call *call) {
  ssize_t length = send(call->fd, call->out.at + call->sent, call->out.length - call->sent, MSG_NOSIGNAL);
  if (length >= 0) call->sent += (size_t)length;
  /* What the agent has said before it left is still to be read. */
  else if (!again(length)) call->sent = call->out.length;
}

/* The connection's end reports the end of a call that could not be answered. */
static void leave_interruption(struct call *call) {
  if (call->other >= 0) close(call->other);
  call->other = -1;
  if (!call->is_heard) end(call);
}

static void interrupt(struct call *call) {
  char text[160];
  int length = snprintf(text, sizeof text, "DELETE /v1/calls/%s HTTP/1.1\r\nhost: agent\r\nconnection: close\r\n\r\n",
                        call->request->invocation);
  call->interrupted = true;
  call->other = dial(call->request->path, patience);
  if (call->other < 0 || send(call->other, text, (size_t)length, MSG_NOSIGNAL) != length) leave_interruption(call);
}

static void hear_interruption(struct call *call) {
  char bytes[1 << 10];
  ssize_t length = recv(call->other, bytes, sizeof bytes, 0);
  if (again(length)) return;
  if (length > 0) call->is_heard = true;
  else leave_interruption(call);
}

/* One wait, and what it brings. */
static void turn(struct call *call) {
  if (stopped && !call->interrupted) interrupt(call);
  int64_t left = call->deadline - now();
  /* On a busy node this process may not have run for the whole time, so what is there is read before it gives up. */
  if (left <= 0 && call->step != OFFERED) end(call);
  if (call->step == OVER) return;
  if (left < 0) left = 0;
  struct timespec time = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
  bool is_sending = call->sent < call->out.length;
  struct pollfd there[] = {
    {.fd = call->fd, .events = (short)(is_sending ? POLLIN | POLLOUT : POLLIN)},
    {.fd = call->other, .events = POLLIN},
  };
  int ready = ppoll(there, 2, &time, call->step == OFFERED ? NULL : &call->mask);
  if (ready < 0 && errno == EINTR) return;
  if (ready <= 0) end(call);
  if (call->step == OVER) return;
  if (there[0].revents & POLLOUT) transmit(call);
  if (there[0].revents & ~POLLOUT) receive(call);
  if (call->step != OVER && call->other >= 0 && there[1].revents != 0) hear_interruption(call);
}

static bool put_head(struct call *call) {
  const struct request *request = call->request;
  char pid[24], length[24];
  snprintf(pid, sizeof pid, "%ld", (long)getpid());
  snprintf(length, sizeof length, "%zu", request->body->length);
  const char *const texts[] = {
    "POST /v1/call HTTP/1.1\r\nhost: agent\r\nuserspace-version: ", request->version,
    "\r\nuserspace-namespaces: ", request->namespaces,
    "\r\nuserspace-mounts: ", pid, " ", request->mounts,
    "\r\nuserspace-invocation: ", request->invocation,
    "\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: ", length,
    "\r\n\r\n", NULL
  };
  return buffer_texts(&call->out, texts);
}

enum outcome exchange(const struct request *request, struct reply *reply) {
  struct call call = {.request = request, .reply = reply, .outcome = OUTCOME_DECLINED, .other = -1};
  call.deadline = now() + patience;
  /* A reader that left is an error of a write. */
  struct sigaction ignored = {.sa_handler = SIG_IGN}, pipe;
  sigaction(SIGPIPE, &ignored, &pipe);
  call.fd = dial(request->path, patience);
  if (call.fd >= 0 && put_head(&call))
    while (call.step != OVER) turn(&call);
  if (call.outcome != OUTCOME_DECLINED) leave_signals(&call);
  sigaction(SIGPIPE, &pipe, NULL);
  if (call.fd >= 0) close(call.fd);
  if (call.other >= 0) close(call.other);
  free(call.out.at);
  answer_free(&call.answer);
  return call.outcome == OUTCOME_LOST && stopped ? OUTCOME_STOPPED : call.outcome;
}
