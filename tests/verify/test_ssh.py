"""SSH signatures by real ssh-keygen, honest and tampered with, held against its own verdict.

Whatever ssh-keygen refuses is refused. Where it is more lenient, that is as seen with OpenSSH 9.2:
other versions are only asked about the rest.
"""

import string as string_module
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sluice.errors import VerificationError
from sluice.verify.ssh import APPROVAL_NAMESPACE, SshSignature, verify_ssh
from sluice.verify.ssh_wire import ARMOR_BYTES_MAX
from support.authenticator import Authenticator
from support.sshsig import Keygen, SshSig, armor, read_strings, string

MESSAGE = b'{"approve":"com.example.shop@1.2.0"}'

KEYS: dict[str, tuple[str, int | None]] = {
    "ssh-ed25519": ("ed25519", None),
    "ecdsa-sha2-nistp256": ("ecdsa", 256),
    "ecdsa-sha2-nistp384": ("ecdsa", 384),
    "ecdsa-sha2-nistp521": ("ecdsa", 521),
    "ssh-rsa": ("rsa", 2048),
}
"""By type, how ssh-keygen makes one."""

ALL_KINDS = [*KEYS, "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "webauthn"]

MESSAGES = [b"", b"\0", b"\n", MESSAGE, "zwölf".encode(), bytes(range(256)) * 4096]


Signed = Callable[[str], SshSig]


@pytest.fixture(scope="module")
def keygen(tmp_path_factory: pytest.TempPathFactory) -> Keygen:
    return Keygen(tmp_path_factory.mktemp("keygen"))


@pytest.fixture(scope="module")
def keys(keygen: Keygen) -> dict[str, Path]:
    return {name: keygen.key(*how) for name, how in KEYS.items()}


@pytest.fixture(scope="module")
def signed(keygen: Keygen, keys: dict[str, Path]) -> Signed:
    """An honest signature over MESSAGE by a key of each kind."""
    browser = Authenticator.ecdsa("example.com")
    made = {
        "sk-ssh-ed25519@openssh.com": Authenticator.ed25519().sign(MESSAGE, APPROVAL_NAMESPACE),
        "sk-ecdsa-sha2-nistp256@openssh.com": Authenticator.ecdsa().sign(
            MESSAGE, APPROVAL_NAMESPACE
        ),
        "webauthn": browser.sign_in_browser(MESSAGE, APPROVAL_NAMESPACE),
    }
    for name, key in keys.items():
        made[name] = SshSig.of(keygen.sign(key, MESSAGE, APPROVAL_NAMESPACE))
    return made.__getitem__


def verdict(armored: bytes, message: bytes = MESSAGE, namespace: str = APPROVAL_NAMESPACE) -> str:
    """Return `accepted`, or the reason why not."""
    try:
        verify_ssh(armored, message, namespace=namespace)
    except VerificationError as error:
        return error.reason
    return "accepted"


def accepts(keygen: Keygen, armored: bytes) -> bool:
    return keygen.accepts(armored, MESSAGE, APPROVAL_NAMESPACE)


def is_lenient(keygen: Keygen, armored: bytes) -> bool:
    """Return whether ssh-keygen accepts it, or is of another version than this was seen with."""
    return accepts(keygen, armored) or not keygen.as_seen()


@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
@pytest.mark.parametrize("kind", KEYS)
def test_what_ssh_keygen_signs_is_accepted_and_told(
    kind: str, hash_name: str, keygen: Keygen, keys: dict[str, Path]
) -> None:
    public_key = keys[kind].with_suffix(".pub").read_text().strip()
    rsa = "rsa-sha2-512"
    expected = SshSignature(
        key_type=kind,
        algorithm=rsa if kind == "ssh-rsa" else kind,
        key_fingerprint=keygen.fingerprint(public_key),
        public_key=public_key,
        namespace=APPROVAL_NAMESPACE,
        user_present=False,
        user_verified=False,
        counter=None,
        application=None,
        origin=None,
    )

    for message in MESSAGES:
        armored = keygen.sign(keys[kind], message, APPROVAL_NAMESPACE, hash_name)

        found = verify_ssh(armored, message, namespace=APPROVAL_NAMESPACE)

        # Newer versions of ssh-keygen choose the RSA algorithm by the digest of the message.
        assert replace(found, algorithm=expected.algorithm) == expected
        assert found.algorithm in {kind, "rsa-sha2-256", rsa}
        assert keygen.verifies(armored, message, APPROVAL_NAMESPACE, found.public_key)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_another_message_or_purpose_is_refused_by_both(
    kind: str, signed: Signed, keygen: Keygen
) -> None:
    armored = signed(kind).armored()

    for message, namespace, reason in [
        (MESSAGE, APPROVAL_NAMESPACE, "accepted"),
        (MESSAGE + b"\n", APPROVAL_NAMESPACE, "SignatureInvalid"),
        (b"", APPROVAL_NAMESPACE, "SignatureInvalid"),
        (MESSAGE, "git", "SshNamespaceOther"),
        (MESSAGE, "sluice-approval@v", "SshNamespaceOther"),
        (MESSAGE, "sluice-approval@v10", "SshNamespaceOther"),
        (MESSAGE, "Sluice-Approval@v1", "SshNamespaceOther"),
    ]:
        assert verdict(armored, message, namespace) == for_kind(kind, reason)
        assert keygen.accepts(armored, message, namespace) == (reason == "accepted")


def for_kind(kind: str, reason: str) -> str:
    """Return the reason: a browser's client data hold the message, and are compared first."""
    unfit = kind == "webauthn" and reason == "SignatureInvalid"
    return "SshClientDataOther" if unfit else reason


@pytest.mark.parametrize("namespace", ["", "\ud800", "\0"])
def test_no_namespace_that_is_none_fits(namespace: str, signed: Signed) -> None:
    nameless = replace(signed("ssh-ed25519"), namespace=b"").armored()

    assert verdict(nameless, namespace=namespace) == "SshNamespaceOther"


def test_a_signature_moved_to_the_right_namespace_does_not_fit(
    keygen: Keygen, keys: dict[str, Path]
) -> None:
    for_git = SshSig.of(keygen.sign(keys["ssh-ed25519"], MESSAGE, "git"))
    moved = replace(for_git, namespace=APPROVAL_NAMESPACE.encode()).armored()

    assert verdict(moved) == "SignatureInvalid"
    assert not accepts(keygen, moved)


def renamed(sig: SshSig, name: bytes) -> SshSig:
    """Give the key's type another name."""
    old = read_strings(sig.key)[0]
    return replace(sig, key=string(name) + sig.key[4 + len(old) :])


def key_type(sig: SshSig) -> bytes:
    return read_strings(sig.key)[0]


UNREADABLE = "SshSignatureUnreadable"

HONEST: dict[str, Callable[[SshSig], bytes]] = {
    "nothing": SshSig.armored,
    "one long line": lambda sig: armor(sig.blob(), 10_000),
    "no last line feed": lambda sig: sig.armored()[:-1],
}

HOSTILE: dict[str, tuple[Callable[[SshSig], bytes], str]] = {
    "a later version": (lambda sig: replace(sig, version=2).armored(), UNREADABLE),
    "other magic": (lambda sig: replace(sig, magic=b"SSHSIH").armored(), UNREADABLE),
    "bytes after all": (lambda sig: replace(sig, trailing=b"x").armored(), UNREADABLE),
    "bytes after the key": (lambda sig: replace(sig, key=sig.key + b"x").armored(), UNREADABLE),
    "bytes after the signature": (
        lambda sig: replace(sig, signature=sig.signature + b"x").armored(),
        UNREADABLE,
    ),
    "text before": (lambda sig: b"x\n" + sig.armored(), UNREADABLE),
    "no end": (lambda sig: sig.armored().rpartition(b"\n---")[0], UNREADABLE),
    "no signature": (lambda sig: replace(sig, signature=b"").armored(), UNREADABLE),
    "no key": (lambda sig: replace(sig, key=b"").armored(), UNREADABLE),
    "a weak digest": (
        lambda sig: replace(sig, hash_name=b"sha1").armored(),
        "SshAlgorithmUnsupported",
    ),
    "the other digest": (
        lambda sig: replace(sig, hash_name=b"sha256").armored(),
        "SignatureInvalid",
    ),
    "a certificate": (
        lambda sig: renamed(sig, key_type(sig).split(b"@")[0] + b"-cert-v01@openssh.com").armored(),
        "SshCertificateUnsupported",
    ),
    "an unknown key type": (lambda sig: renamed(sig, b"ssh-dss").armored(), "SshKeyUnsupported"),
    "an algorithm of another key": (
        lambda sig: replace(
            sig,
            signature=string(b"ssh-rsa") + sig.signature[4 + len(read_strings(sig.signature)[0]) :],
        ).armored(),
        "SshAlgorithmUnsupported",
    ),
}
"""What ssh-keygen refuses too, and our reason."""

LENIENT: dict[str, tuple[Callable[[SshSig], bytes], str]] = {
    "text in the reserved field": (lambda sig: replace(sig, reserved=b"x").armored(), UNREADABLE),
    "version 0": (lambda sig: replace(sig, version=0).armored(), UNREADABLE),
    "a namespace with NUL": (
        lambda sig: replace(sig, namespace=sig.namespace + b"\0").armored(),
        "SshNamespaceOther",
    ),
    "a digest with NUL": (
        lambda sig: replace(sig, hash_name=sig.hash_name + b"\0").armored(),
        UNREADABLE,
    ),
    "a key type with NUL": (lambda sig: renamed(sig, key_type(sig) + b"\0").armored(), UNREADABLE),
    "text after": (lambda sig: sig.armored() + b"x\n", UNREADABLE),
    "empty lines": (lambda sig: sig.armored().replace(b"\n", b"\n\n", 2), UNREADABLE),
}
"""Where ssh-keygen takes two spellings, or does not look."""


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("case", HONEST)
def test_an_honest_signature_is_accepted_by_both(
    case: str, kind: str, signed: Signed, keygen: Keygen
) -> None:
    armored = HONEST[case](signed(kind))

    assert verdict(armored) == "accepted"
    assert accepts(keygen, armored)


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("case", HOSTILE)
def test_a_changed_piece_is_refused_by_both(
    case: str, kind: str, signed: Signed, keygen: Keygen
) -> None:
    change, reason = HOSTILE[case]
    armored = change(signed(kind))

    assert verdict(armored) == for_kind(kind, reason)
    assert not accepts(keygen, armored)


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("case", LENIENT)
def test_a_second_spelling_is_refused_though_ssh_keygen_takes_it(
    case: str, kind: str, signed: Signed, keygen: Keygen
) -> None:
    change, reason = LENIENT[case]
    armored = change(signed(kind))

    assert verdict(armored) == reason
    assert is_lenient(keygen, armored)


def test_line_ends_of_windows_are_refused(signed: Signed) -> None:
    # Newer versions of ssh-keygen take them.
    assert verdict(signed("ssh-rsa").armored().replace(b"\n", b"\r\n")) == UNREADABLE


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_each_flipped_bit_is_refused(kind: str, signed: Signed) -> None:
    blob = signed(kind).blob()

    for place in range(len(blob) * 8):
        assert verdict(armor(flipped(blob, place))) != "accepted", place


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_flipped_bits_are_refused_by_ssh_keygen_too(
    kind: str, signed: Signed, keygen: Keygen
) -> None:
    blob = signed(kind).blob()

    for place in range(0, len(blob) * 8, 73):
        assert not accepts(keygen, armor(flipped(blob, place))), place


def flipped(blob: bytes, place: int) -> bytes:
    changed = bytearray(blob)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def test_another_spelling_of_the_same_base64_is_refused(signed: Signed) -> None:
    armored = next(text for kind in ALL_KINDS if b"=" in (text := signed(kind).armored()))
    alphabet = (string_module.ascii_uppercase + string_module.ascii_lowercase).encode()
    alphabet += (string_module.digits + "+/").encode()
    last = armored.index(b"=") - 1
    other = alphabet[alphabet.index(armored[last]) ^ 1]
    spelled = armored[:last] + bytes([other]) + armored[last + 1 :]

    assert SshSig.of(spelled) == SshSig.of(armored)
    assert verdict(armored) == "accepted"
    assert verdict(spelled) == UNREADABLE


def test_what_is_larger_than_any_signature_is_refused(signed: Signed) -> None:
    padded = replace(signed("ssh-ed25519"), trailing=bytes(ARMOR_BYTES_MAX)).armored()

    with pytest.raises(VerificationError, match=f"larger than {ARMOR_BYTES_MAX} bytes") as refused:
        verify_ssh(padded, MESSAGE, namespace=APPROVAL_NAMESPACE)

    assert refused.value.reason == UNREADABLE
