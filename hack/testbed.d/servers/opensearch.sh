# OpenSearch: one node of the Maven modules, without plugins, and so without users.
# shellcheck shell=bash disable=SC2034,SC2154 # hack/testbed.d/servers.sh reads them, and has home and parts

opensearch_port=${WFE_OPENSEARCH_PORT:-9200}
opensearch_url=http://127.0.0.1:$opensearch_port
opensearch_signal=TERM
opensearch_modules=$parts/servers/opensearch.xml

# What Maven fetched is kept by what was asked for.
opensearch_library() { echo "$home/opensearch-$(sha256sum "$opensearch_modules" | head -c 8)"; }

opensearch_absent() {
    has java || echo default-jre-headless
    [ -d "$(opensearch_library)" ] || has mvn || echo maven
}

opensearch_data() { echo "$home/opensearch"; }

opensearch_fetch() {
    local target
    target=$(opensearch_library)
    [ -d "$target" ] && return
    say "fetching OpenSearch, 53 MB"
    rm -rf "$home"/opensearch-*
    fetched fetch-opensearch mvn -q -B -f "$opensearch_modules" dependency:copy-dependencies -DoutputDirectory="$target.new"
    mv "$target.new" "$target"
}

# Another node on this machine is none of this cluster; a disk nearly full is no reason to refuse writes.
opensearch_make() {
    mkdir -p "$1/node_1/config"
    cat >"$1/node_1/config/opensearch.yml" <<CONF
network.host: 127.0.0.1
transport.port: 0
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
CONF
}

opensearch_command() {
    [ "$2" -le 9299 ] || die "OpenSearch's runner takes no port beyond 9299, and so not $2"
    command=(java -Xms512m -Xmx512m -cp "$(opensearch_library)/*" org.codelibs.opensearch.runner.OpenSearchRunner
        -basePath "$1" -numOfNode 1 -baseHttpPort $(($2 - 1)) -clusterName "wfe-$2")
}

opensearch_answers() (
    get() {
        exec 6<>"/dev/tcp/127.0.0.1/$opensearch_port" || return
        printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$1" >&6
        timeout 10 cat <&6
    }
    get '/_cluster/health' | grep -qE '"status":"(green|yellow)"' || return
    get / | sed -n 's/.*"number" *: *"\(.*\)".*/OpenSearch \1/p' | grep .
)
