# The processes that the test bed starts: each is known by its number and its birth.
# shellcheck shell=bash disable=SC2154 # home comes from hack/testbed, command_of from those who have processes

start() {
    local command=()
    command_of "$1"
    # Memory is plenty and processors are few: Go tidies up less often than it would, which is a quarter of what a write
    # costs the API server.
    GOGC=400 only_standard setsid "${command[@]}" >>"$home/log/$1.log" 2>&1 </dev/null &
    echo "$! $(born $!)" >"$home/run/$1.pid"
    disown   # bash would tell of its end
}

# Become the command with nothing open but the standard streams: who holds a lock here would hold it for good.
only_standard() {
    local number
    for number in /proc/"$BASHPID"/fd/*; do
        number=${number##*/}
        [ "$number" -le 2 ] || eval "exec $number>&-"
    done
    exec "$@"
}

pid_of() { cut -d ' ' -f 1 "$home/run/$1.pid" 2>/dev/null; }

# born PID: when it was started, in ticks since the machine was (proc(5)); nothing once it has ended.
born() { sed -n 's/.*) //; /^[^ZX]/p' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# Its number may be another's by now, but nobody else was born then.
alive() {
    local pid birth
    read -r pid birth 2>/dev/null <"$home/run/$1.pid" && [ -n "$birth" ] && [ "$(born "$pid")" = "$birth" ]
}

# await NAME COMMAND...: until the command succeeds, while that component lives. A cold disk takes minutes.
await() {
    local name=$1 deadline=$((SECONDS + 300))
    shift
    until "$@" >/dev/null 2>&1; do
        alive "$name" || failed_component "$name" "$name has ended"
        [ $SECONDS -lt $deadline ] || failed_component "$name" "$name is not ready after 5 minutes"
        sleep 0.2
    done
}

failed_component() {
    say "$2; $home/log/$1.log ends"
    tail -n 20 "$home/log/$1.log" >&2
    exit 1
}

# At once: nothing that it would still do on its way out outlives the cluster.
end() {
    while alive "$1"; do
        kill -KILL "$(pid_of "$1")" 2>/dev/null || true
        sleep 0.1
    done
    rm -f "$home/run/$1.pid"
}

listens() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
