# ---- a step: how it starts and how it ends ----

# KEY -> step, step_born, watcher, watcher_born, started, deadline, grace, limit; false while it is not (wholly) written.
read_pid() {
    step=- watcher=- started=- dot=
    { read -r step step_born watcher watcher_born started deadline grace limit dot <"$1/pid"; } 2>/dev/null
    [ "${dot:-}" = . ]
}

# Between claim and pid a step is about to start, as long as the supervisor that claimed it is there to do it. One that
# died just then may have left a process that has not come so far: it has until a guard's second look.
is_coming() { # KEY
    owner=
    { read -r owner <"$1/claim"; } 2>/dev/null
    is_live "${owner%%.*}" "${owner#*.}"
}

# Take the place of the step's own process; true if it will never run.
forestall() { # KEY
    { say '- - - - - 0 0 0 .' >"$1/pid"; } 2>/dev/null
}

# A record without its final dot is being written just now, or was torn and will never be whole.
report() { # KEY
    patience=20
    while ! read_end "$1" && [ "$patience" -gt 0 ]; do
        nap 0.05
        patience=$((patience - 1))
    done
    if [ "$dot" != . ]; then
        say "end $1 - lost - - -"
        return
    fi
    wrote=
    [ ! -s "$out/$1/stdout" ] || wrote=o
    [ ! -s "$out/$1/stderr" ] || wrote=${wrote}e
    if [ -d "$out/$1/output" ]; then wrote=${wrote}d; elif [ -s "$out/$1/output" ]; then wrote=${wrote}f; fi
    if [ "$code" = 137 ] && ran_out_of_memory; then wrote=${wrote}m; fi
    say "end $1 $code $why $started $ended ${wrote:--}"
}

# Where the kernel kills a process and not the whole container, only its counters tell.
ran_out_of_memory() {
    [ -n "${WFE_POD-}" ] || return 1
    for file in "${WFE_CGROUP:-/sys/fs/cgroup}/memory.events" "${WFE_CGROUP:-/sys/fs/cgroup}/memory/memory.oom_control"; do
        [ -r "$file" ] || continue
        while read -r what count; do
            [ "$what" != oom_kill ] || [ "$count" = 0 ] || return 0
        done <"$file"
    done
    return 1
}

read_end() { # KEY
    dot=''
    { read -r code why started ended dot <"$1/end"; } 2>/dev/null
    [ "${dot:=-}" = . ]
}

record() { # KEY CODE REASON STARTED
    clock
    { printf '%s %s %s %s .\n' "$2" "$3" "$4" "$now" >"$1/end"; } 2>/dev/null
    report "$1"
}

signal() { # NAME: to the group of the step that read_pid found, or to its leader while it has no group yet
    kill "-$1" "-$step" 2>/dev/null || { is_live "$step" "$step_born" && kill "-$1" "$step" 2>/dev/null; }
}

stop() { # KEY REASON GRACE
    clock
    { printf '%s %s\n' "$2" "$((now + $3 + slack))" >"$1/reason"; } 2>/dev/null
    signal TERM
}

# The leader often dies of SIGTERM while its children still tidy up: they have the rest of the grace.
linger() { # WHEN
    while clock && [ "$now" -lt "$1" ] && group_lives "$step"; do nap 0.05; done
}

finish() { # KEY CODE
    read_pid "$1"
    why='exit'
    if [ -e "$1/reason" ]; then
        read -r why due <"$1/reason"
        [ -n "$due" ] || why='exit' due=0
        linger "$due"
    fi
    # Nothing of a step's group outlives it; who wants a daemon gives it a session of its own.
    [ "$step" = - ] || kill -KILL "-$step" 2>/dev/null
    [ -z "$relays" ] || drain
    record "$1" "$2" "$why" "$started"
    # In a pod this is memory: what the end makes useless takes no more of it.
    [ "$out" = . ] || [ "$dot" != . ] || { : >|"$1/pid"; : >|"$1/claim"; }
}

# The values came over the stream for this start alone, in pieces, and were written nowhere; or they are in files.
export_secrets() {
    IFS=$newline
    for line in $secrets; do
        # shellcheck disable=SC2034  # used by eval
        piece=$(printf '%b.' "${line#* }")
        eval "export ${line%% *}=\"\${${line%% *}-}\"\${piece%.}"
    done
    for line in $mounted; do
        # shellcheck disable=SC2034
        piece=$(cat "$secret_files/${line#* }" && echo .)
        eval "export ${line%% *}=\${piece%.}"
    done
    unset IFS
}

become() { # KEY TIMEOUT GRACE LIMIT
    look_at_self
    clock
    deadline=0
    [ "$2" = 0 ] || deadline=$((now + $2 + slack))
    { say "$pid $born $watcher $watcher_born $now $deadline $3 $4 ." >"$1/pid"; } 2>/dev/null || exit 125
    export_secrets
    unset WFE_POD
    # shellcheck disable=SC1090  # sets the directory, the environment and the arguments
    . "$out/$1/launch"
    if [ -n "$_wfe_perl" ]; then
        # shellcheck disable=SC2016  # perl's variables
        exec "$_wfe_perl" -e '@SIG{"INT", "QUIT"} = ("DEFAULT") x 2; use POSIX; POSIX::setsid(); exec { $ARGV[0] } @ARGV;
            print STDERR "$ARGV[0]: $!\n"; exit 127' -- "$@"
    fi
    # A shell starts what runs behind it with SIGINT ignored, and only a program can undo that.
    if [ -n "$_wfe_env" ]; then
        exec "$_wfe_env" --default-signal=INT --default-signal=QUIT "$_wfe_setsid" "$@"
    fi
    exec "$_wfe_setsid" "$@"
}

# A step that opens /dev/stderr anew would empty a file behind it, but not a pipe. Such a step gets pipes, at the price
# of a few processes.
become_behind_pipes() { # KEY TIMEOUT GRACE LIMIT
    mkfifo "$out/$1/.stdout" "$out/$1/.stderr"
    cat <"$out/$1/.stdout" >>"$out/$1/stdout" &
    relays=$!
    cat <"$out/$1/.stderr" >>"$out/$1/stderr" &
    relays="$relays $!"
    (become "$@") </dev/null >"$out/$1/.stdout" 2>"$out/$1/.stderr"
}

# The pipes are empty when their readers have gone; a daemon of the step may keep them open for ever.
drain() {
    tries=0
    for relay in $relays; do
        while [ "$tries" -lt 100 ] && is_live "$relay" -; do
            nap 0.01
            tries=$((tries + 1))
        done
    done
}

watch() { # KEY TIMEOUT GRACE LIMIT PIPES
    look_at_self
    watcher=$pid watcher_born=$born relays=''
    if [ "$5" = 1 ]; then
        become_behind_pipes "$@"
    else
        (become "$@") </dev/null >>"$out/$1/stdout" 2>>"$out/$1/stderr"
    fi
    finish "$1" "$?"
}
