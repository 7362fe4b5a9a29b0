"""`flowstudio test`: a line for each test, an exit code, a JUnit file; nothing but the folder of flows is needed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from flowstudio.__main__ import main
from flowstudio.flow_tests.report import Line, junit
from flowstudio.flow_tests.shelf import Result
from flowstudio.settings import packaged
from web.conftest import Client
from web.test_flow_tests import change, ended, greeting


@pytest.fixture
def flows(client: Client, tmp_path: Path) -> Path:
    """A folder of two flows with a test each, as one would check it out elsewhere; one flow was changed."""
    for flow_id in ("greeting", "other"):
        client.save({**greeting(), "id": flow_id})
        run = ended(client, client.launch(flow_id), ["Ana"])
        client.studio.tests.save(run, "Greets <Ana> & all")
    change(client, "other", lambda nodes: nodes["tell"]["pinDefaults"].update(subject="Visitor"))
    return Path(shutil.copytree(client.studio.settings.flows, tmp_path / "checkout"))


def test_all_tests_are_played_and_the_exit_code_says_whether_all_passed(
    flows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(flows.rglob("*"))
    report = tmp_path / "junit.xml"
    assert main(["test", "--flows", str(flows), "--junit", str(report)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ok     greeting: Greets <Ana> & all (")
    assert lines[1].startswith("FAILED other: Greets <Ana> & all (")
    assert "at “Tell the boss”: notify asks for something that was not recorded: `subject`" in lines[1]
    assert lines[2] == "2 tests, 1 of them did not pass."
    assert sorted(flows.rglob("*")) == before, "nothing is written among the flows"
    suites = ElementTree.parse(report).getroot().findall("testsuite")
    assert [(each.get("name"), each.get("tests"), each.get("failures")) for each in suites] == [
        ("greeting", "1", "0"),
        ("other", "1", "1"),
    ]
    failure: Any = suites[1].find("testcase/failure")
    assert "`subject`" in failure.get("message")


def test_the_flows_that_come_with_the_app_pass_their_tests(capsys: pytest.CaptureFixture[str]) -> None:
    folder = packaged("flows")
    before = sorted(folder.rglob("*"))
    assert main(["test", "--flows", str(folder)]) == 0, capsys.readouterr().out
    assert sorted(folder.rglob("*")) == before
    assert capsys.readouterr().out.endswith(
        f"{len(list(folder.glob('tests/*/*.json')))} tests, all passed.\n"
    )


def test_one_flow_is_named(flows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "greeting", "--flows", str(flows)]) == 0
    assert capsys.readouterr().out.endswith("1 test, all passed.\n")


def test_what_cannot_be_played_is_told(flows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "nothing", "--flows", str(flows)]) == 2
    assert "There is no flow 'nothing'" in capsys.readouterr().err
    (flows / "tests" / "greeting" / "half.json").write_text("{")
    assert main(["test", "greeting", "--flows", str(flows)]) == 1
    assert "half.json cannot be read" in capsys.readouterr().err
    shutil.rmtree(flows / "tests")
    assert main(["test", "--flows", str(flows)]) == 2
    assert "there is no test" in capsys.readouterr().err


def test_a_report_holds_whatever_a_flow_says(client: Client) -> None:
    client.save(greeting())
    test = client.studio.tests.save(ended(client, client.launch("greeting"), ["Ana"]))
    told = {"words": "It says \x00 \ud800 and <b>", "label": ""}
    text = junit([Line(test, Result("failed", "2026-01-01T00:00:00+00:00", 3.0, partings=(told,)))])
    case = ElementTree.fromstring(text).find("testsuite/testcase")
    assert case is not None
    failure: Any = case.find("failure")
    assert failure.get("message") == "It says � � and <b>"
