/* A process as one in a pod could be: it has a socket of the switch, and does not keep to the protocol.
 *
 *   hostile ROLE CASE SOCKET
 *
 * ROLE is what the switch is: memif-master, memif-slave, vhost-server or vhost-client. It writes "done" when it has done
 * what the case is about, and stays connected until it is killed; "failed: ..." with exit status 1 when what has to
 * come before was not possible. The case "neighbour" keeps to the protocol: it sends broadcasts, and writes a dot for
 * each burst that the switch has taken. */
#include "peer.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct role {
  const char *name;
  bool listens;
  int type;
  const struct act *acts;
} roles[] = {
    {"memif-master", false, SOCK_SEQPACKET, memif_master_acts},
    {"memif-slave", true, SOCK_SEQPACKET, memif_slave_acts},
    {"vhost-server", false, SOCK_STREAM, vhost_acts},
    {"vhost-client", true, SOCK_STREAM, vhost_acts},
};

int main(int count, char **words) {
  setvbuf(stdout, NULL, _IONBF, 0);
  signal(SIGPIPE, SIG_IGN);
  for (size_t n = 0; count == 4 && n < sizeof roles / sizeof *roles; n++) {
    if (strcmp(roles[n].name, words[1]) != 0) continue;
    for (const struct act *act = roles[n].acts; act->name != NULL; act++) {
      if (strcmp(act->name, words[2]) != 0) continue;
      struct peer peer = {.path = words[3], .listens = roles[n].listens, .type = roles[n].type};
      act->run(&peer);
      puts("done");
      for (;;) pause();
    }
  }
  fputs("usage: hostile memif-master|memif-slave|vhost-server|vhost-client CASE SOCKET\n", stderr);
  return 2;
}
