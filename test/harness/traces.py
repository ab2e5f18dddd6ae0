"""Where a secret could be found, and in which forms."""

import base64
import os
import re
import urllib.parse
from pathlib import Path


def forms(secret, user=None):
    """The secret raw, percent-encoded and in base64, at each of the three alignments base64 can have, as bytes."""
    raw = secret.encode()
    found = {raw, urllib.parse.quote(secret, safe="").encode(), "".join(f"%{b:02x}" for b in raw).encode(), raw.hex().encode()}
    for lead in range(3):
        coded = base64.b64encode(b"\0" * lead + raw + b"\0\0")
        # The characters at both ends mix in neighbouring bytes.
        found.add(coded[lead + 1 if lead else 0:][:len(raw) * 4 // 3 - 4])
    if user is not None:
        found.add(base64.b64encode(f"{user}:{secret}".encode()))
    return found | {f.translate(bytes.maketrans(b"+/", b"-_")) for f in found}


def holds(data, wanted):
    """Which form of `wanted` stands in the bytes, or None."""
    return next((w for w in wanted if w in data), None)


def in_files(directory, wanted, skip=()):
    """Files below a directory that hold a form, those matching one of the patterns left out."""
    found = []
    for base, _, names in os.walk(directory):
        for name in names:
            path = Path(base, name)
            if path.is_file() and not any(re.search(s, str(path)) for s in skip) and holds(path.read_bytes(), wanted):
                found.append(str(path))
    return found


def in_processes(wanted, skip=(), but=None):
    """(pid, what) of processes whose arguments or environment hold a form, but for those where `but` stands too."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) in skip:
            continue
        for what in ("cmdline", "environ"):
            try:
                data = Path(f"/proc/{entry}/{what}").read_bytes()
                if holds(data, wanted) and not (but and but in data):
                    found.append((int(entry), what))
            except OSError:
                continue
    return found
