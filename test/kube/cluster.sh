#!/bin/bash
# A real Kubernetes control plane for tests: etcd, kube-apiserver and
# kube-controller-manager on free loopback ports, all state in one directory.
#
#   cluster.sh up DIR                      start (what already runs is left alone), then print as `env`
#   cluster.sh down DIR                    stop what `up` started; logs stay in DIR/log
#   cluster.sh env DIR                     print the variables of README.md as shell exports
#   cluster.sh kubeconfig DIR NS SA FILE   write a kubeconfig with a token of ServiceAccount NS/SA
#
# There is no node: Pods are records, nothing runs them. Any number of clusters
# may run at once, each in its own directory.
set -Eeuo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
PORT_FIRST=20000 # below the kernel's ephemeral ports, so that no client socket takes one in between
PORT_COUNT=10000
CONTROLLERS=serviceaccount-controller,serviceaccount-token-controller,root-ca-certificate-publisher-controller
CONTROLLERS=$CONTROLLERS,namespace-controller,garbage-collector-controller,pod-garbage-collector-controller
CONTROLLERS=$CONTROLLERS,clusterrole-aggregation-controller

usage() {
    sed -n '4,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

[ $# -ge 2 ] || usage
verb=$1
dir=$(realpath -m "$2")
pki=$dir/pki log=$dir/log pid=$dir/pid

# Identifies a process for its whole life: a reused pid has another start time.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

alive() { # component
    local p t
    [ -s "$pid/$1" ] && read -r p t <"$pid/$1" || return 1
    [ "$(start_time "$p")" = "$t" ] && ! grep -q '^State:.Z' "/proc/$p/status" 2>/dev/null
}

start() { # component command…
    local name=$1 p
    shift
    alive "$name" && return
    setsid "$@" >>"$log/$name.log" 2>&1 </dev/null &
    p=$!
    echo "$p $(start_time $p)" >"$pid/$name"
}

stop() { # component
    local p
    if alive "$1"; then
        read -r p _ <"$pid/$1"
        kill -TERM "$p"
        for _ in $(seq 100); do
            alive "$1" || break
            sleep 0.1
        done
        ! alive "$1" || kill -KILL "$p"
    fi
    rm -f "$pid/$1"
}

wait_for() { # component seconds what command…
    local name=$1 seconds=$2 what=$3
    shift 3
    for _ in $(seq $((seconds * 10))); do
        "$@" >/dev/null 2>&1 && return
        alive "$name" || break
        sleep 0.1
    done
    echo "test/kube: $what is not there after ${seconds}s or $name ended; last lines of $log/$name.log:" >&2
    tail -n 15 "$log/$name.log" >&2
    return 1
}

free_port() {
    local p
    while :; do
        p=$((PORT_FIRST + (RANDOM * 32768 + RANDOM) % PORT_COUNT))
        (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || break
    done
    echo "$p"
}

ports() { # chosen once per directory, so that a restarted component is found again
    if [ ! -s "$dir/ports" ]; then
        printf 'etcd_port=%s\npeer_port=%s\napi_port=%s\n' "$(free_port)" "$(free_port)" "$(free_port)" >"$dir/ports"
    fi
    # shellcheck disable=SC1091
    . "$dir/ports"
    server=https://127.0.0.1:$api_port
}

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1" 2>/dev/null; }

cert() { # name subject [extension line]
    [ -s "$pki/$1.crt" ] && return
    new_key "$pki/$1.key"
    openssl req -new -key "$pki/$1.key" -subj "$2" -out "$pki/$1.csr" 2>/dev/null
    openssl x509 -req -in "$pki/$1.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -days 30 -out "$pki/$1.crt" \
        -extfile <(printf 'keyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n%s\n' "${3:-}") 2>/dev/null
}

kubeconfig() { # file, user as YAML flow mapping
    cat >"$1" <<Y
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "$server", certificate-authority-data: $(base64 -w0 "$pki/ca.crt")}}]
users: [{name: user, user: $2}]
contexts: [{name: test, context: {cluster: test, user: user}}]
current-context: test
Y
}

client_certificate() { # name
    echo "{client-certificate-data: $(base64 -w0 "$pki/$1.crt"), client-key-data: $(base64 -w0 "$pki/$1.key")}"
}

make_pki() {
    if [ ! -s "$pki/ca.crt" ]; then
        new_key "$pki/ca.key"
        openssl req -x509 -new -key "$pki/ca.key" -days 30 -subj /CN=connectors-test-ca -out "$pki/ca.crt" 2>/dev/null
    fi
    cert apiserver /CN=kube-apiserver \
        "subjectAltName=IP:127.0.0.1,IP:10.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
    cert admin /O=system:masters/CN=admin
    cert kcm /CN=system:kube-controller-manager
    if [ ! -s "$pki/sa.pub" ]; then
        new_key "$pki/sa.key"
        openssl pkey -in "$pki/sa.key" -pubout -out "$pki/sa.pub"
    fi
    kubeconfig "$dir/kubeconfig" "$(client_certificate admin)"
    kubeconfig "$dir/kcm.kubeconfig" "$(client_certificate kcm)"
}

up() {
    bin=$("$HERE/build.sh")
    (umask 077 && mkdir -p "$dir")
    mkdir -p "$pki" "$log" "$pid"
    ports
    make_pki
    start etcd etcd --name test --data-dir "$dir/etcd" --logger=zap \
        --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
        --listen-peer-urls "http://127.0.0.1:$peer_port" --initial-advertise-peer-urls "http://127.0.0.1:$peer_port" \
        --initial-cluster "test=http://127.0.0.1:$peer_port"
    wait_for etcd 20 "etcd's health" curl -sf "http://127.0.0.1:$etcd_port/health"
    start kube-apiserver "$bin/kube-apiserver" --etcd-servers="http://127.0.0.1:$etcd_port" \
        --bind-address=127.0.0.1 --secure-port="$api_port" --advertise-address=127.0.0.1 --endpoint-reconciler-type=none \
        --service-cluster-ip-range=10.0.0.0/24 --authorization-mode=Node,RBAC \
        --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt" \
        --service-account-issuer=https://kubernetes.default.svc \
        --service-account-key-file="$pki/sa.pub" --service-account-signing-key-file="$pki/sa.key"
    wait_for kube-apiserver 60 "the API server's readiness" "$bin/kubectl" --kubeconfig="$dir/kubeconfig" get --raw /readyz
    start kube-controller-manager "$bin/kube-controller-manager" --kubeconfig="$dir/kcm.kubeconfig" --secure-port=0 \
        --leader-elect=false --use-service-account-credentials --controllers="$CONTROLLERS" \
        --service-account-private-key-file="$pki/sa.key" --root-ca-file="$pki/ca.crt"
    wait_for kube-controller-manager 30 "ServiceAccount default" \
        "$bin/kubectl" --kubeconfig="$dir/kubeconfig" -n default get serviceaccount default
    wait_for kube-controller-manager 30 "the aggregated ClusterRole view" sh -c \
        "'$bin/kubectl' --kubeconfig='$dir/kubeconfig' get clusterrole view -o jsonpath='{.rules}' | grep -q configmaps"
}

down() {
    stop kube-controller-manager
    stop kube-apiserver
    stop etcd
}

env_exports() {
    bin=$("$HERE/build.sh")
    ports
    printf 'export CONNECTORS_TEST_%s\n' "KUBE_DIR='$dir'" "KUBECONFIG='$dir/kubeconfig'" "APISERVER='$server'" \
        "KUBE_CA='$pki/ca.crt'" "KUBECTL='$bin/kubectl'"
}

service_account_kubeconfig() { # namespace name file
    local token
    bin=$("$HERE/build.sh")
    ports
    token=$("$bin/kubectl" --kubeconfig="$dir/kubeconfig" -n "$1" create token "$2" --duration=24h)
    (umask 077 && kubeconfig "$3" "{token: $token}")
}

case $verb in
up)
    # A start that fails half-way leaves nothing running.
    trap 'down' ERR
    up
    env_exports
    ;;
down) down ;;
env) env_exports ;;
kubeconfig)
    [ $# = 5 ] || usage
    service_account_kubeconfig "$3" "$4" "$5"
    ;;
*) usage ;;
esac
