"""Keys on a command line or in an address are found, and what is none is left."""

from __future__ import annotations

import shlex

import pytest

from abstractruntime.integrations.mcp import BadMcpServer, McpServer
from abstractruntime.integrations.mcp.written_secrets import names_a_secret, without_secrets


def shown(line: str) -> tuple[str, list[str]]:
    """Return a command line as it may be shown, and what was taken out of it."""
    kept: list[str] = []

    def keep(secret: str) -> str:
        kept.append(secret)
        return "***"

    return " ".join(without_secrets(shlex.split(line), keep)), kept


@pytest.mark.parametrize(
    ("line", "secret", "left"),
    [
        ("serve --api-key sk-abc", "sk-abc", "serve --api-key ***"),
        ("serve --api-key=hunter2", "hunter2", "serve --api-key=***"),
        ("serve --apiKey hunter2 --port 80", "hunter2", "serve --apiKey *** --port 80"),
        ("serve -token hunter2", "hunter2", "serve -token ***"),
        ("env TOKEN=hunter2 serve", "hunter2", "env TOKEN=*** serve"),
        (
            "docker run -e GITHUB_PERSONAL_ACCESS_TOKEN=x1 image",
            "x1",
            "docker run -e GITHUB_PERSONAL_ACCESS_TOKEN=*** image",
        ),
        ("proxy --header 'Authorization: Bearer abc'", "abc", "proxy --header Authorization: Bearer ***"),
        ("proxy --header='Authorization: Bearer abc'", "abc", "proxy --header=Authorization: Bearer ***"),
        ("proxy --header X-Api-Key:abc", "abc", "proxy --header X-Api-Key:***"),
        ("proxy --auth 'Basic dXNlcg=='", "dXNlcg==", "proxy --auth Basic ***"),
        ("serve postgres://me:hunter2@host/db", "hunter2", "serve postgres://me:***@host/db"),
        ("proxy https://host/mcp?api_key=abc&x=1", "abc", "proxy https://host/mcp?api_key=***&x=1"),
        ("serve ghp_0123456789abcdefABCD", "ghp_0123456789abcdefABCD", "serve ***"),
        ("serve sk-proj-abcd-efgh", "sk-proj-abcd-efgh", "serve ***"),
        ("serve 8f2a61c0de77b94a1c3e5d", "8f2a61c0de77b94a1c3e5d", "serve ***"),
        (
            "proxy https://host/s/Zk3Lm9Qp2Rt7Xw1Yb4Nc/mcp",
            "Zk3Lm9Qp2Rt7Xw1Yb4Nc",
            "proxy https://host/s/***/mcp",
        ),
        ("serve --password 'two words'", "two words", "serve --password ***"),
    ],
)
def test_a_key_is_taken_out(line: str, secret: str, left: str) -> None:
    assert shown(line) == (left, [secret])


@pytest.mark.parametrize(
    "line",
    [
        "python -m mcp_server_time --local-timezone=Europe/Oslo",
        "npx -y @modelcontextprotocol/server-filesystem /srv/notes-2026-11-29",
        "uvx mcp-server-git --repository path/to/a/very/long/repository/of/mine",
        "serve --key-file /etc/key.pem --token-env MY_TOKEN --auth-type oauth",
        "serve --auth none --author Jane --keyboard us --monkey=x",
        "serve --api-key ${MY_KEY} TOKEN=${kept:_T} --header 'Authorization: Bearer ${MY_KEY}'",
        "serve --api-key --verbose --max-tokens 100",
        "serve /nix/store/8f2a61c0de77b94a1c3e5d-tool/data",
        "serve http://127.0.0.1:8080/mcp?page=2",
        "serve C:\\tools\\server.exe --max-tokens-file x",
        "serve 123e4567-e89b-12d3-a456-426614174000",
        "python -c 'import time; time.sleep(9)'",
    ],
)
def test_what_is_no_key_is_left(line: str) -> None:
    assert shown(line) == (" ".join(shlex.split(line)), [])


def test_two_keys_are_two() -> None:
    assert shown("serve --token a1 KEY=b2 --dir x")[1] == ["a1", "b2"]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("OPENAI_API_KEY", True),
        ("accessToken", True),
        ("", False),
        ("APIKEY", True),
        ("tokenizer", False),
        ("PASSWORD_FILE", False),
    ],
)
def test_names(name: str, is_one: bool) -> None:
    assert names_a_secret(name) is is_one


@pytest.mark.parametrize(
    ("word", "is_one"),
    [("${HOME}/notes", False), ("notes", False), ("${MY_KEY}", True), ("${kept:_a.1}", True)],
)
def test_what_others_can_read_on_the_command_line_is_known(word: str, is_one: bool) -> None:
    assert McpServer("x", command=("serve", word)).has_secret_arguments is is_one


def test_references_are_filled_in_and_a_missing_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "a/secret value")
    server = McpServer("x", url="https://host/${MY_KEY}?k=${kept:_a.1}", kept={"_a.1": "Bearer kept-one"})
    assert server.filled_url() == "https://host/a/secret value?k=Bearer kept-one"
    assert set(server.secrets()) == {
        "a/secret value",
        "a%2Fsecret%20value",
        "Bearer kept-one",
        "kept-one",
        "Bearer%20kept-one",
    }
    with pytest.raises(BadMcpServer, match="NO_SUCH is not set"):
        McpServer("x", command=("serve", "${NO_SUCH}")).filled_command()
