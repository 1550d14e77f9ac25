# ---- what the engine asks for ----

start() { # KEY INCARNATION TIMEOUT GRACE LIMIT PIPES NAME
    if [ "$2" != "$incarnation" ]; then
        say "refused $1 incarnation"
        return
    fi
    make_room "$1"
    if [ ! -e "$1/claim" ] && ! has_secrets; then
        say "refused $1 secret"
        return
    fi
    if ! { say "$me" >"$1/claim"; } 2>/dev/null; then
        attach "$1"
        return
    fi
    # Said first: a short step may have ended before this goes on.
    say "live $1"
    watch "$1" "$3" "$4" "$5" "$6" &
    # PID 1 of a container copies what named steps write.
    [ "$7" = - ] || say "$1 $7" >>"$home/started"
    clock
    deadline=0
    [ "$3" = 0 ] || deadline=$((now + $3 + slack))
    enlist "$1" "$deadline" "$4" "$5" running own
}

has_secrets() {
    IFS=$newline
    for line in $mounted; do
        [ -r "$secret_files/${line#* }" ] || { unset IFS; return 1; }
    done
    unset IFS
}

# A claim is empty while its writer has opened it, and for ever once the step is acknowledged, or where the disk was
# full: then nothing is known of the step but that it must not start.
read_claim() { # KEY
    owner=''
    patience=20
    while { read -r owner <"$1/claim"; } 2>/dev/null; [ -z "$owner" ] && [ ! -e "$1/end" ] && [ "$patience" -gt 0 ]; do
        nap 0.05
        patience=$((patience - 1))
    done
}

# A key that somebody claimed: it ended, or lives, or nobody can know.
attach() { # KEY
    if [ ! -e "$1/claim" ]; then
        say "refused $1 storage"
        return
    fi
    read_claim "$1"
    if [ -e "$1/end" ]; then
        report "$1"
    elif [ -z "$owner" ]; then
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
    make_room "$1"
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
    make_room "$1"
    if [ -e "$1/claim" ]; then take "$3" >/dev/null; else take "$3" >|"$out/$1/$2"; fi
}

text() { # KEY NAME ESCAPED: the same for a short text, without a fork
    make_room "$1"
    [ -e "$1/claim" ] || printf '%b' "$3" >|"$out/$1/$2"
}

# What the executor reads as outputs, in hexadecimal: the file WFE_OUTPUT, and the marker lines of stdout.
outputs() { # KEY LIMIT: of each so many bytes
    if [ -e "$out/$1/output" ] && [ ! -f "$out/$1/output" ]; then
        say "refused $1 outputs"
        return
    fi
    [ ! -s "$out/$1/output" ] || head -c "$2" "$out/$1/output" | in_hex "$1" file
    [ ! -s "$out/$1/stdout" ] || grep -a '^##wfe\[output ' "$out/$1/stdout" | head -c "$2" | in_hex "$1" markers
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

ack() { # KEY...: their outcomes are saved; what remains is an empty claim, against a start that comes late
    files=
    for key in "$@"; do
        [ -e "$key/end" ] || continue
        : >|"$key/claim"
        for file in "$out/$key"/* "$key"/*; do
            [ "$file" = "$key/claim" ] || [ "$file" = "$out/$key/claim" ] || files=$files$newline$file
        done
        [ "$out" = . ] || files=$files$newline$out/$key
    done
    IFS=$newline
    # shellcheck disable=SC2086
    [ -z "$files" ] || rm -rf $files
    unset IFS
    for key in "$@"; do say "acked $key"; done
}

# The values of all secrets that are mounted here, so that they can be masked.
values() {
    for file in "${secret_files:-/nowhere}"/*/*; do
        [ ! -f "$file" ] || in_hex "${file#"$secret_files"/}" value <"$file"
    done
    say 'outputs -'
}

list() {
    for claim in */*/claim; do
        [ ! -e "$claim" ] || attach "${claim%/claim}"
    done
    say listed
}
