"""What the editor sends for random work is kept, and undone by the log alone to the byte.

Node runs the island's own model (static/island/test/undo.test.ts) and writes down what the editor would
send; here the server takes it in, and then undoes it all. FLOWSTUDIO_SEQUENCES=1000 is the long form.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowstudio.library import FlowLibrary
from flowstudio.library_changes import apply_all
from flowstudio.library_edits import Command, Edit
from flowstudio.library_history import FlowHistory
from flowstudio.library_log import EditLog, commands_of

ISLAND = Path(__file__).resolve().parents[2] / "static/island"
COUNT = int(os.environ.get("FLOWSTUDIO_SEQUENCES", "3"))
FIRST = int(os.environ.get("FLOWSTUDIO_FIRST_SEED", "1"))
BATCH = 40


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an editor sends in COUNT random sequences of 500 commands, one JSON line each."""
    node, out = shutil.which("node"), tmp_path_factory.mktemp("work") / "sent.jsonl"
    if node is None or not (ISLAND / "node_modules").is_dir():
        pytest.skip("no Node here, or the island is not installed: run `poe island`")
    words = {"SEQUENCES": str(COUNT), "FIRST_SEED": str(FIRST), "SEQUENCES_FILE": str(out)}
    env = {**os.environ, **{f"FLOWSTUDIO_{key}": value for key, value in words.items()}}
    done = subprocess.run(
        [node, "build.mjs", "--test", "undo"],
        cwd=ISLAND,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return out


def sequences(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def undo_all(library: FlowLibrary, log: EditLog, flow_id: str) -> int:
    """Undo as a page would that was loaded again after every few steps; return how many steps."""
    history, count = FlowHistory(library, log), 0
    while (page := history.steps(flow_id, None, BATCH))["done"]:
        document, revision = library.get(flow_id)
        for step in reversed(page["done"]):
            document, _ = apply_all(document, step["undo"])
        edit = Edit("me", commands=(Command("undo"),) * len(page["done"]))
        assert library.put(flow_id, document, if_match=revision, edit=edit).is_told
        count += len(page["done"])
    return count


def test_random_work_is_logged_as_sent_and_undone_to_the_byte(written: Path, tmp_path: Path) -> None:
    seen = 0
    for number, work in enumerate(sequences(written)):
        folder = tmp_path / str(number)
        log = EditLog(folder / "edits.sqlite")
        library = FlowLibrary(folder / "flows", log)
        revision = library.put("sample", work["start"]).revision
        first = library.path_of("sample").read_bytes()
        for sent in work["sent"]:
            edit = Edit("me", commands=commands_of(sent["commands"]))
            kept = library.put("sample", sent["document"], if_match=revision, edit=edit)
            assert kept.is_told, f"seed {work['seed']}: the commands do not lead to the document"
            revision = kept.revision
        last, rows = library.path_of("sample").read_bytes(), log.last("sample")
        assert rows >= 500
        assert undo_all(library, log, "sample") > 100
        assert library.path_of("sample").read_bytes() == first, f"seed {work['seed']}: undone"
        assert log.document_after("sample", rows) == json.loads(last)
        log.close()
        shutil.rmtree(folder)
        seen += 1
    assert seen == COUNT
