# ---- the loop ----

stale_if_overtaken() {
    for other in "$home"/epoch.*; do
        if [ "${other##*.}" -gt "$epoch" ] 2>/dev/null; then
            say "stale ${other##*.}"
            exit 3
        fi
    done
}

# Another container, or another boot, under the name of this one: its claims could not be trusted.
check_incarnation() {
    # A pod knows its uid, and its claims outlive its containers.
    if [ -n "${WFE_POD-}" ]; then
        [ "$incarnation" = "$WFE_POD" ] || { say 'refused - incarnation'; exit 4; }
        return
    fi
    look_at 1
    machine=$born
    { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null || boot=-
    { say "$boot $machine" >"$home/incarnation.$incarnation"; } 2>/dev/null && return
    read -r known <"$home/incarnation.$incarnation"
    [ "$known" = "$boot $machine" ] || { say 'refused - incarnation'; exit 4; }
}

# macOS has no `setsid`, but it has perl.
find_programs() {
    _wfe_perl='' _wfe_env=''
    if _wfe_setsid=$(command -v setsid); then
        _wfe_env=$(command -v env) || _wfe_env=''
        "${_wfe_env:-false}" --default-signal=INT true 2>/dev/null || _wfe_env=''
    else
        _wfe_perl=$(command -v perl) || { say 'refused - setsid'; exit 5; }
    fi
}

sweep() {
    for file in "$home"/journal.* "$home"/left.*; do
        [ -e "$file" ] || continue
        owner=${file#"$home"/*.}
        kill -0 "${owner%%.*}" 2>/dev/null || rm -f "$file"
    done
}

obey() { # VERB KEY ...
    case ${1-} in
        ack) shift && ack "$@" && return ;;
    esac
    case ${1-}.$# in
        start.8) start "$2" "$3" "$4" "$5" "$6" "$7" "$8" ;;
        room.2) make_room "$2" ;;
        kill.3) cancel "$2" "$3" ;;
        put.4) put "$2" "$3" "$4" ;;
        ping.2) say "pong $2" ;;
        outputs.3) outputs "$2" "$3" ;;
        values.1) values ;;
        list.1) list ;;
        *) say "refused ${2:--} verb" ;;
    esac
}

serve() { # INCARNATION EPOCH
    incarnation=$1 epoch=$2 guards=0 secrets='' mounted=''
    mkdir -p "$home"
    look_at_self
    me=$pid.$born journal=$home/journal.$$
    find_programs
    check_incarnation
    stale_if_overtaken
    : >|"$home/epoch.$epoch"
    : >|"$journal"
    sweep
    clock
    say "hello 1 $incarnation $epoch $now"
    while IFS= read -r line; do
        stale_if_overtaken
        case $line in
            text\ *)
                line=${line#* } key=${line%% *}
                line=${line#* }
                text "$key" "${line%% *}" "${line#* }"
                ;;
            secret\ *) secrets=$secrets$newline${line#* } ;;
            mounted\ *) mounted=$mounted$newline${line#* } ;;
            *)
                # shellcheck disable=SC2086
                obey $line
                secrets='' mounted=''
                ;;
        esac
    done
}

# The keys of all that wrote something and has not been acknowledged.
written() {
    for file in "$out"/*/*/stdout "$out"/*/*/stderr; do
        key=${file%/*}
        [ ! -s "$file" ] || say "${key#"$out"/}"
    done
}

# On this stream all goes out in the order it was asked for, and nothing else does. A piece ends with a word that its
# reader chose: what `dd` finds may be less than there was a moment ago.
logs() {
    while read -r key stream block count word; do
        if [ "$key" = - ]; then
            written
        elif [ -s "$out/$key/$stream" ]; then
            dd bs=4096 skip="$block" count="$count" <"$out/$key/$stream" 2>/dev/null
        fi
        say "$word"
    done
}

cd "$2" || exit 1
case $1 in
    serve)
        out=${5:-.}
        secret_files=${6-}
        serve "$3" "$4"
        ;;
    logs)
        out=$3
        logs
        ;;
esac
