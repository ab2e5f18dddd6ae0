#!/bin/bash
# Prints the path of a kubectl of at least 1.32: the machine's own, else one built from the pinned Go modules.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
MIN=32

own=$(command -v kubectl || true)
minor=$([ -z "$own" ] || "$own" version --client 2>/dev/null | sed -nE 's/^Client Version: v1\.([0-9]+).*/\1/p')
if [ "${minor:-0}" -ge "$MIN" ]; then
    echo "$own"
else
    echo "$("$HERE/build.sh" kubectl)/kubectl"
fi
