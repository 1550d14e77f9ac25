# ---- the guard ----

# The journal is how a guard learns of steps: this loop appends, the guard reads on. A guard that leaves says so first
# and looks once more; the loop appends first and looks for that word then; so no line is left to nobody.
enlist() { # KEY DEADLINE GRACE LIMIT PHASE WHOSE
    say "$*" >>"$journal"
    if [ "$guards" = 0 ] || [ -e "$home/left.$$.$guards" ]; then
        guards=$((guards + 1))
        guard "$guards" &
    fi
}

guard() { # NUMBER
    trap '' PIPE
    exec 3<"$journal" </dev/null
    watched=
    while :; do
        keep_watch
        : >|"$home/left.$$.$1"
        IFS= read -r line <&3 || return
        watched=$line
    done
}

keep_watch() {
    idle=0 turn=0
    while [ "$idle" -lt 8 ]; do
        while IFS= read -r line <&3; do watched=$watched$newline$line; done
        turn=$((turn + 1)) kept=''
        IFS=$newline
        for line in $watched; do
            IFS=' '
            # shellcheck disable=SC2086
            examine $line
        done
        unset IFS
        watched=$kept
        [ $((turn % 4)) != 0 ] || measure
        if [ -n "$watched" ]; then idle=0; else idle=$((idle + 1)); fi
        nap 0.25
    done
}

keep() { kept=$kept$newline$*; }

examine() { # KEY DEADLINE GRACE LIMIT PHASE WHOSE
    clock
    if [ -e "$1/end" ]; then
        [ "$6" = own ] || report "$1"
    elif [ ! -s "$1/claim" ]; then
        : acknowledged since
    elif ! read_pid "$1"; then
        await_birth "$@"
    elif ! is_live "$step" "$step_born" && ! is_live "$watcher" "$watcher_born"; then
        record "$1" - lost "$started"
    elif [ "$2" = 0 ] || [ "$now" -lt "$2" ]; then
        keep "$@"
    elif [ "$5" != ending ]; then
        stop "$1" timeout "$3"
        keep "$1" "$((now + $3 + slack))" "$3" "$4" ending "$6"
    else
        signal KILL
        keep "$1" 0 0 "$4" ending "$6"
    fi
}

await_birth() { # KEY DEADLINE GRACE LIMIT PHASE WHOSE
    if is_coming "$1"; then
        keep "$@"
    elif [ "$5" != unborn ]; then
        keep "$1" "$2" "$3" "$4" unborn "$6"
    elif forestall "$1"; then
        record "$1" - lost -
    else
        keep "$1" "$2" "$3" "$4" running "$6"
    fi
}

# One `ls` tells the sizes of all streams; a step that wrote more than its limit is ended.
measure() {
    files=
    IFS=$newline
    for line in $watched; do
        key=${line%% *}
        files="$files$newline$out/$key/stdout$newline$out/$key/stderr"
    done
    [ -n "$files" ] || { unset IFS; return; }
    # shellcheck disable=SC2086
    sizes=$(ls -lnL $files 2>/dev/null)
    for line in $sizes; do
        IFS=' '
        # shellcheck disable=SC2086
        set -- $line
        size=${5:-0}
        while [ $# -gt 1 ]; do shift; done
        file=${1#"$out/"}
        outgrown "${file%/*}" "$size"
    done
    unset IFS
}

outgrown() { # KEY SIZE
    read_pid "$1" && [ "$limit" != 0 ] && [ "$2" -gt "$limit" ] && [ ! -e "$1/reason" ] || return 0
    stop "$1" loglimit "$grace"
    enlist_here "$1" "$((now + grace + slack))"
}

enlist_here() { watched="$watched$newline$1 $2 0 0 ending own"; }
