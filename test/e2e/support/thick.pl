# perl thick.pl DIRECTORY COMMAND...: starts it as Multus' thick plugin does, in a mount namespace that is its own already. The
# root is an image's, with the node's at /hostroot; chroot to that, and the working directory stays outside of it.
use strict; use warnings;
my ($dir, @command) = @ARGV;
my ($pivot_root, $umount2) = `uname -m` =~ /aarch64/ ? (41, 39) : (155, 166);
sub run { system(@_) == 0 or die "@_: $?" }
run("mount", "--make-rprivate", "/");
run("mount", "-t", "tmpfs", "tmpfs", $dir);
mkdir "$dir/$_" or die "$_: $!" for ("hostroot", "old");
run("mount", "--rbind", "/", "$dir/hostroot");
chdir $dir or die $!;
my ($new, $old) = (".", "old");
syscall($pivot_root, $new, $old) == 0 or die "pivot_root: $!";
syscall($umount2, $old, 2) == 0 or die "umount: $!";
chroot "/hostroot" or die "chroot: $!";
exec @command or die "exec: $!";
