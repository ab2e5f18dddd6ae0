#!/bin/bash
# Runs the e2e suite and the tests of config/ against a real control plane that
# lives as long as the run:  test/kube/run.sh [pytest arguments]
#
# PYTEST names the pytest command (make test-kube passes the one of the tree's
# virtual environment). The cluster's directory is removed after success and
# kept, its path printed, after a failure.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
PYTEST=${PYTEST:-python3 -m pytest}
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
suites=$HERE
[ -d test/e2e ] && suites="test/e2e $suites"
# shellcheck disable=SC2086
$PYTEST --kube=real $suites "$@"
