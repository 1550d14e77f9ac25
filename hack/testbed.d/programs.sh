# The programs that the test bed needs: Debian's packages, and what is built from Go modules into the cache.
# shellcheck shell=bash disable=SC2154 # home, parts and provider come from hack/testbed

kubernetes=v1.35.4
helm=v3.19.2
kind=v0.31.0
go=1.25

# Program and Debian package.
packages="etcd:etcd-server containerd:containerd runc:runc iptables:iptables conntrack:conntrack ethtool:ethtool
socat:socat buildah:buildah debootstrap:debootstrap busybox:busybox-static openssl:openssl ip:iproute2 flock:util-linux
/usr/lib/cni/bridge:containernetworking-plugins"

absent_packages() {
    local pair
    for pair in $packages; do
        has "${pair%%:*}" || echo "${pair#*:}"
    done
}

has_go() {
    has go || return
    local found
    found=$(go env GOVERSION)
    [ "$(printf '%s\n' "go$go" "$found" | sort -V | head -n 1)" = "go$go" ]
}

# One sentence a line; nothing when the test bed can run here.
missing() {
    [ "$(uname -s)" = Linux ] || echo "it needs Linux"
    has_go || [ -x "$home/bin/kubectl" ] || echo "it needs Go $go or newer"
    if [ "$provider" = kind ]; then
        docker info >/dev/null 2>&1 || echo "it needs a Docker engine that answers"
        return
    fi
    [ "$(id -u)" = 0 ] || echo "it needs root (or Docker: --provider kind)"
    has apt-get || [ -z "$(absent_packages)" ] || echo "it needs apt-get, or these programs: $(absent_packages | xargs)"
}

install_programs() {
    local absent why
    why=$(missing)
    [ -z "$why" ] || die "cannot run here: $why"
    absent=$([ "$provider" = kind ] || absent_packages | xargs)
    if [ -n "$absent" ]; then
        say "installing $absent"
        # shellcheck disable=SC2086 # it is a list
        fetched install with_apt $absent
    fi
    mkdir -p "$home/bin" "$home/programs"
    built kubebox "$kubernetes-$(cat "$parts"/kubebox/* | sha256sum | head -c 8)" "$parts/kubebox/build" OUTPUT "$kubernetes"
    ln -sf "$(program kubebox)" "$home/bin/kubectl"
    built helm "$helm" go_install helm.sh/helm/v3/cmd/helm@$helm OUTPUT
    ln -sf "$(program helm)" "$home/bin/helm"
    [ "$provider" != kind ] || install_kind
}

install_kind() {
    built kind "$kind" go_install sigs.k8s.io/kind@$kind OUTPUT
    ln -sf "$(program kind)" "$home/bin/kind"
}

# with_apt PACKAGE...: of packages joined by |, the first that there is. None may start a service of its own, nor
# make a database cluster.
with_apt() {
    local given chosen=() clusters=/etc/postgresql-common/createcluster.d
    exec 7</etc/apt
    flock 7   # or another would install without the policy that the first has removed
    if ! [ -e /usr/sbin/policy-rc.d ]; then
        trap 'rm -f /usr/sbin/policy-rc.d '$clusters'/wfe-testbed.conf; rmdir '$clusters' 2>/dev/null || true' EXIT
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod +x /usr/sbin/policy-rc.d
        mkdir -p $clusters
        echo 'create_main_cluster = false' >$clusters/wfe-testbed.conf
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq -o Acquire::Retries=3
    for given in "$@"; do
        chosen+=("$(first_available "$given")")
    done
    apt-get install -qq -y --no-install-recommends -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "${chosen[@]}" </dev/null 7>&-
}

first_available() {
    local package
    for package in ${1//|/ }; do
        apt-cache show "$package" >/dev/null 2>&1 && break
    done
    echo "$package"
}

program() { readlink "$home/programs/$1"; }

# built NAME VERSION COMMAND...: run the command with OUTPUT replaced, unless that version is there.
built() {
    local name=$1 version=$2 target=$home/programs/$1-$2 word
    shift 2
    if ! [ -x "$target" ]; then
        has_go || die "building $name needs Go $go or newer"
        local command=() start=$SECONDS
        for word in "$@"; do
            command+=("${word/#OUTPUT/$target.new}")
        done
        say "building $name $version (minutes, the first time)"
        fetched "build-$name" "${command[@]}"
        mv "$target.new" "$target"
        say "built $name in $((SECONDS - start)) s"
    fi
    ln -sfn "$target" "$home/programs/$name"
}

go_install() {   # go_install PACKAGE@VERSION OUTPUT
    local scratch
    scratch=$(mktemp -d)
    # shellcheck disable=SC2064 # it is local, and this runs in a shell of its own
    trap "rm -rf '$scratch'" EXIT
    GOBIN=$scratch CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' "$1"
    mv "$scratch"/* "$2"
}

# fetched NAME COMMAND...: logged, for what is asked of others, which may fail for a moment.
fetched() {
    local pause
    for pause in 5 20; do
        recorded "$@"
        [ "$status" != 0 ] || return 0
        say "failed: ${*:2} ($home/log/$1.log); once more in $pause s"
        sleep "$pause"
    done
    logged "$@"
}

# logged NAME COMMAND...: keep what the command prints, and show its end when it fails.
logged() {
    recorded "$@"
    told "$@"
}

recorded() {   # sets status
    local log=$home/log/$1.log
    shift
    mkdir -p "$home/log"
    # Not as a condition: there every command that fails would be forgiven.
    set +e
    (set -e; "$@") >"$log" 2>&1
    status=$?
    set -e
}

told() {
    [ "$status" != 0 ] || return 0
    say "failed: ${*:2}; $home/log/$1.log ends"
    tail -n 20 "$home/log/$1.log" >&2
    exit 1
}
