import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import assume, given
from hypothesis import strategies as st

from sluice.errors import Refused, VerificationError
from sluice.serving.seal import (
    TABLE_PURPOSE,
    SealPurpose,
    generate_private_key,
    open_sealed,
    open_text,
    private_key,
    public_key,
    public_pem,
    seal,
    seal_text,
)
from support.serving import a_bundle, a_rollout, an_audience

KEY = private_key(generate_private_key())
PUBLIC = public_key(public_pem(KEY))
OTHER = private_key(generate_private_key())

TABLE = a_rollout(
    audience=an_audience(platforms=("ios",)),
    candidate=a_bundle("2.0.0", native_min="1.2.0"),
    withdrawn=("1.9.0", "1.9.1"),
)


def refused(text, keys=(PUBLIC,)):
    with pytest.raises(VerificationError) as caught:
        open_sealed(text, keys)
    return caught.value.reason


def test_what_was_sealed_is_what_is_opened():
    assert open_sealed(seal(TABLE, KEY), [PUBLIC]) == TABLE


def test_one_table_has_one_seal():
    """So that a row that was not changed need not be opened again."""
    assert seal(TABLE, KEY) == seal(open_sealed(seal(TABLE, KEY), [PUBLIC]), KEY)


def test_while_a_key_is_replaced_both_are_accepted():
    keys = [public_key(public_pem(OTHER)), PUBLIC]

    assert open_sealed(seal(TABLE, KEY), keys) == TABLE
    assert open_sealed(seal(TABLE, OTHER), keys) == TABLE


def test_invariant_only_what_policy_let_through_is_served_by_its_seal():
    """A row that anybody else wrote, with a key of his own, opens nothing."""
    forged = seal(TABLE, OTHER)

    assert refused(forged) == "SealKeyUnknown"
    assert refused(forged, keys=()) == "SealKeyUnknown"


def test_another_key_under_our_keys_name_opens_nothing():
    ours, forged = seal(TABLE, KEY), seal(TABLE, OTHER)
    name = ours.split(" ")[1]

    assert refused(forged.replace(forged.split(" ")[1], name)) == "SealBroken"


@given(st.data())
def test_a_table_that_was_changed_anywhere_opens_nothing(data):
    text = seal(TABLE, KEY)
    place = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.characters(codec="utf-8"))
    changed = text[:place] + character + text[place + 1 :]
    assume(changed != text)

    assert refused(changed) in {"SealBroken", "SealKeyUnknown", "SealMalformed"}


@given(st.text())
def test_any_text_is_refused_with_a_reason(text):
    assert refused(text) == "SealMalformed"


def test_a_surrogate_in_a_row_is_refused_and_not_a_crash():
    assert refused(seal(TABLE, KEY) + "\ud800") == "SealBroken"


def test_a_signature_over_the_bare_table_is_worth_nothing():
    """What the key may have signed elsewhere carries no prefix of ours."""
    head, payload = seal(TABLE, KEY).split("\n")
    bare = KEY.sign(payload.encode()).hex()

    assert refused(" ".join([*head.split(" ")[:2], bare]) + "\n" + payload) == "SealBroken"


@pytest.mark.parametrize("pem", [b"", b"nonsense", public_pem(KEY)])
def test_what_is_no_private_key_of_ours_is_refused(pem):
    with pytest.raises(Refused, match="SealKeyInvalid"):
        private_key(pem)


def test_a_key_of_another_kind_is_refused():
    pem = generate_rsa(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    with pytest.raises(Refused, match="SealKeyInvalid"):
        private_key(pem)
    with pytest.raises(Refused, match="SealKeyInvalid"):
        public_key(pem)


def test_what_is_sealed_for_one_purpose_opens_for_no_other():
    other = SealPurpose(prefix=b"sluice.dev/other/v1\0", what="thing", chars_max=1000)
    text = seal_text("{}", KEY, other)

    assert open_text(text, [PUBLIC], other) == "{}"
    with pytest.raises(VerificationError, match="SealBroken"):
        open_text(text, [PUBLIC], TABLE_PURPOSE)


def test_a_text_that_is_too_long_opens_nothing():
    short = SealPurpose(prefix=b"sluice.dev/short/v1\0", what="thing", chars_max=200)

    with pytest.raises(VerificationError, match="SealBroken"):
        open_text(seal_text("1" * 200, KEY, short), [PUBLIC], short)
