"""What a person is about to sign, in words: everything that it binds, and nothing that it does not.

The words are made from the values that are signed, never from the text of a file: what an approver
reads is what the operator will read (row 12 of the attacks).
"""

from collections.abc import Iterable, Iterator
from typing import Final

from sluice.plan.said import moment
from sluice.resources.approval import ApprovalSpec
from sluice.resources.canonical import release_digest
from sluice.resources.fields import basis_points, percent
from sluice.resources.release import NativeRange, ReleaseSpec
from sluice.resources.signed import Ssh
from sluice.resources.text import plain
from sluice.verify.claims import ApprovalClaim, ExceptionClaim, GlassClaim, WordClaim
from sluice.verify.facts import Approval, ExceptionGrant, GlassBroken
from sluice.verify.words import Word

__all__ = [
    "approval_name",
    "approval_yaml",
    "block_lines",
    "claim_lines",
    "release_lines",
    "ssh_lines",
]

LABEL_WIDTH: Final = 16
VALUE_CHARS_MAX: Final = 512
NAMES_SHOWN_MAX: Final = 16

DID: Final = {
    "approve": "APPROVE",
    "reject": "REJECT: it must not reach these phones",
    "withdraw": "WITHDRAW what you said before: neither yes nor no any more",
}


def claim_lines(claim: WordClaim, person: str) -> Iterator[str]:
    """Yield what a word says.

    Args:
        claim: what the word binds.
        person: who signs, as far as it is known.
    """
    match claim:
        case ApprovalClaim():
            yield _line("you", DID[claim.decision])
        case ExceptionClaim():
            yield _line("you", f"EXCEPT it from {claim.requirement} of {claim.policy}")
        case GlassClaim():
            yield _line("you", f"BREAK THE GLASS of {claim.policy} for {claim.incident}")
    yield _line("app", f"{claim.app} {claim.version} (namespace {claim.namespace})")
    yield _line("on channel", f"{claim.channel} of cluster {claim.cluster}")
    yield _line("as", f"{claim.role} ({person})")
    if isinstance(claim, ApprovalClaim):
        yield from _how_far(claim)
        if claim.comment:
            yield _line("comment", claim.comment)
    else:
        yield _line("because", claim.reason)
    if not isinstance(claim, ApprovalClaim) or claim.decision == "approve":
        yield _line("until", moment(claim.expires_at))


def _how_far(claim: ApprovalClaim) -> Iterator[str]:
    if claim.decision == "approve":
        ceiling = claim.ceiling
        far = percent(basis_points(ceiling.share)) + " of the phones" if ceiling else "all phones"
        if ceiling and ceiling.until:
            far += f", and not after {moment(ceiling.until)}"
        yield _line("up to", far)
    if claim.sequence:
        yield _line("sequence", f"{claim.sequence}, so it replaces what you said with a lower one")


def release_lines(name: str, release: ReleaseSpec) -> Iterator[str]:
    """Yield everything of a Release that its digest covers, but for its attestations' content."""
    yield _line("release", name)
    yield _line("digest", f"sha256:{release_digest(release)}")
    yield _line("bundle", f"sha256:{release.bundle.sha256}")
    yield _line("", f"{release.bundle.size:,} bytes, from {release.bundle.url}")
    yield _line("native app", _native(release.native))
    source = release.source
    if source is None:
        yield _line("source", "NOT NAMED")
    else:
        yield _line("source", f"{source.repository} at {source.revision}")
    yield _line("authors", _listed(source.authors if source else ()) or "NOT NAMED")
    attached = [
        f"{each.name} ({'inline' if each.inline else each.url})" for each in release.attestations
    ]
    yield _line("attestations", _listed(attached) or "none")
    if release.notes:
        yield _line("notes", release.notes)
    if release.revoked is not None:
        yield _line("REVOKED", release.revoked.reason)


def _native(native: NativeRange | None) -> str:
    low, high = (native.min, native.max) if native else (None, None)
    if low and high:
        return f"{low} to {high}"
    if low or high:
        return f"from {low} on" if low else f"up to {high}"
    return "every version"


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - NAMES_SHOWN_MAX
    return ", ".join(listed[:NAMES_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")


def _line(label: str, value: str) -> str:
    return f"{label:<{LABEL_WIDTH}}{plain(value, VALUE_CHARS_MAX)}"


def approval_name(release: str, who: str, word: Word) -> str:
    """Return the name of a word's Approval: another for each word that one person can say.

    Args:
        release: name of the Release.
        who: name of the person, or of their key.
        word: what was said.
    """
    parts = [release, word.channel, who]
    match word:
        case Approval(decision=decision, sequence=sequence):
            parts += [decision] if decision != "approve" else []
            parts += [str(sequence)] if sequence else []
        case ExceptionGrant(requirement=requirement):
            parts += ["except", requirement]
        case GlassBroken():
            parts += ["break-glass"]
    return "-".join(parts)


def approval_yaml(name: str, namespace: str, spec: ApprovalSpec) -> str:
    """Return the manifest of an Approval."""
    lines = [
        "apiVersion: sluice.dev/v1alpha1",
        "kind: Approval",
        "metadata:",
        f"  name: {name}",
        f"  namespace: {namespace}",
        "spec:",
        f"  release: {spec.release}",
    ]
    if spec.ssh is not None:
        lines += ssh_lines(spec.ssh, 2)
    else:
        lines += ["  sigstoreBundle: |-", *block_lines(spec.sigstore_bundle or "", 4)]
    return "\n".join(lines) + "\n"


def ssh_lines(ssh: Ssh, depth: int) -> list[str]:
    """Return the block `ssh:` of a resource as lines; `depth` is its indentation in spaces."""
    space = " " * depth
    return [
        f"{space}ssh:",
        f"{space}  statement: |-",
        *block_lines(ssh.statement, depth + 4),
        f"{space}  signature: |",
        *block_lines(ssh.signature.removesuffix("\n"), depth + 4),
    ]


def block_lines(text: str, depth: int) -> list[str]:
    """Return the lines of a block scalar."""
    return [" " * depth + line for line in text.split("\n")]
