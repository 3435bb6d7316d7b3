"""What phones showed in a rollout, as the counts that a decision is made from.

A device counts once in a signal, and one source of reports counts as one device. Control is every
device outside the share, once each. Both arms are counted over the same time: a *stratum* is what
was heard since the last one was closed, and it is closed at the first look at which a device of
either arm was heard.

All of it can be kept by a store that has a row a device: at each look it counts whom it heard newly
in each arm, and adds that to the signal's `Tally` (`sluice.rollout.logrank.heard`).
"""

from dataclasses import dataclass, field

__all__ = [
    "ArmCounts",
    "Draw",
    "Evidence",
    "Installs",
    "Segment",
    "Silence",
    "Stratum",
    "Tally",
    "Transfers",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmCounts:
    """All that is known of one arm. `failed` and `proven` are disjoint; the rest is not heard."""

    devices: int = 0
    """Devices that were given the candidate (or, in the control arm, seen without it)."""
    failed: int = 0
    """Devices that reported a failure."""
    proven: int = 0
    """Devices that started a second time without failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Devices that were heard in the same stretch of time, by arm."""

    candidate: int = 0
    failed: int = 0
    """How many of `candidate` failed."""
    control: int = 0
    control_failed: int = 0
    """How many of `control` failed."""


NOTHING = Stratum()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One signal, heard so far: totals, the stratum still open, and what the closed ones prove."""

    candidate: int = 0
    failed: int = 0
    control: int = 0
    control_failed: int = 0
    open: Stratum = NOTHING
    """Heard since the last stratum was closed; in the totals already."""
    terms: tuple[float, ...] = ()
    """Log likelihood ratio of the closed strata at each hazard ratio of the signal's prior; empty
    stands for zeros."""
    ratios: tuple[float, ...] = ()
    """The candidate's share of the closed strata in which its failures weigh most: the smallest
    ones, one an entry for each failure, ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One kind of phone, such as `os=android 9`: its crashes and errors."""

    name: str
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Who came back. Ages are in units of the phone's own usual gap between two check-ins."""

    tests: tuple[Tally, ...] = ()
    """Devices that had 1, 2 and 3 gaps to come back; `failed` are those that did not."""
    unreturned: int = 0
    """Devices with the candidate that did not come back yet, and had no 3 gaps for it."""
    excess: float = 0.0
    """Sum over unreturned devices (whatever their age) of 1/S(age), less the devices that were
    given the candidate, where S(age) is the share of control that is not back at that age, and age
    counts up to 3 gaps: near zero for a healthy release."""
    information: float = 0.0
    """Sum over all devices that were given the candidate of 1/S(age) - 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installs:
    """Downloads and installations. Nobody else installs meanwhile, so control is the past."""

    candidate: int = 0
    """Devices that were offered the candidate, whether they told how it went or not."""
    failed: int = 0
    stable: int = 0
    """Devices that were offered the stable release, in its own rollouts."""
    stable_failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Phones by the arm in which they were seen first, so far.

    Who is drawn counts, also when pacing withheld the offer.
    """

    candidate: int = 0
    control: int = 0
    expected: float = 0.0
    """How many would be the candidate's, by the shares that there were."""
    terms: tuple[float, ...] = ()
    """Log likelihood ratio at each odds ratio that is considered; empty stands for zeros."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfers:
    """How many devices were offered the candidate, fetched it, and reported on it: shown only."""

    offers: int = 0
    downloads: int = 0
    reports: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What phones showed in this rollout."""

    candidate: ArmCounts = field(default_factory=ArmCounts)
    control: ArmCounts = field(default_factory=ArmCounts)
    crashes: Tally = field(default_factory=Tally)
    """Crashes and JavaScript errors."""
    segments: tuple[Segment, ...] = ()
    """Crashes and errors again, by kind of phone; a device is in one segment of each dimension. The
    first `segments.SEGMENTS_MAX` count."""
    not_started: Tally = field(default_factory=Tally)
    """Devices that had their time to report ready; `failed` are those not heard by then."""
    silence: Silence = field(default_factory=Silence)
    installs: Installs = field(default_factory=Installs)
    out: int = 0
    """Devices that were offered the candidate, are not heard, and may still be (they had not their
    time to report ready)."""
    withheld: bool = False
    """Whether the last grant ran out, so that a phone was refused an offer since the last look."""
    check_ins_a_minute: float = 0.0
    """Phones of the audience that check in each minute for the first time in a usual gap; 0 where
    that is not known."""
    draw: Draw = field(default_factory=Draw)
    transfers: Transfers = field(default_factory=Transfers)
