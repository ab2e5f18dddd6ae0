"""What reaches the tool: exactly one request or none for each attempt, with the stored credential and without the client's."""

import itertools

import pytest
from harness.process import wait_until
from harness.traces import holds
from raw import Broken, Conn, head, refused

NUMBERS = itertools.count(1)
INNER = "GET {} HTTP/1.1\r\nHost: h\r\nX-Smuggled: yes\r\n\r\n"


def unique():
    return f"/s{next(NUMBERS)}"


def gone(site, name, data):
    """Sends bytes, ends the direction, and returns all the statuses that came back."""
    with Conn(site.proxy) as c:
        c.send(data).end()
        found = []
        try:
            while c.buffer or c.fill():
                found.append(c.answer().status)
        except Broken:
            found.append("broken")
        return found


@pytest.mark.parametrize("lines, body", [
    (["Content-Length: 4", "Transfer-Encoding: chunked"], "0\r\n\r\n{inner}"),
    (["Transfer-Encoding: chunked", "Content-Length: 4"], "0\r\n\r\n{inner}"),
    (["Content-Length: 0", "Content-Length: 60"], "{inner}"),
    (["Content-Length: 60", "Content-Length: 0"], "{inner}"),
    (["Content-Length: 0, 60"], "{inner}"),
    (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], "0\r\n\r\n{inner}"),
    (["Transfer-Encoding: xchunked"], "0\r\n\r\n{inner}"),
    (["Transfer-Encoding : chunked"], "0\r\n\r\n{inner}"),
    (["Transfer-Encoding:\tchunked\x0b"], "0\r\n\r\n{inner}"),
    (["Transfer-Encoding:\r\n chunked"], "0\r\n\r\n{inner}"),
    (["X: a\nTransfer-Encoding: chunked"], "0\r\n\r\n{inner}"),
    (["X: a\rTransfer-Encoding: chunked"], "0\r\n\r\n{inner}"),
    (["X: a\r\n\rTransfer-Encoding: chunked"], "0\r\n\r\n{inner}"),
    (["Content-Length: 4\r\n 0"], "{inner}"),
], ids=lambda v: "|".join(v)[:40].encode("unicode_escape").decode() if isinstance(v, list) else "")
def test_ambiguous_framing_reaches_nobody(site, lines, body):
    path = unique()
    inner = INNER.format(site.path("tool", path + "/inner"))
    data = site.get("tool", path, *lines, method="POST") + body.format(inner=inner).encode()
    found = refused(site.proxy, data)
    assert found.status == 400 and found.reason == "AmbiguousRequest"
    assert site.tool.seen(path) == []


CHUNKS = {
    "size-hex-prefix": b"0x3\r\nabc\r\n0\r\n\r\n",
    "size-plus": b"+3\r\nabc\r\n0\r\n\r\n",
    "size-minus": b"-3\r\nabc\r\n0\r\n\r\n",
    "size-empty": b"\r\nabc\r\n0\r\n\r\n",
    "size-space-before": b" 3\r\nabc\r\n0\r\n\r\n",
    "size-space-after": b"3 \r\nabc\r\n0\r\n\r\n",
    "size-tab-after": b"3\t\r\nabc\r\n0\r\n\r\n",
    "size-word": b"three\r\nabc\r\n0\r\n\r\n",
    "size-17-digits": b"00000000000000003\r\nabc\r\n0\r\n\r\n",
    "size-overflow": b"ffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "size-wraps": b"10000000000000003\r\nabc\r\n0\r\n\r\n",
    "size-underscore": b"0_3\r\nabc\r\n0\r\n\r\n",
    "line-bare-lf": b"3\nabc\r\n0\r\n\r\n",
    "line-bare-cr": b"3\rabc\r\n0\r\n\r\n",
    "extension-lf": b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    "extension-cr": b"3;a\rb\r\nabc\r\n0\r\n\r\n",
    "extension-nul": b"3;a\0\r\nabc\r\n0\r\n\r\n",
    "extension-too-long": b"3;" + b"a" * 300 + b"\r\nabc\r\n0\r\n\r\n",
    "data-too-long": b"3\r\nabcd\r\n0\r\n\r\n",
    "data-too-short": b"3\r\nab\r\n0\r\n\r\n",
    "data-end-lf": b"3\r\nabc\n0\r\n\r\n",
    "data-end-missing": b"3\r\nabc0\r\n\r\n",
    "trailer-fold": b"3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n",
    "trailer-lf": b"3\r\nabc\r\n0\r\nX: a\n\r\n",
    "trailer-no-colon": b"3\r\nabc\r\n0\r\nX\r\n\r\n",
    "trailer-space-before-colon": b"3\r\nabc\r\n0\r\nX : a\r\n\r\n",
    "trailer-too-large": b"3\r\nabc\r\n0\r\nX: " + b"a" * 20000 + b"\r\n\r\n",
    "end-lf": b"3\r\nabc\r\n0\r\n\n",
}


@pytest.mark.parametrize("case", CHUNKS)
def test_bad_chunks_never_make_a_request(site, case):
    """The tool may see a head and the beginning of a body, never the end of one, nor anything behind it."""
    path = unique()
    inner = INNER.format(site.path("tool", path + "/inner")).encode()
    found = refused(site.proxy, site.get("tool", path, "Transfer-Encoding: chunked", method="POST") + CHUNKS[case] + inner)
    assert found.status == 400, found
    assert site.tool.clean(path) == [] and not site.tool.trouble
    assert len(site.tool.seen(path)) <= 1
    with Conn(site.proxy) as c:
        assert c.ask(site.get("tool", path + "/after")).body == (path + "/after").encode()


def test_good_chunks_arrive_whole(site):
    """Extensions and trailers end here; the body is the same."""
    path = unique()
    body = b"5;a=b;c\r\nhello\r\n000001\r\n!\r\nA\r\n0123456789\r\n0\r\nX-Trailer: a\r\nAuthorization: Basic eDp5\r\n\r\n"
    with Conn(site.proxy) as c:
        assert c.ask(site.get("tool", path, "Transfer-Encoding: chunked", method="POST") + body).status == 200
        assert c.ask(site.get("tool", path + "/next")).status == 200
    first, second = site.tool.clean(path)
    assert first.body == b"hello!0123456789" and not first.all("X-Trailer") and not first.all("Content-Length")
    assert second.target == path + "/next"


def test_bodies_are_never_requests(site):
    """What follows a length or a last chunk begins a request; what is within is body, whatever it looks like."""
    path = unique()
    inner = INNER.format(site.path("tool", path + "/inner")).encode()
    with Conn(site.proxy) as c:
        c.send(site.get("tool", path + "/a", f"Content-Length: {len(inner)}", method="POST") + inner)
        c.send(site.get("tool", path + "/b", "Transfer-Encoding: chunked", method="POST") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner))
        c.send(site.get("tool", path + "/c", f"Content-Length: {len(inner)}") + inner)
        assert [c.answer().status for _ in range(3)] == [200, 200, 200]
        assert c.is_silent()
    assert [r.target for r in site.tool.seen(path)] == [path + "/a", path + "/b", path + "/c"]
    assert all(r.body == inner for r in site.tool.clean(path))


def test_requests_behind_a_close_are_not_read(site):
    path = unique()
    assert gone(site, path, site.get("tool", path + "/a", "Connection: close") + site.get("tool", path + "/b")) == [200]
    assert [r.target for r in site.tool.seen(path)] == [path + "/a"]


def test_requests_behind_a_refusal_are_not_read(site):
    """After what closes the connection nothing of it is served, even if it was there in the same packet."""
    path = unique()
    good = site.get("tool", path)
    for bad in (head("CONNECT", "127.0.0.1:1", host="127.0.0.1:1"), site.get("tool", "/x", host="a@b"),
                site.get("tool", "/x", "X : y"),
                site.get("tool", "/x", host=f"c-other.{site.ns}.svc")):
        with Conn(site.proxy) as c:
            assert c.send(bad + good).answer().status in (400, 421, 501)
            assert c.at_end()
    assert site.tool.seen(path) == []


def test_one_connection_is_authenticated_for_each_request(site):
    """A token of an earlier request counts for nothing later."""
    path = unique()
    bare = head("GET", site.path("tool", path))
    bad = head("GET", site.path("tool", path), "Authorization: Bearer " + site.builder[:-4] + "AAAA")
    with Conn(site.proxy) as c:
        c.send(site.get("tool", "/ok") + bare + site.get("tool", "/ok") + bad + site.get("tool", "/ok"))
        assert [c.answer().status for _ in range(5)] == [200, 401, 200, 401, 200]
    assert site.tool.seen(path) == []


def test_truncated_bodies_make_no_request(site):
    path = unique()
    for lines, body in ((["Content-Length: 10"], b"abc"), (["Transfer-Encoding: chunked"], b"5\r\nab"),
                        (["Transfer-Encoding: chunked"], b"2\r\nab\r\n"), (["Transfer-Encoding: chunked"], b"0\r\n")):
        with Conn(site.proxy) as c:
            c.send(site.get("tool", path, *lines, method="POST") + body).end()
            while c.fill():
                pass
            assert not c.buffer.startswith(b"HTTP/1.1 2")
    assert site.tool.clean(path) == []
    with Conn(site.proxy) as c:
        assert c.ask(site.get("tool", path + "/after")).body == (path + "/after").encode()


# --- headers

TAKEN_OUT = ["Cookie", "Cookie2", "Private-Token", "Job-Token", "Deploy-Token", "X-Api-Key", "Api-Key", "X-Auth-Token", "X-Access-Token",
             "X-JFrog-Art-Api", "X-NuGet-ApiKey", "X-Vault-Token", "X-Plugin-Token", "X-Plugin-", "Impersonate-User", "Impersonate-Group",
             "Impersonate-Extra-Scopes", "X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override", "Proxy-Authorization",
             "Proxy-Connection", "Keep-Alive", "TE", "Trailer", "Upgrade", "HTTP2-Settings"]


@pytest.mark.parametrize("spelling", [str, str.lower, str.upper, lambda s: s.replace("-", "_"), lambda s: s.upper().replace("-", "_")],
                         ids=["as-is", "lower", "upper", "underscore", "cgi"])
def test_what_never_reaches_the_tool(site, spelling):
    """Each header of the client that carries a credential, overrides a method or ends at a hop, in every spelling."""
    path = unique()
    names = [n for n in TAKEN_OUT if spelling in (str, str.lower, str.upper) or n not in ("Keep-Alive", "TE", "Trailer", "Upgrade",
                                                                                         "HTTP2-Settings")]
    lines = [f"{spelling(n)}: client-{i}-{site.builder[:20]}" for i, n in enumerate(names)]
    with Conn(site.proxy) as c:
        assert c.ask(site.get("tool", path, *lines, "X-Kept: yes", "Connection: HTTP2-Settings")).status == 200
    (seen,) = site.tool.clean(path)
    assert seen.all("Authorization") == [site.credential("tool")] and seen.get("X-Kept") == "yes"
    assert b"client-" not in seen.raw, seen.raw
    assert site.builder.encode() not in seen.raw and seen.get("Host") == site.tool.authority
    assert [v.startswith("1.1 connectors-") for v in seen.all("Via")] == [True]


@pytest.mark.parametrize("line", ["Authorization: Basic eDp5", "AUTHORIZATION: Bearer x", "authorization:"])
def test_second_authorization_is_refused(site, line):
    path = unique()
    found = refused(site.proxy, site.get("tool", path, line))
    assert found.status == 400 and found.reason == "AmbiguousRequest"
    assert site.tool.seen(path) == []


def test_disguised_authorization_does_not_travel(site):
    """Tools that read '_' as '-' must not find the client's token, or one of its own choosing, beside ours."""
    path = unique()
    with Conn(site.proxy) as c:
        assert c.ask(site.get("tool", path, "Authorization_: x", "AUTHORIZATION-: y", "Proxy_Authorization: Basic eDp5")).status == 200
    (seen,) = site.tool.clean(path)
    assert seen.all("Authorization") == [site.credential("tool")] and b"eDp5" not in seen.raw


@pytest.mark.parametrize("named", ["Authorization", "Host", "X-Kept, Via", "Content-Length", "close, Authorization", "Transfer-Encoding"])
def test_connection_names_cannot_remove_what_we_set(site, named):
    path = unique()
    with Conn(site.proxy) as c:
        found = c.ask(site.get("tool", path, f"Connection: {named}", "X-Kept: 1", "Content-Length: 3", method="POST") + b"abc")
        assert found.status == 200
    (seen,) = site.tool.clean(path)
    assert seen.all("Authorization") == [site.credential("tool")] and seen.get("Host") == site.tool.authority
    assert seen.get("Via") and seen.body == b"abc"


def test_optional_secret_means_no_credential(site):
    site.add("open", site.tool.url, secret=False)
    path = unique()
    with Conn(site.proxy) as c:
        assert c.ask(site.get("open", path)).status == 200
    (seen,) = site.tool.clean(path)
    assert not seen.all("Authorization") and not holds(seen.raw, site.secrets())


# --- methods

@pytest.mark.parametrize("method", ["TRACE", "TRACK", "trace", "Track"])
def test_trace_is_refused(site, method):
    path = unique()
    with Conn(site.proxy) as c:
        found = c.ask(site.get("tool", path, method=method))
        assert found.status == 405 and found.reason == "MethodNotAllowed"
    assert site.tool.seen(path) == []


@pytest.mark.parametrize("target", ["127.0.0.1:443", "h:443", "/", "http://h/", "*"])
def test_connect_is_not_implemented(site, target):
    found = refused(site.proxy, head("CONNECT", target, site.proxy_credentials("tool"), host="h:443"))
    assert found.status == 501 and found.reason == "NotImplemented"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "X-CUSTOM!", "get"])
def test_methods_pass_as_they_are(site, method):
    path = unique()
    with Conn(site.proxy) as c:
        assert c.ask(site.get("tool", path, method=method), method).status == 200
    assert [r.method for r in site.tool.clean(path)] == [method]


def test_expect_continue(site):
    path = unique()
    with Conn(site.proxy) as c:
        interim = []
        c.send(site.get("tool", path, "Expect: 100-continue", "Content-Length: 3", method="POST"))
        wait_until(lambda: c.buffer or c.fill(), "100 Continue")
        c.send(b"abc")
        assert c.answer(interim=interim).status == 200 and [i.status for i in interim] == [100]
        assert c.send(head("POST", site.path("tool", path), "Expect: 100-continue", "Content-Length: 3")).answer().status == 401
    assert [r.body for r in site.tool.clean(path)] == [b"abc"]
