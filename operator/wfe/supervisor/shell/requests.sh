# ---- what the engine asks for ----

start() { # KEY INCARNATION TIMEOUT GRACE LIMIT PIPES
    if [ "$2" != "$incarnation" ]; then
        say "refused $1 incarnation"
        return
    fi
    [ -d "$1" ] || mkdir -p "$1"
    if ! { say "$me" >"$1/claim"; } 2>/dev/null; then
        attach "$1"
        return
    fi
    # Said first: a short step may have ended before this goes on.
    say "live $1"
    watch "$1" "$3" "$4" "$5" "$6" &
    clock
    deadline=0
    [ "$3" = 0 ] || deadline=$((now + $3 + slack))
    enlist "$1" "$deadline" "$4" "$5" running own
}

# A key that somebody claimed: it ended, or lives, or nobody can know.
attach() { # KEY
    owner=
    { read -r owner <"$1/claim"; } 2>/dev/null
    if [ ! -e "$1/claim" ]; then
        say "refused $1 storage"
    elif [ -e "$1/end" ]; then
        report "$1"
    elif [ "$owner" = acked ]; then
        say "acked $1"
    elif [ "$owner" = "$me" ]; then
        say "live $1"
    elif ! read_pid "$1"; then
        say "live $1"
        enlist "$1" 0 0 0 running adopted
    elif is_live "$step" "$step_born" || is_live "$watcher" "$watcher_born"; then
        say "live $1"
        enlist "$1" "$deadline" "$grace" "$limit" running adopted
    else
        record "$1" - lost "$started"
    fi
}

# A key never claimed is claimed as cancelled, so that a start that comes late finds it.
cancel() { # KEY GRACE
    [ -d "$1" ] || mkdir -p "$1"
    if { say "$me" >"$1/claim"; } 2>/dev/null; then
        record "$1" - cancelled -
    elif [ -e "$1/end" ]; then
        report "$1"
    elif forestall "$1"; then
        record "$1" - cancelled -
    elif ! read_pid "$1"; then
        clock
        { say "cancelled $((now + $2 + slack))" >"$1/reason"; } 2>/dev/null
        enlist "$1" "$now" "$2" 0 running adopted
    elif is_live "$step" "$step_born" || is_live "$watcher" "$watcher_born"; then
        stop "$1" cancelled "$2"
        enlist "$1" "$((now + $2 + slack))" 0 0 ending adopted
        [ "$2" = 0 ] && signal KILL
    else
        record "$1" - lost "$started"
    fi
    say "killed $1"
}

take() { # SIZE: exactly so many bytes of stdin, and not one that follows
    [ "$1" = 0 ] && return
    if [ -z "${exact:-}" ]; then
        # busybox's head reads ahead.
        exact='dd'
        [ "$(printf 'ab' | { head -c 1 >/dev/null; cat; })" = b ] && exact='head'
    fi
    case $exact in
        head) head -c "$1" ;;
        dd) dd bs="$1" count=1 iflag=fullblock 2>/dev/null ;;
    esac
}

put() { # KEY NAME SIZE: a file of a step that nobody has claimed yet
    [ -d "$1" ] || mkdir -p "$1"
    if [ -e "$1/claim" ]; then take "$3" >/dev/null; else take "$3" >|"$1/$2"; fi
}

text() { # KEY NAME ESCAPED: the same for a short text, without a fork
    [ -d "$1" ] || mkdir -p "$1"
    [ -e "$1/claim" ] || printf '%b' "$3" >|"$1/$2"
}

# What the executor reads as outputs, in hexadecimal: the file WFE_OUTPUT, and the marker lines of stdout.
outputs() { # KEY LIMIT: of each so many bytes
    [ ! -s "$1/output" ] || head -c "$2" "$1/output" | in_hex "$1" file
    [ ! -s "$1/stdout" ] || grep -a '^##wfe\[output ' "$1/stdout" | head -c "$2" | in_hex "$1" markers
    say "outputs $1"
}

in_hex() { # KEY WHAT
    od -An -v -tx1 | {
        line='' count=0
        while read -r bytes; do
            line="$line $bytes" count=$((count + 1))
            [ "$count" -lt 64 ] || { say "bytes $1 $2$line"; line='' count=0; }
        done
        [ -z "$line" ] || say "bytes $1 $2$line"
    }
}

ack() { # KEY: its outcome is saved; what remains is the claim, against a start that comes late
    echo acked >|"$1/claim"
    for file in "$1"/*; do
        [ "$file" = "$1/claim" ] || rm -f "$file"
    done
    say "acked $1"
}

list() {
    for claim in */*/claim; do
        [ ! -e "$claim" ] || attach "${claim%/claim}"
    done
    say listed
}
