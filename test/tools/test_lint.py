"""tools/lint reports each rule at the right line, and nothing in a clean tree.

Every case starts from the same clean little tree and breaks one rule in it.
"""
import os
import re
import shutil
import subprocess

import pytest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
DESIGN = "/*\n * A file of the test.\n */\n"
CLEAN = {
    "src/base/README.md": "# base\n\nSee [above](../../README.md#top-heading).\n",
    "README.md": "# Top heading\n",
    "src/base/pot.h": DESIGN + "#ifndef BASE_POT_H\n#define BASE_POT_H\n\nstruct pot;\n\n"
                      "/* Fills it. */\nint pot_fill(struct pot *p);\n\nvoid pot_free(struct pot *p);\n\n#endif\n",
    "src/base/pot.c": DESIGN + '#include "base/pot.h"\n\n#include <stdio.h>\n\nstatic int level;\n\n'
                      "int pot_fill(struct pot *p)\n{\n    return p ? level : 0;\n}\n",
    "src/net/README.md": "# net\n",
    "src/net/wire.h": DESIGN + "/* Its length. */\nint wire_len(void);\n",
    "config/a.yaml": "a: 1\n",
}


@pytest.fixture
def tree(tmp_path):
    for name in ("tools/lint", "tools/check-layers", "tools/check-style", "tools/gen-embed", "tools/layers.txt",
                 ".clang-format"):
        os.makedirs(tmp_path / os.path.dirname(name), exist_ok=True)
        shutil.copy(os.path.join(TOP, name), tmp_path / name)
    for name, text in CLEAN.items():
        put(tmp_path, name, text)
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    return tmp_path


def put(tree, name, text):
    os.makedirs(tree / os.path.dirname(name), exist_ok=True)
    (tree / name).write_text(text)


def lint(tree):
    p = subprocess.run(["tools/lint"], cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    findings = [m.groups() for m in re.finditer(r"^([^\s:]+):(\d+): ([a-z-]+): ", p.stdout, re.M)]
    assert (p.returncode != 0) == bool(p.stdout), p.stdout
    return [(f, int(n), rule) for f, n, rule in findings], p.stdout


def test_clean_tree_has_no_finding(tree):
    assert lint(tree) == ([], "")


def body(n):
    return "void pot_x(void)\n{\n" + "    level++;\n" * n + "}\n"


POT = CLEAN["src/base/pot.c"]
END = POT.count("\n")
HEADER = CLEAN["src/base/pot.h"].replace("\n#endif\n", "")
HEADER_END = HEADER.count("\n")


@pytest.mark.parametrize("name, text, line, rule", [
    ("src/base/pot.c", POT + "\n" + body(101), END + 2, "function-length"),
    ("src/base/pot.c", POT + "\n" * 1 + "/* x */\n" * 1000, 1, "file-length"),
    ("src/base/pot.c", POT + "\nvoid pot_p(int a, int b, int c, int d, int e, int f, int g)\n{\n}\n", END + 2, "parameters"),
    ("src/base/pot.c", POT + "\nvoid kettle(void)\n{\n}\n", END + 2, "prefix"),
    ("src/base/pot.c", POT + "\nint kettle_count;\n", END + 2, "prefix"),
    ("src/base/pot.c", POT.replace(DESIGN, "/* Too short. */\n"), 1, "design-comment"),
    ("src/base/pot.c", POT.replace("return p ? level : 0", 'return printf("x") + atoi("1")'), 12, "banned"),
    ("src/base/pot.c", POT.replace('#include "base/pot.h"\n\n#include <stdio.h>', '#include <stdio.h>\n\n#include "base/pot.h"'),
     4, "include-order"),
    ("src/base/pot.c", POT.replace("return p", "return  p"), 12, "format"),
    ("src/base/pot.c", POT.replace("<stdio.h>", "<openssl/ssl.h>"), 6, "libcrypto"),
    ("src/base/pot.c", POT + '\n#include "net/wire.h"\n', END + 2, "layer"),
    ("src/base/pot.c", POT + '\n#include "wire.h"\n', END + 2, "layer-unknown"),
    ("src/base/pot.h", HEADER + "\nint pot_pour(struct pot *p);\n\n#endif\n", HEADER_END + 2, "contract"),
    ("src/base/pot.h", HEADER + "\ntypedef struct pot pot_t;\n\n#endif\n", HEADER_END + 2, "typedef"),
    ("src/base/pot.h", HEADER + "\ntypedef struct {\n    int a;\n} pot_t;\n\n#endif\n", HEADER_END + 2, "typedef"),
    ("src/net/wire.c", DESIGN + '#include "net/wire.h"\n\n#include <stdlib.h>\n\nint wire_len(void)\n{\n    return !malloc(1);\n}\n',
     10, "banned"),
    ("src/net/wire.c", DESIGN + '#include "net/wire.h"\n\n#include "base/pot_priv.h"\n', 6, "private-header"),
    ("src/base/README.md", "# base\n\n[x](gone.md)\n", 3, "link"),
    ("src/base/README.md", "# base\n\n[x](../../README.md#gone)\n", 3, "link"),
    ("src/base/README.md", "# base\n" * 91, 1, "readme"),
    ("src/attic/x.h", DESIGN, 1, "layer-unknown"),
    ("src/codec/x.h", DESIGN, 1, "readme"),
    ("run.sh", "echo\n# TO" "DO later\n", 2, "marker"),
    ("run.sh", "if true\n", 1, "script"),
    ("config/x.json", "{}\n", 1, "config"),
], ids=lambda v: v if isinstance(v, str) and len(v) < 40 else "")
def test_broken_rule_is_reported(tree, name, text, line, rule):
    put(tree, name, text)
    findings, out = lint(tree)
    at = os.path.dirname(name) if rule in ("readme", "layer-unknown") and line == 1 and name.endswith("x.h") else name
    assert (at, line, rule) in findings, out


@pytest.mark.parametrize("name, text", [
    ("src/base/pot.c", POT + "\n" + body(100)),
    ("src/base/pot.c", POT + "\nvoid pot_p(int a, int b, int c, int d, int e, int f)\n{\n}\n"),
    ("src/base/pot.c", POT + "\n/* lint: prefix: the linker asks for this name */\nvoid kettle(void)\n{\n}\n"),
    ("src/base/pot_lid.c", DESIGN + "void pot_close(void);\nvoid pot_close(void)\n{\n}\n"),
    ("src/base/pot.c", POT.replace("level : 0", "(int)sizeof(\"atoi(1)\") : 0 /* strcpy( */")),
    ("src/base/pot.c", POT + "\nconst char *const POT_NAMES[] = {\"a\"};\n"),
    ("src/base/pot.h", HEADER + "\ntypedef int pot_fn(struct pot *p);\n\n#endif\n"),
    ("src/base/pot.h", HEADER + "\nsize_t pot_level(const struct pot *p);\n\n#endif\n"),
    ("src/base/README.md", "# base\n\n`[x](gone.md)` and [y](https://example.com/)\n"),
], ids=lambda v: v if len(v) < 40 else "")
def test_kept_rule_is_not_reported(tree, name, text):
    put(tree, name, text)
    findings, out = lint(tree)
    assert [f for f in findings if f[2] != "format"] == [], out


def test_layers_in_the_wrong_order_are_reported(tree):
    put(tree, "tools/layers.txt", "net: base\nbase:\n")
    findings, out = lint(tree)
    assert ("tools/layers.txt", 1, "layer") in findings, out
