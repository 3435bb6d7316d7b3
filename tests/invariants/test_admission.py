"""What is said at `kubectl apply` is what the operator would say, and decides nothing."""

from collections.abc import Mapping
from typing import Any

import pytest

from sluice.operator.admission import WARNING_CHARS_MAX, Admission, Answer, response
from support.laps import Laps
from support.team import Team


def asked(
    manifest: Mapping[str, Any],
    *,
    operation: str = "CREATE",
    before: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the request that the API server makes for a manifest."""
    return {
        "uid": "u-1",
        "kind": {"group": "sluice.dev", "version": "v1alpha1", "kind": manifest["kind"]},
        "operation": operation,
        "object": dict(manifest),
        "oldObject": dict(before) if before else None,
    }


def misspelt(team: Team) -> dict[str, Any]:
    """Return a Release whose version is not quoted, so that YAML makes it a number."""
    release = team.release_manifest("1.0.0")
    release["spec"]["version"] = 1.1
    return release


@pytest.fixture
def admission(laps: Laps) -> Admission:
    return Admission(laps.cache, laps.observer_of, lambda: laps.now)


async def claimed(laps: Laps, team: Team) -> None:
    """Take in an App and its policy, and claim the appId."""
    laps.apply(team.app_manifest(), team.policy_manifest())
    await laps.settle("shop")


async def test_a_spec_that_does_not_fit_is_refused_with_the_words_of_its_status(
    laps: Laps, team: Team, admission: Admission
) -> None:
    release = misspelt(team)

    answer = await admission.answer(asked(release))

    laps.apply(release)
    [problem] = [each.problem for each in laps.cache.of_kind("Release")]
    assert problem is not None
    assert answer == Answer(allowed=False, message=f"{problem.reason}: {problem.message}")
    assert "spec.version" in answer.message


async def test_a_channel_is_told_the_verdict_that_the_operator_comes_to(
    laps: Laps, team: Team, admission: Admission
) -> None:
    await claimed(laps, team)
    release = team.release_manifest("1.0.0")
    channel = team.channel_manifest("shop-1.0.0")
    laps.apply(release)

    answer = await admission.answer(asked(channel))

    laps.apply(channel)
    step = await laps.settle("shop")
    assert answer.allowed
    [warning] = answer.warnings
    assert warning.startswith(f"channel shop/production: held: {step.reason}: approved: 0 of 2")


async def test_an_approval_is_told_what_it_changes(
    laps: Laps, team: Team, admission: Admission
) -> None:
    await claimed(laps, team)
    release = team.release_manifest("1.0.0")
    first, second = (team.approval_manifest(who, release) for who in ("alice", "bob"))
    laps.apply(release, team.channel_manifest("shop-1.0.0"))

    alone = await admission.answer(asked(first))
    laps.apply(first)
    both = await admission.answer(asked(second))

    assert "1 of 2 approvals" in alone.warnings[0]
    assert both == Answer(allowed=True)


async def test_a_channel_that_names_nothing_real_is_told_so(
    laps: Laps, team: Team, admission: Admission
) -> None:
    await claimed(laps, team)

    answer = await admission.answer(asked(team.channel_manifest("shop-9.9.9")))

    assert answer.allowed
    assert "ReleaseMissing" in answer.warnings[0]


async def test_asking_changes_nothing(laps: Laps, team: Team, admission: Admission) -> None:
    await claimed(laps, team)

    await admission.answer(asked(team.channel_manifest("shop-1.0.0")))
    await admission.answer(asked(team.release_manifest("1.0.0")))

    assert list(laps.cache.of_kind("Channel")) == []
    assert list(laps.cache.of_kind("Release")) == []


async def test_what_does_not_fit_can_still_be_labelled_and_deleted(
    team: Team, admission: Admission
) -> None:
    bad = misspelt(team)
    labelled = {**bad, "metadata": {**bad["metadata"], "labels": {"team": "shop"}}}

    changed = await admission.answer(asked(labelled, operation="UPDATE", before=bad))
    deleted = await admission.answer({**asked(bad, operation="DELETE"), "object": None})

    assert changed == Answer(allowed=True)
    assert deleted == Answer(allowed=True)


async def test_who_deletes_a_policy_is_told_that_it_stays(team: Team, admission: Admission) -> None:
    answer = await admission.answer(asked(team.policy_manifest(), operation="DELETE"))

    assert answer.allowed
    assert "stays in force" in answer.warnings[0]


async def test_warnings_are_short_and_printable(
    laps: Laps, team: Team, admission: Admission
) -> None:
    await claimed(laps, team)
    channel = team.channel_manifest("x" * 250)

    answer = await admission.answer(asked(channel))

    [warning] = answer.warnings
    assert len(warning) <= WARNING_CHARS_MAX
    assert warning.isprintable()


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"kind": None},
        {"kind": {"group": "sluice.dev", "kind": "Secret"}},
        {"kind": {"group": "sluice.dev", "kind": ["Release"]}},
        {"kind": {"group": "sluice.dev", "kind": "Release"}, "operation": "CONNECT"},
        {"kind": {"group": "sluice.dev", "kind": "Release"}, "operation": "CREATE", "object": 7},
        {"kind": {"group": "apps", "kind": "Release"}, "operation": "CREATE", "object": {}},
    ],
)
async def test_no_request_breaks_it(admission: Admission, request_: dict[str, Any]) -> None:
    answer = await admission.answer(request_)

    assert response(request_, answer)["kind"] == "AdmissionReview"


def test_an_answer_is_written_as_the_api_server_reads_it() -> None:
    request = {"uid": "u-1"}

    assert response(request, Answer(allowed=False, message="SpecInvalid: no")) == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {
            "uid": "u-1",
            "allowed": False,
            "status": {"code": 422, "reason": "Invalid", "message": "SpecInvalid: no"},
        },
    }
    assert response(request, Answer(allowed=True, warnings=("held",)))["response"] == {
        "uid": "u-1",
        "allowed": True,
        "warnings": ["held"],
    }
