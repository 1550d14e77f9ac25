#!/bin/sh
# PID 1 of a step container. Its shell reaps whatever is orphaned while it waits.
#
#   sh -c … wfe CONTAINER copy|quiet
#
# On SIGTERM the pod is going away: what runs ends as lost, not as failed. What steps write is copied to stdout, each
# line behind the name of its step, for `kubectl logs`; .supervisor/started tells which steps there are.
set -u
state=/wfe/state/$1 out=/wfe/out/$1
mkdir -p "$state/.supervisor" "$out" && cd "$state" || exit 1
: >.supervisor/started

lose() {
    trap '' TERM
    read -r up _ </proc/uptime
    due=$((${up%.*} * 100 + 500))
    ending=
    for pid in */*/pid; do
        step=${pid%/pid}
        if [ -e "$step/end" ] || ! read -r leader _ <"$pid"; then continue; fi
        (set -C && echo "lost $due" >"$step/reason") 2>/dev/null
        kill -TERM "-$leader" 2>/dev/null && ending="$ending $step"
    done
    for step in $ending; do
        while [ ! -e "$step/end" ]; do doze 0.1; done
    done
    exit 0
}

doze() { sleep "$1" 2>/dev/null || sleep 1; }

# The rest of an open stream, line by line behind a name. The shell reads a few lines itself, which costs no process;
# it reads byte by byte, so many lines are better left to one.
pass_on() { # NAME, stream on stdin
    lines=0
    while [ "$lines" -lt 8 ]; do
        line=
        if ! IFS= read -r line; then
            [ -z "$line" ] || printf '[%s] %s\n' "$1" "$line"
            return 0
        fi
        printf '[%s] %s\n' "$1" "$line"
        lines=$((lines + 1))
    done
    sed "s|^|[$1] |"
}

follow() { # KEY NAME
    while [ ! -e "$out/$1/stderr" ] && [ ! -e "$1/end" ]; do doze 0.5; done
    [ -e "$out/$1/stderr" ] || return 0
    exec 4<"$out/$1/stdout" 5<"$out/$1/stderr"
    while :; do
        over=
        [ ! -e "$1/end" ] || over=yes
        pass_on "$2" <&4
        pass_on "$2" <&5
        [ -z "$over" ] || return 0
        doze 0.5
    done
}

copy() {
    trap - TERM
    exec 3<.supervisor/started
    while :; do
        while read -r key name <&3; do
            if [ ! -e "$key/end" ]; then
                follow "$key" "$name" &
            elif [ -s "$out/$key/stdout" ] || [ -s "$out/$key/stderr" ]; then
                follow "$key" "$name"
            fi
        done
        doze 0.5
    done
}

trap lose TERM
while :; do
    case $2 in
        copy) copy & ;;
        *) sleep 2147483647 & ;;
    esac
    wait "$!"
    doze 1
done
