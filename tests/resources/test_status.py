"""A status can always be written, whatever is in it."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from sluice.resources.status import (
    FINDINGS_MAX,
    ApprovalStatus,
    ArmStatus,
    BundleStatus,
    CandidateStatus,
    ChannelStatus,
    Condition,
    FindingStatus,
    PolicyStatus,
    ReleaseStatus,
    Status,
    VerdictStatus,
)
from sluice.resources.text import plain

ANY_TEXT = st.text(max_size=40) | st.text("\x00\x1b\n\r\t\u202e\ud800ab").map(
    lambda text: text * 40
)
TIMES = st.integers(0, 2**33).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
COUNTS = st.integers(0, 2**53 - 1)
ARMS = st.builds(ArmStatus, devices=COUNTS, failed=COUNTS, proven=COUNTS)
CONDITIONS = st.lists(
    st.builds(
        Condition,
        type=st.sampled_from(["Ready", "Reconciling", "Stalled"]),
        status=st.sampled_from(["True", "False", "Unknown"]),
        reason=st.just("Some"),
        message=ANY_TEXT,
        last_transition_time=TIMES,
    ),
    max_size=3,
).map(tuple)
FINDINGS = st.builds(
    FindingStatus,
    policy=ANY_TEXT,
    requirement=ANY_TEXT,
    state=st.sampled_from(["satisfied", "missing", "refused"]),
    enforced=st.booleans(),
    reason=ANY_TEXT,
    message=ANY_TEXT,
    by=st.lists(ANY_TEXT, max_size=10).map(tuple),
)
STATUSES: st.SearchStrategy[Status] = st.one_of(
    st.builds(
        ChannelStatus,
        observed_generation=COUNTS,
        conditions=CONDITIONS,
        generation=COUNTS,
        live=st.builds(BundleStatus, version=ANY_TEXT, digest=st.just("a" * 64)),
        candidate=st.builds(
            CandidateStatus,
            version=ANY_TEXT,
            phase=st.just("Rolling"),
            share=st.just("0.25%"),
            step=st.just("2/4"),
            since=TIMES,
            candidate=ARMS,
            control=ARMS,
        ),
        verdict=st.builds(
            VerdictStatus,
            answer=st.just("held"),
            reason=ANY_TEXT,
            message=ANY_TEXT,
            findings=st.lists(FINDINGS, max_size=4).map(tuple),
        ),
    ),
    st.builds(ReleaseStatus, conditions=CONDITIONS, channels=st.lists(ANY_TEXT).map(tuple)),
    st.builds(ApprovalStatus, signer=ANY_TEXT, role=ANY_TEXT, expires_at=TIMES),
    st.builds(PolicyStatus, conditions=CONDITIONS, channels=COUNTS),
)


def strings(value: object) -> list[str]:
    match value:
        case dict():
            return [found for item in value.values() for found in strings(item)]
        case list():
            return [found for item in value for found in strings(item)]
        case str():
            return [value]
    return []


@given(STATUSES)
def test_a_status_is_the_same_after_it_was_written_and_read(status: Status) -> None:
    written = status.model_dump_json(by_alias=True, exclude_none=True)

    assert status == type(status).model_validate_json(written)


@given(STATUSES)
def test_nothing_in_a_status_can_steer_a_terminal(status: Status) -> None:
    written = status.model_dump(mode="json", by_alias=True, exclude_none=True)

    assert [text for text in strings(written) if not text.isprintable()] == []
    assert json.dumps(written).encode()


def test_more_than_can_be_shown_is_cut_and_not_refused() -> None:
    finding = FindingStatus(
        policy="p" * 1000,
        requirement="r",
        state="missing",
        enforced=True,
        reason="Some",
        message="m" * 100_000,
        by=tuple(f"person-{each}" for each in range(100)),
    )
    verdict = VerdictStatus(
        answer="held", reason="Some", message="m" * 100_000, findings=(finding,) * 1000
    )

    assert len(verdict.findings) == FINDINGS_MAX
    assert len(verdict.model_dump_json()) < 200_000
    assert verdict.message.endswith("m…")


@given(st.text(), st.integers(1, 20))
def test_plain_text_is_short_printable_and_plain_again(text: str, characters_max: int) -> None:
    once = plain(text, characters_max)

    assert len(once) <= characters_max
    assert once.isprintable()
    assert once == plain(once, characters_max)


def test_plain_text_stays_as_it_is() -> None:
    assert plain("Ask Zoë — or 田中 — to approve.", 100) == "Ask Zoë — or 田中 — to approve."
