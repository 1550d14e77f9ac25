# The components of the local cluster: how each is configured and started.
# shellcheck shell=bash disable=SC2034,SC2054,SC2154 # home comes from hack/testbed, and commas belong to the flags

# Everything listens on loopback or on the bridge of the pods, whose address is the node's.
bridge=wfe0
gateway=10.244.0.1
components="etcd kube-apiserver kube-controller-manager kube-scheduler containerd kubelet kube-proxy volumes"

configure() {
    mkdir -p "$home"/cni "$home"/run
    cat >"$home/cni/10-testbed.conflist" <<CONF
{"cniVersion": "0.4.0", "name": "testbed", "plugins": [
  {"type": "bridge", "bridge": "$bridge", "isGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$home/cni/leases",
            "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
CONF
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE runc may not lower a score, and every pod would die with
    # "can't get final child's PID from pipe".
    cat >"$home/containerd.toml" <<CONF
version = 2
root = "$home/containerd/root"
state = "$home/containerd/state"
[grpc]
  address = "$home/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:testbed"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$home/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
CONF
    # Nobody can pull these images again, so none is ever collected. Some machines still have cgroup v1.
    # The lease is short, so that a node that stopped is seen in seconds.
    cat >"$home/kubelet.yaml" <<CONF
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $gateway
failCgroupV1: false
failSwapOn: false
cgroupDriver: cgroupfs
containerRuntimeEndpoint: unix://$home/containerd.sock
podLogsDir: $home/pods
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $home/pki/ca.crt}}
authorization: {mode: Webhook}
clusterDomain: cluster.local
maxPods: 200
serializeImagePulls: false
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 100Mi, nodefs.available: 500Mi, imagefs.available: 500Mi}
evictionPressureTransitionPeriod: 10s
nodeLeaseDurationSeconds: 12
CONF
}

command_of() {
    local pki=$home/pki kubebox=$home/programs/kubebox
    case $1 in
        etcd) command=(etcd --data-dir "$home/etcd" --listen-client-urls http://127.0.0.1:2379
            --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380) ;;
        kube-apiserver) command=("$kubebox" "$1" --etcd-servers=http://127.0.0.1:2379
            --bind-address="$gateway" --advertise-address="$gateway" --secure-port=6443
            --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key"
            --client-ca-file="$pki/ca.crt" --token-auth-file="$pki/tokens.csv" --authorization-mode=Node,RBAC
            --enable-admission-plugins=NodeRestriction --allow-privileged=true --service-cluster-ip-range=10.96.0.0/16
            --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$pki/sa.pub"
            --service-account-signing-key-file="$pki/sa.key" --kubelet-preferred-address-types=InternalIP
            --kubelet-client-certificate="$pki/kubelet-client.crt" --kubelet-client-key="$pki/kubelet-client.key") ;;
        kube-controller-manager) command=("$kubebox" "$1" --kubeconfig="$pki/manager.conf" --bind-address=127.0.0.1
            --leader-elect=false --use-service-account-credentials=true --root-ca-file="$pki/ca.crt"
            --service-account-private-key-file="$pki/sa.key" --allocate-node-cidrs=true --cluster-cidr=10.244.0.0/16
            --node-monitor-grace-period=16s) ;;
        kube-scheduler) command=("$kubebox" "$1" --kubeconfig="$pki/scheduler.conf" --bind-address=127.0.0.1
            --leader-elect=false) ;;
        containerd) command=(containerd --config "$home/containerd.toml") ;;
        kubelet) command=("$kubebox" "$1" --config="$home/kubelet.yaml" --kubeconfig="$pki/kubelet.conf"
            --hostname-override=node1 --node-ip="$gateway" --root-dir="$home/kubelet" --cert-dir="$home/kubelet/pki") ;;
        # Its conntrack settings stay 0: the sysctls behind them may be read-only. Pods reach each other over one
        # bridge, past iptables on some machines: only a masqueraded answer comes back through the service.
        kube-proxy) command=("$kubebox" "$1" --kubeconfig="$pki/proxy.conf" --proxy-mode=iptables
            --hostname-override=node1 --cluster-cidr=10.244.0.0/16 --masquerade-all --iptables-min-sync-period=100ms
            --metrics-bind-address=127.0.0.1:10249 --healthz-bind-address=127.0.0.1:10256
            --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0) ;;
        volumes) command=("$kubebox" "$1" --kubeconfig="$pki/volumes.conf" --root="$home/volumes") ;;
    esac
}
