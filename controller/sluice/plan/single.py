"""The verdict on one release for one channel, from manifests alone."""

from dataclasses import dataclass

from sluice.errors import Refused
from sluice.gate.judge import Judge
from sluice.gate.trust import TrustRoom
from sluice.plan.cases import Around, AtHand, case_for, live_of, policies_of, problem_of
from sluice.plan.manifests import Manifests
from sluice.plan.policies import PolicyBook
from sluice.plan.unknown import unknown_of
from sluice.policy.subject import Circumstances, Live
from sluice.policy.verdict import Verdict
from sluice.resources.channel import ChannelSpec
from sluice.resources.kinds import Key
from sluice.verify.collect import Examiner

__all__ = ["Single", "judge_single", "release_for"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """One verdict, and what it rests on without being known."""

    verdict: Verdict
    unknown: tuple[str, ...]


def release_for(manifests: Manifests, channel: str, release: str | None) -> tuple[Key, str]:
    """Return the Release to judge, and the channel's name.

    Args:
        manifests: all there are.
        channel: its name, or namespace and name with a slash between them.
        release: name of the Release; None for the one that the Channel names.

    Raises:
        Refused: they can't be told from each other, or are not there.
    """
    namespace, _, name = channel.rpartition("/")
    if release is not None:
        found = [
            each.key
            for each in manifests.of_kind("Release", namespace or None)
            if each.key.name == release
        ]
        if len(found) != 1:
            message = f"{len(found)} Releases are called {release}: say --channel NAMESPACE/NAME."
            raise Refused("ReleaseMissing" if not found else "ReleaseAmbiguous", message)
        return found[0], name
    channels = [
        each for each in manifests.of_kind("Channel", namespace or None) if each.key.name == name
    ]
    if len(channels) != 1:
        message = (
            f"There is no Channel {channel} among the manifests: hand it in, or say --release."
            if not channels
            else f"There are {len(channels)} Channels called {name}: say --channel NAMESPACE/NAME."
        )
        raise Refused("ChannelMissing" if not channels else "ChannelAmbiguous", message)
    spec = channels[0].spec
    if not isinstance(spec, ChannelSpec) or spec.release is None:
        raise Refused("NoRelease", f"Channel {name} names no release: there is nothing to judge.")
    if problem := problem_of(manifests, channels[0], spec):
        raise Refused(problem.reason, f"{problem.spot}: {problem.message}")
    return Key("Release", channels[0].key.namespace, spec.release), name


def judge_single(
    manifests: Manifests, release: Key, channel: str, live: str | None, at_hand: AtHand
) -> Single:
    """Return the verdict on a release for a channel.

    Args:
        manifests: all there are.
        release: the Release to judge.
        channel: name of the channel.
        live: name of the Release that phones get now; None when they get nothing.
        at_hand: what is known besides.

    Raises:
        Refused: something that it needs is not there.
    """
    trust, examiner = TrustRoom(), Examiner()
    book = PolicyBook(at_hand, trust=trust, examiner=examiner)
    served = live_of(manifests, Key("Release", release.namespace, live)) if live else None
    if live and served is None:
        raise Refused("ReleaseMissing", f"There is no Release {live} that phones could get now.")
    case = case_for(
        manifests,
        release,
        channel,
        policies_of(book.standing(manifests), release.namespace),
        at_hand,
        Around(circumstances=_circumstances(manifests, release, served, at_hand)),
    )
    if case is None:
        message = f"The Release {release.name} or its App is not among the manifests: hand them in."
        raise Refused("ReleaseMissing", message)
    verdict = Judge(examiner=examiner, trust=trust).verdict(case)
    return Single(verdict=verdict, unknown=unknown_of((case,), served, live, case.policies))


def _circumstances(
    manifests: Manifests, release: Key, live: Live | None, at_hand: AtHand
) -> Circumstances:
    served = live_of(manifests, release)
    return Circumstances(
        live=live,
        bundle=at_hand.bundles.get(served.bundle_sha256) if served else None,
        live_bundle=at_hand.bundles.get(live.bundle_sha256) if live else None,
    )
