"""A tool that lies, floods, hangs up or echoes: the client gets 502 or 504 with a reason, and no later request is poisoned."""

import itertools
import threading

import pytest
from harness.process import wait_until
from harness.traces import holds
from raw import Broken, Conn
from rawtool import hang_up, ok

NUMBERS = itertools.count(1)
CLEAN = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npoison!"


def after(site, c):
    """Later requests on the client's connection, and so from the same worker's pool, get their own answers."""
    for _ in range(3):
        path = f"/clean{next(NUMBERS)}"
        found = c.ask(site.get("tool", path))
        assert found.status == 200 and found.body == path.encode(), found


def play(site, answer, *lines, method="GET", connector="tool"):
    """One request that the tool answers so; returns what the client got. A cut answer closes the connection."""
    name = f"hostile{next(NUMBERS)}"
    site.tool.on(name, answer)
    with Conn(site.proxy) as c:
        c.send(site.get(connector, "/" + name, *lines, method=method))
        try:
            found = c.answer(method)
        except Broken:
            found = None
            assert not holds(c.buffer, site.secrets())
        if found:
            assert not holds(found.raw, site.secrets()), found.raw
            after(site, c)
        else:
            assert c.at_end() or b"poison" not in c.buffer
    with Conn(site.proxy) as c:
        after(site, c)
    return found


def bad(found, reason="ToolBadResponse"):
    assert found is not None and found.status == 502 and found.reason == found.json["reason"] == reason, found
    assert "\n" not in found.json["message"] and "tool" in found.json["message"]


HEADS = {
    "garbage": b"\x00\x01\x02\xff\xfe\r\n\r\n",
    "words": b"not HTTP at all\r\n\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "tls-alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "http-0.9": b"<html>hello</html>",
    "http-2": b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
    "http-1.7": b"HTTP/1.7 200 OK\r\nContent-Length: 0\r\n\r\n",
    "lower-case": b"http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "status-two-digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "status-four-digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "status-099": b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
    "status-word": b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    "status-minus": b"HTTP/1.1 -20 OK\r\nContent-Length: 0\r\n\r\n",
    "status-missing": b"HTTP/1.1 \r\n\r\n",
    "reason-control": b"HTTP/1.1 200 \x1b[2J\r\nContent-Length: 0\r\n\r\n",
    "empty-line-first": b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "bare-lf": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "lf-in-value": b"HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
    "cr-in-value": b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
    "nul-in-value": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "fold": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "space-before-colon": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    "colon-missing": b"HTTP/1.1 200 OK\r\nnothing\r\n\r\n",
    "length-and-coding": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + CLEAN,
    "length-twice": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 60\r\n\r\n" + CLEAN,
    "length-twice-alike": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "length-list": b"HTTP/1.1 200 OK\r\nContent-Length: 0, 60\r\n\r\n" + CLEAN,
    "length-minus": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + CLEAN,
    "length-plus": b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n" + CLEAN,
    "length-word": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n" + CLEAN,
    "length-huge": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n" + CLEAN,
    "coding-gzip": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coding-identity": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n" + CLEAN,
    "coding-twice": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding-in-1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding-xchunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + CLEAN,
    "headers-2000": b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 2000 + b"Content-Length: 0\r\n\r\n",
    "headers-large": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1000000 + b"\r\nContent-Length: 0\r\n\r\n",
    "switch-unasked": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + CLEAN,
}


@pytest.mark.parametrize("case", HEADS)
def test_bad_answer_head(site, case):
    bad(play(site, hang_up(HEADS[case])))


@pytest.mark.parametrize("case", ["words", "length-and-coding", "bare-lf"])
def test_bad_answer_head_left_open(site, case):
    """The refusal does not wait for the tool to hang up."""
    bad(play(site, HEADS[case]))


def test_hang_up_before_the_answer(site):
    bad(play(site, hang_up()))
    bad(play(site, hang_up(b"HTTP/1.1 200 OK\r\nX: half")))
    bad(play(site, hang_up(), method="POST"))


def test_endless_head(site):
    """Lines without end are cut at the limit, not gathered."""
    def answer(peer, request):
        peer.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            peer.send(b"X: " + b"a" * 1000 + b"\r\n")
    bad(play(site, answer))


def test_interim_flood(site):
    def answer(peer, request):
        while True:
            peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100)
    name = f"flood{next(NUMBERS)}"
    site.tool.on(name, answer)
    with Conn(site.proxy) as c:
        interim = []
        bad(c.send(site.get("tool", "/" + name)).answer(interim=interim))
        assert len(interim) < 1000
        after(site, c)


def test_interim_answers_pass_without_the_credential(site):
    secret = site.passwords["tool"].encode()
    found = []
    site.tool.on("hints", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nSet-Cookie: s=1\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: " + secret +
                 b"\r\n\r\n" + ok())
    with Conn(site.proxy) as c:
        assert c.send(site.get("tool", "/hints")).answer(interim=found).status == 200
        after(site, c)
    assert [i.status for i in found] == [103] and not found[0].all("Set-Cookie") and found[0].get("Link") == "</a>"


BODIES = {
    "shorter-than-length": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    "chunk-size-word": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "chunk-too-long": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    "chunk-bare-lf": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
    "chunk-overflow": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\nabc\r\n0\r\n\r\n",
    "chunk-cut": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "last-chunk-missing": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "trailer-fold": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n",
    "trailers-endless": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n" + b"X: a\r\n" * 20000 + b"\r\n",
}


@pytest.mark.parametrize("case", BODIES)
def test_broken_body_is_cut(site, case):
    """A body that breaks off is never ended properly towards the client: it must be able to tell."""
    assert play(site, hang_up(BODIES[case])) is None


EXTRA = {
    "behind-length": ok(b"ok") + CLEAN,
    "behind-chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + CLEAN,
    "behind-204": b"HTTP/1.1 204 No Content\r\n\r\n" + CLEAN,
    "behind-304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok" + CLEAN,
    "with-204-length": b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok" + CLEAN,
}


@pytest.mark.parametrize("case", EXTRA)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_bytes_behind_an_answer_poison_nobody(site, case, method):
    """Unasked bytes end the pooled connection: nobody ever reads them as an answer."""
    found = play(site, EXTRA[case], method=method)
    assert found is None or found.status in (200, 204, 304)


def test_late_bytes_poison_nobody(site):
    """A pooled connection on which the tool speaks unasked is closed, and what it said is nobody's answer."""
    closed = threading.Event()

    def answer(peer, request):
        peer.send(ok())
        site.tool.released.wait(0.02)
        peer.send(CLEAN)
        while peer.fill():
            pass
        closed.set()
        peer.hang_up()
    site.tool.on("late", answer)
    with Conn(site.proxy) as c:
        assert c.ask(site.get("tool", "/late")).body == b"ok"
        assert closed.wait(10)
        after(site, c)


def test_close_is_honoured(site):
    """A connection that the tool announces to close is not used again."""
    site.tool.on("closing", ok(b"ok", b"Connection: close"))
    with Conn(site.proxy) as c:
        assert c.ask(site.get("tool", "/closing")).body == b"ok"
        after(site, c)
    (first,), later = site.tool.clean("/closing"), site.tool.clean("/clean")
    assert first.connection not in {r.connection for r in later if site.tool.requests.index(r) > site.tool.requests.index(first)}


def test_answer_before_the_body_was_read(site):
    """A tool that refuses early is heard, though the client still sends."""
    def answer_early(peer, request):
        peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        peer.hang_up()
    original = site.tool._read_body
    site.tool._read_body = lambda peer, request: True if request.target == "/early" else original(peer, request)
    site.tool.on("early", answer_early)
    try:
        with Conn(site.proxy) as c:
            found = c.ask(site.get("tool", "/early", "Content-Length: 3000000", method="POST") + b"x" * 3000000)
            assert found.status in (413, 502)
    finally:
        site.tool._read_body = original
    with Conn(site.proxy) as c:
        after(site, c)


def test_closed_pooled_connection_is_replaced_for_safe_methods_only(site):
    """A GET that meets a connection the tool has just closed is sent again, once; a POST with a body never twice."""
    path = f"/retry{next(NUMBERS)}"
    seen = []

    def answer(peer, request):
        seen.append(request.method)
        peer.hang_up()
    site.tool.on(path[1:], answer)
    with Conn(site.proxy) as c:
        after(site, c)
        bad(c.ask(site.get("tool", path)))
        assert 1 <= len(seen) <= 2
        seen.clear()
        after(site, c)
        bad(c.ask(site.get("tool", path, "Content-Length: 1", method="POST") + b"x"))
        assert seen == ["POST"]


# --- what could hand the credential back

def echoes(site):
    password, value = site.passwords["tool"], site.credential("tool")
    return {"value": value, "base64": value.split()[1], "password": password, "within": f"a={password};b", "url": f"http://bot:{password}@h/"}


@pytest.mark.parametrize("form", ["value", "base64", "password", "within", "url"])
@pytest.mark.parametrize("name", ["X-Echo", "Location", "WWW-Authenticate", "Warning", "Link"])
def test_echoed_credential_is_dropped(site, form, name):
    found = play(site, ok(b"ok", f"{name}: {echoes(site)[form]}".encode()))
    bad(found, "CredentialEchoed")


def test_echoed_credential_in_a_header_name(site):
    bad(play(site, ok(b"ok", f"X-{site.passwords['tool']}: 1".encode())), "CredentialEchoed")


def test_echoed_credential_in_the_reason_phrase(site):
    found = play(site, f"HTTP/1.1 200 {site.passwords['tool']}\r\nContent-Length: 2\r\n\r\nok".encode())
    assert found is None or found.status in (200, 502)


@pytest.mark.parametrize("where", ["extension", "trailer"])
def test_echoed_credential_beside_a_body(site, where):
    password = site.passwords["tool"].encode()
    ends = {"extension": b"2;" + password + b"\r\nok\r\n0\r\n\r\n", "trailer": b"2\r\nok\r\n0\r\nX: " + password + b"\r\n\r\n"}
    found = play(site, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + ends[where])
    assert found.status == 200 and found.body == b"ok"


def test_dropped_echo_names_no_secret_in_the_log(site, kube):
    play(site, ok(b"ok", f"X-Echo: {site.credential('tool')}".encode()))
    logs = b"".join(f.read_bytes() for f in kube.data.glob("**/*.jsonl"))
    assert not holds(logs, site.secrets())


def test_cookies_and_authentication_news_stay_here(site):
    lines = [b"Set-Cookie: a=1", b"set-cookie: b=2", b"Set-Cookie2: c", b"Authentication-Info: n", b"Proxy-Authenticate: Basic",
             b"Proxy-Authentication-Info: x", b"Keep-Alive: 5", b"X-Other: kept"]
    found = play(site, ok(b"ok", *lines))
    assert [n for n, _ in found.headers if n.startswith(("set-", "proxy-", "authentication-", "keep-"))] == []
    assert found.get("X-Other") == "kept" and [v.startswith("1.1 connectors-") for v in found.all("Via")] == [True]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(site, status):
    path = f"/goal{next(NUMBERS)}"
    for target in (f"{site.tool.url}{path}", path, f"//{site.tool.authority}{path}", f"http://127.0.0.2:{site.tool.port}{path}"):
        found = play(site, f"HTTP/1.1 {status} Go\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode())
        assert found.status == status and path in found.get("Location")
    assert site.tool.seen(path) == []


@pytest.mark.parametrize("target, rewritten", [
    ("{tool}/x", True), ("/x", True), ("{tool}?q", True), ("http://h/x", False), ("https://{authority}/x", False), ("//{authority}/x", False),
    ("{tool}.evil.test/x", False), ("http://{authority}@evil.test/x", False), ("http:/x", False), ("javascript:alert(1)", False),
    ("http://{authority}:80/x", False), ("/\\evil.test/x", False)])
def test_location_is_rewritten_only_below_the_address(site, target, rewritten):
    value = target.format(tool=site.tool.url, authority=site.tool.authority)
    found = play(site, ok(b"", f"Location: {value}".encode()))
    if rewritten:
        assert site.path("tool", "") in found.get("Location")
    else:
        assert found.get("Location") == value


def test_tool_error_passes_unchanged(site):
    answer = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="tool"\r\nContent-Length: 4\r\n\r\nnope'
    found = play(site, answer)
    assert found.status == 401 and found.body == b"nope" and found.get("WWW-Authenticate") == 'Basic realm="tool"'
    assert found.reason is None


# --- time

def test_silent_tool_times_out(site, short):
    """No head in time: 504; no progress in a body: the answer is cut; never a connection in the pool."""
    p = short("--response-timeout", "200ms", "--stream-timeout", "300ms", "--threads", "1")
    site.tool.on("silent", lambda peer, request: site.tool.released.wait(0.6))
    site.tool.on("stuck", lambda peer, request: (peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
                                                 site.tool.released.wait(0.8)))
    with Conn(p.url) as c:
        found = c.ask(site.get("tool", "/silent"))
        assert found.status == 504 and found.reason == "ToolTimeout"
        after(site, c)
        with pytest.raises(Broken):
            c.ask(site.get("tool", "/stuck"))
        assert c.at_end() or c.buffer == b"half"
    with Conn(p.url) as c:
        after(site, c)


def test_client_that_leaves_cuts_the_tool(site):
    """A body without end ends with its client, and is never gathered."""
    gone = threading.Event()

    def answer(peer, request):
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                peer.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        except OSError:
            gone.set()
            raise
    site.tool.on("endless", answer)
    with Conn(site.proxy) as c:
        c.send(site.get("tool", "/endless"))
        wait_until(lambda: c.fill() and len(c.buffer) > 300000, "a part of the body")
        assert not gone.is_set()
    assert gone.wait(30)
    with Conn(site.proxy) as c:
        after(site, c)


def test_dead_tool(site, tool):
    site.add("dead", "http://127.0.0.1:9")
    with Conn(site.proxy) as c:
        found = c.ask(site.get("dead", "/"))
        bad(found, "ToolUnreachable")
        after(site, c)
    site.add("plain", site.tool.url.replace("http:", "https:"))
    with Conn(site.proxy) as c:
        bad(c.ask(site.get("plain", "/")), "ToolTLSFailed")
        after(site, c)
    assert site.tool.hellos and not holds(b"".join(site.tool.hellos), site.secrets())
