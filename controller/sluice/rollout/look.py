"""One look at a rollout: what the rules of growth are given, and the ways they may answer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sluice.resources.fields import BASIS_POINTS
from sluice.rollout.decision import Complete, Hold, Number, Offer, Progress
from sluice.rollout.evidence import Evidence
from sluice.rollout.strategy import Strategy

__all__ = ["Look"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Everything that growth is decided from."""

    strategy: Strategy
    progress: Progress
    """Where it was at the last look."""
    evidence: Evidence
    now: datetime
    grant: int
    returned: bool
    """Whether enough came back, if the strategy waits for that."""
    seen: str
    """What was seen, for people."""
    numbers: Mapping[str, Number]

    @property
    def stayed(self) -> Progress:
        """Where the rollout is now, if it stays."""
        return replace(self.progress, withheld_seconds=self.withheld_seconds, looked_at=self.now)

    @property
    def withheld_seconds(self) -> float:
        """How long pacing withheld offers in this step: since the last look too, if it did."""
        before = self.progress.withheld_seconds
        if not self.evidence.withheld:
            return before
        last = self.progress.looked_at or self.progress.step_since
        return before + max((self.now - last).total_seconds(), 0.0)

    @property
    def wall_seconds(self) -> float:
        """How long the step has lasted."""
        return (self.now - self.progress.step_since).total_seconds()

    def hold(
        self,
        reason: str,
        message: str,
        *,
        until: datetime | None = None,
        progress: Progress | None = None,
        numbers: Mapping[str, Number] | None = None,
    ) -> Hold:
        """Stay, with what was seen and the grant until the next look."""
        return Hold(
            reason=reason,
            message=f"{message}; {self.seen}.",
            grant=self.grant,
            progress=progress or self.stayed,
            until=until,
            numbers={**self.numbers, **(numbers or {})},
        )

    def offer(
        self,
        progress: Progress,
        share_bp: int,
        reason: str,
        numbers: Mapping[str, Number] | None = None,
    ) -> Offer:
        """Offer it to a larger share."""
        return Offer(
            step=progress.step,
            share_bp=share_bp,
            reason=reason,
            message=f"Offered to {share_bp * 100 / BASIS_POINTS:g} % of phones; {self.seen}.",
            grant=self.grant,
            progress=progress,
            numbers={**self.numbers, **(numbers or {})},
        )

    def complete(
        self, reason: str, message: str, numbers: Mapping[str, Number] | None = None
    ) -> Complete:
        """End it."""
        return Complete(
            reason=reason,
            message=f"{message}; {self.seen}.",
            numbers={**self.numbers, **(numbers or {})},
        )
