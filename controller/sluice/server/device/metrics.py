"""Counters of one device server, as the text that Prometheus reads."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Metrics"]


@dataclass(slots=True)
class Metrics:
    """Everything that is counted. Labels come from closed sets only, never from a phone."""

    requests: Counter[tuple[str, int]] = field(default_factory=Counter)
    """(route, status) of the answers."""
    answers: Counter[str] = field(default_factory=Counter)
    """Answers to update checks by reason; `Offer` and `Reset` are among them."""
    reports: int = 0
    """What phones told that is on disk: events, and the failures among them once more."""
    sightings: int = 0
    """Check-ins of phones in a rollout that are on disk."""
    shed: Counter[str] = field(default_factory=Counter)
    """Requests told to come again, by reason."""
    unrecorded: int = 0
    """Candidates not offered, because nobody could write down that they were."""
    seals_refused: Counter[str] = field(default_factory=Counter)
    """Rows not served, by reason. Not 0: somebody else writes to the store, or a key is wrong."""
    refresh_failures: int = 0
    """Times the store did not answer when asked for changes."""
    bundles_refused: int = 0
    """Files that were not what their name says. Not 0: a disk fails, or somebody wrote to it."""
    crashes: int = 0
    """Requests answered 500: each is a bug."""
    in_flight: int = 0
    channels: int = 0
    change: int = 0

    def text(self) -> str:
        """Return the counters in the text format of Prometheus."""
        return "\n".join([*self._lines(), ""])

    def _lines(self) -> Iterator[str]:
        yield from _family("sluice_device_requests_total", "counter")
        for (route, status), count in sorted(self.requests.items()):
            yield f'sluice_device_requests_total{{route="{route}",status="{status}"}} {count}'
        for name, label, counts in (
            ("sluice_device_answers_total", "reason", self.answers),
            ("sluice_device_shed_total", "reason", self.shed),
            ("sluice_device_seals_refused_total", "reason", self.seals_refused),
        ):
            yield from _family(name, "counter")
            for key, count in sorted(counts.items()):
                yield f'{name}{{{label}="{key}"}} {count}'
        for name, kind, value in (
            ("sluice_device_reports_total", "counter", self.reports),
            ("sluice_device_sightings_total", "counter", self.sightings),
            ("sluice_device_unrecorded_total", "counter", self.unrecorded),
            ("sluice_device_refresh_failures_total", "counter", self.refresh_failures),
            ("sluice_device_bundles_refused_total", "counter", self.bundles_refused),
            ("sluice_device_crashes_total", "counter", self.crashes),
            ("sluice_device_in_flight", "gauge", self.in_flight),
            ("sluice_device_channels", "gauge", self.channels),
            ("sluice_device_change", "gauge", self.change),
        ):
            yield from _family(name, kind)
            yield f"{name} {value}"


def _family(name: str, kind: str) -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
