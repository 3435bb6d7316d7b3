"""Origins are told where code could use them, as a browser reads them."""

import pytest

from support.bundles import look_into, look_into_script

NAMED = {
    "double quotes": ('fetch("https://api.example.net/v1")', "https://api.example.net"),
    "backticks": ("fetch(`https://api.example.net/${v}`)", "https://api.example.net"),
    "web socket": ("new WebSocket('wss://live.example.net')", "wss://live.example.net"),
    "port": ('a="http://api.example.net:8080/"', "http://api.example.net:8080"),
    "usual port": ('a="https://api.example.net:443/"', "https://api.example.net"),
    "capitals": ('a="HTTPS://API.Example.NET/V1"', "https://api.example.net"),
    "login": ('a="https://api.good.net@evil.net/"', "https://evil.net"),
    "backslashes": (r'a="https:\\evil.net\x"', "https://evil.net"),
    "slashes as JSON escapes them": (
        r'{"a":"https:\/\/api.example.net\/v1"}',
        "https://api.example.net",
    ),
    "space before": ('fetch("  https://api.example.net")', "https://api.example.net"),
    "no scheme": ('a="//cdn.example.net/x.png"', "https://cdn.example.net"),
    "percent signs": ('a="https://%65vil.net/"', "https://evil.net"),
    "dot at the end": ('a="https://api.example.net./x"', "https://api.example.net"),
    "letters that look alike": (
        'a="https://\u0430pi.example.net/"',
        "https://xn--pi-6kc.example.net",
    ),
    "address": ('a="http://192.168.1.5/"', "http://192.168.1.5"),
    "address as one number": ('a="http://2130706433/"', "http://2130706433"),
    "address of version 6": ('a="http://[2001:db8::1]:81/"', "http://[2001:db8::1]:81"),
    "test server": ('a="http://localhost:3000/"', "http://localhost:3000"),
    "part of a template": ("`https://${a.b}.api.example.net/x`", "https://*.api.example.net"),
    "rest to be filled in": ('a="https://s3.{Region}.example.net/"', "https://s3.*"),
    "rest unknown": ('a="https://s3."+r+".example.net"', "https://s3.*"),
}


@pytest.mark.parametrize("case", NAMED)
def test_an_origin_is_told(case: str) -> None:
    script, origin = NAMED[case]

    assert look_into_script(script).origins == {origin}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.css", "a{background:url(https://img.example.net/a.png)}"),
        ("b.css", '@import "https://img.example.net/a.css";'),
        ("a.html", "<img src=https://img.example.net/a.png>"),
        ("b.html", '<div data-a="{&quot;u&quot;:&quot;https://img.example.net/&quot;}">'),
        ("config.json", '{"api": "https://img.example.net"}'),
        ("data.bin", '\0\1"https://img.example.net"'),
    ],
)
def test_origins_are_looked_for_in_every_kind_of_file(name: str, text: str) -> None:
    assert look_into({name: text}).origins == {"https://img.example.net"}


NOT_NAMED = {
    "namespace": 'a="http://www.w3.org/2000/svg"',
    "licence in a comment": "/*! @license MIT (https://license.example.net/mit) */",
    "comment": "// see https://docs.example.net/a",
    "licence as a value": 'license:"https://git.example.net/x/blob/LICENSE"',
    "running text": 'throw Error("no. See https://docs.example.net/errors/1")',
    "where the bundle itself is": 'a="http://localhost/";b="https://localhost"',
    "scheme alone": 'a.startsWith("https://")||"wss://"+h',
    "nothing but a template": "`https://${a.b}/x`",
    "one letter": 'new URL("https://a/c%20d")',
    "framework's help": 'a="https://react.dev/errors/"+e',
    "pattern": 'a="^https?://"',
}


@pytest.mark.parametrize("case", NOT_NAMED)
def test_what_nothing_is_fetched_from_is_not_told(case: str) -> None:
    assert look_into_script(NOT_NAMED[case]).origins == frozenset()


@pytest.mark.parametrize("name", ["app.js.map", "README.md"])
def test_sources_and_texts_name_no_origins(name: str) -> None:
    assert look_into({name: '"https://api.example.net"'}).origins == frozenset()
