"""What pages load from elsewhere, and whether their policy would stop it."""

import pytest

from sluice.verify.bundle_report import BundleReport
from support.bundles import GUARDED_PAGE, kinds, look_into


def page(head: str, body: str = "<script src=app.js></script>") -> BundleReport:
    """Return the report on a bundle of one page."""
    return look_into({"index.html": f"<!doctype html><html><head>{head}</head><body>{body}</body>"})


def policy(content: str) -> str:
    return f'<meta http-equiv="Content-Security-Policy" content="{content}">'


STRICT = policy("default-src 'self'")


def test_of_a_guarded_page_there_is_nothing_to_tell() -> None:
    assert look_into({"index.html": GUARDED_PAGE}).remote_code == ()


LOADS = {
    "script": ("script-from-other-origin", '<script src="https://cdn.example.net/a"></script>'),
    "script without a scheme": ("script-from-other-origin", "<script src=//cdn.example.net/a>"),
    "script by backslashes": ("script-from-other-origin", r"<script src='\\cdn.example.net\a'>"),
    "script without slashes": ("script-from-other-origin", "<script src=https:cdn.example.net/a>"),
    "script, broken by a tab": ("script-from-other-origin", "<script src='ht\ttps://a.net/a'>"),
    "script by entities": ("script-from-other-origin", "<script src='&#104;ttps&colon;//a.net'>"),
    "script in capitals": ("script-from-other-origin", "<SCRIPT\nSRC = 'HTTPS://cdn.example.net'>"),
    "script, src twice": ("script-from-other-origin", "<script src=//a.net src=app.js>"),
    "script, name of an attribute quoted": (
        "script-from-other-origin",
        "<script a'b src=//cdn.example.net/a c'd>",
    ),
    "script in what may be a comment": (
        "script-from-other-origin",
        "<!--><script src=//cdn.example.net/a></script>-->",
    ),
    "script with a login": ("script-from-other-origin", "<script src=https://localhost@a.net/a>"),
    "script from a test server": ("script-from-other-origin", "<script src=http://localhost:80>"),
    "script in SVG": ("script-from-other-origin", "<svg><script xlink:href=//a.net/a /></svg>"),
    "module preloaded": ("script-from-other-origin", "<link rel=modulepreload href=//a.net/a>"),
    "script as data": ("script-from-data", "<script src='data:text/javascript,alert(1)'></script>"),
    "frame": ("frame-from-other-origin", "<iframe src=https://cdn.example.net></iframe>"),
    "object": ("frame-from-other-origin", "<object data=//cdn.example.net></object>"),
    "sent elsewhere": (
        "frame-from-other-origin",
        "<meta http-equiv=refresh content='0; URL=https://cdn.example.net'>",
    ),
    "base": ("base-on-other-origin", "<base href=https://cdn.example.net/>"),
}


@pytest.mark.parametrize("case", LOADS)
def test_what_a_page_loads_from_elsewhere_is_told(case: str) -> None:
    kind, tag = LOADS[case]

    assert kinds(page(STRICT, tag).remote_code) == [kind]


@pytest.mark.parametrize(
    "tag",
    [
        "<script src=/a.js></script>",
        "<script src='https://localhost/a.js'></script>",
        "<script type=module src=./https/a.js></script>",
        "<base href=/ >",
        "<link rel=stylesheet href=a.css><link rel=modulepreload href=/a.js>",
        "<a href=https://help.example.net>help</a><img src=https://img.example.net/a.png>",
        "<iframe src=about:blank></iframe>",
    ],
)
def test_what_is_no_code_from_elsewhere_is_not_told(tag: str) -> None:
    assert page(STRICT, tag).remote_code == ()


POLICIES = {
    "none": ("", ["csp-missing"]),
    "strict": (STRICT, []),
    "script-src alone": (policy("script-src 'self'"), []),
    "in capitals": ("<META HTTP-EQUIV=content-security-policy CONTENT=\"Default-Src 'NONE'\">", []),
    "by entities": (policy("default-src &#39;self&#39;"), []),
    "nothing said": (policy(""), ["csp-missing"]),
    "no word on scripts": (policy("img-src 'self'"), ["csp-no-script-src"]),
    "eval": (policy("script-src 'self' 'unsafe-eval'"), ["csp-unsafe-eval"]),
    "inline": (policy("default-src 'self' 'unsafe-inline'"), ["csp-unsafe-inline"]),
    "inline attributes": (
        policy("script-src 'self'; script-src-attr 'unsafe-inline'"),
        ["csp-unsafe-inline"],
    ),
    "inline, but a nonce": (policy("script-src 'self' 'unsafe-inline' 'nonce-abc'"), []),
    "everybody": (policy("script-src *"), ["csp-wildcard"]),
    "every https": (policy("default-src 'self' https:"), ["csp-wildcard"]),
    "data": (policy("script-src 'self' data:"), ["csp-wildcard"]),
    "elements alone": (policy("script-src 'self'; script-src-elem https:"), ["csp-wildcard"]),
    "the first of two directives counts": (policy("script-src 'self'; script-src *"), []),
    "Capacitor's usual one": (
        policy("default-src * data: gap: 'unsafe-eval' 'unsafe-inline'"),
        ["csp-unsafe-eval", "csp-unsafe-inline", "csp-wildcard"],
    ),
    "two, of which one forbids": (policy("script-src *") + STRICT, []),
    "two in one": (policy("script-src *, script-src 'self'"), []),
    "two, none forbids": (policy("img-src 'self'") + policy("script-src *"), ["csp-wildcard"]),
    "after a script": ("<script>a()</script>" + STRICT, ["csp-late"]),
    "after other things": (
        "<!-- a --><meta charset=utf-8><title>a</title><link rel=icon href=a><style>a{}</style>"
        + STRICT,
        [],
    ),
    "in a comment": (f"<!-- {STRICT} -->", ["csp-missing"]),
    "in a comment never closed": (f"<!-- {STRICT}", ["csp-missing"]),
    "in a comment that some close early": (f"<!-- --!> {STRICT} -->", ["csp-missing"]),
    "in a script": (f"<script>a='{STRICT}'</script>", ["csp-missing"]),
    "in a script that seems to end": (f"<script>'</scriptx>{STRICT}'</script>", ["csp-missing"]),
    "in a script that opens another": (
        f"<script><!--<script></script>{STRICT}</script>",
        ["csp-missing"],
    ),
    "after a comment that browsers end at once": (
        f"<!--><script>a()</script>-->{STRICT}",
        ["csp-missing"],
    ),
    "after a comment that browsers end early": (f"<!-- --!><p>a</p> -->{STRICT}", ["csp-missing"]),
    "in a title": (f"<title>{STRICT}</title>", ["csp-missing"]),
    "in a template": (f"<template>{STRICT}</template>", ["csp-missing"]),
    "in a noscript": (f"<noscript>{STRICT}</noscript>", ["csp-missing"]),
    "after a text": (f"text {STRICT}", ["csp-missing"]),
    "after a paragraph": (f"<p>{STRICT}", ["csp-missing"]),
    "in the body": (f"</head><body>{STRICT}", ["csp-missing"]),
    "for reports alone": (
        "<meta http-equiv=content-security-policy-report-only content=\"default-src 'self'\">",
        ["csp-missing"],
    ),
    "given twice": (
        "<meta http-equiv=content-security-policy content='script-src *' content=script-src>",
        ["csp-wildcard"],
    ),
}


@pytest.mark.parametrize("case", POLICIES)
def test_what_a_policy_lacks_is_told(case: str) -> None:
    head, expected = POLICIES[case]

    assert kinds(page(head).remote_code) == expected


def test_a_policy_where_browsers_start_a_body_does_not_count() -> None:
    report = look_into({"index.html": f"<!doctype html><div></div>{STRICT}"})

    assert kinds(report.remote_code) == ["csp-missing"]


def test_a_page_without_head_and_scripts_needs_a_policy_only_if_it_is_the_first() -> None:
    assert kinds(look_into({"index.html": "<p>hello"}).remote_code) == ["csp-missing"]
    assert look_into({"help/other.html": "<p>hello"}).remote_code == ()
    assert kinds(look_into({"other.html": "<script></script>"}).remote_code) == ["csp-missing"]


def test_the_first_page_may_be_in_the_one_folder_at_the_top() -> None:
    report = look_into({"index.html": GUARDED_PAGE, "help/index.html": "<p>hello"})

    assert report.remote_code == ()


def test_origins_that_a_policy_allows_are_told() -> None:
    report = page(
        policy("default-src 'self'; connect-src https://api.example.net wss://a.net:8443")
    )

    assert report.origins == {"https://api.example.net", "wss://a.net:8443"}


def test_a_script_in_a_picture_is_told() -> None:
    report = look_into({"a.svg": "<svg><script href='https://cdn.example.net/a'/></svg>"})

    assert "script-from-other-origin" in kinds(report.remote_code)
