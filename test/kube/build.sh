#!/bin/bash
# Builds kube-apiserver, kube-controller-manager and kubectl from the published
# Go modules that go.mod and go.sum pin (or only those named as arguments), and prints
# the directory that holds them:
#   ${XDG_CACHE_HOME:-~/.cache}/connectors-test/kube-<version>/
# Does nothing when they are there. Installs Debian's etcd-server, and a Go
# toolchain where the machine has none of at least 1.24. Progress goes to stderr.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
PROGRAMS=${*:-kube-apiserver kube-controller-manager kubectl}
GO_MIN=24
GO_TOOLCHAIN=golang.org/toolchain@v0.0.1-go1.24.4.linux-$(dpkg --print-architecture)

version=$(sed -n 's/^\(require \|\t\)k8s.io\/kubernetes v\([0-9.]*\).*/\2/p' "$HERE/go.mod")
bin=${XDG_CACHE_HOME:-$HOME/.cache}/connectors-test/kube-$version

say() { echo "test/kube: $*" >&2; }

install_packages() {
    local as="" wait="-o DPkg::Lock::Timeout=300"
    [ "$(id -u)" = 0 ] || as=sudo
    # shellcheck disable=SC2086
    $as apt-get $wait update -qq >&2 &&
        $as env DEBIAN_FRONTEND=noninteractive apt-get $wait install -y -qq --no-install-recommends "$@" </dev/null >&2
}

go_is_new_enough() {
    local minor
    minor=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
    [ -n "$minor" ] && [ "$minor" -ge "$GO_MIN" ]
}

# Prints a Go command of at least 1.$GO_MIN: the machine's own, else the pinned
# toolchain module, fetched and checked by Debian's older Go.
find_go() {
    local own dir
    own=$(command -v go || true)
    if [ -n "$own" ] && go_is_new_enough "$own"; then
        echo "$own"
        return
    fi
    [ -n "$own" ] || { install_packages golang-go; own=$(command -v go); }
    say "fetching $GO_TOOLCHAIN"
    dir=$("$own" mod download -json "$GO_TOOLCHAIN" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
    # Module archives carry no executable bits and unpack read-only.
    chmod u+w "$dir/bin" "$dir"/pkg/tool/*
    chmod +x "$dir"/bin/* "$dir"/pkg/tool/*/*
    echo "$dir/bin/go"
}

build_all() {
    local go k ld p
    go=$(find_go)
    k=k8s.io/component-base/version
    ld="-s -w -X $k.gitVersion=v$version -X $k.gitMajor=1 -X $k.gitMinor=$(echo "$version" | cut -d. -f2)"
    ld="$ld -X $k.gitTreeState=clean -X $k.gitCommit=go-module -X $k.buildDate=2026-01-01T00:00:00Z"
    mkdir -p "$bin"
    for p in $PROGRAMS; do
        [ -x "$bin/$p" ] && continue
        say "building $p $version"
        # Built under another name first: a killed build leaves nothing that looks ready.
        (cd "$HERE" && CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=readonly nice -n 10 \
            "$go" build -p 2 -trimpath -buildvcs=false -ldflags "$ld" -o "$bin/.$p.$$" "k8s.io/kubernetes/cmd/$p")
        mv "$bin/.$p.$$" "$bin/$p"
    done
}

missing=0
for p in $PROGRAMS; do [ -x "$bin/$p" ] || missing=1; done
[[ $PROGRAMS != *apiserver* ]] || command -v etcd >/dev/null || install_packages etcd-server
command -v openssl >/dev/null && command -v curl >/dev/null || install_packages openssl curl
if [ "$missing" = 1 ]; then
    mkdir -p "$(dirname "$bin")"
    exec 9>"$bin.lock"
    flock 9
    build_all
fi
echo "$bin"
