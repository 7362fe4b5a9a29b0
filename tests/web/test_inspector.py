"""The inspector: a form for every node type, and for nodes that nobody meant."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flowstudio.secrets import Secret
from flowstudio.settings import Settings
from web.conftest import Client, open_client
from web.documents import node
from web.page import Page

ODD_DATA: tuple[Any, ...] = (
    None,
    3,
    [],
    {"label": None},
    {"label": {"a": 1}, "inputs": 3, "outputs": {"a": 1}},
    {"inputs": [None, 3, {}, {"id": None}, {"id": "a", "type": []}], "outputs": [{"id": "b", "label": 5}]},
    {"pinDefaults": [], "effectConfig": 4, "switchConfig": {"cases": [3, {"id": None}, {"id": "q"}]}},
    {"pinDefaults": {"a": {"b": [1, None]}, "__proto__": 1}, "code": 7, "literalValue": {"x": [1]}},
)


def inspect(client: Client, given: Any, **more: Any) -> Any:
    """Ask for a tab of a node as the editor does."""
    return client.post("/editor/inspector", json={"flow_id": "f", "node": given, "wired": [], **more})


def test_every_type_has_a_form_with_all_that_can_be_set(client: Client) -> None:
    cards = client.get("/api/catalog").json()["types"]
    for card in cards:
        answer = inspect(client, node("n1", card["type"], **card["template"]))
        assert answer.status_code == 200, card["type"]
        page = Page(answer.text)
        assert card["label"] in page.text
        policy = inspect(client, node("n1", card["type"], **card["template"]), tab="policy")
        told = {*page.values("data-path"), *Page(policy.text).values("data-path")}
        assert {field["path"] for field in card["fields"]} <= told, card["type"]
    assert len(cards) > 50


@pytest.mark.parametrize("data", ODD_DATA, ids=str)
def test_no_data_breaks_a_form(client: Client, data: Any) -> None:
    for card in client.get("/api/catalog").json()["types"]:
        answer = inspect(client, {"id": "n", "type": card["type"], "data": data})
        assert answer.status_code == 200, (card["type"], data)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"type": "on_flow_end"},
        {"id": 3, "type": None},
        {"id": "n", "type": ["if"]},
        {"id": None, "type": "ask_usr"},
    ],
    ids=str,
)
def test_a_node_without_id_or_type_is_shown_as_it_is(client: Client, given: dict[str, Any]) -> None:
    assert inspect(client, given).status_code == 200


def test_what_is_no_node_is_refused(client: Client) -> None:
    for given in (None, 3, [], "x"):
        answer = inspect(client, given)
        assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")


def test_a_node_that_names_no_model_is_told_which_it_gets(client: Client) -> None:
    given = {"kind": "openai", "base_url": "http://127.0.0.1:9/v1"}
    for name, model in (("first", "one"), ("second", "two"), ("third", "")):
        told = {**given, "name": name, "model": model}
        assert client.post("/settings/models", data=told, follow_redirects=False).status_code == 303
    for provider, words in (
        ("", "the provider’s own: one"),
        ("second", "the provider’s own: two"),
        ("third", "name one: the provider has none of its own"),
    ):
        for kind in ("agent", "llm_call"):
            page = Page(inspect(client, node("n", kind, pinDefaults={"provider": provider})).text)
            [field] = [
                tag for tag in page.named("input") if tag.attributes.get("data-path") == "pinDefaults.model"
            ]
            assert field.attributes["placeholder"] == words


def test_the_field_of_secret_headers_names_the_secrets_there_are_and_never_their_values(
    settings: Settings,
) -> None:
    secret = Secret("planted-secret-value", frozenset({"shop.test"}))
    lines = "Authorization: Bearer SHOP\nX-Key: OTHER"
    given = node("n1", "web_request", webConfig={"secretHeaders": lines})
    with open_client(replace(settings, secrets={"SHOP": secret, "CRM": secret})) as client:
        answer = inspect(client, given)
        assert "planted-secret-value" not in answer.text
        said = Page(answer.text).text
        assert "This server has CRM , SHOP ." in said
        assert "OTHER is not set here." in said
        assert "SHOP is not set here." not in said
        assert "OTHER" in answer.text.split("</textarea>")[-2]
    with open_client(settings) as client:
        assert "This server has no secrets." in Page(inspect(client, given).text).text
