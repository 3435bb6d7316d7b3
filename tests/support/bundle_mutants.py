"""Hostile variants of a sigstore bundle that holds, by what its parts mean."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from support.json_mutants import (
    REFUSED,
    SAME,
    Mutant,
    Outcome,
    Path,
    changed,
    drop,
    put,
    spelled,
)

__all__ = ["mutants_of"]

MATERIAL: Path = ("verificationMaterial",)
ENTRIES: Path = (*MATERIAL, "tlogEntries")
ENTRY: Path = (*ENTRIES, 0)
PROOF: Path = (*ENTRY, "inclusionProof")
STAMPS: Path = (*MATERIAL, "timestampVerificationData")

SIGNERS = ("certificate", "x509CertificateChain", "publicKey")
CONTENTS = ("messageSignature", "dsseEnvelope")

KINDS = (
    ("hashedrekord", "0.0.1"),
    ("hashedrekord", "0.0.2"),
    ("dsse", "0.0.1"),
    ("dsse", "0.0.2"),
    ("intoto", "0.0.2"),
    ("rekord", "0.0.1"),
    ("hashedrekord", "0.0.3"),
    ("", ""),
)


def mutants_of(bundle: bytes, others: list[bytes], authorities: list[str]) -> Iterator[Mutant]:
    """Yield every mutant of a bundle.

    Args:
        bundle: one that holds.
        others: bundles to take parts from; none may hold the same signature.
        authorities: base64 of certificates of authorities.
    """
    value, strangers = json.loads(bundle), [json.loads(other) for other in others]
    yield from spelled(value)
    yield from _signers(value, strangers)
    yield from _certificates(value, authorities)
    yield from _versions(value)
    yield from _entries(value, strangers)
    yield from _proofs(value)
    yield from _checkpoints(value)
    yield from _contents(value, strangers)
    yield from _signatures(value)
    yield from _timestamps(value, strangers)


def _signer(value: dict[str, Any]) -> str:
    return next(name for name in SIGNERS if name in value["verificationMaterial"])


def _entry(value: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = value["verificationMaterial"]["tlogEntries"][0]
    return entry


def _signers(value: dict[str, Any], strangers: list[dict[str, Any]]) -> Iterator[Mutant]:
    mine = _signer(value)
    yield changed(value, "no signer", drop((*MATERIAL, mine)))
    hint = {"hint": "x"}
    yield changed(
        value,
        "another hint" if mine == "publicKey" else "a hint besides",
        put((*MATERIAL, "publicKey"), hint),
        SAME if mine == "publicKey" else REFUSED,
    )
    for place, stranger in enumerate(strangers):
        name = _signer(stranger)
        theirs = stranger["verificationMaterial"][name]
        if name != mine:
            edit = put((*MATERIAL, name), theirs)
            yield changed(value, "two signers", edit, place=place)
        rest = {key: each for key, each in value["verificationMaterial"].items() if key != mine}
        yield changed(
            value,
            "another signer",
            put(MATERIAL, {**rest, name: theirs}),
            # What a bundle says of a key is a hint.
            SAME if name == mine == "publicKey" else REFUSED,
            place,
        )


def _certificates(value: dict[str, Any], authorities: list[str]) -> Iterator[Mutant]:
    mine = _signer(value)
    path = (*MATERIAL, mine)
    if mine == "x509CertificateChain":
        leaf = value["verificationMaterial"][mine]["certificates"][0]
        chains = [[], [leaf, leaf]]
        for text in authorities:
            chains += [[leaf, {"rawBytes": text}], [{"rawBytes": text}, leaf], [{"rawBytes": text}]]
        for place, chain in enumerate(chains):
            edit = put(path, {"certificates": chain})
            yield changed(value, "other certificates", edit, place=place)
    elif mine == "certificate":
        for place, text in enumerate(authorities):
            edit = put(path, {"rawBytes": text})
            yield changed(value, "an authority's certificate", edit, place=place)


def _versions(value: dict[str, Any]) -> Iterator[Mutant]:
    path: Path = ("mediaType",)
    for version in ("0.1", "0.2", "0.3"):
        media = f"application/vnd.dev.sigstore.bundle+json;version={version}"
        if media != value["mediaType"]:
            outcome = _as_version(value, version)
            yield changed(value, "another version", put(path, media), outcome, version)
    newer = "application/vnd.dev.sigstore.bundle.v0.4+json"
    for place, media in enumerate(("", "application/json", newer, None, 3)):
        yield changed(value, "an unknown version", put(path, media), place=place)
    yield changed(value, "no version", drop(path))


def _as_version(value: dict[str, Any], version: str) -> Outcome:
    """Return what comes of the same content under another version of the format."""
    mine = _signer(value)
    if mine != "publicKey" and (mine == "x509CertificateChain") != (version != "0.3"):
        return REFUSED
    return SAME if version != "0.1" or "inclusionPromise" in _entry(value) else REFUSED


def _entries(value: dict[str, Any], strangers: list[dict[str, Any]]) -> Iterator[Mutant]:
    entry = _entry(value)
    for kind, entries in (
        ("no entry", []),
        ("the entry twice", [entry, entry]),
        ("an entry of nothing", [{}]),
        ("a null for an entry", [None]),
    ):
        yield changed(value, kind, put(ENTRIES, entries))
    yield changed(value, "no entries", drop(ENTRIES))
    for name in entry:
        yield changed(value, f"an entry without {name}", drop((*ENTRY, name)))
    for place, stranger in enumerate(strangers):
        other = _entry(stranger)
        for kind, entries in (
            ("another's entry", [other]),
            ("another's entry before", [other, entry]),
            ("another's entry after", [entry, other]),
        ):
            yield changed(value, kind, put(ENTRIES, entries), place=place)
        for name in ("inclusionProof", "inclusionPromise", "logId", "canonicalizedBody"):
            if name in other and other[name] != entry.get(name):
                edit = put((*ENTRY, name), other[name])
                yield changed(value, f"another's {name}", edit, place=place)
    for kind, version in KINDS:
        said = {"kind": kind, "version": version}
        if said != entry["kindVersion"]:
            edit = put((*ENTRY, "kindVersion"), said)
            yield changed(value, "another kind of entry", edit, place=f"{kind} {version}")


def _proofs(value: dict[str, Any]) -> Iterator[Mutant]:
    for name in _entry(value)["inclusionProof"]:
        yield changed(value, f"a proof without {name}", drop((*PROOF, name)))
    hashes = _entry(value)["inclusionProof"]["hashes"]
    for kind, other in (
        ("a proof with a hash more", [*hashes, "A" * 43 + "="]),
        ("a proof with a hash less", hashes[:-1]),
        ("a proof without hashes", []),
        ("a proof in another order", hashes[::-1]),
    ):
        if other != hashes:
            yield changed(value, kind, put((*PROOF, "hashes"), other))


def _checkpoints(value: dict[str, Any]) -> Iterator[Mutant]:
    note = _entry(value)["inclusionProof"]["checkpoint"]["envelope"]
    text, signatures = note.split("\n\n")
    origin, size, root = text.split("\n")[:3]
    first = signatures.split("\n")[0]
    for kind, other in (
        ("another origin", note.replace(origin, "evil.example", 1)),
        ("no origin", note.replace(f"{origin}\n", "", 1)),
        ("an empty origin", note.replace(origin, "", 1)),
        ("another size", note.replace(f"\n{size}\n", f"\n{int(size) + 1}\n", 1)),
        ("another spelling of the size", note.replace(f"\n{size}\n", f"\n+{size}\n", 1)),
        ("another root hash", note.replace(root, "A" * 43 + "=", 1)),
        ("a line more", note.replace("\n\n", "\nmore\n\n", 1)),
        ("no signature", f"{text}\n\n"),
        ("nothing but the text", text),
        ("a signature without its line feed", note.rstrip("\n")),
        ("two empty lines", note.replace("\n\n", "\n\n\n", 1)),
        ("carriage returns", note.replace("\n", "\r\n")),
        ("a line that is no signature", f"{note}evil\n"),
        ("a signature of another form", note.replace(first, first.replace("— ", "- "), 1)),
        ("a signature with a stranger in it", note.replace(first, f"{first[:-4]}!{first[-4:]}", 1)),
        ("nothing", ""),
    ):
        if other != note:
            edit = put((*PROOF, "checkpoint", "envelope"), other)
            yield changed(value, f"a checkpoint: {kind}", edit)


def _contents(value: dict[str, Any], strangers: list[dict[str, Any]]) -> Iterator[Mutant]:
    mine = next(name for name in CONTENTS if name in value)
    yield changed(value, "no content", drop((mine,)))
    for place, stranger in enumerate(strangers):
        name = next(name for name in CONTENTS if name in stranger)
        kind = "another's content" if name == mine else "two contents"
        yield changed(value, kind, put((name,), stranger[name]), place=place)
    if mine == "dsseEnvelope":
        yield from _payloads(value)
        return
    if "messageDigest" in value[mine]:
        # The digest is told besides; the signature is checked against the one that was asked for.
        yield changed(value, "no digest", drop((mine, "messageDigest")), SAME)
        for place, algorithm in enumerate(("SHA2_384", "SHA2_512", "SHA3_256", "MD5", "", 1)):
            edit = put((mine, "messageDigest", "algorithm"), algorithm)
            yield changed(value, "another kind of digest", edit, place=place)


def _payloads(value: dict[str, Any]) -> Iterator[Mutant]:
    payload = json.loads(base64.b64decode(value["dsseEnvelope"]["payload"]))
    for kind, change in (
        ("another statement type", {"_type": "https://in-toto.io/Statement/v2"}),
        ("a subject without sha256", {"subject": [{"name": "x", "digest": {"sha1": "0" * 40}}]}),
        ("no subject", {"subject": []}),
        ("one subject more", {"subject": [*payload["subject"], *payload["subject"]]}),
        ("another predicate", {"predicateType": "https://example.com/other"}),
    ):
        text = base64.b64encode(json.dumps({**payload, **change}).encode()).decode()
        yield changed(value, f"a payload: {kind}", put(("dsseEnvelope", "payload"), text))


def _signatures(value: dict[str, Any]) -> Iterator[Mutant]:
    if "dsseEnvelope" not in value:
        return
    path = ("dsseEnvelope", "signatures")
    signature = value["dsseEnvelope"]["signatures"][0]
    for count in (0, 2):
        edit = put(path, [signature] * count)
        yield changed(value, "not one signature", edit, place=count)
    other = {"sig": base64.b64encode(b"another one").decode()}
    for place, signatures in enumerate(([other], [other, signature], [signature, other])):
        yield changed(value, "another signature", put(path, signatures), place=place)
    for place, kind in enumerate(("text/plain", "application/vnd.in-toto+json ", "", "in-toto")):
        edit = put(("dsseEnvelope", "payloadType"), kind)
        yield changed(value, "another type of payload", edit, place=place)


def _stamps(value: dict[str, Any]) -> list[Any]:
    data = value["verificationMaterial"].get("timestampVerificationData") or {}
    stamps: list[Any] = data.get("rfc3161Timestamps", [])
    return stamps


def _timestamps(value: dict[str, Any], strangers: list[dict[str, Any]]) -> Iterator[Mutant]:
    mine = _stamps(value)
    # Where a log gives a time as well, timestamps may be left out; not so where none does.
    without: Outcome = SAME if "inclusionPromise" in _entry(value) else REFUSED
    for place, empty in enumerate(({"rfc3161Timestamps": []}, {}, None)):
        yield changed(value, "no timestamps", put(STAMPS, empty), without, place)
    lists = [("a timestamp twice", mine * 2)] if mine else []
    for stranger in strangers:
        theirs = _stamps(stranger)
        if theirs and theirs != mine:
            lists += [("another's timestamp", theirs), ("another's besides", [*mine, *theirs])]
    for junk in ("AAAA", "MAA=", ""):
        none = [{"signedTimestamp": junk}]
        lists += [("a timestamp that is none", none), ("none besides", [*mine, *none])]
    for place, (kind, stamps) in enumerate(lists):
        yield changed(value, kind, put(STAMPS, {"rfc3161Timestamps": stamps}), place=place)
