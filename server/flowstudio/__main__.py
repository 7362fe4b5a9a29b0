"""The command line: `flowstudio serve`, `flowstudio token`, `flowstudio test`, `flowstudio merge`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from abstractruntime.core.errors import StoreError

from .access import read_token
from .merging import merge_files
from .serve import Restart, make_folder, serve
from .settings import SettingsError, read_settings
from .testing import run_tests


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code (2: something has to be set otherwise first)."""
    given = parser().parse_args(arguments)
    try:
        if given.command == "token":
            settings = read_settings(data=given.data)
            make_folder(settings.data, "--data")
            print(settings.api_token or read_token(settings.data))
            return 0
        if given.command == "merge":
            return merge_files(given.base, given.ours, given.theirs, name=given.name, take=given.take)
        if given.command == "test":
            settings = read_settings(data=given.data, flows=given.flows)
            return run_tests(settings, given.flow, data=given.data, report=given.junit)
        settings = read_settings(host=given.host, port=given.port, data=given.data, flows=given.flows)
        return serve(settings, opens_browser=not given.no_browser)
    except Restart as wanted:
        again = [
            *(sys.argv[1:] if arguments is None else arguments),
            "--port",
            str(wanted.port),
            "--no-browser",
        ]
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", "flowstudio", *again])
    except (SettingsError, StoreError) as error:
        print(f"flowstudio: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """Describe the commands."""
    top = argparse.ArgumentParser(
        prog="flowstudio", description="Design automations in a browser, run them durably."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="command")
    start = commands.add_parser("serve", help="start the app and print the link that signs you in")
    start.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    start.add_argument("--port", type=int, help="port to listen on, 0 for a free one (default: 8420)")
    start.add_argument("--data", type=Path, help="folder of runs and secrets")
    start.add_argument("--flows", type=Path, help="folder of flows (default: ./flows if it is there)")
    start.add_argument("--no-browser", action="store_true", help="do not open a browser")
    token = commands.add_parser("token", help="show the token for API clients")
    token.add_argument("--data", type=Path, help="folder of runs and secrets")
    test = commands.add_parser("test", help="play the tests of flows from their recordings")
    test.add_argument("flow", nargs="*", help="ids of flows (default: all)")
    test.add_argument("--data", type=Path, help="folder of versions and node settings (default: none)")
    test.add_argument("--flows", type=Path, help="folder of flows (default: ./flows if it is there)")
    test.add_argument("--junit", type=Path, metavar="FILE", help="write the results as a JUnit file too")
    join = commands.add_parser("merge", help="merge two versions of a flow's file, as git's merge driver")
    join.add_argument("base", type=Path, help="what both were made from (%%O; may be empty)")
    join.add_argument("ours", type=Path, help="our side, which gets the result (%%A)")
    join.add_argument("theirs", type=Path, help="their side (%%B)")
    join.add_argument("--name", default="", help="what the file is called in messages (%%P)")
    join.add_argument("--take", choices=("ours", "theirs"), help="decide what both changed")
    return top


if __name__ == "__main__":
    sys.exit(main())
