"""Tokens, links and sessions (A1-A5 of the security design), and the settings that are refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from flowstudio.access import Access, TooManyGuesses, read_token
from flowstudio.settings import Settings, SettingsError, read_settings


class Clock:
    def __init__(self) -> None:
        self.now = 5_000.0

    def __call__(self) -> float:
        return self.now


def token_of(link: str) -> str:
    address, _, token = link.partition("#token=")
    assert address.endswith("/login"), "the token is in the fragment, which no log and no Referer has"
    return token


def test_a_login_link_works_once(tmp_path: Path) -> None:
    access = Access(Settings(tmp_path, tmp_path))
    token = token_of(access.login_link("http://127.0.0.1:8420"))
    assert len(token) >= 43, "256 bits"
    assert access.sign_in(token) is not None
    assert access.sign_in(token) is None


def test_a_login_link_lasts_ten_minutes(tmp_path: Path) -> None:
    clock = Clock()
    access = Access(Settings(tmp_path, tmp_path), clock)
    early, late = token_of(access.login_link("/login")), token_of(access.login_link("/login"))
    clock.now += 599
    assert access.sign_in(early) is not None
    clock.now += 2
    assert access.sign_in(late) is None


def test_empty_tokens_never_fit(tmp_path: Path) -> None:
    access = Access(Settings(tmp_path, tmp_path))
    assert access.sign_in("") is None
    assert not access.knows_token("")
    assert access.session_of("") is None
    assert access.session_of(None) is None


def test_guessing_is_slowed_down(tmp_path: Path) -> None:
    clock = Clock()
    access = Access(Settings(tmp_path, tmp_path), clock)
    token = token_of(access.login_link("/login"))
    for _ in range(5):
        assert access.sign_in("wrong") is None
    with pytest.raises(TooManyGuesses) as told:
        access.sign_in(token)
    assert 0 < told.value.seconds <= 61
    clock.now += 61
    assert access.sign_in(token) is not None


def test_a_session_outlives_the_server_and_its_file_opens_nothing(tmp_path: Path) -> None:
    access = Access(Settings(tmp_path, tmp_path))
    cookie = access.sign_in(token_of(access.login_link("/login")))
    assert cookie is not None
    again = Access(Settings(tmp_path, tmp_path))
    session = again.session_of(cookie)
    assert session is not None
    held = (tmp_path / "sessions.json").read_text()
    assert cookie not in held
    assert access.session_of(session) is None, "what is in the file is no cookie"
    again.sign_out(session)
    assert Access(Settings(tmp_path, tmp_path)).session_of(cookie) is None


def test_cookies_are_strict_and_cleared_with_the_same_attributes(tmp_path: Path) -> None:
    access = Access(Settings(tmp_path, tmp_path, port=8999))
    start, end = access.set_cookie("v"), access.clear_cookie()
    assert start == "sid_8999=v; HttpOnly; SameSite=Strict; Path=/; Max-Age=604800"
    assert end == "sid_8999=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0"
    secure = Access(Settings(tmp_path, tmp_path, origin="https://flows.example"))
    assert secure.set_cookie("v").startswith("__Host-sid=v; HttpOnly; SameSite=Strict; Path=/; Secure")


def test_the_token_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    token = read_token(tmp_path)
    assert len(token) >= 43
    assert read_token(tmp_path) == token
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    access = Access(Settings(tmp_path, tmp_path))
    assert access.knows_token(token)
    access.sign_in(token)
    assert (tmp_path / "sessions.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["token", "sessions.json"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_secrets_that_others_can_read_stop_the_start(tmp_path: Path, name: str, mode: int) -> None:
    (tmp_path / name).write_text("{}" if name.endswith("json") else "secret")
    os.chmod(tmp_path / name, mode)
    with pytest.raises(SettingsError, match=f"chmod 600 .*{name}"):
        Access(Settings(tmp_path, tmp_path))


def test_a_damaged_session_file_locks_nobody_out(tmp_path: Path) -> None:
    for text in ("", "no json", "[]", json.dumps({"a": {"wrong": 1}}), json.dumps({"a": 3})):
        file = tmp_path / "sessions.json"
        file.write_text(text)
        os.chmod(file, 0o600)
        access = Access(Settings(tmp_path, tmp_path))
        assert access.sign_in(token_of(access.login_link("/login"))) is not None


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "10.0.0.1", "example.test", "127.0.0.1.evil"]
)
def test_other_addresses_than_loopback_need_a_proxy_and_a_long_token(tmp_path: Path, host: str) -> None:
    for env in (
        {},
        {"FLOWSTUDIO_TOKEN": "x" * 40},
        {"FLOWSTUDIO_ORIGIN": "https://flows.example"},
        {"FLOWSTUDIO_ORIGIN": "https://flows.example", "FLOWSTUDIO_TOKEN": "short"},
    ):
        with pytest.raises(SettingsError) as told:
            read_settings(env, host=host, data=tmp_path)
        assert str(told.value).count(".") >= 1
        assert "FLOWSTUDIO_ORIGIN" in str(told.value)
    env = {"FLOWSTUDIO_ORIGIN": "https://flows.example", "FLOWSTUDIO_TOKEN": "x" * 40}
    settings = read_settings(env, host=host, data=tmp_path)
    assert settings.address == "https://flows.example"
    assert "flows.example" in settings.hosts


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.2"])
def test_loopback_needs_nothing(tmp_path: Path, host: str) -> None:
    assert read_settings({}, host=host, data=tmp_path).host == host


@pytest.mark.parametrize("origin", ["http://flows.example", "flows.example", "https://x/path", "https://"])
def test_a_public_origin_is_https(tmp_path: Path, origin: str) -> None:
    with pytest.raises(SettingsError, match="https"):
        read_settings({"FLOWSTUDIO_ORIGIN": origin}, data=tmp_path)


@pytest.mark.parametrize("port", ["x", "-1", "70000", "80.5"])
def test_a_port_is_a_port(tmp_path: Path, port: str) -> None:
    with pytest.raises(SettingsError, match="port"):
        read_settings({"FLOWSTUDIO_PORT": port}, data=tmp_path)
