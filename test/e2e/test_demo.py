"""`make demo`: works twice in a row, for who has no kubectl, and leaves nothing behind."""

import os
import re
import shutil
from pathlib import Path

import pytest
from harness.process import TOP, clean_env, run


def processes_of(directory):
    """Command lines that name the directory."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if str(directory).encode() in line:
            found.append(line)
    return found


def path_without_kubectl(directory):
    """A PATH whose directories hold all but kubectl."""
    directory.mkdir()
    for place in os.environ["PATH"].split(":"):
        for program in Path(place).iterdir() if os.path.isdir(place) else ():
            if program.name != "kubectl" and not (directory / program.name).exists():
                (directory / program.name).symlink_to(program)
    assert shutil.which("kubectl", path=str(directory)) is None
    return directory


def test_demo_twice(kube_kind, tmp_path):
    if kube_kind == "real":
        pytest.skip("the demo brings its own API server")
    own, path = tmp_path / "own", path_without_kubectl(tmp_path / "bin")
    own.mkdir()
    for _ in range(2):
        said = run(TOP / "examples" / "demo.sh", env=clean_env(TMPDIR=own, PATH=path, CONNECTORS_BIN=os.environ.get("CONNECTORS_BIN", TOP / "build/connectors")),
                   timeout=300).stdout
        assert said.count("cloned, committed 20 MB, pushed") == 4
        assert said.count("no password in its environment") == 4
        assert re.search(r"HTTP 401", said) and '"subject":"system:serviceaccount:demo:builder"' in said
        assert processes_of(own) == [] and list(own.iterdir()) == []
