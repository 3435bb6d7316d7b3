"""Rollouts and what phones showed in them, as values to decide from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sluice.rollout.decision import Progress
from sluice.rollout.evidence import ArmCounts, Evidence, Stratum, Tally
from sluice.rollout.logrank import heard
from sluice.rollout.strategy import Step

__all__ = ["NOW", "STEPS", "a_fleet", "a_tally", "at"]

NOW = datetime(2026, 6, 1, tzinfo=UTC)

STEPS = tuple(
    Step(share_bp=share, hold_seconds=600, min_devices=3) for share in (100, 1000, 5000, 10_000)
)


def at(step: int, minutes: float) -> Progress:
    """Return a rollout that has been in a step for so long."""
    return Progress(step=step, step_since=NOW - timedelta(minutes=minutes))


def a_tally(*, candidate: int, failed: int = 0, control: int, control_failed: int = 0) -> Tally:
    """Return a signal that was heard in one stratum."""
    return heard(
        Tally(),
        Stratum(candidate=candidate, failed=failed, control=control, control_failed=control_failed),
    )


def a_fleet(
    *,
    candidate: int,
    failed: int = 0,
    control: int,
    control_failed: int = 0,
    proven: int | None = None,
) -> Evidence:
    """Return a fleet of which everybody was heard at once; `proven` is all the others if None."""
    fine = candidate - failed
    return replace(
        Evidence(),
        candidate=ArmCounts(
            devices=candidate, failed=failed, proven=fine if proven is None else proven
        ),
        control=ArmCounts(devices=control, failed=control_failed, proven=control - control_failed),
        crashes=a_tally(
            candidate=candidate, failed=failed, control=control, control_failed=control_failed
        ),
    )
