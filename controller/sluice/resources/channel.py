"""Channel: which release an audience gets, and how it is rolled out to them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sluice.resources.fields import (
    BASIS_POINTS,
    PERCENT,
    Duration,
    Model,
    ObjectName,
    Percent,
    Probability,
    basis_points,
)
from sluice.resources.rules import Schema, immutable, rule, rules

__all__ = ["Audience", "Builds", "ChannelSpec", "Guard", "Platform", "Rollout", "Step"]

Platform = Literal["ios", "android", "electron"]

SHARES = "self.map(step, double(step.share.substring(0, step.share.size() - 1)))"


def _about_shares(expression: str, message: str) -> Schema:
    # Whatever the schema says, the API server asks the rules too: they must not stumble.
    readable = f"self.size() > 0 && self.all(step, step.share.matches(r'{PERCENT}'))"
    return rule(f"!({readable}) || {expression}", message)


SHARES_GROW = rules(
    _about_shares(
        f"({SHARES}.isSorted() && {SHARES}.all(one, {SHARES}.exists_one(other, other == one)))",
        "shares of steps must grow",
    ),
    _about_shares(f"{SHARES}[0] > 0.0", "the first step must have a share of more than 0%"),
    _about_shares(f"{SHARES}[self.size() - 1] == 100.0", "the last step must have a share of 100%"),
)


class Builds(Model):
    """Which kinds of app build are served."""

    production: bool = True
    """Builds from a store or MDM."""

    development: bool = True
    """Debug builds."""

    emulator: bool = True
    """Emulators and simulators."""

    device: bool = True
    """Real devices."""


class Audience(Model):
    """Who belongs to the channel."""

    default: bool = False
    """Whether phones that name no channel of their own get this one. At most one default channel an
    app and platform; where there are more, the first by name."""

    platforms: Annotated[tuple[Platform, ...], Field(min_length=1, max_length=3)] = (
        "ios",
        "android",
        "electron",
    )
    """Platforms that are served."""

    self_assign: bool = False
    """Whether a phone may join the channel by itself (setChannel)."""

    builds: Builds = Builds()
    """Which kinds of app build are served."""


class Step(Model):
    """One step of a rollout."""

    share: Percent
    """Share of the channel's phones that are offered the release in this step, e.g. 10%."""

    hold: Duration
    """Least time in this step before the next one, e.g. 30m; more if too little was heard."""

    min_devices: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    """Phones that must have started the release twice without failure before the next step (a count
    of devices). 0 lets time alone decide."""


class Guard(Model):
    """When a rollout is taken back by itself."""

    false_alarm: Probability = "0.01"
    """Largest probability that a healthy release is ever taken back, over the whole rollout: more
    than 0 and less than 1."""

    tolerance: Percent = "0.2%"
    """Excess of the failure rate over the phones that do not have the release yet, in percentage
    points, that is not worth stopping for."""


class Rollout(Model):
    """How a new release reaches the audience."""

    steps: Annotated[
        tuple[Step, ...], Field(min_length=1, max_length=20, json_schema_extra=SHARES_GROW)
    ] = (
        Step(share="1%", hold="30m"),
        Step(share="10%", hold="1h"),
        Step(share="50%", hold="2h"),
        Step(share="100%", hold="12h"),
    )
    """Steps in order; shares grow, and the last one is 100%."""

    guard: Guard = Guard()
    """When the rollout is taken back by itself."""

    retry: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Raise it to try a release again that was taken back; it is not tried again by itself."""

    @model_validator(mode="after")
    def _shares_grow(self) -> Self:
        shares = [basis_points(step.share) for step in self.steps]
        if shares != sorted(set(shares)) or shares[0] == 0 or shares[-1] != BASIS_POINTS:
            msg = "shares of steps must grow from more than 0% to 100% in the last step"
            raise ValueError(msg)
        return self


class ChannelSpec(Model):
    """Which release an audience gets."""

    app: Annotated[
        ObjectName, Field(json_schema_extra=immutable("app never changes: make another Channel"))
    ]
    """Name of the App in the same namespace. Immutable."""

    release: ObjectName | None = None
    """Name of the Release to roll out; none serves nothing new: phones keep what they have."""

    audience: Audience = Audience()
    """Who belongs to the channel."""

    rollout: Rollout = Rollout()
    """How a new release reaches the audience."""

    paused: bool = False
    """Stops growth; what is offered stays offered. Failures still take a release back."""
