"""End-to-end tests: real clients, a real API server, real tools; see test/harness."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.fixtures import *  # noqa: E402,F401,F403


def pytest_addoption(parser):
    parser.addoption("--kube", choices=("embedded", "real"), default="embedded", help="which API server the tests run against")
