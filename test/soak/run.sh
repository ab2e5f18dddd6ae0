#!/bin/bash
# Faults under load, N rounds (default 50): kills of every component, outages, full disks, hostile peers. See README.md.
# The last line is `N passed, N failed`.
set -u
cd "$(dirname "$0")/../.." || exit 2
export N=${N:-50}
export CRASH_KILLS=$N
export VENV=${VENV:-$PWD/build/venv}
results=$(mktemp)
"$VENV/bin/python" -m pytest -q -rs -s -p no:cacheprovider --junitxml="$results" test/e2e/test_crash.py test/soak "$@"
rc=$?
"$VENV/bin/python" - "$results" "$rc" <<'PY'
import sys
import xml.etree.ElementTree as tree

try:
    suites = list(tree.parse(sys.argv[1]).getroot().iter("testsuite"))
except (OSError, tree.ParseError):
    suites = []
total, bad, skipped = (sum(int(s.get(k, 0)) for s in suites for k in keys) for keys in (["tests"], ["failures", "errors"], ["skipped"]))
if sys.argv[2] != "0":
    bad = max(bad, 1)
print(f"{max(total - bad - skipped, 0)} passed, {bad} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(bad > 0 or total == skipped)
PY
rc=$?
rm -f "$results"
exit $rc
