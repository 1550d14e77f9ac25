# PostgreSQL: its durability is what a release promises, so fsync and synchronous commits are on.
# shellcheck shell=bash disable=SC2034,SC2154 # hack/testbed.d/servers.sh reads them, and has home

postgres_port=${WFE_POSTGRES_PORT:-5433}
postgres_url=postgres://wfe:wfe@127.0.0.1:$postgres_port/wfe
postgres_signal=QUIT   # it ends its children and frees its memory, and asks no client

postgres_programs() {
    local found
    found=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
    [ -n "$found" ] || found=$(type -P initdb) || return 1
    dirname "$(realpath "$found")"
}

postgres_absent() { [ -n "$(postgres_programs)" ] || echo 'postgresql-17|postgresql'; }

# It refuses to run as root; the cache of root is out of anybody else's reach.
postgres_data() {
    if [ "$(id -u)" = 0 ]; then
        echo "/var/cache/wfe-testbed-postgres-$postgres_port"
    else
        echo "$home/postgres"
    fi
}

as_nobody() {
    unprivileged=()
    [ "$(id -u)" != 0 ] || unprivileged=(setpriv --reuid=nobody "--regid=$(id -g nobody)" --clear-groups)
}

postgres_make() {
    local data=$1 programs unprivileged
    [ -s "$data/whole" ] && return
    programs=$(postgres_programs)
    as_nobody
    rm -rf "$data"
    mkdir -p "$data"
    chmod 700 "$data"
    [ "$(id -u)" != 0 ] || chown nobody "$data"
    cd /
    # Until it is whole it is worth nothing; the server itself syncs.
    "${unprivileged[@]}" "$programs/initdb" -D "$data" -U wfe -A trust -E UTF8 --locale=C.UTF-8 --no-sync
    echo 'host all all 127.0.0.1/32 scram-sha-256' >"$data/pg_hba.conf"
    "${unprivileged[@]}" "$programs/postgres" --single -D "$data" postgres <<<"ALTER ROLE wfe PASSWORD 'wfe'"
    "${unprivileged[@]}" "$programs/postgres" --single -D "$data" postgres <<<"CREATE DATABASE wfe"
    echo yes >"$data/whole"
}

postgres_command() {
    local unprivileged
    as_nobody
    command=("${unprivileged[@]}" "$(postgres_programs)/postgres" -D "$1" -p "$2" -c listen_addresses=127.0.0.1
        -c unix_socket_directories= -c fsync=on -c synchronous_commit=on -c max_connections=200)
}

postgres_answers() {
    local psql
    psql=$(type -P psql) || psql=$(postgres_programs)/psql
    if ! [ -x "$psql" ]; then
        listens "$postgres_port" && echo "PostgreSQL (as is: there is no psql to try its password)"
        return
    fi
    PGPASSWORD=wfe PGCONNECT_TIMEOUT=5 "$psql" -X -w -h 127.0.0.1 -p "$postgres_port" -U wfe -d wfe -tA \
        -c "SELECT 'PostgreSQL ' || current_setting('server_version')"
}
