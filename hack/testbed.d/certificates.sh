# Who is who in the local cluster: an authority, the API server, and a token for each component.
# shellcheck shell=bash disable=SC2154 # home and gateway come from the other parts

make_certificates() (
    umask 077
    mkdir -p "$home/pki"
    cd "$home/pki" || exit
    quietly openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 3650 -subj /CN=testbed-ca
    printf 'subjectAltName=%s' "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,\
IP:127.0.0.1,IP:10.96.0.1,IP:$gateway" >names
    signed apiserver /CN=kube-apiserver -extfile names
    signed kubelet-client /O=system:masters/CN=apiserver-kubelet-client
    quietly openssl genrsa -out sa.key 2048
    quietly openssl rsa -in sa.key -pubout -out sa.pub
    : >tokens.csv
    user admin admin system:masters
    user manager system:kube-controller-manager
    user scheduler system:kube-scheduler
    user proxy system:kube-proxy
    user kubelet system:node:node1 system:nodes
    user volumes volumes system:masters
)

quietly() { "$@" 2>/dev/null; }

signed() {   # signed NAME SUBJECT [OPTIONS...]
    local name=$1 subject=$2
    shift 2
    quietly openssl req -newkey rsa:2048 -nodes -keyout "$name.key" -out "$name.csr" -subj "$subject"
    quietly openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out "$name.crt" "$@"
}

user() {   # user FILE NAME [GROUP]
    local token
    token=$(openssl rand -hex 16)
    echo "$token,$2,$1,\"${3:-}\"" >>tokens.csv
    cat >"$1.conf" <<CONF
apiVersion: v1
kind: Config
clusters: [{name: testbed, cluster: {server: "https://$gateway:6443", certificate-authority: "$home/pki/ca.crt"}}]
users: [{name: $1, user: {token: "$token"}}]
contexts: [{name: testbed, context: {cluster: testbed, user: $1}}]
current-context: testbed
CONF
}
