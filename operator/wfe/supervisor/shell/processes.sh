#!/bin/sh
# The supervisor of WFE: starts steps at most once, ends them in time, and keeps how they ended.
#
#   serve STATE INCARNATION EPOCH [OUT SECRETS]    commands on stdin, answers on stdout (protocol.py has the grammar)
#   logs STATE OUT                                 bytes of streams, as they are asked for on stdin
#
# A step lives in STATE/KEY, where KEY is two safe names with a slash between them. `set -C` makes ">" refuse an
# existing file, so each file below has one writer for ever, and the first of two racing writers wins without a fork:
#   claim    the key is taken, by which supervisor; a second start finds it
#   pid      the process that becomes the step wrote this as its last act before; who writes it first decides whether
#            the step runs (its own process) or never will (a supervisor that found it dead, or was told to kill it)
#   reason   why it is being ended: timeout, cancelled or loglimit, and when SIGKILL is due
#   end      exit code, reason, start and end; a record without its final dot was torn by a full disk and counts as lost
# What can grow large is in OUT/KEY, which is the same directory unless another is named:
#   launch   what to run: a text of `cd`, `export` and `set --` that launch.py writes
#   stdout, stderr, output, and the files of the step
#
# Three kinds of process: this loop, which may die at any time; a watcher for each step, which waits for it and writes
# `end`; a guard while steps live, which keeps deadlines and log limits. Watchers and guard outlive the loop and the
# engine. Only the step itself is executed: all else is builtin. Times are centiseconds of `clock`.
set -uC
newline='
'
home=.supervisor

# Whole seconds are up to one too few; with the slack nothing is due too early.
slack=0
if [ -r /proc/uptime ]; then
    clock() { read -r now _ </proc/uptime; now=$((${now%.*} * 100 + 1${now#*.} - 100)); }
else
    slack=100
    clock() { now=$(($(date +%s) * 100)); }
fi

# The loop makes the directories, so that there is one process for both.
make_room() { # KEY
    [ -d "$out/$1" ] || mkdir -p "$1" "$out/$1"
}

say() { printf '%s\n' "$*"; }

# self | PID -> pid, born, mode. The pid of a subshell is in no variable of POSIX; its start time tells reused pids apart.
look_at() {
    pid=$1 born=- mode=
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    pid=${line%% *}
    # shellcheck disable=SC2086  # the fields after the name, which may itself hold spaces
    set -- ${line##*) }
    mode=${1-} born=${20--}
}

look_at_self() {
    # Without /proc only a child can tell our pid.
    # shellcheck disable=SC2016
    look_at self || pid=$(exec sh -c 'echo "$PPID"')
}

is_live() { # PID BORN
    case $1 in '' | *[!0-9]*) return 1 ;; esac
    kill -0 "$1" 2>/dev/null || return 1
    look_at "$1" || [ "$2" = - ] || return 1
    [ "$mode" != Z ] && { [ "$2" = - ] || [ "$born" = - ] || [ "$born" = "$2" ]; }
}

# A group of nothing but zombies is gone, whenever their new parent may notice.
group_lives() { # PGID
    kill -0 "-$1" 2>/dev/null || return 1
    [ -r /proc/self/stat ] || return 0
    for file in /proc/[0-9]*/stat; do
        { read -r line <"$file"; } 2>/dev/null || continue
        # shellcheck disable=SC2086
        set -- "$1" ${line##*) }
        [ "${4-}" != "$1" ] || [ "$2" = Z ] || return 0
    done
    return 1
}

nap() { # SECONDS
    [ -n "${fractions:-}" ] || { fractions=no; sleep 0.01 2>/dev/null && fractions=yes; }
    if [ "$fractions" = yes ]; then sleep "$1"; else sleep 1; fi
}
