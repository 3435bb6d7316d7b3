"""What is known around a word before it is signed: who signs, in which role, after which words."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sluice.errors import Refused
from sluice.gate.case import Case
from sluice.gate.judge import Judge
from sluice.gate.offered import approval_evidence, offered_evidence
from sluice.gate.trust import TrustRoom
from sluice.plan.cases import AtHand, policies_of, policy_of
from sluice.plan.manifests import Manifests
from sluice.plan.policies import PolicyBook
from sluice.policy.evaluate import binds
from sluice.policy.signers import person_behind
from sluice.policy.subject import Circumstances, Live, PolicyInForce, Subject
from sluice.policy.verdict import Verdict
from sluice.resources.app import AppSpec
from sluice.resources.approval import ApprovalSpec
from sluice.resources.canonical import release_digest, sha256_hex
from sluice.resources.kinds import Key
from sluice.resources.release import ReleaseSpec
from sluice.verify.collect import Examiner
from sluice.verify.facts import Approval, Signer
from sluice.verify.trust import TrustRoot
from sluice.verify.words import Word

__all__ = ["Matter", "Speaker", "Spoken", "app_id_of", "channel_release", "key_name"]

Spoken = Literal["word", "exception", "glass"]

FINGERPRINT_CHARS: Final = 8
"""Digits by which a key is told from others in a name, when nobody is known to hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """One Release for one channel of one cluster, and the manifests around it."""

    manifests: Manifests
    name: str
    """Of the Release."""
    namespace: str
    release: ReleaseSpec
    channel: str
    cluster: str
    app_id: str
    live: Live | None = None
    base: Manifests | None = None
    """What stood in git before the change at hand, if that is known: its policies judge."""

    @property
    def subject(self) -> Subject:
        """What is judged."""
        return Subject(
            cluster=self.cluster,
            namespace=self.namespace,
            app_id=self.app_id,
            channel=self.channel,
            release=self.release,
            release_digest=release_digest(self.release),
            default_channel=self.manifests.is_default(self.namespace, self.channel),
            circumstances=Circumstances(live=self.live),
        )


def app_id_of(manifests: Manifests, namespace: str, app: str, given: str | None) -> str:
    """Return the appId that a word is for.

    Raises:
        Refused: `AppUnknown`, `AppDiffers`.
    """
    found = manifests.spec(AppSpec, namespace, app)
    if found is None and given is None:
        message = (
            f"There is no App {app} of namespace {namespace} among the manifests at hand: name its"
            " folder with --manifests, or say --app-id."
        )
        raise Refused("AppUnknown", message)
    if found is not None and given not in (None, found.app_id):
        message = f"--app-id says {given}, but the App {app} at hand says {found.app_id}."
        raise Refused("AppDiffers", message)
    return found.app_id if found else given or ""


class Speaker:
    """Looks at a matter with the gate's own eyes."""

    def __init__(self, matter: Matter, *, now: datetime, roots: Iterable[TrustRoot] = ()) -> None:
        """Prepare to look.

        Args:
            matter: what is spoken about.
            now: the time, in UTC.
            roots: trust roots besides those of the policies at hand.
        """
        self.matter = matter
        self._now = now
        self._trust, self._examiner = TrustRoom(), Examiner()
        self._judge = Judge(examiner=self._examiner, trust=self._trust)
        at_hand = AtHand(cluster=matter.cluster, now=now)
        book = PolicyBook(at_hand, trust=self._trust, examiner=self._examiner)
        before = matter.manifests if matter.base is None else matter.base
        self._all = policies_of(book.standing(before), matter.namespace)
        readable = {
            each.key: policy_of(each, self._trust)
            for kind in ("ReleasePolicy", "ClusterReleasePolicy")
            for each in matter.manifests.of_kind(kind)
        }
        own = self._trust.trusted_by(readable.values())
        self._roots = tuple(dict.fromkeys((*own, *roots)))
        self.policies: tuple[PolicyInForce, ...] = tuple(
            each
            for each in policies_of(readable, matter.namespace)
            if isinstance(each, PolicyInForce) and binds(each, matter.subject)
        )

    def person(self, key: str) -> str | None:
        """Return the name of the person who signs with an SSH key; None when no policy says."""
        names = (
            who.name for policy in self.policies for who in policy.spec.people if key in who.keys
        )
        return next(names, None)

    def person_behind(self, word: Word) -> str | None:
        """Return the name of the person who signed a word; None when no policy says."""
        return next((who for each in self.policies if (who := person_behind(word, each))), None)

    def roles(self, spoken: Spoken, policy: str | None, person: str | None) -> tuple[str, ...]:
        """Return the roles in which a word would count, of a person if one is known."""
        roles: dict[str, None] = {}
        for each in self.policies:
            if policy in (None, each.label):
                held = [one.name for one in each.spec.roles if person in (None, *one.members)]
                roles |= dict.fromkeys(one for one in _wanted(each, spoken) if one in held)
        return tuple(roles)

    def labels(self, spoken: Spoken) -> tuple[str, ...]:
        """Return the policies that know such a word."""
        return tuple(each.label for each in self.policies if any(_wanted(each, spoken)))

    def words(self) -> Iterator[tuple[str, Word]]:
        """Yield the words on the Release at hand, with the names of their Approvals."""
        for each in self.matter.manifests.approvals(self.matter.namespace, self.matter.name):
            if isinstance(each.spec, ApprovalSpec):
                for word in self._examined(each.key.name, each.spec)[0]:
                    yield each.key.name, word

    def read(self, name: str, spec: ApprovalSpec) -> Word:
        """Return the one word that an Approval is, as the operator will read it.

        Raises:
            Refused: the operator would not.
        """
        words, why = self._examined(name, spec)
        if not words:
            raise Refused("NotProven", why or "The signature proves nothing; sign again.")
        return words[0]

    def verdict(self, *more: tuple[str, ApprovalSpec]) -> Verdict:
        """Return the verdict on the matter, with further Approvals."""
        matter = self.matter
        there = [
            (each.key.name, each.spec)
            for each in matter.manifests.approvals(matter.namespace, matter.name)
            if isinstance(each.spec, ApprovalSpec)
        ]
        words = sorted([*there, *more], key=lambda each: each[0])
        evidence = offered_evidence(matter.release, {}, words)
        case = Case(subject=matter.subject, policies=self._all, evidence=evidence, now=self._now)
        return self._judge.verdict(case)

    def said_before(self, key: str, person: str | None) -> tuple[tuple[str, Approval], ...]:
        """Return what the same person, or key, has said on the Release for the channel."""
        return tuple(
            (name, word)
            for name, word in self.words()
            if isinstance(word, Approval)
            and word.channel == self.matter.channel
            and (word.signer.subject == key or (person and self.person_behind(word) == person))
        )

    def _examined(self, name: str, spec: ApprovalSpec) -> tuple[tuple[Word, ...], str]:
        facts = self._examiner.examine(
            (approval_evidence(name, spec),),
            artifact_sha256=self.matter.release.bundle.sha256,
            release_digest=release_digest(self.matter.release),
            roots=self._roots,
        )
        why = next((f"{each.reason}: {each.message}" for each in facts.rejected), "")
        return tuple(facts.words()), why


def _wanted(policy: PolicyInForce, spoken: Spoken) -> Iterator[str]:
    """Yield the roles that a policy gives such a word to."""
    spec = policy.spec
    match spoken:
        case "word":
            yield from (each.approvals.role for each in spec.requirements if each.approvals)
            if spec.break_glass:
                yield spec.break_glass.cosign_role
        case "exception":
            if spec.exceptions:
                yield spec.exceptions.role
        case "glass":
            if spec.break_glass:
                yield spec.break_glass.role


def key_name(signer: Signer) -> str:
    """Return a name for a signer whom nobody knows, of characters that names may have."""
    return f"key-{sha256_hex(signer.subject.encode())[:FINGERPRINT_CHARS]}"


def channel_release(manifests: Manifests, namespace: str, channel: str) -> Key | None:
    """Return the key of the Release that a channel names."""
    found = manifests.objects.get(Key("Channel", namespace, channel))
    name = getattr(found.spec, "release", None) if found else None
    return Key("Release", namespace, name) if name else None
