"""What the tool sees: its own credential, and nothing of the client's."""

import base64
import os

import pytest
from harness.origin import header
from harness.world import basic

CLIENT_HEADERS = {
    "Cookie": "a=b", "Private-Token": "t", "Job-Token": "t", "Deploy-Token": "t", "X-Api-Key": "k", "Api-Key": "k", "X-Auth-Token": "t",
    "X-Access-Token": "t", "X-JFrog-Art-Api": "k", "X-NuGet-ApiKey": "k", "X-Vault-Token": "t", "X-Plugin-Any": "p",
    "Impersonate-User": "admin", "Impersonate-Extra-scopes": "s", "X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "DELETE",
    "X-Method-Override": "DELETE",
}


def test_basic(tool, origin):
    assert tool.reverse("tool", "/basic", tool.token("builder")).status == 200
    assert header(origin.seen("/basic")[0], "Authorization") == [basic("bot", tool.password)]


def test_basic_in_forward_mode(tool, origin):
    assert tool.forward(f"{origin.url}/forward", ["tool"], tool.token("builder")).status == 200
    (record,) = origin.seen("/forward")
    assert header(record, "Authorization") == [basic("bot", tool.password)]
    assert header(record, "Proxy-Authorization") == []


def test_bearer(world, origin):
    value = "tok-" + os.urandom(8).hex()
    world.account("builder")
    world.bind("builder")
    world.secret("bearer", kind="connectors.cpaas.io/bearer-token", token=value)
    world.connector("api", origin.url, "bearer", cls="http", auth="bearerTokenAuth")
    assert world.reverse("api", "/bearer", world.token("builder")).status == 200
    assert header(origin.seen("/bearer")[0], "Authorization") == [f"Bearer {value}"]


def test_without_secret_nothing_is_sent(world, origin):
    """An optional credential that is not there: the client's token still does not pass."""
    world.account("builder")
    world.bind("builder")
    world.connector("open", origin.url, cls="http", auth="none")
    assert world.reverse("open", "/open", world.token("builder")).status == 200
    assert header(origin.seen("/open")[0], "Authorization") == []
    assert world.condition("open", "SecretReady")["reason"] == "SecretOptional"


@pytest.mark.parametrize("mode", ["bearer", "basic"])
def test_client_headers_never_reach_the_tool(tool, origin, mode):
    token = tool.token("builder")
    auth = {"Authorization": basic("any-user", token)} if mode == "basic" else {"Authorization": f"Bearer {token}"}
    assert tool.reverse("tool", "/strip", headers={**CLIENT_HEADERS, **auth, "X-Keep": "kept"}).status == 200
    (record,) = origin.seen("/strip")
    assert record["method"] == "GET"
    assert header(record, "X-Keep") == ["kept"]
    assert [h for h in CLIENT_HEADERS if header(record, h)] == []
    assert token not in str(record) and base64.b64encode(token.encode()).decode()[:40] not in str(record)
    assert len(header(record, "Via")) == 1


def test_path_and_query_arrive_byte_for_byte(tool, origin):
    path = "/a%2Fb/%C3%A4/c%20d;p=1/~x?q=%2F&r=a+b&empty"
    assert tool.reverse("tool", path, tool.token("builder")).status == 200
    assert origin.seen("/a%2Fb")[0]["path"] == path


def test_prefix_of_the_address_is_kept(world, origin):
    world.account("builder")
    world.bind("builder")
    world.secret("tool", username="bot", password="p")
    world.connector("sub", f"{origin.url}/base/v1", "tool")
    token = world.token("builder")
    assert world.reverse("sub", "/x", token).status == 200
    assert origin.seen("/base/v1/x")
    for escape in ("/../secret", "/%2e%2e/secret", "/a/..%5c..%5c/secret", "/..;x/secret"):
        answer = world.reverse("sub", escape, token)
        assert (answer.status, answer.reason) == (400, "AmbiguousRequest"), escape
    assert not origin.seen("secret")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_bodies_pass(tool, origin, method):
    body = os.urandom(300_000)
    assert tool.reverse("tool", "/body", tool.token("builder"), method=method, body=body).status == 200
    assert origin.seen("/body")[0]["body"] == len(body)
    assert tool.reverse("tool", "/chunked", tool.token("builder"), method=method, body=iter([body[:1000], body[1000:]])).status == 200
    assert origin.seen("/chunked")[0]["body"] == len(body)


def test_answers_cannot_hand_the_credential_back(tool, origin):
    token = tool.token("builder")
    echo = tool.reverse("tool", "/echo", token)
    assert (echo.status, echo.reason) == (502, "CredentialEchoed")
    assert tool.password not in str(echo.headers) and tool.password.encode() not in echo.body
    cookie = tool.reverse("tool", "/cookie", token)
    assert cookie.headers.get("Set-Cookie") is None and cookie.headers.get("X-Other") == "kept"
    for method in ("TRACE", "TRACK"):
        answer = tool.reverse("tool", "/trace", token, method=method)
        assert (answer.status, answer.reason) == (405, "MethodNotAllowed")
    assert not origin.seen("/trace")


def test_redirects_are_passed_not_followed(tool, origin):
    token = tool.token("builder")
    inside = tool.reverse("tool", f"/redirect?to={origin.url}/moved", token)
    assert inside.status == 302
    assert inside.headers["Location"] == tool.proxy + tool.path("tool", "/moved")
    outside = tool.reverse("tool", "/redirect?to=http://elsewhere.example/x", token)
    assert (outside.status, outside.headers["Location"]) == (302, "http://elsewhere.example/x")
    assert not [r for r in origin.requests if r["path"].startswith("/moved")]


def test_the_tools_own_refusal_passes(tool, origin):
    answer = tool.reverse("tool", "/status/401", tool.token("builder"))
    assert (answer.status, answer.reason) == (401, None)


def test_keep_alive_serves_connectors_with_their_own_credentials(world, origin):
    """One client connection, two Connectors of one address: each request carries its own Connector's credential."""
    world.account("builder")
    world.bind("builder")
    for name in ("one", "two"):
        world.secret(name, username=name, password=f"pw-{name}")
        world.connector(name, origin.url, name)
    token, connection = world.token("builder"), world.connect()
    for i in range(10):
        name = ("one", "two")[i % 2]
        assert world.reverse(name, f"/turn-{i}", token, connection=connection).status == 200
        assert header(origin.seen(f"/turn-{i}")[0], "Authorization") == [basic(name, f"pw-{name}")]
    connection.close()
