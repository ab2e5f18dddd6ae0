"""What docs/threat-model.md says is tested has a test of that name."""
import os
import re

import pytest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


def named_tests():
    """(file, function or None) of each test that the threat model names; `::name` goes on in the file before it."""
    text = open(os.path.join(TOP, "docs", "threat-model.md")).read()
    file = None
    for suite, function in re.findall(r"`((?:\w+/test_\w+)?)(?:::)?(test_\w+)?`", text):
        file = suite or file
        if suite or function:
            yield file, function or None


@pytest.mark.parametrize("file,function", sorted(set(named_tests()), key=str))
def test_named_test_exists(file, function):
    source = open(os.path.join(TOP, "test", file + ".py")).read()
    assert function is None or f"def {function}(" in source


def test_every_attack_names_a_test():
    rows = [line for line in open(os.path.join(TOP, "docs", "threat-model.md")) if line.startswith("| ")][1:]
    assert len(rows) > 15 and [r for r in rows if "`" not in r.split("|")[3]] == []
