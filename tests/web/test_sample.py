"""An example of a node type beside the list where types are chosen."""

from __future__ import annotations

import pytest

from abstractruntime.nodes.catalog import catalog
from abstractruntime.nodes.define import NodeType
from flowstudio.pages.sample import MOST_ROWS, sample_of
from web.conftest import Client

OFFERED = [kind for kind in catalog() if kind.palette]


@pytest.mark.parametrize("kind", OFFERED, ids=lambda kind: kind.name)
def test_a_type_that_is_offered_shows_what_comes_of_it(kind: NodeType) -> None:
    sample = sample_of(kind)
    assert sample is not None, "choosing among types, one sees what each does"
    assert sample.gives or sample.way or sample.waits or sample.is_end, "something comes of it"
    assert max(len(sample.takes), len(sample.settings), len(sample.gives)) <= MOST_ROWS
    hidden = {pin.id for pin in kind.outputs if pin.hidden}
    assert not hidden & {name for name, _ in sample.gives}


def test_the_part_has_values_and_words(client: Client) -> None:
    answer = client.get("/editor/sample/add")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    for part in ("Add", "with", "<dd>2</dd>", "<dd>3</dd>", "gives", "<dd>5</dd>"):
        assert part in answer.text
    asked = client.get("/editor/sample/ask_user").text
    assert "waits for <b>a person</b>" in asked
    switch = client.get("/editor/sample/switch").text
    assert "and goes on at <b>red</b>" in switch


def test_an_unknown_type_is_refused_by_name(client: Client) -> None:
    answer = client.get("/editor/sample/zebra")
    assert answer.status_code == 404
    assert "zebra" in answer.text
