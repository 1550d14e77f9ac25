# Valkey, or Redis where the distribution has no Valkey: what is used of them is the same.
# shellcheck shell=bash disable=SC2034,SC2154 # hack/testbed.d/servers.sh reads them, and has home

valkey_port=${WFE_VALKEY_PORT:-6379}
valkey_url=redis://127.0.0.1:$valkey_port
valkey_signal=TERM

valkey_program() { type -P valkey-server || type -P redis-server; }
valkey_absent() { [ -n "$(valkey_program)" ] || echo 'valkey-server|redis-server'; }
valkey_data() { echo "$home/valkey"; }
valkey_make() { mkdir -p "$1"; }

valkey_command() {
    command=("$(valkey_program)" --bind 127.0.0.1 --port "$2" --dir "$1" --save '' --appendonly yes)
}

valkey_answers() (
    exec 6<>"/dev/tcp/127.0.0.1/$valkey_port" || return
    printf 'INFO server\r\nQUIT\r\n' >&6
    found=''
    while read -r -t 5 line <&6; do
        case $line in
            redis_version:*) found=${found:-Redis ${line#*:}} ;;
            valkey_version:*) found="Valkey ${line#*:}" ;;
        esac
    done
    [ -n "$found" ] && echo "${found%$'\r'}"
)
