"""Manifests in which nothing means two things."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sluice.errors import Refused
from sluice.resources.manifest import (
    AMBIGUOUS,
    DECIMAL,
    INTEGER,
    MANIFEST_BYTES_MAX,
    NO_PLAIN_WORD,
    Place,
    read_manifests,
    spec_of,
)
from sluice.resources.release import ReleaseSpec
from support.manifests import a_manifest, a_spec, the_largest_policy


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\nb: 2\na: 3", (3, 1), "the key a stands here for the second time"),
        ("x: {a: 1, 'a': 2}", (1, 11), "second time"),
        ('spec:\n  b: 1\n  "\\x62": 2', (3, 3), "second time"),
        ("a: &x [1]\nb: *x", (1, 4), "anchors and aliases"),
        ("b: *x", (1, 4), "anchors and aliases"),
        ("a: 1\n<<: {b: 1}", (2, 1), "merge keys"),
        ("a: !!str 1", (1, 4), "tags"),
        ("a: !!python/object/apply:os.system [ls]", (1, 4), "tags"),
        ("a: !x {}", (1, 4), "tags"),
        ("? [a]\n: b", (1, 3), "a key must be text"),
        ("1: a", (1, 1), "a key must be text"),
        ("true: a", (1, 1), "a key must be text"),
        ("~: a", (1, 1), "a key must be text"),
        ("- a", (1, 1), "a manifest is a mapping"),
        ("\n\n  text", (3, 3), "a manifest is a mapping"),
        ("a: [", (2, 1), "expected node content"),
        ("a:\n\tb: 1", (2, 1), "cannot start any token"),
        ('a: "\\ud800"', (1, 7), "Unicode"),
        ("a: b\n\u2028c: d", (2, 1), "write this character as an escape"),
        ("a: 'b\x85'", (1, 6), "write this character as an escape"),
        ("a: b\nc: d\x07", (2, 5), "none of YAML's"),
        ("a: 1e999", (1, 4), "so large a number"),
        ("a: " + "[" * 64, (1, 67), "so deep"),
        ("a: [" + "b, " * 20_000, (1, 59_996), "so large"),
        *(
            (f"a: {word}", (1, 4), f'put "{word}" in quotes')
            for word in (
                "yes", "No", "on", "OFF", "y", "N", "010", "-010", "08", "0x1F", "0o17", "0b1",
                "1_000", "_1", "1_0.5", "12:30", "1:02:03.5", "+1", "+1.5e3", ".5", "1.", "-.5",
                ".inf", "-.Inf", ".NaN", "=",
            )
        ),
    ],
)  # fmt: skip
def test_what_means_two_things_is_refused_at_its_place(
    text: str, place: tuple[int, int], words: str
) -> None:
    with pytest.raises(Refused) as refused:
        read_manifests(text.encode())

    assert refused.value.message.startswith("line {}, column {}: ".format(*place))
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("version: 1.4.2", "1.4.2"),
        ("version: '010'", "010"),
        ('version: "yes"', "yes"),
        ("version: 1.10", 1.1),
        ("version: 1e3", 1000.0),
        ("version: -7", -7),
        ("version: 0", 0),
        ("version: true", True),
        ("version: False", False),
        ("version: ~", None),
        ("version:", None),
        ("version: null", None),
        ("version: 2026-06-01T12:00:00Z", "2026-06-01T12:00:00Z"),
        ("version: 2026-06-01", "2026-06-01"),
        ("version: yesterday", "yesterday"),
        ("version: 1-2", "1-2"),
        ("version: |\n  a\n  b\n", "a\nb\n"),
        ("version: >-\n  a\n  b\n", "a b"),
        ("version: []", []),
        ("version: {a: [1, {b: c}]}", {"a": [1, {"b": "c"}]}),
    ],
)
def test_what_means_one_thing_is_read(text: str, value: object) -> None:
    (manifest,) = read_manifests(text.encode())

    assert {"version": value} == manifest.value
    assert type(value) is type(manifest.value["version"])


def test_documents_are_read_in_order_and_empty_ones_left_out() -> None:
    documents = read_manifests(b"---\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n")

    assert [each.value for each in documents] == [{"a": 1}, {"b": 2}]


def test_every_value_has_a_place_and_what_is_missing_that_of_what_is_around_it() -> None:
    (manifest,) = read_manifests(b"a:\n  b: [1,\n    {c: 2}]\n")

    assert manifest.place(("a", "b", 1, "c")) == Place(line=3, column=9)
    assert manifest.place(("a", "b", 1, "missing", "deeper")) == Place(line=3, column=5)
    assert manifest.place(("z",)) == Place(line=1, column=1)


@pytest.mark.parametrize("data", [b"a: \xff", b"\xff\xfea\x00:\x00", b"a: 1\nb: caf\xe9\n"])
def test_what_is_not_utf8_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match="not UTF-8"):
        read_manifests(data)


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(Refused, match="1572864 bytes"):
        read_manifests(b"[" * (MANIFEST_BYTES_MAX + 1))


def test_the_largest_policy_is_read() -> None:
    spec = the_largest_policy()

    (manifest,) = read_manifests(yaml.safe_dump({"spec": spec}, width=10_000).encode())

    assert spec == manifest.value["spec"]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029\ufeff")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc yn01:-"), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text("abc"), VALUES, min_size=1), st.sampled_from([None, True, False]))
def test_what_was_written_with_quotes_is_read_back(
    value: dict[str, object], flow: bool | None
) -> None:
    written = yaml.dump(
        value, Dumper=Quoting, default_flow_style=flow, allow_unicode=True, width=60
    )

    (manifest,) = read_manifests(written.encode())

    assert value == manifest.value


class Quoting(yaml.SafeDumper):
    """Puts all text in quotes, as somebody does who trusts no reader."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style='"')


Quoting.add_representer(str, Quoting.represent_str)


@given(st.text() | st.text("{}[]:,-?&*!|>'\"%@` \n#ab01"))
def test_no_text_is_so_odd_that_it_fails_in_another_way(text: str) -> None:
    message = ""

    try:
        read_manifests(text.encode(errors="surrogatepass"))
    except Refused as refused:
        message = refused.message

    assert message.isprintable()


def test_a_fault_of_a_spec_is_told_with_its_line() -> None:
    text = b"""\
apiVersion: sluice.dev/v1alpha1
kind: App
metadata: {name: shop}
spec:
  appID: com.example.shop
"""

    with pytest.raises(Refused) as refused:
        spec_of(read_manifests(text)[0])

    assert refused.value.reason == "SpecInvalid"
    assert refused.value.message == (
        "Mend line 5, column 3: spec.appId: this field is needed; "
        "line 5, column 10: spec.appID: there is no such field"
    )


@pytest.mark.parametrize(
    "change", [{"kind": "Secret"}, {"apiVersion": "v1"}, {"kind": []}, {"apiVersion": None}]
)
def test_what_is_no_custom_resource_of_ours_is_refused(change: dict[str, object]) -> None:
    body = {**a_manifest("App", "shop"), **change}

    with pytest.raises(Refused, match=r"no custom resource of sluice\.dev/v1alpha1"):
        spec_of(read_manifests(yaml.safe_dump(body).encode())[0])


def test_a_release_is_read_as_it_is_parsed_from_the_api() -> None:
    body = a_manifest("Release", "shop-1.4.2")

    spec = spec_of(read_manifests(yaml.safe_dump(body).encode())[0])

    assert isinstance(spec, ReleaseSpec)
    assert a_spec("Release") == spec.model_dump(mode="json", by_alias=True, exclude_none=True)


@given(st.from_regex(DECIMAL) | st.from_regex(AMBIGUOUS) | st.from_regex(INTEGER))
def test_a_word_that_is_taken_for_text_by_its_first_letter_is_no_number_and_not_ambiguous(
    text: str,
) -> None:
    found = any(each.fullmatch(text) for each in (DECIMAL, AMBIGUOUS, INTEGER))

    assert not found or text[0] in NO_PLAIN_WORD
