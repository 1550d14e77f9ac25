# Brings servers and the cluster up for tests, by Docker Compose or the test bed, and takes down what it brought up.
# What that is stands in `build`, since who takes it down is another process. REQUIRED=true makes nothing optional.
# shellcheck shell=bash

skip() {   # skip WHAT WHY
    echo "left out: the tests that need $1: $2"
    echo "##wfe[output $1_started=false]"
    echo "##wfe[output skipped_because=$2]"
}

start_servers() {
    local why server
    mkdir -p build
    : > build/servers.mine
    if docker info > /dev/null 2>&1; then
        [ -n "$(docker compose ps --quiet 2> /dev/null)" ] || echo compose > build/servers.mine
        docker compose up --detach --wait
    else
        why=$(hack/testbed servers missing)
        if [ -n "$why" ] && [ "${REQUIRED:-}" != true ]; then
            skip servers "$why"
            return
        fi
        for server in postgres valkey opensearch; do
            hack/testbed servers status "$server" > /dev/null 2>&1 || echo "$server" >> build/servers.mine
        done
        hack/testbed servers up
    fi
    echo "##wfe[output servers_started=true]"
}

stop_servers() {
    local server
    [ -e build/servers.mine ] || return 0
    while read -r server; do
        case $server in
            compose) docker compose down --volumes ;;
            *) hack/testbed servers down "$server" ;;
        esac
    done < build/servers.mine
    rm build/servers.mine
}

start_cluster() {
    local why
    mkdir -p build
    rm -f build/cluster.mine
    why=$(hack/testbed missing)
    if [ -n "$why" ] && [ "${REQUIRED:-}" != true ]; then
        skip cluster "$why"
        return
    fi
    hack/testbed status > /dev/null 2>&1 || touch build/cluster.mine
    hack/testbed up
    echo "##wfe[output cluster_started=true]"
}

stop_cluster() {
    [ -e build/cluster.mine ] || return 0
    hack/testbed down
    rm build/cluster.mine
}
