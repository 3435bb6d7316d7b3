"""The form of a sigstore bundle, read so that every reader sees the same bundle in it.

Nothing is proven here. sigstore reads a bundle leniently: base64 with anything between its
letters, numbers in several spellings, fields under two names, parts that it never looks at. What it
skips, another reader may take; so only what its own clients write is read at all:

- strict JSON (`json_strict`), fields under their JSON names, base64 and numbers in their one form;
- a version known, and one log entry with its inclusion proof and a checkpoint of the same tree;
- one certificate or a key, and no other certificate: verifiers have their own, from a trust root;
- an entry of Rekor v1 has a signed time (its promise); one of v2 has none, and one index.

Source: https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto.
"""

import binascii
import re
from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError
from sigstore_models.bundle.v1 import Bundle
from sigstore_models.common.v1 import HashAlgorithm
from sigstore_models.rekor.v1 import TransparencyLogEntry

from sluice.errors import VerificationError
from sluice.verify.json_strict import parse
from sluice.verify.reasons import Reason, refusal

__all__ = ["BUNDLE_BYTES_MAX", "ENTRIES_V1", "ENTRIES_V2", "read_bundle", "refuse_other_spellings"]

BUNDLE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Largest bundle; one around a full SBOM of a large app has some MB, others a few KB."""

ENTRIES_V1: Final = frozenset({("hashedrekord", "0.0.1"), ("dsse", "0.0.1"), ("intoto", "0.0.2")})
"""Kinds and versions of the entries of Rekor v1 that are about a signature."""

ENTRIES_V2: Final = frozenset({("hashedrekord", "0.0.2"), ("dsse", "0.0.2")})
"""The same of Rekor v2, which gives no time of its own."""

_FIRST_VERSION: Final = "application/vnd.dev.sigstore.bundle+json;version=0.1"
"""Its bundles are older than any other source of time than the log's promise, and must have it."""

_MEDIA_TYPES: Final = frozenset(
    {
        _FIRST_VERSION,
        "application/vnd.dev.sigstore.bundle+json;version=0.2",
        "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "application/vnd.dev.sigstore.bundle.v0.3+json",
    }
)

_BYTES: Final = frozenset(
    {
        "canonicalizedBody",
        "digest",
        "hashes",
        "keyId",
        "payload",
        "rawBytes",
        "rootHash",
        "sig",
        "signature",
        "signedEntryTimestamp",
        "signedTimestamp",
    }
)
"""Fields of a bundle that hold bytes, or a list of them."""

_INTEGERS: Final = frozenset({"integratedTime", "logIndex", "treeSize"})
_INTEGER: Final = re.compile(r"0|[1-9][0-9]{0,18}")

_NOTE: Final = re.compile(
    r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]+={0,2})\n"
    r"(?:[^\n]+\n)*\n(?:\u2014 [^\s+]+ [A-Za-z0-9+/]+={0,2}\n)+"
)
"""A checkpoint: origin, size, root hash, further lines; and after an empty line, signatures.
Source: https://github.com/C2SP/C2SP/blob/main/tlog-checkpoint.md."""


def read_bundle(data: bytes) -> Bundle:
    """Return the bundle that `data` holds; nothing in it is proven yet.

    Raises:
        VerificationError: BundleUnreadable, BundleVersionUnknown or BundleUnsafe; LogEntryMissing
            and LogEntryInvalid about the form of its log entry; TimestampMissing.
    """
    value = parse(
        data, what="sigstore bundle", reason="BundleUnreadable", bytes_max=BUNDLE_BYTES_MAX
    )
    _refuse_unknown_form(value)
    refuse_other_spellings(value, what="bundle", reason="BundleUnreadable")
    try:
        bundle = Bundle.from_json(data)
    except ValidationError as error:
        raise refusal(
            "BundleUnreadable",
            "The sigstore bundle has a field that is missing, unknown or unreadable; use it as the"
            " client wrote it.",
        ) from error
    _refuse_loose_parts(bundle)
    entry = bundle.verification_material.tlog_entries[0]
    if bundle.media_type == _FIRST_VERSION and entry.inclusion_promise is None:
        raise _no_promise()
    _refuse_loose_entry(entry)
    return bundle


def _refuse_unknown_form(value: Any) -> None:
    material = value.get("verificationMaterial") if isinstance(value, dict) else None
    if not isinstance(material, dict):
        raise refusal("BundleUnreadable", "This is no sigstore bundle; give the client's output.")
    if value.get("mediaType") not in _MEDIA_TYPES:
        raise refusal(
            "BundleVersionUnknown", "The sigstore bundle is not of version 0.1, 0.2 or 0.3."
        )
    entries = material.get("tlogEntries")
    if not isinstance(entries, list) or not all(
        isinstance(entry, dict) and entry.get("inclusionProof") for entry in entries or [None]
    ):
        raise refusal(
            "LogEntryMissing",
            "The bundle has no transparency log entry with its proof; sign again and upload it.",
        )
    if len(entries) > 1:
        raise refusal(
            "BundleUnreadable",
            "The bundle has more than one log entry; use it as the client wrote it.",
        )


def refuse_other_spellings(value: Any, *, what: str, reason: Reason) -> None:
    """Refuse a parsed document that spells a field, bytes or a number as sigstore's clients don't.

    Raises:
        VerificationError: with `reason`, naming `what`.
    """
    for name, each in _fields(value):
        if "_" in name:
            raise refusal(
                reason, f"The {what} has a field that is not under its JSON name; rename it."
            )
        texts = [text for text in (each if isinstance(each, list) else [each]) if text]
        if name in _BYTES and not all(_plain_base64(text) for text in texts):
            raise refusal(
                reason, f"The {what}'s {name} is not plain base64; use it as its client wrote it."
            )
        if name in _INTEGERS and isinstance(each, str) and not _INTEGER.fullmatch(each):
            raise refusal(
                reason, f"The {what}'s {name} is not a plain number; use it as its client wrote it."
            )


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every field of a parsed document with its name, however deep."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        children = node
        if isinstance(node, dict):
            yield from node.items()
            children = node.values()
        waiting += [child for child in children if isinstance(child, dict | list)]


def _plain_base64(text: Any) -> bool:
    if not isinstance(text, str):
        return False
    try:
        decoded = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return False
    # Bits after the last byte are dropped in decoding, so that one value has several texts.
    return binascii.b2a_base64(decoded, newline=False).decode() == text


def _refuse_loose_parts(bundle: Bundle) -> None:
    chain = bundle.verification_material.x509_certificate_chain
    if chain is not None and len(chain.certificates) > 1:
        raise refusal(
            "BundleUnsafe",
            "The bundle brings certificates besides the signing one, which are the trust root's to"
            " give; leave them out.",
        )
    signature = bundle.message_signature
    digest = signature.message_digest if signature else None
    if digest is not None and digest.algorithm is not HashAlgorithm.SHA2_256:
        raise refusal(
            "SignatureForOtherArtifact",
            "The signature is over a digest other than SHA-256; sign the file's SHA-256 digest.",
        )


def _refuse_loose_entry(entry: TransparencyLogEntry) -> None:
    proof, kind = entry.inclusion_proof, (entry.kind_version.kind, entry.kind_version.version)
    if proof.checkpoint is None:
        raise refusal(
            "LogEntryMissing",
            "The log entry has no inclusion proof with a checkpoint; sign again with a current"
            " client.",
        )
    note = _NOTE.fullmatch(proof.checkpoint.envelope)
    if note is None:
        raise refusal("LogEntryInvalid", "The log's checkpoint is unreadable; fetch it again.")
    # sigstore compares only the hashes of the trees.
    if int(note["size"]) != proof.tree_size:
        raise refusal("LogEntryInvalid", "The log's checkpoint is of another size than the proof.")
    if kind in ENTRIES_V1 and not (entry.inclusion_promise and entry.integrated_time):
        raise _no_promise()
    if kind in ENTRIES_V2 and (entry.inclusion_promise or entry.integrated_time):
        raise refusal(
            "LogEntryInvalid",
            "The log entry has a time, which a log of its version does not give; sign again.",
        )
    # Nobody signs this index; the proof's is the one that was proven.
    if kind in ENTRIES_V2 and entry.log_index != proof.log_index:
        raise refusal(
            "LogEntryInvalid", "The log entry's index is another one than its proof's; sign again."
        )
    if kind not in ENTRIES_V1 | ENTRIES_V2:
        raise refusal(
            "LogEntryInvalid",
            "The log entry is of a kind that is unknown for signatures; sign again with a current"
            " client.",
        )


def _no_promise() -> VerificationError:
    return refusal(
        "TimestampMissing",
        "The log did not sign when the entry was made (its promise is missing); sign again.",
    )
