"""Whatever the files hold, there is a report, it is small, and it can be stored and read."""

import contextlib
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.contents.gathered import ContentsLimits
from sluice.contents.inspect import inspect_bundle
from sluice.errors import Refused
from sluice.verify.bundle_report import report_from_json
from support.bundles import look_into, zipped

# Pieces out of which something that a rule looks for can come to be.
PIECES = [
    *("eval(", "new Function(", "import(", '"https://', "//a.net/", "${", "}", "`", '"', "'", "\\"),
    *("registerPlugin(", "=a.registerPlugin;", 'a("Abc")', "export{a as b}", "import{b as c}from'"),
    *("<script ", "src=", "<meta http-equiv=content-security-policy content=", ">", "<!--", "-->"),
    *("AKIA", "-----BEGIN PRIVATE KEY-----", "eyJhIjoxfQ.", "xoxb-1-", "://a:b@", "sk_live_"),
    *("sourceMappingURL=", "data:,", "jQuery v1.8", "version", "\0", "\ud800", "\u202e", "\n", "a"),
    *("document.write(", "{web:", ".Plugins.", "exec(a,b,", "</script>", "<title>", "&#x", "xn--"),
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=40).map(
    lambda pieces: "".join(pieces).encode("utf-8", "surrogatepass")
)
NAMES = st.sampled_from(["a.js", "index.html", "b.svg", "c.css", "d.json", "e.map", "f", "g.so"])


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(NAMES, TEXTS | st.binary(max_size=300), max_size=3))
def test_any_files_make_a_report_that_can_be_kept(files: dict[str, bytes]) -> None:
    report = look_into(files)

    assert report_from_json(report.as_json()) == report
    assert report.as_json().decode().isprintable()
    assert look_into(files) == report


@settings(max_examples=100, deadline=None)
@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
)
def test_any_name_is_made_safe_to_show(name: str) -> None:
    report = look_into({f"{name}.js": ";eval(t)", f"{name}.gz": "x"})

    assert all(each.file.isprintable() for each in report.remote_code)
    assert all(each.isprintable() for each in report.archives)


@settings(max_examples=200, deadline=None)
@given(st.integers(min_value=0), st.integers(min_value=0, max_value=255))
def test_a_damaged_zip_is_read_or_refused(place: int, value: int) -> None:
    data = bytearray(zipped({"index.html": "<p>", "a.js": "eval(t);" * 20}))
    data[place % len(data)] = value

    with contextlib.suppress(Refused):
        inspect_bundle(io.BytesIO(bytes(data)), sha256="0" * 64, limits=ContentsLimits())


HOSTILE = [
    *("eyJ", " eyJ0eXAiOiJKV1QifQ.eyJhIjoxfQ.abc", "://a:b", '"https://a.bc/"', '"https://${', '"'),
    *(
        " ",
        "<",
        "<script ",
        "<script a='",
        "<!--",
        " eval(",
        ' eval("a",',
        "import{",
        "export{a",
        "{",
    ),
    *(
        'import{a as b}from"./x";',
        "a=b.registerPlugin;",
        '=a("Abc")',
        "glpat-",
        "//a/:_authToken=xoxb-1-",
    ),
    *("-----BEGIN PRIVATE KEY-----", "//# sourceMappingURL=x", '="1.2",', "DOMPurify=", "aws key "),
    *("document.write(", "exec(a,b,", '"https://\u00e9' + "\u0301" * 20 + '.com/"', "\0", "\u00e9"),
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", HOSTILE)
def test_text_made_to_be_slow_is_not(unit: str) -> None:
    # A pattern that backtracks would take hours for it; the limits cut the rest short.
    text = unit * (1_000_000 // len(unit))

    report = look_into({"a.js": text, "b.html": text})

    assert len(report.as_json()) < 300_000


def test_a_name_that_only_differs_in_what_is_not_shown_counts_as_another_file() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a\u200b.js", ";eval(t)")
        archive.writestr("a\u200c.js", ";eval(t)")

    report = inspect_bundle(file, sha256="0" * 64, limits=ContentsLimits())

    assert len(report.remote_code) == 2
