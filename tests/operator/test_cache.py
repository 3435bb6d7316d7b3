"""The cache: events, lists, and what either may have missed."""

from typing import Any

from sluice.operator.cache import Cache
from sluice.resources.kinds import Key


def body(name: str, app_id: str = "com.example.a", *, uid: str = "u", generation: int = 1) -> Any:
    return {
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"{uid}-{name}",
            "generation": generation,
            "resourceVersion": str(generation),
        },
        "spec": {"appId": app_id},
    }


KEY = Key("App", "shop", "a")


def test_a_change_of_the_spec_is_told_and_a_change_of_the_status_is_not() -> None:
    cache = Cache()

    assert cache.apply("App", body("a"), deleted=False) == {KEY}
    assert cache.apply("App", body("a") | {"status": {"x": 1}}, deleted=False) == set()
    assert cache.apply("App", body("a", "com.example.b", generation=2), deleted=False) == {KEY}


def test_an_object_that_was_made_again_is_another_one() -> None:
    cache = Cache()
    cache.apply("App", body("a"), deleted=False)

    assert cache.apply("App", body("a", uid="v"), deleted=False) == {KEY}
    assert cache.apply("App", body("a", uid="u"), deleted=True) == set()
    assert cache.get(KEY) is not None


def test_a_list_repairs_what_a_watch_has_lost() -> None:
    cache = Cache()
    for name in ("a", "b"):
        cache.apply("App", body(name), deleted=False)
    cache.begin_list("App")

    changed = cache.replace("App", [body("b", "com.example.new", generation=2), body("c")])

    assert changed == {Key("App", "shop", name) for name in "abc"}
    assert cache.get(KEY) is None


def test_a_list_does_not_undo_events_that_came_while_it_was_taken() -> None:
    cache = Cache()
    cache.apply("App", body("a"), deleted=False)
    cache.apply("App", body("b"), deleted=False)
    cache.begin_list("App")
    cache.apply("App", body("a", "com.example.new", generation=2), deleted=False)
    cache.apply("App", body("b"), deleted=True)
    cache.apply("App", body("c"), deleted=False)

    changed = cache.replace("App", [body("a"), body("b")])

    assert changed == set()
    assert [each.key.name for each in cache.of_kind("App")] == ["a", "c"]


def test_an_object_that_does_not_fit_the_model_hides_no_other() -> None:
    cache = Cache()

    cache.replace("App", [body("a"), {**body("b"), "spec": {"appId": 5, "surprise": True}}])

    broken = cache.get(Key("App", "shop", "b"))
    assert broken is not None
    assert broken.spec is None
    assert broken.problem is not None
    assert cache.get(KEY) is not None


def test_an_event_that_is_older_than_what_is_known_is_an_echo() -> None:
    cache = Cache()
    cache.apply("App", body("a", generation=5), deleted=False)

    assert cache.is_echo("App", body("a", generation=4))
    assert not cache.is_echo("App", body("a", generation=5))
    assert not cache.is_echo("App", body("a", generation=6))
    assert not cache.is_echo("App", body("a", uid="another", generation=1))
    assert not cache.is_echo("App", body("unknown", generation=1))
