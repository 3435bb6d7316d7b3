"""Keys and signatures of one type alone: sizes, spellings, and keys that anybody can sign with."""

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sluice.errors import VerificationError
from sluice.verify.ssh import APPROVAL_NAMESPACE, verify_ssh
from support.sshsig import Keygen, SshSig, mpint, read_strings, string, to_be_signed

MESSAGE = b"approve"
ASKED = to_be_signed(APPROVAL_NAMESPACE.encode(), b"sha512", hashlib.sha512(MESSAGE).digest())

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
ED25519_P = 2**255 - 19

ORDER_8_Y = int.from_bytes(
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"
)
SMALL_ORDER_Y = [0, 1, ED25519_P - 1, ED25519_P, ED25519_P + 1, ORDER_8_Y, ED25519_P - ORDER_8_Y]

ED25519 = Ed25519PrivateKey.generate()
ECDSA = ec.generate_private_key(ec.SECP256R1())
RSA = generate_private_key(65537, 2048)
POINT = ECDSA.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@pytest.fixture(scope="module")
def keygen(tmp_path_factory: pytest.TempPathFactory) -> Keygen:
    return Keygen(tmp_path_factory.mktemp("keygen"))


def strings(*pieces: bytes) -> bytes:
    return b"".join(map(string, pieces))


def sshsig(key: bytes, signature: bytes) -> bytes:
    return SshSig(
        key=key,
        namespace=APPROVAL_NAMESPACE.encode(),
        hash_name=b"sha512",
        signature=signature,
    ).armored()


def verdicts(keygen: Keygen, armored: bytes) -> tuple[str, bool]:
    """Return our verdict, and whether ssh-keygen accepts."""
    accepts = keygen.accepts(armored, MESSAGE, APPROVAL_NAMESPACE)
    try:
        verify_ssh(armored, MESSAGE, namespace=APPROVAL_NAMESPACE)
    except VerificationError as error:
        return error.reason, accepts
    return "accepted", accepts


# ed25519


def by_ed25519(key: bytes | None = None, value: bytes | None = None) -> bytes:
    key = ED25519.public_key().public_bytes_raw() if key is None else key
    value = ED25519.sign(ASKED) if value is None else value
    return sshsig(strings(b"ssh-ed25519", key), strings(b"ssh-ed25519", value))


def test_an_ed25519_key_and_signature_have_one_size(keygen: Keygen) -> None:
    key, value = ED25519.public_key().public_bytes_raw(), ED25519.sign(ASKED)

    assert verdicts(keygen, by_ed25519()) == ("accepted", True)
    for changed in [b"", key[:-1], key + b"\0"]:
        assert verdicts(keygen, by_ed25519(key=changed)) == ("SshSignatureUnreadable", False)
    for changed in [b"", value[:-1], value + b"\0"]:
        assert verdicts(keygen, by_ed25519(value=changed)) == ("SshSignatureUnreadable", False)


@pytest.mark.parametrize("multiple", [1, 2, 4])
def test_an_ed25519_signature_has_one_spelling(multiple: int, keygen: Keygen) -> None:
    value = ED25519.sign(ASKED)
    scalar = int.from_bytes(value[32:], "little") + multiple * ED25519_ORDER

    found, accepts = verdicts(keygen, by_ed25519(value=value[:32] + scalar.to_bytes(32, "little")))

    assert found == "SignatureInvalid"
    # OpenSSH 9.2 looks at the size alone: what fits 253 bits is a second spelling to it.
    assert accepts == (scalar < 2**253) or not keygen.as_seen()


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", SMALL_ORDER_Y)
def test_a_key_under_which_anybody_can_sign_is_refused(y: int, sign: int, keygen: Keygen) -> None:
    point = (y | sign << 255).to_bytes(32, "little")

    assert verdicts(keygen, by_ed25519(key=point))[0] == "SshKeyWeak"


@pytest.mark.parametrize("y", range(2, 19))
def test_an_ed25519_key_has_one_spelling(y: int, keygen: Keygen) -> None:
    assert verdicts(keygen, by_ed25519(key=(ED25519_P + y).to_bytes(32, "little"))) == (
        "SshKeyWeak",
        False,
    )


def test_a_signature_that_nobody_made_is_refused_though_others_take_it(keygen: Keygen) -> None:
    identity = (1).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), b"anything")

    found, accepts = verdicts(keygen, by_ed25519(key=identity, value=identity + bytes(32)))

    assert found == "SshKeyWeak"
    assert accepts or not keygen.as_seen()


@pytest.mark.parametrize("name", [b"ED25519", b"ed25519"])
def test_a_key_type_has_one_name(name: bytes, keygen: Keygen) -> None:
    key = strings(name, ED25519.public_key().public_bytes_raw())

    found, accepts = verdicts(keygen, sshsig(key, strings(b"ssh-ed25519", ED25519.sign(ASKED))))

    assert found == "SshKeyUnsupported"
    assert accepts or not keygen.as_seen()


# ecdsa


def by_ecdsa(r: bytes, s: bytes, point: bytes = POINT, curve: bytes = b"nistp256") -> bytes:
    name = b"ecdsa-sha2-nistp256"
    return sshsig(strings(name, curve, point), strings(name, r + s))


def ecdsa() -> tuple[int, int]:
    return decode_dss_signature(ECDSA.sign(ASKED, ec.ECDSA(hashes.SHA256())))


def test_both_forms_of_an_ecdsa_signature_are_accepted(keygen: Keygen) -> None:
    # They are one approval all the same: approvals are told apart by what they say.
    r, s = ecdsa()

    assert verdicts(keygen, by_ecdsa(mpint(r), mpint(s))) == ("accepted", True)
    assert verdicts(keygen, by_ecdsa(mpint(r), mpint(P256_ORDER - s))) == ("accepted", True)


def test_numbers_out_of_range_are_refused_by_both(keygen: Keygen) -> None:
    r, s = map(mpint, ecdsa())
    unreadable = [string(b""), string(b"\0"), string(b"\xff" * 32), string(b"\x01" * 2000), b""]
    unfit = [mpint(r_or_s + P256_ORDER) for r_or_s in ecdsa()] + [mpint(1), mpint(P256_ORDER)]

    for number in unreadable:
        assert verdicts(keygen, by_ecdsa(number, s)) == ("SshSignatureUnreadable", False)
        assert verdicts(keygen, by_ecdsa(r, number)) == ("SshSignatureUnreadable", False)
    for number in unfit:
        assert verdicts(keygen, by_ecdsa(number, s)) == ("SignatureInvalid", False)
        assert verdicts(keygen, by_ecdsa(r, number)) == ("SignatureInvalid", False)


def test_a_number_has_no_leading_zeros(keygen: Keygen) -> None:
    r, s = ecdsa()

    found, accepts = verdicts(keygen, by_ecdsa(string(bytes(2) + r.to_bytes(32, "big")), mpint(s)))

    assert found == "SshSignatureUnreadable"
    assert accepts or not keygen.as_seen()


def test_a_number_after_the_two_is_refused(keygen: Keygen) -> None:
    r, s = map(mpint, ecdsa())

    assert verdicts(keygen, by_ecdsa(r, s + mpint(1))) == ("SshSignatureUnreadable", False)


def test_an_ecdsa_key_is_one_uncompressed_point_of_its_curve(keygen: Keygen) -> None:
    r, s = map(mpint, ecdsa())
    odd = POINT[-1] & 1
    others = {
        "compressed": bytes([2 + odd]) + POINT[1:33],
        "hybrid": bytes([6 + odd]) + POINT[1:],
        "infinity": b"\0",
        "nothing": b"",
        "short": POINT[:-1],
        "long": POINT + b"\0",
        "off the curve": POINT[:-1] + bytes([POINT[-1] ^ 1]),
    }

    for name, point in others.items():
        found = verdicts(keygen, by_ecdsa(r, s, point=point))
        assert (name, *found) == (name, "SshSignatureUnreadable", False)


def test_the_curve_is_that_of_the_type(keygen: Keygen) -> None:
    r, s = map(mpint, ecdsa())

    for curve in [b"nistp384", b"", b"NISTP256"]:
        found = verdicts(keygen, by_ecdsa(r, s, curve=curve))
        assert found == ("SshSignatureUnreadable", False)


# rsa


def by_rsa(
    key: RSAPrivateKey = RSA, *, algorithm: bytes = b"rsa-sha2-256", asked: bytes = ASKED
) -> SshSig:
    digests: dict[bytes, hashes.HashAlgorithm] = {
        b"rsa-sha2-256": hashes.SHA256(),
        b"rsa-sha2-512": hashes.SHA512(),
        b"ssh-rsa": hashes.SHA1(),  # noqa: S303 - to show that it is refused
    }
    numbers = key.public_key().public_numbers()
    value = key.sign(asked, PKCS1v15(), digests[algorithm])
    return SshSig(
        key=string(b"ssh-rsa") + mpint(numbers.e) + mpint(numbers.n),
        namespace=APPROVAL_NAMESPACE.encode(),
        hash_name=b"sha512",
        signature=strings(algorithm, value),
    )


@pytest.mark.parametrize("algorithm", [b"rsa-sha2-256", b"rsa-sha2-512"])
def test_rsa_signs_with_sha2(algorithm: bytes, keygen: Keygen) -> None:
    armored = by_rsa(algorithm=algorithm).armored()

    assert verdicts(keygen, armored) == ("accepted", True)
    found = verify_ssh(armored, MESSAGE, namespace=APPROVAL_NAMESPACE)
    assert found.algorithm == algorithm.decode()


def test_rsa_with_sha1_is_refused_by_both(keygen: Keygen) -> None:
    old = by_rsa(algorithm=b"ssh-rsa")

    assert verdicts(keygen, old.armored()) == ("SshAlgorithmUnsupported", False)


def test_an_rsa_key_is_not_named_like_an_algorithm(keygen: Keygen) -> None:
    honest = by_rsa()
    renamed = replace(honest, key=string(b"rsa-sha2-256") + honest.key[4 + len(b"ssh-rsa") :])

    found, accepts = verdicts(keygen, renamed.armored())

    assert found == "SshKeyUnsupported"
    assert accepts or not keygen.as_seen()


@pytest.mark.parametrize("bits", [1024, 2047])
def test_a_short_rsa_key_is_refused_though_ssh_keygen_takes_it(bits: int, keygen: Keygen) -> None:
    short = by_rsa(generate_private_key(65537, bits))

    assert verdicts(keygen, short.armored()) == ("SshKeyWeak", True)


def test_an_rsa_key_that_costs_too_much_is_refused(keygen: Keygen) -> None:
    numbers = RSA.public_key().public_numbers()
    forms = {
        "too long": mpint(65537) + mpint(2**8192 + 1),
        "an exponent of 33 bits": mpint(2**32 + 1) + mpint(numbers.n),
        "an even exponent": mpint(65536) + mpint(numbers.n),
        "an exponent of 1": mpint(1) + mpint(numbers.n),
        "an even modulus": mpint(65537) + mpint(numbers.n - 1),
    }

    for name, form in forms.items():
        armored = replace(by_rsa(), key=string(b"ssh-rsa") + form).armored()
        assert (name, *verdicts(keygen, armored)) == (name, "SshKeyWeak", False)


@pytest.mark.parametrize("place", [0, 1])
def test_an_rsa_key_has_one_spelling(place: int, keygen: Keygen) -> None:
    honest = by_rsa()
    numbers = read_strings(honest.key)[1:]
    numbers[place] = b"\0" + numbers[place]
    respelled = replace(honest, key=strings(b"ssh-rsa", *numbers))

    found, accepts = verdicts(keygen, respelled.armored())

    assert found == "SshSignatureUnreadable"
    assert accepts or not keygen.as_seen()


def test_an_rsa_signature_is_as_long_as_its_key(keygen: Keygen) -> None:
    messages = (f"approve {number}".encode() for number in range(10_000))
    for message in messages:
        asked = to_be_signed(
            APPROVAL_NAMESPACE.encode(), b"sha512", hashlib.sha512(message).digest()
        )
        honest = by_rsa(asked=asked)
        algorithm, value = read_strings(honest.signature)
        if value[0] == 0:
            break
    for changed in [value[1:], b"\0" + value]:
        armored = replace(honest, signature=strings(algorithm, changed)).armored()

        with pytest.raises(VerificationError, match="not as long as its key"):
            verify_ssh(armored, message, namespace=APPROVAL_NAMESPACE)

        # ssh-keygen fills up what is shorter.
        lenient = len(changed) < len(value) or not keygen.as_seen()
        assert keygen.accepts(armored, message, APPROVAL_NAMESPACE) == lenient
