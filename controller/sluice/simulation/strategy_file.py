"""The strategy that a simulation tries, as a file: the words of a Channel's rollout, and new ones.

    steps:                        # or harmBudget: 50
      - {share: 1%, hold: 1h}
      - {share: 100%, hold: 1h}
    early: true

Gates are read, and opened as soon as they are reached: nobody waits in a simulation.
"""

import json
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from sluice.errors import Refused
from sluice.resources.faults import faults_of, summary
from sluice.resources.fields import (
    BASIS_POINTS,
    Duration,
    Model,
    Percent,
    Probability,
    basis_points,
    seconds,
)
from sluice.resources.manifest import read_manifests
from sluice.rollout.strategy import LIES_MAX, HarmBudget, Step, Steps, Strategy

__all__ = ["StrategyFile", "read_strategy"]


class StepFile(Model):
    """One step."""

    share: Percent
    hold: Duration
    min_devices: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    gate: Literal["manual"] | None = None


class GuardFile(Model):
    """When it is taken back."""

    false_alarm: Probability = "0.01"
    tolerance: Percent = "0.2%"
    lies: Annotated[int, Field(ge=0, le=LIES_MAX)] = 2


class StrategyFile(Model):
    """The whole file."""

    steps: Annotated[tuple[StepFile, ...], Field(max_length=20)] = ()
    harm_budget: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    early: bool = False
    guard: GuardFile = GuardFile()
    waits_for_returns: bool = False
    soak: Duration = "0s"
    undecided: Literal["Hold", "Promote"] = "Hold"

    @model_validator(mode="after")
    def _grows_in_one_way(self) -> Self:
        if bool(self.steps) == (self.harm_budget is not None):
            msg = "give either steps or harmBudget"
            raise ValueError(msg)
        shares = [basis_points(step.share) for step in self.steps]
        if shares and (
            shares != sorted(set(shares)) or shares[0] == 0 or shares[-1] != BASIS_POINTS
        ):
            msg = "shares of steps must grow from more than 0% to 100% in the last step"
            raise ValueError(msg)
        return self

    def strategy(self) -> Strategy:
        """Return the strategy that the file asks for."""
        steps = tuple(
            Step(
                share_bp=basis_points(each.share),
                hold_seconds=seconds(each.hold),
                min_devices=each.min_devices,
            )
            for each in self.steps
        )
        growth = (
            Steps(steps=steps, early=self.early)
            if self.harm_budget is None
            else HarmBudget(phones=self.harm_budget)
        )
        return Strategy(
            growth=growth,
            false_alarm=float(self.guard.false_alarm),
            tolerance=basis_points(self.guard.tolerance) / BASIS_POINTS,
            lies=self.guard.lies,
            waits_for_returns=self.waits_for_returns,
            soak_seconds=seconds(self.soak),
            undecided=self.undecided,
        )


def read_strategy(data: bytes) -> Strategy:
    """Return the strategy in a YAML file.

    Raises:
        Refused: the file is no YAML, or its author has to mend it.
    """
    documents = read_manifests(data)
    if len(documents) != 1:
        message = f"One strategy must be in the file, and there are {len(documents)}."
        raise Refused("StrategyCount", message)
    try:
        return StrategyFile.model_validate_json(json.dumps(documents[0].value)).strategy()
    except ValidationError as error:
        raise Refused("StrategyInvalid", summary(faults_of(error, ()))) from error
