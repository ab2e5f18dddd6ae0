"""Forward mode: which Connector a URL belongs to, what is refused, and where no credential ever goes; and paths that would leave a prefix."""

import itertools
import re
import urllib.parse

import pytest
from harness.process import wait_until
from harness.world import basic
from raw import Conn, head, refused

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def many(site):
    """Connectors on one tool: wide (/), a (/a), ab (/a/b), twin (/a again), encoded (/p%20q), and one that builder may not use."""
    for name, path in (("wide", ""), ("a", "/a"), ("ab", "/a/b"), ("twin", "/a"), ("encoded", "/p%20q")):
        site.add(name, site.tool.url + path)
    site.foreign = type(site)(site.installation, site.ns + "x", site.tool)
    return site


def forward(site, url, *names, host=None, lines=(), credentials=None):
    host = host or urllib.parse.urlsplit(url).netloc
    with Conn(site.proxy) as c:
        return c.ask(head("GET", url, credentials or site.proxy_credentials(*names), *lines, host=host))


@pytest.mark.parametrize("path, listed, chosen", [
    ("/x", ["wide"], "wide"),
    ("/x", ["a", "wide"], "wide"),
    ("/a/x", ["wide", "a"], "a"),
    ("/a/x", ["a", "wide"], "a"),
    ("/a", ["wide", "a"], "a"),
    ("/a?q", ["wide", "a"], "a"),
    ("/a/", ["wide", "a"], "a"),
    ("/ab", ["wide", "a"], "wide"),
    ("/a/b", ["wide", "a", "ab"], "ab"),
    ("/a/b/c", ["ab", "a", "wide"], "ab"),
    ("/a/bc", ["ab", "a", "wide"], "a"),
    ("/a%2fb", ["ab", "a", "wide"], "wide"),
    ("/A/b", ["ab", "a", "wide"], "wide"),
    ("//a/b", ["ab", "a", "wide"], "wide"),
    ("/x?/a/b", ["ab", "a", "wide"], "wide"),
    ("/a/x", ["a", "twin"], "a"),
    ("/a/x", ["twin", "a"], "twin"),
    ("/p%20q/x", ["wide", "encoded"], "encoded"),
    ("/a/x", ["missing", "a"], "a"),
    ("", ["a", "wide"], "wide"),
    ("?q", ["a", "wide"], "wide"),
], ids=lambda v: "+".join(v) if isinstance(v, list) else v or "empty")
def test_longest_prefix_by_whole_segments(many, path, listed, chosen):
    mark = f"m{next(NUMBERS)}"
    url = many.tool.url + path + ("&" if "?" in path else "?") + mark
    assert forward(many, url, *listed).status == 200
    (seen,) = many.tool.clean(mark)
    assert seen.all("Authorization") == [many.credential(chosen)]
    assert seen.target == (path if path.startswith("/") else "/" + path) + ("&" if "?" in path else "?") + mark
    assert not seen.all("Proxy-Authorization")


def test_a_better_match_that_is_forbidden_stays_forbidden(many):
    """No fall-back to a Connector that the client may use: the URL belongs to the other one."""
    mark = f"m{next(NUMBERS)}"
    foreign = many.foreign
    foreign.add("deep", many.tool.url + "/a/b/c")
    credentials = "Proxy-Authorization: " + basic(f"{many.ns}/a,{foreign.ns}/deep", many.builder)
    found = forward(many, f"{many.tool.url}/a/b/c/{mark}", credentials=credentials)
    assert found.status == 403 and found.reason == "ConnectorForbidden"
    assert forward(many, f"{many.tool.url}/a/b/{mark}", credentials=credentials).status == 200
    assert [r.all("Authorization") for r in many.tool.clean(mark)] == [[many.credential("a")]]


@pytest.mark.parametrize("url", [
    "http://127.0.0.1:{other}/a/x", "http://127.0.0.2:{port}/a/x", "http://localhost:{port}/a/x", "http://example.com/", "http://127.0.0.1/a/x",
    "http://[::1]:{port}/a/x", "http://[::ffff:127.0.0.1]:{port}/a/x", "http://127.0.0.1:{port}/x", "http://127.0.0.1:{port}/ab",
    "http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:{port}/%61/x"])
def test_urls_of_no_listed_connector_are_refused(many, url):
    mark = f"m{next(NUMBERS)}"
    found = forward(many, url.format(port=many.tool.port, other=many.tool.port + 1) + mark, "a")
    assert found.status == 403 and found.reason == "DestinationRefused", found
    assert many.tool.seen(mark) == []


@pytest.mark.parametrize("url, host, status", [
    ("http://127.0.0.1:{port}/a/x", "127.0.0.1", 421),
    ("http://127.0.0.1:{port}/a/x", "evil.test:{port}", 421),
    ("http://evil.test/a/x", "127.0.0.1:{port}", 421),
    ("http://127.0.0.1:{port}/a/x", "127.0.0.2:{port}", 421),
    ("http://127.0.0.1:{port}/a/x", "127.0.0.1:{port}@evil.test", 400),
    ("http://127.0.0.1:{port}/a/x", "u@127.0.0.1:{port}", 400),
    ("http://127.0.0.1:{port}/a/x", "127.0.0.1:{port},evil.test", 400),
    ("http://127.0.0.1:{port}/a/x", "127.0.0.1:{port} ", 200),
    ("http://127.0.0.1:{port}/a/x", "127.0.0.1:0{port}", 400),
    ("http://127.0.0.1:{port}/a/x", "127.1:{port}", 400),
    ("http://127.0.0.1:{port}/a/x", "0x7f000001:{port}", 400),
    ("http://127.0.0.1:{port}/a/x", "127.0.0.1.:{port}", 400),
    ("http://127.0.0.1:{port}/a/x", "[127.0.0.1]:{port}", 400),
    ("http://127.1:{port}/a/x", "127.1:{port}", 400),
    ("http://2130706433:{port}/a/x", "2130706433:{port}", 400),
    ("http://0177.0.0.1:{port}/a/x", "0177.0.0.1:{port}", 400),
    ("http://127.0.0.1.:{port}/a/x", "127.0.0.1.:{port}", 400),
    ("http://bot:pw@127.0.0.1:{port}/a/x", "127.0.0.1:{port}", 400),
    ("http://127.0.0.1:{port}@evil.test/a/x", "evil.test", 400),
    ("http://@127.0.0.1:{port}/a/x", "127.0.0.1:{port}", 400),
    ("http://127.0.0.1:{port}\\@evil.test/a/x", "127.0.0.1:{port}", 400),
    ("http://127.0.0.1:{port}#@evil.test/a/x", "127.0.0.1:{port}", 400),
    ("http://127.0.0.1:{port}/a/x#y", "127.0.0.1:{port}", 400),
    ("http://127.0.0.1:0/a/x", "127.0.0.1:0", 400),
    ("http://127.0.0.1:99999/a/x", "127.0.0.1:99999", 400),
    ("http://127.0.0.1:-1/a/x", "127.0.0.1:-1", 400),
    ("http://127.0.0.1:/a/x", "127.0.0.1:", 400),
    ("http://127.0.0.1:{port}/a/%zz", "127.0.0.1:{port}", 400),
    ("http:///a/x", "127.0.0.1:{port}", 400),
    ("http://[::1/a/x", "[::1", 400),
    ("http://[fe80::1%25lo]:{port}/a/x", "[fe80::1%25lo]:{port}", 400),
    ("http:/127.0.0.1:{port}/a/x", "127.0.0.1:{port}", 400),
    ("https://127.0.0.1:{port}/a/x", "127.0.0.1:{port}", 400),
    ("ftp://127.0.0.1:{port}/a/x", "127.0.0.1:{port}", 400),
    ("127.0.0.1:{port}", "127.0.0.1:{port}", 400),
    ("*", "127.0.0.1:{port}", 400),
    ("HTTP://127.0.0.1:{port}/a/x", "127.0.0.1:{port}", 200),
])
def test_one_host_in_one_form(many, url, host, status):
    """What selects the credential and what is dialled are one value, or there is no request."""
    mark = f"m{next(NUMBERS)}"
    url, host = url.format(port=many.tool.port), host.format(port=many.tool.port)
    before = len(many.tool.requests)
    with Conn(many.proxy) as c:
        found = c.ask(head("GET", url, many.proxy_credentials("a"), f"X-Mark: {mark}", host=host))
        assert found.status == status, found
        assert status == 200 or (found.reason in ("AmbiguousRequest", "Misdirected") and c.at_end())
    assert len(many.tool.requests) - before == (status == 200)


@pytest.mark.parametrize("value, status", [
    (None, 407), ("", 407), ("Basic", 407), ("Basic ", 407), ("Basic !!!", 407), ("Basic YWJj", 407), ("Bearer {token}", 407),
    ("Basic {none}", 407), ("Basic {junk}", 407), ("Basic {binary}", 407), ("Basic {many}", 407), ("Basic {slashes}", 407),
    ("Basic {upper}", 407), ("Basic {percent}", 407), ("Basic {nul}", 407), ("Basic {long}", 407), ("Digest x", 407)])
def test_bad_proxy_credentials(many, value, status):
    ns, token = many.ns, many.builder
    forms = {"token": token, "none": f"{ns}/a:", "junk": f"{ns}/a:junk", "many": ",".join([f"{ns}/a"] * 500) + ":" + token,
             "slashes": f"{ns}/a/b:{token}", "upper": f"{ns}/A:{token}", "percent": f"{ns}%2:{token}", "nul": f"{ns}/a%00:{token}",
             "long": f"{ns}/a:" + "x" * 20000, "binary": None}
    coded = {k: basic(*v.split(":", 1)).split()[1] if v and k != "token" else v for k, v in forms.items()}
    coded["binary"] = "dzEvYTr/AP4NCv+A"
    lines = [] if value is None else ["Proxy-Authorization: " + value.format(**coded)]
    with Conn(many.proxy) as c:
        found = c.ask(head("GET", f"{many.tool.url}/a/x", *lines, host=many.tool.authority))
        assert found.status == status, found
        assert found.get("Proxy-Authenticate").startswith('Basic realm="connectors"') and not found.all("WWW-Authenticate")
        assert ('error="invalid_token"' in found.get("Proxy-Authenticate")) == (value is not None), found
        assert found.reason == ("NoToken" if value is None else "InvalidToken")


@pytest.mark.parametrize("token", ["dzEvYTr/AP4NCv+A", "Ojo6Og==", "OgA=", "Og0KWDogeQ==", "OsOow6k="])
def test_tokens_that_are_no_text_are_refused(site, token):
    """A Basic password may be any bytes; none of them may upset the review of the token."""
    with Conn(site.proxy) as c:
        found = c.ask(head("GET", site.path("tool", "/x"), f"Authorization: Basic {token}"))
        assert found.status == 401 and found.reason == "InvalidToken"
        found = c.ask(head("GET", site.path("tool", "/x"), b"Authorization: Bearer \xff\xfe\x80".decode("latin-1")))
        assert found.status == 401 and found.reason == "InvalidToken"


def test_repeated_proxy_credentials_are_refused(many):
    found = refused(many.proxy, head("GET", f"{many.tool.url}/a/x", many.proxy_credentials("a"), many.proxy_credentials("ab"),
                                     host=many.tool.authority))
    assert found.status == 400 and found.reason == "AmbiguousRequest"


# --- Host and path of reverse requests

def test_host_and_path_that_disagree(site):
    mark = f"m{next(NUMBERS)}"
    for host in (f"c-other.{site.ns}.svc", f"c-tool.other.svc.cluster.local", f"C-OTHER.{site.ns}.SVC:8480"):
        found = refused(site.proxy, site.get("tool", "/" + mark, host=host))
        assert found.status == 421 and found.reason == "Misdirected"
    assert site.tool.seen(mark) == []
    for host in (f"c-tool.{site.ns}.svc", f"C-Tool.{site.ns}.Svc.Cluster.Local:1"):
        with Conn(site.proxy) as c:
            assert c.ask(site.get("tool", "/" + mark, host=host)).status == 200
            assert c.ask(head("GET", "/" + mark, site.bearer, host=host)).status == 200
    assert {r.target for r in site.tool.clean(mark)} == {"/" + mark} and len(site.tool.clean(mark)) == 4


@pytest.mark.parametrize("host", ["u@c-tool.{ns}.svc", "c-tool.{ns}.svc@evil.test", "c-tool.{ns}.svc:0", "c-tool.{ns}.svc:99999", "c-tool.{ns}.svc:",
                                  "c-tool.{ns}.svc:80:80", "c-tool..{ns}.svc", "c-tool.{ns}.svc,x", "[::1", "a b", "c-tool.{ns}.svc/x", "h?x", "h#x",
                                  "%63-tool.{ns}.svc", "c-tool.{ns}.svc."])
def test_malformed_hosts(site, host):
    found = refused(site.proxy, head("GET", "/x", site.bearer, host=host.format(ns=site.ns)))
    assert found.status == 400 and found.reason == "AmbiguousRequest", found


@pytest.mark.parametrize("host", ["h", "tool.{ns}.svc", "c-tool.{ns}", "c-tool.{ns}.svc.evil.test", "c-tool.{ns}.svc.cluster.local.evil.test",
                                  "x.c-tool.{ns}.svc", "c-.{ns}.svc", "127.0.0.1:8480"])
def test_hosts_of_nobody(site, host):
    with Conn(site.proxy) as c:
        found = c.ask(head("GET", "/x", site.bearer, host=host.format(ns=site.ns)))
        assert found.status == 421 and found.reason == "Misdirected", found


@pytest.mark.parametrize("path", ["/namespaces/{ns}/connectors/Tool/x", "/namespaces/{ns}/connectors/to%6fl/x", "/namespaces/{ns}/connectors//x",
                                  "/namespaces//connectors/tool/x", "/namespaces/{ns}/connectors/../x", "/namespaces/{ns}/connectors/tool;a/x",
                                  "/namespaces/a.b/connectors/tool/x", "/namespaces/{ns}/connectors/tool#/x"])
def test_paths_that_name_badly(site, path):
    found = refused(site.proxy, head("GET", path.format(ns=site.ns), site.bearer))
    assert found.status == 400 and found.reason == "AmbiguousRequest"


# --- prefixes

@pytest.mark.parametrize("rest", [
    "/..", "/../", "/../x", "/x/../..", "/x/../../y", "/%2e%2e", "/%2E%2e/x", "/.%2e/x", "/%2e./x", "/..%2fx", "/..%2Fx", "/x%2f..%2f..", "/..\\x",
    "/\\..", "/..%5cx", "/%5c..%5c..", "/x\\..\\..", "/..;", "/..;/x", "/..;a=b/x", "/..%3b/x", "/%2e%2e;x/y", "//..", "/x//../..", "/./..", "/./../x",
    "/x/./../..", "/;/..", "/a;b/../..", "/..?x", "/x/..%2f..", "/x/%2e%2e%2f%2e%2e/y", "/.;/..;/x"])
@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_nothing_escapes_the_prefix(many, rest, mode):
    mark = f"m{next(NUMBERS)}"
    end = rest + ("&" if "?" in rest else "?") + mark
    if mode == "reverse":
        data = many.get("a", end)
    else:
        data = head("GET", f"{many.tool.url}/a{end}", many.proxy_credentials("a"), host=many.tool.authority)
    found = refused(many.proxy, data)
    assert found.status == 400 and found.reason == "AmbiguousRequest"
    assert many.tool.seen(mark) == []


@pytest.mark.parametrize("rest", ["/x%2fy", "/x%2Fy/z", "/x/../y", "/.../x", "/x..", "/..x", "/x/..;a", "/%252e%252e/x", "/a.b/../c", "/", "", "//x", "/x?../..",
                                  "/~!$&'()*+,;=:@", "/x/%2e%2e/y", "/.", "/./x"])
def test_paths_pass_byte_for_byte(many, rest):
    mark = f"m{next(NUMBERS)}"
    end = rest + ("&" if "?" in rest else "?") + mark
    with Conn(many.proxy) as c:
        assert c.ask(many.get("a", end)).status == 200
    assert [r.target for r in many.tool.clean(mark)] == ["/a" + end]


# --- refused destinations, however they are written

METADATA = ["http://169.254.169.254", "http://[::ffff:169.254.169.254]", "http://[64:ff9b::a9fe:a9fe]", "http://[fe80::1]", "http://0.0.0.0:{port}",
            "http://[::]:{port}", "http://[::ffff:0.0.0.0]:{port}", "http://224.0.0.1", "http://[ff02::1]", "http://[fd00:ec2::254]",
            "http://100.100.100.200", "http://255.255.255.255"]
OWN = ["{proxy}", "{apiserver}", "{metrics}", "http://[::ffff:127.0.0.1]:{proxy_port}", "https://[::ffff:127.0.0.1]:{apiserver_port}",
       "http://localhost:{proxy_port}", "http://localhost:{metrics_port}", "https://localhost:{apiserver_port}"]


@pytest.mark.parametrize("address", METADATA + OWN)
def test_refused_destinations(site, kube, address):
    """Checked on the address that is dialled: 403, and nothing of the credential leaves."""
    where = {"proxy": kube.proxy, "apiserver": kube.endpoints["apiserver"], "metrics": kube.endpoints["metrics"]["proxy"]}
    where |= {f"{k}_port": urllib.parse.urlsplit(v).port for k, v in list(where.items())}
    name = f"refused{next(NUMBERS)}"
    site.add(name, address.format(port=site.tool.port, **where))
    before = len(site.tool.requests)
    with Conn(site.proxy) as c:
        found = wait_until(lambda: c.ask(site.get(name, "/healthz")), "an answer")
        assert found.status == 403 and found.reason == "DestinationRefused", found
    assert len(site.tool.requests) == before


def test_requests_that_went_through_us_are_a_loop(site):
    with Conn(site.proxy) as c:
        via = c.ask(site.get("tool", "/via")).get("Via")
    assert re.fullmatch(r"1\.1 connectors-[0-9a-f]{8}", via)
    found = refused(site.proxy, site.get("tool", "/loop", f"Via: 1.0 a, {via}, 1.1 b"))
    assert found.status == 508 and found.reason == "LoopDetected"
    found = refused(site.proxy, head("GET", site.proxy + "/x", site.proxy_credentials("tool"), host=site.proxy.removeprefix("http://")))
    assert found.status == 508 and found.reason == "LoopDetected"
    assert site.tool.seen("/loop") == []
