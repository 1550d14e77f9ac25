# The local provider: one node on this machine, its control plane beside it.
# shellcheck shell=bash disable=SC2154 # home, parts, kubernetes come from the other parts
for part in certificates components; do
    # shellcheck source=/dev/null
    . "$parts/$part.sh"
done

state="images/local/loaded pki etcd containerd containerd.sock containerd.sock.ttrpc containerd.toml kubelet kubelet.yaml cni run volumes pods"
control_plane="etcd kube-apiserver kube-controller-manager kube-scheduler volumes"

kubeconfig() { echo "$home/pki/admin.conf"; }
proxyless() { echo "$gateway,10.96.0.0/16"; }
# What does not answer soon is asked again.
kubectl() { KUBECONFIG=$home/pki/admin.conf "$home/bin/kubectl" --request-timeout=10s "$@"; }
ctr() { command ctr --address "$home/containerd.sock" --namespace k8s.io "$@"; }
import() { ctr images import "$1" >/dev/null || die "containerd refuses $1"; }

is_up() {
    local name
    for name in $components; do
        alive "$name" || return
    done
    kubectl get --raw /readyz >/dev/null 2>&1 && is_ready
}

is_ready() {
    [ "$(kubectl get node node1 -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null)" = True ]
}

# For seconds the node is called ready by what an earlier kubelet has said.
is_back() { listens 10248 && is_ready; }

up() {
    install_programs
    build_images
    if is_up; then
        load_images
        say "the cluster is up already"
    else
        [ ! -e "$home/run" ] || { say "what is left of a cluster goes first"; down; }
        check_ports
        trap 'failed_up' EXIT
        trap 'exit 1' HUP INT TERM
        bring_up
        trap - EXIT HUP INT TERM
        say "the cluster is up, $kubernetes, after $SECONDS s in all"
    fi
    # shellcheck disable=SC2016 # it is to be typed
    say 'now type: eval "$(hack/testbed env)"'
}

failed_up() {
    say "the cluster did not come up; taking down what there is of it (its logs stay in $home/log)"
    trap - EXIT
    down
    exit 1
}

check_ports() {
    local port
    for port in 2379 2380 6443 10248 10249 10256 10257 10259; do
        ! listens "$port" || die "somebody listens on port $port of this machine"
    done
}

bring_up() {
    local name
    rm -rf "$home/log"
    mkdir -p "$home"/{log,run,kubelet,volumes,pods}
    make_certificates
    configure
    make_network
    say "starting the control plane"
    start etcd
    start containerd
    # It listens long before it answers, and the API server does not wait for it forever.
    await etcd etcd_is_well
    start kube-apiserver
    await containerd ctr version
    load_images
    await kube-apiserver kubectl get --raw /readyz
    for name in kube-controller-manager kube-scheduler volumes; do
        start "$name"
    done
    say "starting the node"
    start kubelet
    start kube-proxy
    kubectl apply -f - >/dev/null <<CONF
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: standard, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: testbed/volumes
CONF
    await kubelet is_ready
    await kube-controller-manager kubectl get serviceaccount default
    await kube-proxy services_answer
    for name in $components; do
        alive "$name" || failed_component "$name" "$name has ended"
    done
}

etcd_is_well() (
    exec 6<>/dev/tcp/127.0.0.1/2379 || return
    printf 'GET /health HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&6
    timeout 10 cat <&6 | grep -q '"health" *: *"true"'
)

services_answer() { kubectl --server https://10.96.0.1 get --raw /readyz; }

# The bridge is there before the first pod: its address is the node's. Pods reach each other, services and this
# machine, and nothing else.
make_network() {
    cat /proc/sys/net/ipv4/ip_forward >"$home/run/ip_forward"
    echo 1 >/proc/sys/net/ipv4/ip_forward
    ip link add "$bridge" type bridge
    ip address add "$gateway/24" dev "$bridge"
    ip link set "$bridge" up
    iptables -I FORWARD 1 -i "$bridge" ! -o "$bridge" -m comment --comment wfe-testbed -j REJECT
}

down() {
    local name
    # Control groups and rules have no mark of whose they are: without a cluster of ours they are another's.
    [ -e "$home/run" ] || { say "there is no cluster"; return; }
    for name in kube-proxy kubelet $control_plane; do
        end "$name"
    done
    kill_containers
    end containerd
    end_shims
    remove_mounts
    remove_cgroups
    remove_network
    remove_traces
    for name in $state; do
        rm -rf "${home:?}/$name"
    done
    say "the cluster is down"
}

purge() {
    rm -rf "${home:?}"
    say "removed $home"
}

# Whatever runs in a pod is in one of these control groups, and only that.
pod_cgroups() { find /sys/fs/cgroup -depth -type d -path '*/kubepods*' 2>/dev/null; }

kill_containers() {
    local task deadline=$((SECONDS + 15))
    while pod_processes | grep -q . && [ $SECONDS -lt $deadline ]; do
        pod_processes | xargs -r kill -KILL 2>/dev/null || true
        sleep 0.1
    done
    alive containerd || return 0
    for task in $(ctr tasks ls -q 2>/dev/null); do
        ctr tasks rm --force "$task" >/dev/null 2>&1 || true
    done
}

pod_processes() {
    local group
    for group in $(pod_cgroups); do
        cat "$group/cgroup.procs" 2>/dev/null
    done | sort -u
}

end_shims() {
    local process
    for process in /proc/[0-9]*; do
        if tr '\0' ' ' 2>/dev/null <"$process/cmdline" | grep -q "containerd-shim.* $home/containerd.sock "; then
            kill -KILL "${process#/proc/}" 2>/dev/null || true
        fi
    done
}

remove_mounts() {
    cut -d ' ' -f 5 /proc/self/mountinfo | grep "^$home/" | sort -r | while read -r mount; do
        umount --lazy "$mount" 2>/dev/null || true
    done
}

remove_cgroups() {
    pod_cgroups | while read -r group; do
        rmdir "$group" 2>/dev/null || true
    done
}

remove_network() {
    local tables
    ip link delete "$bridge" 2>/dev/null || true
    for tables in iptables ip6tables; do
        "$tables-save" 2>/dev/null | grep -qE 'KUBE-|wfe-testbed' || continue
        "$tables-save" | grep -vE 'KUBE-|wfe-testbed' | "$tables-restore"
    done
    [ ! -s "$home/run/ip_forward" ] || cat "$home/run/ip_forward" >/proc/sys/net/ipv4/ip_forward
}

# What kubelet, containerd and network plugins leave where they cannot be told otherwise.
remove_traces() {
    find /var/log/containers -xtype l -lname "$home/*" -delete 2>/dev/null || true
    grep -ls "$home/" /var/lib/cni/results/* 2>/dev/null | xargs -r rm -f
    rm -f /var/lib/kubelet/device-plugins/kubelet.sock
    rmdir -p /var/lib/cni/results /run/containerd/runc/k8s.io /run/containerd/s /var/log/containers \
        /var/lib/kubelet/device-plugins 2>/dev/null || true
}

node() {
    is_up || [ "$1" = start ] || die "the cluster is not up"
    case $1 in
        stop) end kubelet; say "the kubelet has ended; its containers live on" ;;
        crash) end kubelet; kill_containers; say "the kubelet and all containers are dead" ;;
        start) alive kubelet || start kubelet; await kubelet is_back; say "the node is ready" ;;
        *) usage ;;
    esac
}

status() {
    local name state
    for name in $components; do
        state="not running"
        ! alive "$name" || state="process $(pid_of "$name"), $(awk '/^VmRSS/ {print int($2 / 1024)}' "/proc/$(pid_of "$name")/status") MiB"
        printf '%-24s %s\n' "$name" "$state"
    done
    alive kube-apiserver || { echo "the cluster is down"; return 3; }
    echo
    kubectl get node -o wide
    echo
    ctr images ls | awk '$1 ~ /^localhost/ {print $1, $4, $5}' | column -t
    is_up || { echo "the cluster is not well"; return 3; }
}
