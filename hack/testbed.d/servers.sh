# Servers on loopback for tests: PostgreSQL, Valkey and OpenSearch, with the ports, user, password and database of
# docker-compose.yml. Where somebody else's answer already, those are used.
#
# servers/NAME.sh says of each: its port, url and signal; absent (packages to install), data (where), make and command
# (DIRECTORY PORT), answers (print its version, or fail).
# shellcheck shell=bash disable=SC2034,SC2154,SC2086 # names made of parts; home and parts come from hack/testbed; lists

all_servers="postgres valkey opensearch"

servers() {
    local verb=${1:-} name
    [ $# -gt 0 ] || usage
    shift
    # Logs, process numbers and lock are beside those of the cluster.
    home=$home/servers
    for name in $all_servers; do
        # shellcheck source=/dev/null
        . "$parts/servers/$name.sh"
    done
    if [ "$verb" = own ]; then
        own_server "$@"
        return
    fi
    [ $# -gt 0 ] || set -- $all_servers
    for name in "$@"; do
        is_server "$name"
    done
    case $verb in
        up) exclusive; servers_up "$@" ;;
        down) exclusive; servers_down "$@" ;;
        status) servers_status "$@" ;;
        env) servers_environment "$@" ;;
        programs) exclusive; install_servers "$@" ;;
        missing) servers_missing "$@" ;;
        *) usage ;;
    esac
}

is_server() {
    case " $all_servers " in
        *" $1 "*) ;;
        *) die "there is no server $1; there are $all_servers" ;;
    esac
}

of() { local name=${1}_$2; echo "${!name}"; }
answers() { "$1_answers" 2>/dev/null; }
command_of() { "$1_command" "$("$1_data")" "$(of "$1" port)"; }

servers_environment() {
    local name
    for name in "$@"; do
        echo "export WFE_TEST_$(tr '[:lower:]' '[:upper:]' <<<"$name")=$(of "$name" url)"
    done
}

# One sentence; nothing when they can run here, or do.
servers_missing() {
    local name silent='' absent=''
    for name in "$@"; do
        listens "$(of "$name" port)" || { silent+=" $name"; absent+=" $("$name"_absent | xargs)"; }
    done
    if [ -n "$silent" ] && [ "$(uname -s)" != Linux ]; then
        echo "they need Linux, or Docker (docker compose up -d --wait):$silent"
    elif [ -n "${absent// /}" ] && ! { [ "$(id -u)" = 0 ] && has apt-get; }; then
        echo "without root and apt-get they need these packages, or Docker (docker compose up -d --wait):$absent"
    fi
}

servers_up() {
    local name version mine='' why
    why=$(servers_missing "$@")
    [ -z "$why" ] || die "$why"
    mkdir -p "$home/run" "$home/log"
    for name in "$@"; do
        version=$(answers "$name") || { mine+=" $name"; continue; }
        say "$version answers on port $(of "$name" port)$(alive "$name" || echo ", and is not of this test bed")"
    done
    if [ -n "$mine" ]; then
        install_servers $mine
        trap 'failed_servers $mine' EXIT
        trap 'exit 1' HUP INT TERM
        start_servers $mine
        trap - EXIT HUP INT TERM
    fi
    # shellcheck disable=SC2016 # it is to be typed
    say 'now type: eval "$(hack/testbed servers env)"'
}

install_servers() {
    local name absent=''
    mkdir -p "$home/log"
    for name in "$@"; do
        absent+=" $("$name"_absent | xargs)"
    done
    if [ -n "${absent// /}" ]; then
        say "installing$absent"
        fetched install with_apt $absent
    fi
    case " $* " in *" opensearch "*) opensearch_fetch ;; esac
}

start_servers() {
    local name start=$SECONDS
    for name in "$@"; do
        # What does not answer is of no use, and nobody has its data.
        remove_server "$name"
        ! listens "$(of "$name" port)" ||
            die "somebody listens on port $(of "$name" port), and does not answer as $(of "$name" url) would"
        logged "make-$name" "$name"_make "$("$name"_data)"
        : >"$home/log/$name.log"
        start "$name"
    done
    for name in "$@"; do
        await "$name" answers "$name"
        say "$(answers "$name") answers on port $(of "$name" port) after $((SECONDS - start)) s"
    done
}

failed_servers() {
    local name
    trap - EXIT
    say "taking down what was started (logs stay in $home/log)"
    for name in $mine; do
        remove_server "$name"
    done
    exit 1
}

servers_down() {
    local name
    for name in "$@"; do
        if [ -e "$home/run/$name.pid" ]; then
            remove_server "$name"
            say "$name is down"
        elif listens "$(of "$name" port)"; then
            say "what listens on port $(of "$name" port) is not of this test bed, and stays"
        fi
    done
}

remove_server() {
    local deadline=$((SECONDS + 5))
    if alive "$1"; then
        kill "-$(of "$1" signal)" "$(pid_of "$1")" 2>/dev/null || true
        kill -CONT "$(pid_of "$1")" 2>/dev/null || true   # it may have been paused
        while alive "$1" && [ $SECONDS -lt $deadline ]; do
            sleep 0.05
        done
    fi
    end "$1"
    rm -rf "$("$1"_data)"
}

servers_status() {
    local name version whose status=0
    for name in "$@"; do
        whose="not of this test bed"
        ! alive "$name" || whose="process $(pid_of "$name"), $(awk '/^VmRSS/ {print int($2 / 1024)}' "/proc/$(pid_of "$name")/status") MiB"
        version=$(answers "$name") || { version="does not answer"; status=3; alive "$name" || whose="not running"; }
        printf '%-12s %-24s port %s, %s\n' "$name" "$version" "$(of "$name" port)" "$whose"
    done
    return $status
}

# own_server NAME DIRECTORY: make its data there, unless it is; print its URL and the command, a word a line. Tests
# start such servers, and end them in many ways.
own_server() {
    local command=() absent
    [ $# = 2 ] || usage
    is_server "$1"
    absent=$("$1"_absent | xargs)
    [ -z "$absent" ] || die "there is no $1 (Debian's $absent); hack/testbed servers programs $1 installs it"
    "$1_make" "$2" >&2
    "$1_command" "$2" "$(of "$1" port)"
    printf '%s\n' "$(of "$1" url)" "${command[@]}"
}
