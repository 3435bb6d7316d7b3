"""Field types that several custom resources share, and the strict base of all models.

Parsing is strict everywhere: an unknown field, a number where a string belongs (`version: 1.10`
is a number in YAML) or an empty name is refused. A typo never silently means "the default".
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

__all__ = [
    "BASIS_POINTS",
    "PATTERN_HINTS",
    "PERCENT",
    "AppId",
    "Clock",
    "Duration",
    "Model",
    "Name",
    "ObjectName",
    "Origin",
    "Percent",
    "PersonName",
    "Probability",
    "Revision",
    "RoleName",
    "SemVer",
    "Sha256",
    "SshKeyText",
    "Subject",
    "Text",
    "Timestamp",
    "Url",
    "basis_points",
    "percent",
    "seconds",
]

BASIS_POINTS: Final = 10_000
"""All phones, in basis points: the unit in which shares are computed."""

DNS_LABEL: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
DNS_SUBDOMAIN: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
NUMBER: Final = r"(0|[1-9][0-9]*)"
PRE_RELEASE: Final = rf"({NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
BUILD: Final = r"[0-9A-Za-z-]+"
SEMVER: Final = (
    rf"^{NUMBER}\.{NUMBER}\.{NUMBER}"
    rf"(-{PRE_RELEASE}(\.{PRE_RELEASE})*)?(\+{BUILD}(\.{BUILD})*)?$"
)
PERCENT: Final = r"^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)%$"
PROBABILITY: Final = r"^0\.0{0,5}[1-9][0-9]{0,5}$"
REVISION: Final = r"^[0-9a-f]{40}([0-9a-f]{24})?$"
DURATION: Final = r"^([0-9]{1,5}d)?([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,7}s)?$"
APP_ID: Final = r"^[A-Za-z0-9]+(\.[A-Za-z0-9_-]+)+$"
SHA256: Final = r"^[0-9a-f]{64}$"
URL: Final = r"^(https|http|file)://[!-~]+$"
CLOCK: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
SSH_KEY: Final = (
    r"^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)"
    r"|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]+={0,2}$"
)

PATTERN_HINTS: Final[Mapping[str, str]] = {
    DNS_LABEL: "this must be a name of lower-case letters, digits and -",
    DNS_SUBDOMAIN: "this must be a name of lower-case letters, digits, - and .",
    SEMVER: 'this must be a semantic version, e.g. "1.4.2"',
    PERCENT: 'this must be a percentage with at most two digits after the point, e.g. "10%"',
    DURATION: 'this must be a length of time, e.g. "30m", "1h30m" or "2d"',
    APP_ID: "this must be an identifier of two words or more, e.g. com.example.shop",
    SHA256: "this must be a SHA-256 digest: 64 lower-case hexadecimal digits",
    PROBABILITY: 'this must be a number between 0 and 1 in quotes, e.g. "0.01"',
    REVISION: "this must be a whole commit id: 40 or 64 lower-case hexadecimal digits",
    URL: "this must be an https, http or file URL without spaces",
    CLOCK: 'this must be a time of day in quotes, e.g. "09:30"',
    SSH_KEY: "this must be an SSH public key: its type and its base64 text, without a comment",
}
"""What to tell a person whose text does not match."""

DURATION_PARTS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


class Model(BaseModel):
    """Base of every model in a custom resource: strict, closed, immutable, camelCase outside."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )


def basis_points(percent: str) -> int:
    """Return a percentage such as `"12.5%"` in basis points (1250)."""
    whole, _, part = percent.removesuffix("%").partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0") or "0")


def percent(share_bp: int) -> str:
    """Return basis points as a percentage: 1250 as `"12.5%"`."""
    whole, part = divmod(share_bp, 100)
    return f"{whole}.{part:02}".rstrip("0").rstrip(".") + "%"


def seconds(duration: str) -> int:
    """Return a duration such as `"1h30m"` in seconds."""
    return sum(
        int(number) * DURATION_PARTS[unit]
        for number, unit in re.findall(r"([0-9]+)([dhms])", duration)
    )


def _in_utc(value: datetime) -> datetime:
    if value.utcoffset() != timedelta(0):
        msg = "a time must be in UTC and end in Z"
        raise ValueError(msg)
    return value


Name = Annotated[str, Field(pattern=DNS_LABEL, min_length=1, max_length=63)]
"""Name of a part of an object, to refer to it from elsewhere in the object."""

ObjectName = Annotated[str, Field(pattern=DNS_SUBDOMAIN, min_length=1, max_length=253)]
"""Name of a Kubernetes object. Dots may be in it: a Release is often called shop-1.4.2."""

PersonName = Annotated[str, Field(pattern=DNS_LABEL, min_length=1, max_length=63)]
"""Name of a person in a policy's registry."""

RoleName = Annotated[str, Field(pattern=DNS_LABEL, min_length=1, max_length=63)]
"""Name of a role in a policy."""

AppId = Annotated[str, Field(pattern=APP_ID, min_length=3, max_length=128)]
"""The app's identifier as the phones send it, e.g. com.example.shop."""

SemVer = Annotated[str, Field(pattern=SEMVER, min_length=5, max_length=64)]
"""A semantic version (semver.org 2.0), always quoted in YAML."""

Sha256 = Annotated[str, Field(pattern=SHA256, max_length=64)]
"""A SHA-256 digest, 64 lower-case hexadecimal digits."""

Percent = Annotated[str, Field(pattern=PERCENT, max_length=7)]
"""A share of the phones, e.g. 10% or 0.25%; two digits after the point at most."""

Probability = Annotated[str, Field(pattern=PROBABILITY, max_length=8)]
"""A probability: more than 0 and less than 1. Text, since floating point has no single form."""

Revision = Annotated[str, Field(pattern=REVISION, max_length=64)]
"""A git commit id (SHA-1 or SHA-256)."""

Duration = Annotated[str, Field(pattern=DURATION, min_length=2, max_length=32)]
"""A length of time, e.g. 30m, 1h30m or 2d; 0s for none. The least length refuses the empty text,
which the pattern lets through."""

Url = Annotated[str, Field(min_length=8, max_length=2048, pattern=URL)]
"""A place to fetch bytes from; printable ASCII and no space."""

Origin = Annotated[str, Field(pattern=r"^https://[!-~]+$", max_length=256)]
"""A website as browsers name it, e.g. https://approve.example.com."""

Subject = Annotated[str, Field(min_length=1, max_length=256)]
"""Identity in a signing certificate: an e-mail address (254 at most) or a workflow's URI."""

Clock = Annotated[str, Field(pattern=CLOCK, max_length=5)]
"""A time of day, HH:MM, always quoted in YAML (12:30 is the number 750 there)."""

SshKeyText = Annotated[str, Field(pattern=SSH_KEY, min_length=32, max_length=800)]
"""An SSH public key, type and base64; RSA 4096 has 724 characters."""

Text = Annotated[str, Field(max_length=4096)]
"""Text for people; never interpreted."""

Timestamp = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment in UTC (RFC 3339, ending in Z)."""
