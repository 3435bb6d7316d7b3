"""What is offered as evidence for a release or a policy, in the one form in which it is judged."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, Literal

from sluice.resources.approval import ApprovalSpec
from sluice.resources.release import ReleaseSpec
from sluice.resources.signed import Seal
from sluice.verify.facts import Evidence

__all__ = ["APPROVALS_MAX", "approval_evidence", "offered_evidence", "seal_evidence"]

APPROVALS_MAX: Final = 256
"""Approvals of one release that are looked at, first by name: nobody can flood the verifier."""


def offered_evidence(
    release: ReleaseSpec,
    fetched: Mapping[str, bytes],
    approvals: Iterable[tuple[str, ApprovalSpec]],
    kept: Iterable[Evidence] = (),
) -> tuple[Evidence, ...]:
    """Return the evidence for a release: its attestations, then words of people on it.

    Args:
        release: whose attestations.
        fetched: what stands at the urls of attestations, as far as it is at hand, by SHA-256.
        approvals: the Approvals of the release, by name, in the order of their names.
        kept: words of people that must count though their Approval is gone.
    """
    found = []
    for each in release.attestations:
        data = fetched.get(each.sha256) if each.sha256 else (each.inline or "").encode()
        if data is not None:
            source = f"attestation {each.name}"
            found.append(Evidence(source=source, kind="attestation", data=data))
    words = [approval_evidence(name, spec) for name, spec in approvals][:APPROVALS_MAX]
    there = {each.sha256() for each in words}
    gone = (each for each in kept if each.sha256() not in there)
    marked = (replace(each, source=f"{each.source} (kept, its file is gone)") for each in gone)
    return (*found, *words, *marked)


def approval_evidence(name: str, spec: ApprovalSpec) -> Evidence:
    """Return the signed statement of an Approval as evidence."""
    return _signed_evidence("approval", f"Approval {name}", spec)


def seal_evidence(number: int, seal: Seal) -> Evidence:
    """Return a policy's seal as evidence; `number` counts from 1, in the order of the file."""
    return _signed_evidence("seal", f"seal {number}", seal)


def _signed_evidence(
    kind: Literal["approval", "seal"], source: str, form: ApprovalSpec | Seal
) -> Evidence:
    if form.ssh is None:
        return Evidence(source=source, kind=kind, data=(form.sigstore_bundle or "").encode())
    return Evidence(
        source=source,
        kind=kind,
        data=form.ssh.signature.encode(),
        statement=form.ssh.statement.encode(),
    )
