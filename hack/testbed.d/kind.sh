# The kind provider: the cluster is a container of a Docker engine.
# shellcheck shell=bash disable=SC2154 # home, parts and project come from hack/testbed

cluster=wfe-testbed
node=$cluster-control-plane

kubeconfig() { echo "$home/kind.conf"; }
proxyless() { echo 127.0.0.1; }
kubectl() { KUBECONFIG=$home/kind.conf "$home/bin/kubectl" "$@"; }
kind() { "$home/bin/kind" "$@"; }
import() { kind load image-archive --name "$cluster" "$1"; }

is_up() { [ -s "$home/kind.conf" ] && kubectl get --raw /readyz >/dev/null 2>&1; }

up() {
    install_programs
    build_images
    if is_up; then
        say "the cluster is up already"
    else
        trap 'down' EXIT
        trap 'exit 1' HUP INT TERM
        kind create cluster --config "$parts/kind.yaml" --kubeconfig "$home/kind.conf"
        kubectl wait --for=condition=Ready "node/$node" --timeout=180s
        trap - EXIT HUP INT TERM
    fi
    load_images
    # shellcheck disable=SC2016 # it is to be typed
    say 'now type: eval "$(hack/testbed env --provider kind)"'
}

down() {
    [ ! -x "$home/bin/kind" ] || kind delete cluster --name "$cluster" --kubeconfig "$home/kind.conf"
    rm -rf "$archives/loaded" "$home/kind.conf"
    say "the cluster is down"
}

purge() {
    rm -rf "${home:?}"
    say "removed $home (images of the Docker engine stay)"
}

status() {
    is_up || { echo "the cluster is down"; return 3; }
    kubectl get node -o wide
    docker exec "$node" crictl images
}

node() {
    case $1 in
        stop) docker exec "$node" systemctl stop kubelet; say "the kubelet has ended; its containers live on" ;;
        crash)
            docker exec "$node" systemctl kill --signal KILL kubelet
            docker exec "$node" systemctl stop kubelet
            docker exec "$node" sh -c 'crictl ps -q | xargs -r crictl stop --timeout 0' >/dev/null
            say "the kubelet and all containers are dead" ;;
        start)
            docker exec "$node" systemctl start kubelet
            kubectl wait --for=condition=Ready "node/$node" --timeout=120s >/dev/null
            say "the node is ready" ;;
        *) usage ;;
    esac
}

# Docker builds the images, on a public one instead of debootstrap's.
build_image() { docker build "$@"; }
archived() { docker save --output "$2" "$1"; }
debian() {
    echo 'FROM docker.io/library/python:3.12-slim' >Dockerfile
    made debian .
}
