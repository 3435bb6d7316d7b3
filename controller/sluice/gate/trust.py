"""Policies made ready to judge by: what they name is read, and what can't be read is told."""

from collections.abc import Iterable

from sluice.errors import VerificationError
from sluice.gate.readable import policy_problem
from sluice.policy.subject import PolicyInForce, UnreadablePolicy
from sluice.policy.verdict import PolicyRef
from sluice.resources.canonical import policy_digest, sha256_hex
from sluice.resources.kinds import Key
from sluice.resources.policy import PolicySpec
from sluice.verify.trust import TrustRoot, parse_trust_root

__all__ = ["TrustRoom"]

ROOTS_MAX = 1024
"""Trust roots remembered; each policy names a few."""


class TrustRoom:
    """Reads trust roots, each once, and judges by it whether a policy can be read."""

    def __init__(self) -> None:
        self._roots: dict[str, TrustRoot | VerificationError] = {}

    def policy(self, key: Key, spec: PolicySpec) -> PolicyInForce | UnreadablePolicy:
        """Return a policy to judge by, or what keeps it from being one."""
        ref = PolicyRef(
            kind=key.kind, namespace=key.namespace, name=key.name, digest=policy_digest(spec)
        )
        for authority in spec.authorities:
            root = self._root(authority.trusted_root)
            if isinstance(root, VerificationError):
                problem = f"authority {authority.name}: {root.message}"
                return UnreadablePolicy(ref=ref, problem=problem)
        if problem := policy_problem(spec):
            return UnreadablePolicy(ref=ref, problem=problem)
        return PolicyInForce(ref=ref, spec=spec)

    def roots_of(
        self, policies: Iterable[PolicyInForce | UnreadablePolicy]
    ) -> tuple[TrustRoot, ...]:
        """Return the trust roots of all policies, each once, in their order."""
        texts = dict.fromkeys(
            authority.trusted_root
            for policy in policies
            if isinstance(policy, PolicyInForce)
            for authority in policy.spec.authorities
        )
        roots = (self._root(text) for text in texts)
        return tuple(each for each in roots if isinstance(each, TrustRoot))

    def _root(self, text: str) -> TrustRoot | VerificationError:
        digest = sha256_hex(text.encode())
        if digest not in self._roots:
            if len(self._roots) >= ROOTS_MAX:
                self._roots.clear()
            try:
                self._roots[digest] = parse_trust_root(text.encode())
            except VerificationError as error:
                self._roots[digest] = error
        return self._roots[digest]
