"""What differs between two texts, word by word."""

from __future__ import annotations

from time import perf_counter

from hypothesis import given
from hypothesis import strategies as some

from flowstudio.pages.marked import Piece, marked


def test_a_changed_word_is_marked_and_nothing_else() -> None:
    one, other = marked("rate 0.24 of net", "rate 0.255 of net")
    assert one == (Piece("rate 0."), Piece("24", True), Piece(" of net"))
    assert other == (Piece("rate 0."), Piece("255", True), Piece(" of net"))


def test_words_that_only_one_has_are_marked_there() -> None:
    one, other = marked("the order", "the big order")
    assert one == (Piece("the order"),)
    assert [each.text for each in other if each.differs] in (["big "], [" big"])


def test_neighbours_that_differ_are_one_mark() -> None:
    _, other = marked("Dear Ana, your parcel has come.", "Dear Ana, two new parcels has come.")
    assert [each.text for each in other if each.differs] == ["two new parcels"]


def test_texts_that_share_little_differ_as_a_whole() -> None:
    assert marked("all good", "no, nothing") == ((Piece("all good", True),), (Piece("no, nothing", True),))


def test_the_same_text_has_no_mark() -> None:
    assert marked("a b", "a b") == ((Piece("a b"),), (Piece("a b"),))
    assert marked("", "") == ((), ())


def test_long_texts_are_marked_soon() -> None:
    one, other = (" ".join(f"{start}{at}" for at in range(20_000)) for start in ("a", "b"))
    begin = perf_counter()
    assert marked(f"x {one}", f"x {other}")[0][-1].differs
    assert perf_counter() - begin < 2


@given(some.text(), some.text())
def test_pieces_are_the_whole_text(one: str, other: str) -> None:
    found = marked(one, other)
    assert ["".join(each.text for each in side) for side in found] == [one, other]
    kept = ["".join(each.text for each in side if not each.differs) for side in found]
    assert one != other or kept == [one, other]
