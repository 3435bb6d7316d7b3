"""No two readers of a URL may understand it differently (attack row 34)."""

import pytest

from sluice.errors import Refused
from sluice.fetch.places import parse_place


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://example.com/a.zip", "example.com", 443),
        ("https://EXAMPLE.com:8443/a", "example.com", 8443),
        ("http://127.0.0.1:80/a?b=c%2Fd", "127.0.0.1", 80),
        ("https://[2606:4700::1]/a", "2606:4700::1", 443),
        ("https://example.com/a#fragment", "example.com", 443),
        ("file:///srv/bundles/a.zip", "", 0),
    ],
)
def test_a_clear_url_leads_somewhere(url: str, host: str, port: int) -> None:
    place = parse_place(url)

    assert (place.host, place.port) == (host, port)


def test_a_url_is_asked_for_as_it_was_written() -> None:
    """A presigned URL does not survive being written in another way."""
    place = parse_place("https://example.com/a%2fb/%7Ec?X-Amz-Signature=a%2Bb+c&d=%20")

    assert place.url.raw_path_qs == "/a%2fb/%7Ec?X-Amz-Signature=a%2Bb+c&d=%20"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "https:///a",
        "https:example.com",
        "https://good.example\\@evil.example/",
        "https://good.example\\.evil.example/",
        "https://good.example /",
        "https://good.example\t/",
        "https://good.exa\nmple/",
        "https://good.example/\r\nHost: evil.example",
        " https://good.example/",
        "https://good.example/\0",
        "https://exämple.com/",
        "https://example.com/ä",
        "https://ex\u202eample.com/",
        "https://example.com/<>",
        "https://user@example.com/",
        "https://user:hunter2@example.com/",
        "https://@example.com/",
        "https://:@example.com/",
        "https://good.example@evil.example/",
        "https://[::1/",
        "https://[nonsense]/",
        "https://example.com:99999/",
        "https://example.com:port/",
        "https://example.com/" + "a" * 5_000,
        "//example.com/a",
        "/etc/passwd",
    ],
)
def test_a_url_that_is_not_clear_is_refused(url: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_place(url)

    assert refused.value.reason in {"FetchUrlInvalid", "FetchSchemeNotAllowed"}
    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize(
    "scheme", ["ftp", "gopher", "data", "javascript", "unix", "jar", "oci", "s3"]
)
def test_other_schemes_are_refused(scheme: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_place(f"{scheme}://example.com/a")

    assert refused.value.reason == "FetchSchemeNotAllowed"


@pytest.mark.parametrize("scheme", ["oci", "s3"])
def test_what_is_to_come_says_so(scheme: str) -> None:
    with pytest.raises(Refused, match="not accepted yet: give an https"):
        parse_place(f"{scheme}://bucket/a")


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f.1", "[fe80::1%25eth0]", "127.0.0.1."]
)
def test_a_host_that_is_a_number_in_disguise_is_refused(host: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_place(f"https://{host}/a")

    assert refused.value.reason in {"FetchAddressNotAllowed", "FetchUrlInvalid"}
