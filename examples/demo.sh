#!/usr/bin/env bash
# The main job, on this machine and for real: a private Git server, Connectors in front of it, and a workload that
# clones and pushes without ever holding the server's password.  Leaves nothing behind.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
BIN=${CONNECTORS_BIN:-$HERE/../build/connectors}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/connectors-demo-XXXXXX")
export KUBECONFIG=$WORK/data/kubeconfig
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME=Demo GIT_AUTHOR_EMAIL=demo@example.com
export GIT_COMMITTER_NAME=Demo GIT_COMMITTER_EMAIL=demo@example.com
unset http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY

clean_up() {
    local code=$?
    if [ "$code" -ne 0 ]; then
        echo "demo: failed (exit $code); last log lines:" >&2
        tail -n 5 "$WORK"/data/log/*.jsonl >&2 2>/dev/null || true
    fi
    "$BIN" stop --data-dir "$WORK/data" >/dev/null 2>&1 || true
    "$HERE/git-server.sh" stop "$WORK/git" || true
    rm -rf "$WORK"
    exit "$code"
}
trap clean_up EXIT

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }
fail() { echo "demo: $*" >&2; exit 1; }

free_port() { # below the ports that connections are given
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
}

step "A private Git server that demands a password"
GIT_PORT=$(free_port)
TOOL=http://127.0.0.1:$GIT_PORT
mkdir -p "$WORK/git/repos"
git init -q --bare -b main "$WORK/git/repos/app.git"
git -C "$WORK/git/repos/app.git" config http.receivepack true
git init -q -b main "$WORK/seed"
echo "hello" >"$WORK/seed/README"
git -C "$WORK/seed" add README
git -C "$WORK/seed" commit -qm "first"
git -C "$WORK/seed" push -q "$WORK/git/repos/app.git" main
"$HERE/git-server.sh" start "$WORK/git" "$GIT_PORT"
PASSWORD=$(cat "$WORK/git/password")
echo "$TOOL/app.git"

step "Connectors on this machine"
start=$(date +%s%N)
"$BIN" run --detach --data-dir "$WORK/data" --apiserver-listen 127.0.0.1:0 --proxy-listen 127.0.0.1:0 >/dev/null
echo "ready after $((($(date +%s%N) - start) / 1000000)) ms"
PROXY=$(sed -n 's/.*"proxy": *"\(http:[^"]*\)".*/\1/p' "$WORK/data/endpoints.json")

step "The administrator integrates the server once"
# The password goes through a pipe, not into anybody's arguments.
sed -f <(printf 's,@ADDRESS@,%s,\ns,@PASSWORD@,%s,\n' "$TOOL" "$PASSWORD") "$HERE/git-connector.yaml" | "$BIN" apply -f -
"$BIN" exec -n demo --sa builder -c git -- true # returns once the Connector has its proxy address
show "$BIN" get connectors -n demo

step "Without a credential the server refuses"
if git clone -q "$TOOL/app.git" "$WORK/refused" 2>"$WORK/refused.log"; then
    fail "the server let us in without a password"
fi
status=$(curl -s -o /dev/null -w '%{http_code}' "$TOOL/app.git/info/refs?service=git-upload-pack")
echo "git clone $TOOL/app.git: HTTP $status"
[ "$status" = 401 ] || fail "expected 401, got $status"

# Searches what the workload could see for the password in any form.
forms() {
    printf '%s\n' "$PASSWORD"
    printf '%s' "$PASSWORD" | base64 -w0
    echo
    printf 'git:%s' "$PASSWORD" | base64 -w0
    echo
}
forms >"$WORK/forms"

cat >"$WORK/workload.sh" <<'WORKLOAD'
#!/usr/bin/env bash
# The workload: clone, change, push.  Then look for the server's password in all that it can see.
set -euo pipefail
forms=$1 url=$2 dir=$3 file=$4
git clone -q "$url" "$dir"
head -c $((20 * 1024 * 1024)) /dev/urandom >"$dir/$file"
git -C "$dir" add "$file"
git -C "$dir" commit -qm "add $file (20 MB)"
git -C "$dir" push -q origin HEAD:main
echo "cloned, committed 20 MB, pushed: $(git -C "$dir" log --oneline -1)"
found=0
env | grep -qFf "$forms" && found=1
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep -qFf "$forms" && found=1
grep -rqFf "$forms" "$dir/.git" ${CONNECTORS_DIR:+"$CONNECTORS_DIR"} && found=1
[ "$found" = 0 ] || { echo "the workload can see the password" >&2; exit 1; }
echo "no password in its environment, its files, or any process's arguments"
WORKLOAD
chmod +x "$WORK/workload.sh"

step "connectors exec, reverse mode: git's own URL, sent to the Connector by the mounted .gitconfig"
echo "\$ connectors exec -n demo --sa builder -c git -- git clone $TOOL/app.git ..."
"$BIN" exec -n demo --sa builder -c git -- "$WORK/workload.sh" "$WORK/forms" "$TOOL/app.git" "$WORK/a" a.bin

step "connectors exec, forward mode: git's own URL through http_proxy"
echo "\$ connectors exec -n demo --sa builder -c git --config none -- git clone $TOOL/app.git ..."
"$BIN" exec -n demo --sa builder -c git --config none -- \
    "$WORK/workload.sh" "$WORK/forms" "$TOOL/app.git" "$WORK/b" b.bin

step "Plain git, reverse mode: a short-lived token in the URL"
TOKEN=$("$BIN" token -n demo --sa builder)
"$WORK/workload.sh" "$WORK/forms" \
    "http://x:$TOKEN@${PROXY#http://}/namespaces/demo/connectors/git/app.git" "$WORK/c" c.bin

step "Plain git, forward mode: the same token in http_proxy"
http_proxy="http://demo%2Fgit:$TOKEN@${PROXY#http://}" \
    "$WORK/workload.sh" "$WORK/forms" "$TOOL/app.git" "$WORK/d" d.bin

step "The server saw its own user; the repository has four more commits"
grep 'POST.*git-receive-pack' "$WORK/git/requests.log" >"$WORK/pushes" # git asks before it sends 20 MB: two for each
sort "$WORK/pushes" | uniq -c
if grep -qv '^git POST .* 200 ' "$WORK/pushes"; then
    fail "a push did not come as user git, or was refused"
fi
git -C "$WORK/git/repos/app.git" log --oneline main
[ "$(git -C "$WORK/git/repos/app.git" rev-list --count main)" = 5 ] || fail "expected five commits"

step "The audit log: who, which Connector, what was allowed it"
deadline=$((SECONDS + 10))
until [ "$(grep -c receive-pack "$WORK/data/audit.jsonl")" -ge 8 ]; do
    [ "$SECONDS" -lt "$deadline" ] || fail "the audit log misses pushes"
    sleep 0.05
done
grep 'receive-pack' "$WORK/data/audit.jsonl" | tail -n 4
if grep -rqFf "$WORK/forms" "$WORK/data/audit.jsonl" "$WORK/data/log"; then
    fail "a log holds the password"
fi

step "The end: nothing is left running"
"$BIN" stop --data-dir "$WORK/data"
"$HERE/git-server.sh" stop "$WORK/git"
for port in "$GIT_PORT" "${PROXY##*:}"; do
    if (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        fail "port $port is still open"
    fi
done
if pgrep -fa "$WORK"; then
    fail "a process is left"
fi
echo "no process, no port"
