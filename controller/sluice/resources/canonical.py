"""The one byte form of a value that digests are made over, and the digest of a Release.

The form is JSON as in RFC 8785 for the values that occur here: keys sorted by code point, no white
space, UTF-8 with no escapes beyond JSON's own, no floating point (it has no single text form) and
integers within 53 bits.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from sluice.resources.policy import PolicySpec
from sluice.resources.release import ReleaseSpec

__all__ = ["canonical_json", "policy_digest", "release_digest", "sha256_hex"]

INTEGER_MAX: Final = 2**53 - 1
"""Largest integer that every JSON reader keeps exactly."""


def canonical_json(value: Any) -> bytes:
    """Return the canonical bytes of a JSON value.

    Raises:
        TypeError: for a float, a key that is no string, or any other type that JSON lacks.
        ValueError: for an integer beyond 53 bits, or text that is not valid Unicode.
    """
    _check(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _check(value: Any) -> None:
    match value:
        case None | bool() | str():
            return
        case int():
            if abs(value) > INTEGER_MAX:
                msg = f"integer out of range: {value}"
                raise ValueError(msg)
        case Mapping():
            for key, item in value.items():
                if not isinstance(key, str):
                    msg = f"key must be a string: {key!r}"
                    raise TypeError(msg)
                _check(item)
        case list() | tuple():
            for item in value:
                _check(item)
        case _:
            msg = f"no canonical form for {type(value).__name__}"
            raise TypeError(msg)


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 digest of `data` as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def release_digest(spec: ReleaseSpec) -> str:
    """Return the digest that approvals sign: the whole spec, but for `revoked`.

    `revoked` is left out on purpose: it can only take a release away, and taking away must never
    wait for new signatures.

    A field that says nothing does not count: neither one that is left out, nor `null`, nor an empty
    list. So the digest of the file in git is that of the stored object, and a field that is added
    to the API later leaves old digests as they are. That is only safe because in a Release nothing
    else can be left out: the default of every optional field is None or an empty list, and never
    both are allowed (a test looks at the models). Were a default a value, then whoever changed it
    would change what was signed, and no signature would show it.
    """
    fields = spec.model_dump(mode="json", by_alias=True, exclude={"revoked"})
    return sha256_hex(canonical_json({"kind": "Release", "spec": _said(fields)}))


def policy_digest(spec: PolicySpec) -> str:
    """Return the digest that the owners of a policy sign: the whole spec, but for `seals`.

    Defaults are written out, for some of them are values, and an empty list stays: no origin at all
    is not the same as any. Only what is `null` or left out is dropped, so a field that is added to
    the API later, None by default, leaves old digests as they are.
    """
    fields = spec.model_dump(mode="json", by_alias=True, exclude={"seals"}, exclude_none=True)
    return sha256_hex(canonical_json({"kind": "Policy", "spec": fields}))


def _said(value: Any) -> Any:
    match value:
        case dict():
            return {key: _said(item) for key, item in value.items() if item not in (None, [])}
        case list():
            return [_said(item) for item in value]
        case _:
            return value
