"""What may be done with one release on one channel, and why.

Words: a requirement is *satisfied*, *missing* (somebody can still give it) or *refused* (what was
given proves something wrong). A verdict is *allowed* (may grow), *held* (may not grow; what is
offered stays) or *withdrawn* (must go). Nothing else may be read into them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sluice.policy.reasons import AnyReason
from sluice.resources.canonical import canonical_json, sha256_hex
from sluice.resources.fields import BASIS_POINTS

__all__ = ["Answer", "Finding", "PolicyRef", "State", "Verdict"]

Answer = Literal["allowed", "held", "withdrawn"]
State = Literal["satisfied", "missing", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRef:
    """One policy as it was when the verdict was made."""

    kind: str
    namespace: str
    name: str
    digest: str
    """SHA-256 of the canonical policy spec."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What became of one requirement of one policy."""

    policy: str
    requirement: str
    state: State
    enforced: bool
    """False: the requirement only warns."""
    reason: AnyReason
    message: str
    """A sentence that tells a person who must do what."""
    by: tuple[str, ...] = ()
    """Who satisfied it, or whose evidence was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer for one release on one channel, with every finding."""

    answer: Answer
    reason: str
    message: str
    app_id: str
    namespace: str
    channel: str
    version: str
    release_digest: str
    findings: tuple[Finding, ...]
    policies: tuple[PolicyRef, ...]
    ceiling_bp: int = BASIS_POINTS
    """Largest share of the phones that it may grow to, in basis points, when it is allowed."""
    recheck_at: datetime | None = None
    """When time alone may change the answer."""

    def as_json(self) -> dict[str, object]:
        """Return the verdict as it is written to the audit log; `recheck_at` is no part of it."""
        return {
            "answer": self.answer,
            "reason": self.reason,
            "message": self.message,
            "appId": self.app_id,
            "namespace": self.namespace,
            "channel": self.channel,
            "version": self.version,
            "releaseDigest": self.release_digest,
            "ceiling": self.ceiling_bp,
            "findings": [
                {
                    "policy": each.policy,
                    "requirement": each.requirement,
                    "state": each.state,
                    "enforced": each.enforced,
                    "reason": each.reason,
                    "message": each.message,
                    "by": list(each.by),
                }
                for each in self.findings
            ],
            "policies": [
                {
                    "kind": each.kind,
                    "namespace": each.namespace,
                    "name": each.name,
                    "digest": each.digest,
                }
                for each in self.policies
            ],
        }

    def digest(self) -> str:
        """Return the SHA-256 of the verdict's canonical form: equal verdicts, equal digests."""
        return sha256_hex(canonical_json(self.as_json()))
