"""Whatever the bytes are, they are verified or refused for a named reason; nothing else happens."""

import hashlib
from dataclasses import replace
from typing import Final, get_args

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sluice.errors import VerificationError
from sluice.verify.reasons import Reason, unprintable
from sluice.verify.ssh import APPROVAL_NAMESPACE, SshSignature, verify_ssh
from support.authenticator import Authenticator
from support.sshsig import armor, mpint, string

MESSAGE = b"approve"

HONEST: Final = {
    "ed25519": Authenticator.ed25519().sign(MESSAGE, APPROVAL_NAMESPACE),
    "ecdsa": Authenticator.ecdsa().sign(MESSAGE, APPROVAL_NAMESPACE),
    "browser": Authenticator.ecdsa("example.com").sign_in_browser(MESSAGE, APPROVAL_NAMESPACE),
}
KINDS = st.sampled_from(sorted(HONEST))

CURVES = {
    b"ecdsa-sha2-nistp256": (b"nistp256", 65),
    b"ecdsa-sha2-nistp384": (b"nistp384", 97),
    b"ecdsa-sha2-nistp521": (b"nistp521", 133),
}


def outcome(
    armored: bytes, message: bytes = MESSAGE, namespace: str = APPROVAL_NAMESPACE
) -> SshSignature | None:
    """Return what is proven, or None; any other exception fails the test."""
    try:
        return verify_ssh(armored, message, namespace=namespace)
    except VerificationError as error:
        refused = error
    assert refused.reason in get_args(Reason)
    assert refused.message.endswith(".")
    assert not unprintable(refused.message)
    return None


@given(st.binary())
def test_bytes_are_no_signature(data: bytes) -> None:
    assert outcome(data) is None
    assert outcome(armor(data)) is None
    assert outcome(armor(b"SSHSIG\0\0\0\1" + data)) is None


@given(st.lists(st.binary(max_size=80), max_size=8))
def test_strings_are_no_signature(strings: list[bytes]) -> None:
    assert outcome(armor(b"SSHSIG\0\0\0\1" + b"".join(map(string, strings)))) is None


@given(KINDS, st.data())
def test_a_signature_cut_off_proves_nothing(kind: str, data: st.DataObject) -> None:
    blob, armored = HONEST[kind].blob(), HONEST[kind].armored()
    size = data.draw(st.integers(0, len(blob) - 1))
    # The last line feed may be missing.
    shown = data.draw(st.integers(0, len(armored) - 2))

    assert outcome(armor(blob[:size])) is None
    assert outcome(armored[:shown]) is None


@given(KINDS, st.integers(0), st.binary(min_size=1, max_size=8), st.integers(0, 8))
def test_a_signature_with_other_bytes_proves_nothing(
    kind: str, place: int, others: bytes, replaced: int
) -> None:
    blob = HONEST[kind].blob()
    place %= len(blob)
    changed = blob[:place] + others + blob[place + replaced :]

    assert (outcome(armor(changed)) is not None) == (changed == blob)


@given(KINDS, st.integers(0), st.integers(0, 255))
def test_another_byte_in_the_armor_proves_nothing(kind: str, place: int, byte: int) -> None:
    armored = HONEST[kind].armored()
    place %= len(armored)
    changed = armored[:place] + bytes([byte]) + armored[place + 1 :]

    assert (outcome(changed) is not None) == (changed == armored)


@given(KINDS, st.binary(max_size=64))
def test_each_piece_may_be_any_bytes(kind: str, piece: bytes) -> None:
    honest = HONEST[kind]
    for changed in (
        replace(honest, key=piece),
        replace(honest, signature=piece),
        replace(honest, namespace=piece),
        replace(honest, hash_name=piece),
    ):
        assert outcome(changed.armored()) is None


@given(st.text(), st.binary())
@example(namespace="\ud800", message=b"")
@example(namespace="\0", message=b"")
@example(namespace="", message=b"")
@example(namespace=APPROVAL_NAMESPACE + "\ud800", message=MESSAGE)
@example(namespace=APPROVAL_NAMESPACE, message=MESSAGE)
def test_any_namespace_and_message_may_be_asked_about(namespace: str, message: bytes) -> None:
    proven = outcome(HONEST["ed25519"].armored(), message, namespace)

    assert (proven is not None) == (message == MESSAGE and namespace == APPROVAL_NAMESPACE)


def test_a_namespace_that_no_bytes_spell_fits_none() -> None:
    asked = Authenticator.ed25519().sign(MESSAGE, "?").armored()

    assert outcome(asked, namespace="?") is not None
    assert outcome(asked, namespace="\ud800") is None


@given(
    exponent=st.integers(0, 2**64) | st.just(65537),
    modulus=st.integers(2**2047, 2**2048 - 1) | st.integers(0, 2**4096),
    value=st.binary(max_size=300) | st.binary(min_size=256, max_size=256),
)
@settings(max_examples=200)
@example(exponent=65537, modulus=2**2047, value=bytes(256))
@example(exponent=3, modulus=2**2048 - 1, value=b"\xff" * 256)
@example(exponent=65537, modulus=2**2047 + 1, value=bytes(255) + b"\1")
def test_numbers_are_no_rsa_key_that_signs(exponent: int, modulus: int, value: bytes) -> None:
    forged = replace(
        HONEST["ed25519"],
        key=string(b"ssh-rsa") + mpint(exponent) + mpint(modulus),
        signature=string(b"rsa-sha2-512") + string(value),
    )

    assert outcome(forged.armored()) is None


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_bytes_are_no_ed25519_key_that_signs(key: bytes, value: bytes) -> None:
    forged = replace(
        HONEST["ed25519"],
        key=string(b"ssh-ed25519") + string(key),
        signature=string(b"ssh-ed25519") + string(value),
    )

    assert outcome(forged.armored()) is None


@given(st.sampled_from(sorted(CURVES)), st.binary(min_size=1), st.integers(0), st.integers(0))
def test_bytes_are_no_ecdsa_key_that_signs(name: bytes, seed: bytes, r: int, s: int) -> None:
    curve, size = CURVES[name]
    point = b"\4" + hashlib.shake_256(seed).digest(size - 1)
    forged = replace(
        HONEST["ed25519"],
        key=string(name) + string(curve) + string(point),
        signature=string(name) + string(mpint(r) + mpint(s)),
    )

    assert outcome(forged.armored()) is None
