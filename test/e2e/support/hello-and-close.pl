# A hostile memif application: connects to the socket, reads HELLO and closes, again and again.
# perl hello-and-close.pl SOCKET
use strict;
use warnings;
use Socket;

my ($path) = @ARGV;
while (1) {
    socket(my $memif, AF_UNIX, SOCK_SEQPACKET, 0) or die "socket: $!";
    if (connect($memif, sockaddr_un($path))) {
        recv($memif, my $hello, 256, 0);
    }
    close($memif);
    select(undef, undef, undef, 0.02);
}
