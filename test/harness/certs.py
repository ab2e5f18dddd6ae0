"""A CA and certificates of its own, by openssl."""

from harness.process import run


def make_ca(directory, name="ca"):
    """Returns (certificate, key) files."""
    crt, key = directory / f"{name}.crt", directory / f"{name}.key"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
        f"/CN=test {name}", "-keyout", key, "-out", crt, "-addext", "keyUsage=critical,keyCertSign")
    return crt, key


def make_leaf(directory, ca, name="leaf", san="IP:127.0.0.1,DNS:localhost"):
    """Returns (certificate, key) files of a server certificate."""
    crt, key, csr, ext = (directory / f"{name}.{x}" for x in ("crt", "key", "csr", "ext"))
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=tool", "-keyout", key,
        "-out", csr)
    ext.write_text(f"subjectAltName={san}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
    run("openssl", "x509", "-req", "-in", csr, "-CA", ca[0], "-CAkey", ca[1], "-CAcreateserial", "-days", "2", "-extfile", ext, "-out",
        crt)
    return crt, key
