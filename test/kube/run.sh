#!/bin/bash
# Runs the e2e suite and the tests of config/ against a real control plane that
# lives as long as the run:  test/kube/run.sh [pytest arguments]
#
# Takes pytest from the tree's virtual environment (VENV, made by `make test-deps`).
# The cluster's directory is removed after success and kept, its path printed,
# after a failure.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
VENV=${VENV:-build/venv}
cd "$HERE/../.."

dir=$(mktemp -d "${TMPDIR:-/tmp}/connectors-kube.XXXXXX")
finish() {
    local rc=$?
    "$HERE/cluster.sh" down "$dir"
    if [ $rc = 0 ]; then rm -rf "$dir"; else echo "test/kube: logs are in $dir/log" >&2; fi
    exit $rc
}
trap finish EXIT
trap 'exit 130' INT TERM

exports=$("$HERE/cluster.sh" up "$dir")
eval "$exports"
# test/kube first: there no controller of ours may run yet.
rc=0
"$VENV/bin/python" -m pytest -q -rs --kube=real test/kube test/e2e "$@" | tee "$dir/pytest.log" || rc=$?
count() { sed -nE "s/.*\b([0-9]+) $1.*/\1/p" <<<"$summary"; }
summary=$(tail -n 1 "$dir/pytest.log")
failed=$(count failed) errors=$(count errors?) skipped=$(count skipped)
echo "$(($(count passed) + 0)) passed, $((${failed:-0} + ${errors:-0})) failed${skipped:+, $skipped skipped}"
exit $rc
