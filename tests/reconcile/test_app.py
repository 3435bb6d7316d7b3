"""Who holds an appId, and what makes it free again."""

from dataclasses import replace
from typing import Any

import pytest

from sluice.errors import Refused
from sluice.reconcile.app import next_step
from sluice.reconcile.observed import AppObserved, Claim
from sluice.reconcile.step import DropClaim, Hold, Rest, TakeClaim
from sluice.resources.app import AppSpec
from sluice.resources.kinds import Key, Resource
from support.builders import NOW

OWN = Claim(app_id="com.example.shop", namespace="shop", name="shop")
OLD = replace(OWN, app_id="com.example.old")
OTHERS = replace(OWN, namespace="pirate")
SPEC = AppSpec(app_id=OWN.app_id)


def seen(**changes: Any) -> AppObserved:
    spec = changes.get("spec", SPEC)
    fields: dict[str, Any] = {
        "app": spec
        and Resource(
            key=Key("App", "shop", "shop"), uid="u", generation=1, resource_version="1", spec=spec
        ),
        "namespace": "shop",
        "name": "shop",
        "spec": spec,
        "claim": OWN,
        "stale": None,
        "serving": False,
        "published": False,
        "now": NOW,
    }
    return AppObserved(**{**fields, **changes})


def test_the_first_app_takes_the_claim_and_keeps_it() -> None:
    assert next_step(seen(claim=None)) == TakeClaim(claim=OWN)
    step = next_step(seen())
    assert isinstance(step, Rest)
    assert step.reason == "Claimed"


def test_a_claim_of_another_is_told_with_what_frees_it() -> None:
    step = next_step(seen(claim=OTHERS))

    assert isinstance(step, Hold)
    assert step.reason == "Conflict"
    assert "App pirate/shop has claimed com.example.shop" in step.message


@pytest.mark.parametrize("spec", [None, SPEC])
@pytest.mark.parametrize(
    ("serving", "published"), [(False, False), (True, False), (False, True), (True, True)]
)
def test_a_claim_is_given_up_only_when_nothing_is_served_and_nothing_was_published(
    spec: AppSpec | None, serving: bool, published: bool
) -> None:
    step = next_step(seen(spec=spec, stale=OLD, serving=serving, published=published))

    assert (step == DropClaim(claim=OLD)) == (not serving and not published)


def test_an_app_that_is_gone_says_what_it_leaves_and_who_can_free_it() -> None:
    step = next_step(seen(spec=None, claim=None, stale=OLD, published=True))

    assert isinstance(step, Rest)
    assert step.reason == "ClaimKept"
    assert "sluice store release-claim com.example.old" in step.message


def test_an_app_that_changed_its_id_takes_the_new_one_and_keeps_the_old() -> None:
    assert next_step(seen(claim=None, stale=OLD, published=True)) == TakeClaim(claim=OWN)
    step = next_step(seen(stale=OLD, published=True))
    assert isinstance(step, Rest)
    assert step.reason == "Claimed"
    assert "com.example.old stays claimed" in step.message


def test_an_app_that_can_not_be_read_changes_nothing() -> None:
    app = Resource(
        key=Key("App", "shop", "shop"),
        uid="u",
        generation=1,
        resource_version="1",
        spec=None,
        problem=Refused("SpecInvalid", "Mend it."),
    )

    step = next_step(seen(spec=None, app=app, stale=OLD))

    assert step == Hold(reason="SpecInvalid", message="Mend it.")
