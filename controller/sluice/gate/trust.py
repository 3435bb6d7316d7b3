"""Policies made ready to judge by: what they name is read, and what can't be read is told."""

from collections.abc import Iterable

from sluice.errors import VerificationError
from sluice.gate.readable import policy_problem
from sluice.policy.subject import PolicyInForce, UnreadablePolicy
from sluice.policy.verdict import PolicyRef
from sluice.resources.canonical import policy_digest, sha256_hex
from sluice.resources.kinds import Key
from sluice.resources.policy import PolicySpec
from sluice.verify.collect import Trusted, TrustedKey
from sluice.verify.public_key import read_public_key
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

    def trusted_by(
        self, policies: Iterable[PolicyInForce | UnreadablePolicy]
    ) -> tuple[Trusted, ...]:
        """Return the trust roots and managed keys of all policies, each once, in their order."""
        named = dict.fromkeys(
            (authority.trusted_root, authority.public_key)
            for policy in policies
            if isinstance(policy, PolicyInForce)
            for authority in policy.spec.authorities
        )
        return tuple(self._trusted(*each) for each in named)

    def _trusted(self, root_text: str, key_text: str | None) -> Trusted:
        """Return what a policy in force names: it is in force because both can be read."""
        root = self._root(root_text)
        if isinstance(root, VerificationError):
            raise root
        if key_text is None:
            return root
        return TrustedKey(key=read_public_key(key_text), root=root)

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
