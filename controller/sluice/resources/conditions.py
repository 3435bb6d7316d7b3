"""Conditions as kstatus reads them, so that `kubectl wait`, Flux and Argo CD need no help.

An object is in one of three states:

    Current      Ready=True
    InProgress   Ready=False (or Unknown), Reconciling=True: nobody has to do anything but wait
    Stalled      Ready=False, Stalled=True: somebody has to act

Reconciling and Stalled stand only while they are True. A status is output only: the conditions that
were shown before, from which `lastTransitionTime` is carried on, come from the caller's memory and
never from the API server; when there are none, the time of the transition is now.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sluice.resources.status import Condition

__all__ = ["State", "carry_over", "conditions_for", "with_condition"]

State = Literal["Current", "InProgress", "Stalled"]


def conditions_for(
    state: State, *, reason: str, message: str, generation: int
) -> tuple[Condition, ...]:
    """Return the conditions of an object in `state`, without times (see `carry_over`)."""

    def condition(kind: str, *, holds: bool) -> Condition:
        return Condition(
            type=kind,
            status="True" if holds else "False",
            reason=reason,
            message=message,
            observed_generation=generation,
        )

    match state:
        case "Current":
            return (condition("Ready", holds=True),)
        case "InProgress":
            return (condition("Ready", holds=False), condition("Reconciling", holds=True))
        case "Stalled":
            return (condition("Ready", holds=False), condition("Stalled", holds=True))


def with_condition(
    conditions: Sequence[Condition], new: Condition, now: datetime
) -> tuple[Condition, ...]:
    """Return `conditions` with `new` in the place of the one of its type, or at the end.

    `new.last_transition_time` is not looked at: it becomes that of the old one when `status` is the
    same, else `now` in whole seconds.
    """
    dated = _dated(conditions, new, now)
    if all(each.type != new.type for each in conditions):
        return (*conditions, dated)
    return tuple(dated if each.type == new.type else each for each in conditions)


def carry_over(
    previous: Sequence[Condition], wanted: Sequence[Condition], now: datetime
) -> tuple[Condition, ...]:
    """Return exactly `wanted`, dated as `with_condition` does; types that are not wanted go."""
    return tuple(_dated(previous, each, now) for each in wanted)


def _dated(previous: Sequence[Condition], new: Condition, now: datetime) -> Condition:
    since = next(
        (
            each.last_transition_time
            for each in previous
            if each.type == new.type and each.status == new.status
        ),
        None,
    )
    return new.model_copy(update={"last_transition_time": since or now.replace(microsecond=0)})
