"""Security keys and browsers: what an authenticator says is told, and real ssh-keygen takes it all.

The authenticator is made of software (`support.authenticator`), and ssh-keygen is what shows that
it signs as a real one does.
"""

from dataclasses import replace
from typing import Any

import pytest

from sluice.errors import VerificationError
from sluice.verify.ssh import APPROVAL_NAMESPACE, SshSignature, verify_ssh
from support.authenticator import PRESENT, VERIFIED, Authenticator, client_data, said
from support.sshsig import Keygen, SshSig, read_strings, string

MESSAGE = b"approve"
ORIGIN = "https://approve.example.com"

TOKENS = {"ed25519": Authenticator.ed25519(), "ecdsa": Authenticator.ecdsa()}
BROWSER = Authenticator.ecdsa("example.com")

FLAGS = [0, PRESENT, VERIFIED, PRESENT | VERIFIED, 0x02, 0x18, 0x1D, 0xFF]


@pytest.fixture(scope="module")
def keygen(tmp_path_factory: pytest.TempPathFactory) -> Keygen:
    return Keygen(tmp_path_factory.mktemp("keygen"))


def verify(sig: SshSig) -> SshSignature:
    return verify_ssh(sig.armored(), MESSAGE, namespace=APPROVAL_NAMESPACE)


def verdicts(keygen: Keygen, sig: SshSig) -> tuple[str, bool]:
    """Return our verdict, and whether ssh-keygen accepts."""
    accepts = keygen.accepts(sig.armored(), MESSAGE, APPROVAL_NAMESPACE)
    try:
        verify(sig)
    except VerificationError as error:
        return error.reason, accepts
    return "accepted", accepts


@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("kind", TOKENS)
def test_what_a_security_key_says_is_told(
    kind: str, flags: int, hash_name: str, keygen: Keygen
) -> None:
    token = TOKENS[kind]
    sig = token.sign(
        MESSAGE, APPROVAL_NAMESPACE, flags=flags, counter=0xFFFFFFFF, hash_name=hash_name
    )

    found = verify(sig)

    expected = SshSignature(
        key_type=token.key_type.decode(),
        algorithm=token.key_type.decode(),
        key_fingerprint=keygen.fingerprint(found.public_key),
        public_key=token.public_key,
        namespace=APPROVAL_NAMESPACE,
        user_present=flags in {PRESENT, PRESENT | VERIFIED, 0x1D, 0xFF},
        user_verified=flags in {VERIFIED, PRESENT | VERIFIED, 0x1D, 0xFF},
        counter=0xFFFFFFFF,
        application="ssh:",
        origin=None,
    )
    assert expected == found
    assert keygen.verifies(sig.armored(), MESSAGE, APPROVAL_NAMESPACE, found.public_key)


@pytest.mark.parametrize("kind", TOKENS)
def test_ssh_keygen_accepts_a_signature_without_touch_and_we_tell_it(
    kind: str, keygen: Keygen
) -> None:
    untouched = TOKENS[kind].sign(MESSAGE, APPROVAL_NAMESPACE, flags=0)

    assert keygen.accepts(untouched.armored(), MESSAGE, APPROVAL_NAMESPACE)
    assert (verify(untouched).user_present, verify(untouched).user_verified) == (False, False)


@pytest.mark.parametrize("kind", TOKENS)
def test_flags_and_counter_are_signed(kind: str, keygen: Keygen) -> None:
    honest = TOKENS[kind].sign(MESSAGE, APPROVAL_NAMESPACE, flags=0, counter=1)

    for flags, counter in [(PRESENT, 1), (VERIFIED, 1), (0, 2), (0, 0)]:
        claimed = replace(honest, signature=honest.signature[:-5] + said(flags, counter))
        assert verdicts(keygen, claimed) == ("SignatureInvalid", False)


@pytest.mark.parametrize("kind", TOKENS)
def test_the_application_is_signed(kind: str, keygen: Keygen) -> None:
    token = TOKENS[kind]
    elsewhere = Authenticator(token.private, "ssh:elsewhere")
    moved = replace(token.sign(MESSAGE, APPROVAL_NAMESPACE), key=elsewhere.key)

    assert verify(elsewhere.sign(MESSAGE, APPROVAL_NAMESPACE)).application == "ssh:elsewhere"
    assert verdicts(keygen, moved) == ("SignatureInvalid", False)


@pytest.mark.parametrize(
    ("application", "reason"),
    [
        ("", "SshKeyUnsupported"),
        ("ssh:" + "a" * 250, "SshKeyUnsupported"),
        ("ssh:\u202e", "SshSignatureUnreadable"),
        ("ssh:\n", "SshSignatureUnreadable"),
    ],
)
def test_an_application_that_cannot_be_shown_is_refused(application: str, reason: str) -> None:
    sig = Authenticator.ecdsa(application).sign(MESSAGE, APPROVAL_NAMESPACE)

    with pytest.raises(VerificationError) as refused:
        verify(sig)

    assert refused.value.reason == reason


def test_a_plain_key_cannot_pass_for_a_security_key(keygen: Keygen) -> None:
    token = TOKENS["ed25519"]
    key = string(b"ssh-ed25519") + string(read_strings(token.key)[1])

    unnamed = replace(token.sign(MESSAGE, APPROVAL_NAMESPACE), key=key)

    assert verdicts(keygen, unnamed) == ("SshAlgorithmUnsupported", False)


# Browsers


@pytest.mark.parametrize("flags", [0, PRESENT, PRESENT | VERIFIED, 0x1D])
def test_what_a_browser_signs_is_accepted_and_told(flags: int, keygen: Keygen) -> None:
    sig = BROWSER.sign_in_browser(MESSAGE, APPROVAL_NAMESPACE, flags=flags, counter=3)

    found = verify(sig)

    expected = SshSignature(
        key_type="sk-ecdsa-sha2-nistp256@openssh.com",
        algorithm="webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
        key_fingerprint=keygen.fingerprint(found.public_key),
        public_key=BROWSER.public_key,
        namespace=APPROVAL_NAMESPACE,
        user_present=bool(flags & PRESENT),
        user_verified=bool(flags & VERIFIED),
        counter=3,
        application="example.com",
        origin=ORIGIN,
    )
    assert expected == found
    assert keygen.verifies(sig.armored(), MESSAGE, APPROVAL_NAMESPACE, found.public_key)


ACCEPTED: dict[str, dict[str, Any]] = {
    "extensions": {"flags": 0x85, "extensions": b"\xa1\x61a\x01"},
    "client data with more to tell": {"others": {"topOrigin": "https://a.example", "other": [1]}},
    "an origin with a port": {"origin": "https://localhost:8443"},
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_all_that_browsers_do_is_accepted(case: str, keygen: Keygen) -> None:
    sig = BROWSER.sign_in_browser(MESSAGE, APPROVAL_NAMESPACE, **ACCEPTED[case])

    assert verdicts(keygen, sig) == ("accepted", True)


ASKED = BROWSER.asked(MESSAGE, APPROVAL_NAMESPACE)
CLIENT_DATA = client_data(ASKED, ORIGIN)
CLIENT_START = client_data(ASKED, "")[:-2]

REFUSED_BY_BOTH: dict[str, dict[str, Any]] = {
    "another origin named": {"named_origin": "https://evil.example"},
    "an origin that another starts with": {
        "origin": ORIGIN + ".evil.example",
        "named_origin": ORIGIN,
    },
    "an origin with a quote": {
        "named_origin": 'https://a","b":"',
        "data": CLIENT_START + b'https://a","b":""}',
    },
    "an enrolment": {"data": CLIENT_DATA.replace(b"webauthn.get", b"webauthn.create")},
    "another text": {"data": client_data(b"reject", ORIGIN)},
    "a padded challenge": {"data": CLIENT_DATA.replace(b'","origin', b'=","origin')},
    "another order": {"data": b'{"origin":"' + ORIGIN.encode() + b'",' + CLIENT_DATA[1:]},
    "an origin further behind": {
        "data": CLIENT_DATA.replace(b',"origin"', b',"crossOrigin":false,"origin"')
    },
    "white space": {"data": CLIENT_DATA.replace(b":", b": ", 1)},
    "no client data": {"data": b""},
    "extensions that the flags deny": {"extensions": b"\xa0"},
    "flags that promise extensions": {"flags": 0x85},
    "flags of an enrolment": {"flags": 0x45},
}


@pytest.mark.parametrize("case", REFUSED_BY_BOTH)
def test_client_data_of_another_form_are_refused_by_both(case: str, keygen: Keygen) -> None:
    sig = BROWSER.sign_in_browser(MESSAGE, APPROVAL_NAMESPACE, **REFUSED_BY_BOTH[case])

    assert verdicts(keygen, sig) == ("SshClientDataOther", False)


LENIENT: dict[str, dict[str, Any]] = {
    "a frame in another website": {"others": {"crossOrigin": True}},
    "a frame that says so in text": {"others": {"crossOrigin": "false"}},
    "an end that takes it back": {"data": CLIENT_DATA[:-1] + b',"type":"webauthn.create"}'},
    "an origin given twice": {"data": CLIENT_DATA[:-1] + b',"origin":"https://evil.example"}'},
    "an end that is no JSON": {"data": CLIENT_DATA[:-1]},
    "text after the end": {"data": CLIENT_DATA + b"x"},
    "very much of it": {"others": {"other": "x" * 4096}},
    "an origin that ends otherwise": {
        "named_origin": "https://a\\",
        "data": CLIENT_START + b'https://a\\".evil.example"}',
    },
    "an origin in other letters": {
        "named_origin": "https://\\u0061",
        "data": CLIENT_START + b'https://\\u0061"}',
    },
    "no origin": {"origin": ""},
    "a very long origin": {"origin": "https://" + "a" * 300},
}
"""What ssh-keygen accepts: it looks at the beginning of the client data alone."""


@pytest.mark.parametrize("case", LENIENT)
def test_client_data_that_can_be_read_in_two_ways_are_refused(case: str, keygen: Keygen) -> None:
    sig = BROWSER.sign_in_browser(MESSAGE, APPROVAL_NAMESPACE, **LENIENT[case])

    found, accepts = verdicts(keygen, sig)

    assert found == "SshClientDataOther"
    assert accepts or not keygen.as_seen()


def test_what_a_browser_signed_belongs_to_its_website(keygen: Keygen) -> None:
    elsewhere = Authenticator(BROWSER.private, "evil.example")
    moved = replace(BROWSER.sign_in_browser(MESSAGE, APPROVAL_NAMESPACE), key=elsewhere.key)

    assert verdicts(keygen, moved) == ("SignatureInvalid", False)


def test_an_ed25519_key_does_not_sign_in_browsers(keygen: Keygen) -> None:
    sig = replace(BROWSER.sign_in_browser(MESSAGE, APPROVAL_NAMESPACE), key=TOKENS["ed25519"].key)

    assert verdicts(keygen, sig) == ("SshAlgorithmUnsupported", False)


def test_a_key_is_not_named_like_an_algorithm(keygen: Keygen) -> None:
    sig = BROWSER.sign_in_browser(MESSAGE, APPROVAL_NAMESPACE)
    name, *rest = read_strings(sig.key)
    renamed = b"".join(map(string, (b"webauthn-" + name, *rest)))

    found, accepts = verdicts(keygen, replace(sig, key=renamed))

    assert found == "SshKeyUnsupported"
    assert accepts or not keygen.as_seen()
