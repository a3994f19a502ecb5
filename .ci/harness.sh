# What .ci/run needs to run steps: side by side, each with its output whole; ended together, by whatever end; and with a
# check that nothing is left. Sourced.
#
# As root everything runs in a PID and a mount namespace with a /tmp and a /dev/shm of its own. So when the first process
# ends, no other lives on, daemons included, and no mount or network namespace is left. Elsewhere steps are a session,
# which is ended by its number.

# Everything ends by itself within this many seconds, also when something hangs.
: "${CI_DEADLINE:=2280}"
# How long what is asked to end may take for it.
: "${CI_GRACE:=15}"

say() { printf '%s\n' "$*"; }

# apart PATH...: goes on in namespaces of its own, as the same $script. There these paths keep their places, as does the
# working directory; what else is below /tmp is not to be seen.
apart() {
  if [ -n "${CI_INSIDE:-}" ]; then inside "$PWD" "$@"; return; fi
  local private before runner=(setsid --wait) status told= tries
  private=$(mktemp -d "${TMPDIR:-/tmp}/ci-XXXXXX") || exit 1
  mkdir -p "$private/tmp/.state" && chmod 1777 "$private/tmp"
  if unshare --pid --fork --kill-child --mount-proc true 2>/dev/null; then
    runner=(unshare --pid --fork --kill-child --mount-proc)
  else
    say "ci: no namespaces can be had here: daemons that a test leaves behind are not found"
  fi
  before=$(pages)
  CI_INSIDE=$private "${runner[@]}" bash "$script" &
  local runs=$!
  # The runner passes no signal on. SIGUSR1 ends the run as its deadline does.
  trap 'told=yes; kill -TERM $(children $runs) 2>/dev/null' TERM INT HUP
  trap 'kill -USR1 $(children $runs) 2>/dev/null' USR1
  while :; do
    wait $runs
    status=$?
    [ -z "$told" ] && kill -0 $runs 2>/dev/null || break
  done
  if [ -n "$told" ]; then
    status=143
    for ((tries = CI_GRACE * 20; tries > 0; tries--)); do
      kill -0 $runs 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL $runs 2>/dev/null
    wait $runs
  fi
  [ "$before" = "$(pages)" ] || printf '%s' "$before" >/proc/sys/vm/nr_hugepages
  rm -rf "$private"
  exit $status
}

children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }
pages() { cat /proc/sys/vm/nr_hugepages 2>/dev/null; }
namespaced() { [ $$ = 1 ]; }

inside() {
  state=$CI_INSIDE/tmp/.state
  if namespaced; then
    local path
    for path; do
      path=$(realpath "$path" 2>/dev/null)
      case $path in /tmp/*) mkdir -p "$CI_INSIDE$path" && mount --rbind "$path" "$CI_INSIDE$path" ;; esac
    done
    mount --rbind "$CI_INSIDE/tmp" /tmp && mount -t tmpfs ci /dev/shm || exit 1
    cd "$PWD" || exit 1
    state=/tmp/.state
    export TMPDIR=/tmp
  fi
  before=$(surroundings)
  trap interrupted TERM INT HUP
  trap timed_out USR1
  # `read` as a pause has no process of its own.
  (
    trap - TERM INT HUP USR1
    read -rt "$CI_DEADLINE" <> <(:)
    kill -USR1 $$
  ) &
  watch=$!
}

# What a test may leave that is not a process: files below /tmp and /dev/shm, mounts, links, control groups, hugepages.
surroundings() {
  if namespaced; then
    find /tmp -mindepth 1 -maxdepth 1 ! -name .state -printf 'file %p\n'
    find /dev/shm -mindepth 1 -printf 'file %p\n'
    cut -d ' ' -f 5 /proc/self/mountinfo | sed 's/^/mount /'
  fi
  printf 'link %s\n' /sys/class/net/*
  find /sys/fs/cgroup -type d \( -name 'tmp-*' -o -name 'userspace-*' \) -printf 'control group %p\n' 2>/dev/null
  find /dev/hugepages -type f -printf 'file %p\n' 2>/dev/null
  echo "hugepages $(pages)"
}

# Processes that are neither of the harness nor of this function: PID and command line.
processes() {
  local directory pid words
  namespaced || return 0
  for directory in /proc/[0-9]*; do
    pid=${directory#/proc/}
    case $pid in 1 | "$watch" | "$BASHPID") continue ;; esac
    mapfile -d '' -t words <"$directory/cmdline" || continue
    [ ${#words[@]} = 0 ] || say "process $pid ${words[*]}"
  done 2>/dev/null
}

# Fails with a list of what is there and was not at the beginning. Processes may take a while to end.
nothing_left() {
  local last=$((SECONDS + CI_GRACE)) found
  while :; do
    found=$(comm -13 <(sort <<<"$before") <(surroundings | sort) && processes)
    [ -n "$found" ] || return 0
    [ $SECONDS -lt $last ] || break
    sleep 0.2
  done
  say "left behind:" "$found"
  sed -n 's/^file //p' <<<"$found" | while read -r path; do find "$path" -maxdepth 2 -ls | head -n 10; done
  return 1
}

# step NAME COMMAND...: its output appears as a whole when it has ended. Returns its status.
step() {
  local name=$1 at=$SECONDS status
  shift
  printf '%s\n' "$*" >"$state/$name.runs"
  local TIMEFORMAT="%U %S"
  { time "$@" </dev/null >"$state/$name.log" 2>&1; } 2>"$state/$name.used"
  status=$?
  rm "$state/$name.runs"
  echo "$name $status $at $((SECONDS - at)) $(cat "$state/$name.used")" >"$state/$name.ended"
  (
    flock 9
    whole "$name" "$*"
    if [ $status = 0 ]; then say "=== $name: done in $((SECONDS - at)) s"; else say "=== $name: FAILED after $((SECONDS - at)) s"; fi
  ) 9>"$state/lock"
  return $status
}

whole() { # NAME COMMAND
  printf '\n=== %s: %s\n' "$1" "$2"
  cat "$state/$1.log"
}

# after NAME...: waits until these steps have ended, however.
after() {
  local name
  for name in "$@"; do
    until [ -e "$state/$name.ended" ]; do sleep 0.2; done
  done
}

# lane FUNCTION: runs it beside the others; join: until all have ended.
lanes=()
lane() {
  (
    trap - TERM INT HUP USR1
    "$@"
  ) &
  lanes+=($!)
}
join() { wait "${lanes[@]}"; }

ended() { sort -n -k 3 "$state"/*.ended 2>/dev/null; }
failed_steps() { ended | awk '$2 != 0 { print $1 }'; }

# The table of steps, in the order in which they began. The seconds of processors are without those of daemons.
table() {
  printf '\n%-10s %7s %8s %8s\n' step began seconds of-CPU
  ended | awk '{ printf "%-10s %7d %8d %8d%s\n", $1, $3, $4, $5 + $6, $2 == 0 ? "" : "  FAILED" }'
}

# The end of what runs, asked and then forced.
end_all() {
  trap '' TERM USR1
  if namespaced; then
    kill -TERM -1 2>/dev/null
    local tries=$((CI_GRACE * 10))
    while [ -n "$(processes)" ] && [ $((tries--)) -gt 0 ]; do sleep 0.1; done
  else
    kill -TERM 0
  fi
}

# What ran: the steps with their output, their tests, the processes, the last lines of logs of daemons.
report() {
  local file name
  for file in "$state"/*.runs; do
    [ -e "$file" ] || continue
    name=$(basename "$file" .runs)
    whole "$name" "$(cat "$file")"
    say "=== $name: STILL RUNNING"
    if [ -s "$state/$name.tests" ]; then say "its tests that ran:" && cat "$state/$name.tests"; fi
    echo "$name 1 0 $SECONDS" >"$state/$name.ended"
  done
  printf '\n=== processes\n'
  ps -eo pid,ppid,etimes,stat,args --forest 2>/dev/null | cut -c 1-200
  namespaced || return 0
  find /tmp -path /tmp/.state -prune -o -name '*.log' -type f -size +0 -print 2>/dev/null | head -n 40 |
    while read -r file; do
      printf '\n=== %s\n' "$file"
      tail -n 20 "$file"
    done
}

interrupted() {
  say "ci: interrupted; ending what was started"
  end_all
  exit 143
}

timed_out() {
  say "ci: still running after $SECONDS s, of at most $CI_DEADLINE"
  report
  end_all
  table
  closing $(failed_steps)
  exit
}

# finish: the check, the table, the counts; exits. `closing` is the caller's.
finish() {
  kill "$watch" 2>/dev/null
  trap - USR1
  step left nothing_left
  table
  closing $(failed_steps)
  exit $?
}
