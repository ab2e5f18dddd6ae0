"""Faults under load: the fixtures of the end-to-end tests, always on the embedded API server."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.fixtures import *  # noqa: E402,F401,F403
from harness import installation  # noqa: E402
from harness.world import World  # noqa: E402


@pytest.fixture(scope="session")
def kube_kind():
    return "embedded"


@pytest.fixture(scope="session")
def rounds():
    return int(os.environ.get("N", "50"))


@pytest.fixture
def own(tmp_path, origin):
    """An installation of the test's own, Connector `tool` to the recording origin, usable by ServiceAccount `builder`."""
    made = installation.make("embedded", tmp_path / "i", log_level="info")
    world = World(made, "soak")
    world.account("builder")
    world.account("stranger")
    world.bind("builder")
    world.secret("tool", username="bot", password="p")
    world.connector("tool", origin.url, "tool")
    yield world
    made.close()
