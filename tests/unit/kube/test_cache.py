"""The cache: which of two contradicting words it believes."""

import msgspec
import pytest

from wfe.kube.cache import Cache, Key


class Meta(msgspec.Struct, frozen=True):
    namespace: str
    name: str
    uid: str
    resource_version: str


class Thing(msgspec.Struct, frozen=True):
    metadata: Meta


def thing(version: int, *, uid: str = "u1", name: str = "a", namespace: str = "n") -> Thing:
    return Thing(Meta(namespace, name, uid, str(version)))


class Listening:
    """A cache, and what it told: (name, version before, version after)."""

    def __init__(self) -> None:
        self.cache: Cache[Thing] = Cache()
        self.told: list[tuple[str, int | None, int | None]] = []
        self.cache.listen(self.note)

    def note(self, key: Key, before: Thing | None, after: Thing | None) -> None:
        self.told.append((key[1], _version(before), _version(after)))


def _version(item: Thing | None) -> int | None:
    return int(item.metadata.resource_version) if item else None


def test_the_newer_version_is_kept_as_a_number() -> None:
    here = Listening()
    for version in (9, 10, 9, 10, 100, 99):
        here.cache.put(thing(version))
    assert here.told == [("a", None, 9), ("a", 9, 10), ("a", 10, 100)]
    assert _version(here.cache.get(("n", "a"))) == 100


def test_what_is_there_already_is_told_to_a_new_listener() -> None:
    here, late = Listening(), Listening()
    here.cache.put(thing(1))
    here.cache.listen(late.note)
    assert late.told == [("a", None, 1)]


def test_an_object_made_anew_is_told_as_gone_and_then_new() -> None:
    here = Listening()
    here.cache.put(thing(1, uid="u1"))
    here.cache.put(thing(5, uid="u2"))
    here.cache.put(thing(3, uid="u1"))
    assert here.told == [("a", None, 1), ("a", 1, None), ("a", None, 5)]


def test_news_of_an_earlier_object_of_that_name_comes_too_late() -> None:
    here = Listening()
    here.cache.put(thing(5, uid="u2"))
    here.cache.put(thing(3, uid="u1"))
    assert here.told == [("a", None, 5)]


@pytest.mark.parametrize(
    ("uid", "version", "gone"),
    [
        pytest.param("u1", 6, True, id="later"),
        pytest.param("u1", 5, True, id="at-the-very-write-that-we-know"),
        pytest.param("u1", 4, False, id="before-what-we-know"),
        pytest.param("u0", 9, False, id="an-earlier-object-of-that-name"),
    ],
)
def test_a_word_that_an_object_is_gone_counts_if_it_is_about_what_we_know(
    uid: str, version: int, *, gone: bool
) -> None:
    here = Listening()
    here.cache.put(thing(5))
    here.cache.drop(("n", "a"), uid, version)
    assert (here.cache.get(("n", "a")) is None) is gone


def test_the_answer_to_a_write_that_made_it_leave_does_not_bring_it_back() -> None:
    here = Listening()
    here.cache.put(thing(5))
    here.cache.drop(("n", "a"), "u1", 6)
    here.cache.put(thing(6))
    assert here.told == [("a", None, 5), ("a", 5, None)]
    here.cache.put(thing(7))
    assert here.told[2:] == [("a", None, 7)]


def test_a_list_drops_what_it_lacks_in_its_reach_but_nothing_newer() -> None:
    here = Listening()
    here.cache.put(thing(1, name="listed", uid="u1"))
    here.cache.put(thing(2, name="missing", uid="u2"))
    here.cache.put(thing(9, name="newer", uid="u3"))
    here.cache.put(thing(3, name="elsewhere", uid="u4", namespace="other"))
    here.told.clear()
    here.cache.keep_only({"u1"}, lambda key: key[0] == "n", 5)
    assert here.told == [("missing", 2, None)]


def test_a_listener_that_fails_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    here = Listening()

    def fails(*_: object) -> None:
        raise ValueError("no luck")

    cache: Cache[Thing] = Cache()
    cache.listen(fails)
    cache.listen(here.note)
    cache.put(thing(1))
    assert here.told == [("a", None, 1)]
    assert "a listener failed on ('n', 'a')" in caplog.text


def test_what_has_gone_is_not_remembered_for_ever() -> None:
    cache: Cache[Thing] = Cache(remember=2)
    for number in range(4):
        cache.put(thing(1, uid=f"u{number}", name=str(number)))
        cache.drop(("n", str(number)), f"u{number}", 1)
    assert list(cache._gone) == ["u2", "u3"]


def test_who_stops_listening_hears_no_more_and_nobody_else_is_left_out() -> None:
    listening, other = Listening(), Listening()
    stop = listening.cache.listen(other.note)
    stop()
    stop()
    listening.cache.put(thing(1))
    assert (listening.told, other.told) == ([("a", None, 1)], [])
