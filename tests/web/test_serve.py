"""The command line: starting, refusing to start, stopping (A1-A3, C3, D12)."""

from __future__ import annotations

import errno
import os
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from browser.app import ROOT, App
from flowstudio.serve import hold_store, listen, place_of, seed_flows
from flowstudio.settings import Settings, SettingsError, has_screen, read_settings


def flowstudio(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command that is expected to end by itself."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("FLOWSTUDIO_")}
    return subprocess.run(
        [sys.executable, "-m", "flowstudio", *arguments],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT / "server"), **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.7.7"])
def test_an_open_address_exits_2_with_one_sentence(tmp_path: Path, host: str) -> None:
    done = flowstudio(tmp_path, "serve", "--no-browser", "--host", host, "--data", str(tmp_path / "d"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "FLOWSTUDIO_ORIGIN" in done.stderr
    assert not (tmp_path / "d").exists(), "nothing was begun"


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = flowstudio(
            tmp_path, "serve", "--no-browser", "--port", str(port), "--data", str(tmp_path / "d")
        )
    assert done.returncode == 2
    assert f"Port {port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "--no-browser", "--port", "0", "--data", "file"),
        ("serve", "--no-browser", "--port", "0", "--data", "file/below"),
        ("serve", "--no-browser", "--port", "0", "--data", "d", "--flows", "file"),
        ("token", "--data", "file"),
    ],
    ids=" ".join,
)
def test_a_folder_that_cannot_be_is_told_with_its_option(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("not a folder")
    done = flowstudio(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "file" in done.stderr
    assert arguments[-2] in done.stderr


def test_a_damaged_store_and_a_newer_one_stop_the_start(tmp_path: Path) -> None:
    for name in ("damaged", "newer"):
        (tmp_path / name).mkdir()
    (tmp_path / "damaged" / "runs.sqlite").write_text("this is no database at all " * 50)
    with closing(sqlite3.connect(tmp_path / "newer" / "runs.sqlite")) as database:
        database.execute("PRAGMA user_version = 999")
    for name, says in (("damaged", "damaged"), ("newer", "newer version")):
        done = flowstudio(tmp_path, "serve", "--no-browser", "--port", "0", "--data", str(tmp_path / name))
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert says in done.stderr
    assert (tmp_path / "damaged" / "runs.sqlite").read_text().startswith("this is no database")


def test_a_store_has_one_server(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shared/runs.db"
    one = Settings(data=tmp_path / "one", flows=tmp_path / "flows", store_url=url)
    two = Settings(data=tmp_path / "two", flows=tmp_path / "flows", store_url=url)
    [lock] = hold_store(one)
    with pytest.raises(SettingsError, match="Another FlowStudio uses the store"):
        hold_store(two)
    lock.close()
    [lock] = hold_store(two)
    lock.close()
    assert hold_store(Settings(data=tmp_path / "one", flows=tmp_path / "flows")) == [], "its folder is locked"


def test_an_open_secret_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    (tmp_path / "token").chmod(0o644)
    done = flowstudio(tmp_path, "serve", "--no-browser", "--port", "0", "--data", str(tmp_path))
    assert done.returncode == 2
    assert "chmod 600" in done.stderr


def test_the_token_is_shown_and_the_same_again(tmp_path: Path) -> None:
    first = flowstudio(tmp_path, "token", "--data", str(tmp_path / "d"))
    again = flowstudio(tmp_path, "token", "--data", str(tmp_path / "d"))
    assert first.returncode == 0
    assert first.stdout == again.stdout
    assert len(first.stdout.strip()) >= 43
    named = flowstudio(tmp_path, "token", "--data", str(tmp_path / "d"), FLOWSTUDIO_TOKEN="mine")
    assert named.stdout == "mine\n"


def test_a_server_starts_signs_in_and_stops(tmp_path: Path) -> None:
    app = App(tmp_path).start()
    try:
        token = app.link.partition("#token=")[2]
        with httpx.Client(base_url=app.url, headers={"Sec-Fetch-Site": "same-origin"}) as page:
            assert page.get("/api/flows").status_code == 401
            assert page.post("/login", json={"token": token}).status_code == 204
            assert page.get("/api/flows").status_code == 200
            with httpx.Client(base_url=app.url, headers={"Sec-Fetch-Site": "same-origin"}) as other:
                assert other.post("/login", json={"token": token}).status_code == 401
            server = httpx.get(app.url + "/healthz").headers
            assert "server" not in server
        second = flowstudio(
            tmp_path, "serve", "--no-browser", "--port", "0", "--data", str(tmp_path / "data"), "--flows", "f"
        )
        assert second.returncode == 2
        assert "Another FlowStudio" in second.stderr
        mode = (tmp_path / "data").stat().st_mode & 0o777
        assert mode == 0o700
    finally:
        begun = time.monotonic()
        app.stop()
    assert time.monotonic() - begun < 4
    text = (tmp_path / "server.log").read_text()
    assert "Traceback" not in text
    assert text.count("/login#token=") == 1


def has_v6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        return probe.connect_ex(("::1", 9)) != errno.EADDRNOTAVAIL


def test_both_loopback_addresses_are_answered(tmp_path: Path) -> None:
    if not has_v6():
        pytest.skip("this machine has no ::1")
    app = App(tmp_path).start()
    try:
        for name in ("127.0.0.1", "[::1]", "localhost"):
            assert httpx.get(f"http://{name}:{app.port}/healthz").status_code == 200, name
        wrong = httpx.get(f"http://[::1]:{app.port}/healthz", headers={"Host": "evil.test"})
        assert (wrong.status_code, wrong.json()["code"]) == (421, "host.wrong")
    finally:
        app.stop()
    assert f"Listening on 127.0.0.1:{app.port} and [::1]:{app.port}." in (tmp_path / "server.log").read_text()


def test_a_port_that_another_program_has_on_one_loopback_is_refused() -> None:
    if not has_v6():
        pytest.skip("this machine has no ::1")
    with socket.socket(socket.AF_INET6) as other:
        other.bind(("::1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"Port {port} of ::1"):
            listen("127.0.0.1", port)
    for taken in listen("127.0.0.1", port):  # the first one was given back
        taken.close()


def test_a_machine_without_the_other_loopback_is_served_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def without_v6(family: int, *more: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *more)

    monkeypatch.setattr("flowstudio.serve.socket.socket", without_v6)
    (one,) = listen("127.0.0.1", 0)
    assert place_of(one) == f"127.0.0.1:{one.getsockname()[1]}"
    one.close()


def test_hostile_requests_on_the_wire_get_an_answer_or_a_closed_door(tmp_path: Path) -> None:
    app = App(tmp_path).start()
    host = f"127.0.0.1:{app.port}".encode()
    try:
        for request, statuses in (
            (b"GET / HTTP/1.0\r\n\r\n", (b"421", b"400")),
            (b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", (b"421",)),
            (b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nHost: evil.test\r\n\r\n", (b"421", b"400")),
            (b"GET http://evil.test/ HTTP/1.1\r\nHost: " + host + b"\r\n\r\n", (b"421", b"400")),
            (
                b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
                (b"400", b"431"),
            ),
            (b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nX: a\rb\r\n\r\n", (b"400", b"303", b"401")),
            (b"GET /\r\nX HTTP/1.1\r\nHost: " + host + b"\r\n\r\n", (b"400",)),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100 + b"\r\n\r\n", (b"400",)),
            (b"POST /login HTTP/1.1\r\nHost: " + host + b"\r\nContent-Length: 99999999\r\n\r\n{}", (b"413",)),
        ):
            with socket.create_connection(("127.0.0.1", app.port), timeout=5) as wire:
                wire.sendall(request)
                answer = wire.recv(200)
            assert answer[9:12] in statuses, (request[:60], answer[:80])
        assert app.answers()
    finally:
        app.stop()
    assert "Traceback" not in (tmp_path / "server.log").read_text()


def test_an_empty_folder_gets_the_samples_and_a_used_one_does_not(tmp_path: Path) -> None:
    seed_flows(tmp_path / "new")
    assert (tmp_path / "new").is_dir()
    used = tmp_path / "used"
    used.mkdir()
    (used / "mine.json").write_text("{}")
    seed_flows(used)
    assert [file.name for file in used.iterdir()] == ["mine.json"]


def test_only_our_own_folder_gets_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings({}, data=tmp_path / "d").has_samples
    assert read_settings({}, data=tmp_path / "d").flows == tmp_path / "d/flows"
    assert not read_settings({}, data=tmp_path / "d", flows=tmp_path / "mine").has_samples
    (tmp_path / "flows").mkdir()
    beside = read_settings({}, data=tmp_path / "d")
    assert (beside.flows, beside.has_samples) == (Path("flows"), False)


def test_a_browser_opens_only_where_there_is_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not has_screen()
    monkeypatch.setenv("DISPLAY", ":0")
    assert has_screen()
