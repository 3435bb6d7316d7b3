"""One run as the operator sees it: counts become evidence, and evidence becomes a decision."""

from datetime import UTC, datetime, timedelta

from sluice.rollout.advance import advance
from sluice.rollout.decision import Complete, Decision, Hold, Offer, Progress, RollBack
from sluice.rollout.evidence import (
    ArmCounts,
    Draw,
    Evidence,
    Installs,
    Segment,
    Silence,
    Stratum,
    Tally,
    Transfers,
)
from sluice.rollout.logrank import PRIOR, SEGMENT_PRIOR, SILENCE_PRIOR, heard
from sluice.rollout.odds import Prior
from sluice.rollout.sample_ratio import drawn
from sluice.rollout.strategy import Strategy
from sluice.simulation.fleet import SEGMENT_SHARES
from sluice.simulation.seen import Counts, Seen

__all__ = ["Watch"]

START = datetime(2026, 1, 5, tzinfo=UTC)
"""When the first phone is offered it; which day it is changes nothing."""

SEGMENT_NAMES = tuple(f"segment {i + 1}" for i in range(len(SEGMENT_SHARES)))


class Watch:
    """What is known of one run."""

    def __init__(
        self, strategy: Strategy, *, check_ins_a_minute: float, stable: int, stable_failed: int
    ) -> None:
        """Begin with the first decision.

        Args:
            strategy: how it may grow.
            check_ins_a_minute: phones of the fleet that check in each minute.
            stable: devices that the stable release was offered to when it was rolled out.
            stable_failed: those of them that could not install it.
        """
        self._strategy = strategy
        self._check_ins = check_ins_a_minute
        self._stable = stable, stable_failed
        self._crashes, self._late = Tally(), Tally()
        self._segments: list[Tally] = []
        self._silence: list[Tally] = []
        self._offers = self._control = self._install_failures = 0
        self._draw = Draw()
        self._progress: Progress | None = None
        self.share_bp = 0
        self.decision = self._decide(Evidence(), START)

    @property
    def grant(self) -> int:
        """Phones that may be offered it until the next look."""
        match self.decision:
            case Offer() | Hold():
                return self.decision.grant
            case RollBack() | Complete():
                return 0

    def look(self, seen: Seen, run: int, minute: int) -> Decision:
        """Return the decision after one more minute.

        Args:
            seen: what all runs saw.
            run: place of this run in it.
            minute: how many minutes have passed before.
        """
        self._crashes = _more(self._crashes, seen.crashes, run, PRIOR)
        self._late = _more(self._late, seen.not_started, run, PRIOR)
        self._count_segments(seen, run)
        self._offers += int(seen.offers[run])
        self._control += int(seen.control[run])
        self._install_failures += int(seen.install_failures[run])
        self._draw = drawn(
            self._draw,
            share_bp=self.share_bp,
            candidate=int(seen.drawn[run]),
            control=int(seen.drawn_control[run]),
        )
        now = START + timedelta(minutes=minute + 1)
        self.decision = self._decide(self._evidence(seen, run), now)
        return self.decision

    def _decide(self, evidence: Evidence, now: datetime) -> Decision:
        decision = advance(self._strategy, self._progress, evidence, now)
        match decision:
            case Offer():
                self._progress, self.share_bp = decision.progress, decision.share_bp
            case Hold():
                self._progress = decision.progress
            case RollBack() | Complete():
                pass
        return decision

    def _evidence(self, seen: Seen, run: int) -> Evidence:
        crashes = self._crashes
        stable, stable_failed = self._stable
        return Evidence(
            candidate=_arm(self._offers, crashes.candidate, crashes.failed),
            control=_arm(self._control, crashes.control, crashes.control_failed),
            crashes=crashes,
            segments=tuple(
                Segment(name=name, tally=tally)
                for name, tally in zip(SEGMENT_NAMES, self._segments, strict=False)
            ),
            not_started=self._late,
            silence=self._returned(seen, run),
            installs=Installs(
                candidate=self._offers,
                failed=self._install_failures,
                stable=stable,
                stable_failed=stable_failed,
            ),
            out=int(seen.out[run]),
            withheld=bool(seen.withheld[run]),
            check_ins_a_minute=self._check_ins,
            draw=self._draw,
            transfers=Transfers(
                offers=self._offers,
                downloads=self._offers - self._install_failures,
                reports=crashes.candidate,
            ),
        )

    def _count_segments(self, seen: Seen, run: int) -> None:
        counts = seen.segments
        if counts is None:
            return
        rows = zip(
            self._segments or [Tally()] * len(SEGMENT_NAMES),
            counts.candidate[run].tolist(),
            counts.failed[run].tolist(),
            counts.control[run].tolist(),
            counts.control_failed[run].tolist(),
            strict=True,
        )
        self._segments = [
            heard(
                tally,
                Stratum(candidate=n, failed=f, control=nc, control_failed=fc),
                SEGMENT_PRIOR,
            )
            for tally, n, f, nc, fc in rows
        ]

    def _returned(self, seen: Seen, run: int) -> Silence:
        returned = seen.returned
        if returned is None:
            return Silence()
        tallies = self._silence or [Tally()] * len(returned.tests)
        self._silence = [
            _more(tally, counts, run, SILENCE_PRIOR)
            for tally, counts in zip(tallies, returned.tests, strict=True)
        ]
        return Silence(
            tests=tuple(self._silence),
            unreturned=int(returned.unreturned[run]),
            excess=float(returned.excess[run]),
            information=float(returned.information[run]),
        )


def _arm(devices: int, told: int, failed: int) -> ArmCounts:
    return ArmCounts(devices=max(devices, told), failed=failed, proven=told - failed)


def _more(tally: Tally, counts: Counts, run: int, prior: Prior) -> Tally:
    n, f, nc, fc = counts.of(run)
    return heard(tally, Stratum(candidate=n, failed=f, control=nc, control_failed=fc), prior)
