"""Secrets that were left in a bundle.

A pattern of RE2 proposes, and the named detector of detect-secrets confirms what it proposed, which
is short: their patterns backtrack, so they never see a whole file. Guessers (entropy, words such as
`password`) are not used: they fire on ordinary minified code. Nothing is asked over the network.

Keys that are public by design are no secrets: Firebase's web API key, Stripe's publishable key, a
Sentry DSN of today, a Mapbox public token, and Supabase's token for the role `anon`.
"""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from detect_secrets.__version__ import VERSION as DETECT_SECRETS_VERSION
from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.private_key import PrivateKeyDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from sluice.contents.gathered import File, Gathered
from sluice.contents.patterns import Pattern, compiled

__all__ = ["DETECTORS", "DETECT_SECRETS_VERSION", "Detector", "look_for_secrets"]

CANDIDATE_BYTES_MAX: Final = 4096
"""Bytes of a candidate that a detector sees; tokens with many claims reach 2,000."""

_PLACEHOLDERS: Final = frozenset(
    {"password", "passwd", "pass", "pwd", "pw", "secret", "token", "changeme", "example", "user"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """One kind of secret."""

    kind: str
    pattern: Pattern
    """Its last group is the secret, or what it begins with."""

    plugin: RegexBasedDetector | None = None
    """Confirms what the pattern proposes; None where detect-secrets knows no such kind."""

    is_real: Callable[[bytes, bytes], bool] = lambda _secret, _after: True
    """Says no to what only looks like one, given it and what follows it."""


def look_for_secrets(file: File, gathered: Gathered) -> None:
    """Tell where secrets are in a file."""
    for detector in DETECTORS:
        for hit in gathered.hits(detector.pattern, file):
            secret = next(each for each in reversed(hit.groups) if each is not None)
            start = hit.start + hit.group(0).rindex(secret)
            proposed = hit.group(0)[:CANDIDATE_BYTES_MAX]
            after = file.data[hit.end : hit.end + CANDIDATE_BYTES_MAX]
            if (
                detector.is_real(secret, after)
                and _confirms(detector.plugin, proposed)
                and not gathered.add("secrets", file, detector.kind, start)
            ):
                return


def _confirms(plugin: RegexBasedDetector | None, proposed: bytes) -> bool:
    # Minifiers write strings in backticks, and JSON writes `\/`; the detectors know neither.
    text = proposed.decode("utf-8", "replace").replace("`", '"').replace("\\/", "/")
    return plugin is None or any(plugin.analyze_string(text))


def _is_no_example(secret: bytes, _after: bytes) -> bool:
    return b"EXAMPLE" not in secret


def _is_no_public_token(secret: bytes, _after: bytes) -> bool:
    payload = secret.split(b".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return False
    return isinstance(claims, dict) and claims.get("role") != "anon"


_KEY_MATERIAL: Final = compiled(r"[A-Za-z0-9+/=]{40}")


def _has_key_material(_secret: bytes, after: bytes) -> bool:
    # Cryptographic libraries hold the header alone, to write or to look for.
    body = after[:400].partition(b"-----END")[0]
    return any(_KEY_MATERIAL.hits(body, 0))


def _is_no_placeholder(secret: bytes, _after: bytes) -> bool:
    text = secret.decode("ascii", "replace").lower()
    return text not in _PLACEHOLDERS and len(set(text)) > 1


_LOGIN_PART: Final = r"""[^\s:/?#@\\"'`<>{}()\[\]|,;$*&=+!%^]{1,100}"""

DETECTORS: Final = (
    Detector(
        kind="AWS access key",
        pattern=compiled(
            r"\b((?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16})\b",
            *(b"A3T", b"ABIA", b"ACCA", b"AKIA", b"ASIA"),
        ),
        plugin=AWSKeyDetector(),
        is_real=_is_no_example,
    ),
    Detector(
        kind="AWS secret key",
        pattern=compiled(
            r"""(?i)aws.{0,20}?(?:key|pwd|pw|password|pass|token).{0,20}?["'`]"""
            r"""([0-9a-z/+]{40})["'`]"""
        ),
        plugin=AWSKeyDetector(),
        is_real=_is_no_example,
    ),
    Detector(
        kind="GitHub token",
        pattern=compiled(
            r"\b(gh[pousr]_[A-Za-z0-9_]{36,251})\b", b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"
        ),
        plugin=GitHubTokenDetector(),
    ),
    Detector(
        kind="GitHub token",
        pattern=compiled(r"\b(github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b", b"github_pat_"),
    ),
    Detector(
        kind="GitLab token",
        pattern=compiled(r"\b((?:glpat|gldt|glft|glsoat|glrt)-[\w-]{20,50})", b"gl"),
        plugin=GitLabTokenDetector(),
    ),
    Detector(
        kind="JSON Web Token",
        pattern=compiled(r"(?:^|[^\w.-])(eyJ[\w=-]+\.e[yw][\w=-]+)\.[\w-]", b"eyJ"),
        plugin=JwtTokenDetector(),
        is_real=_is_no_public_token,
    ),
    Detector(
        kind="private key",
        pattern=compiled(
            r"-----(BEGIN (?:[A-Z0-9]{1,10} ){0,3}PRIVATE KEY(?: BLOCK)?)-----", b"PRIVATE KEY"
        ),
        plugin=PrivateKeyDetector(),
        is_real=_has_key_material,
    ),
    Detector(
        kind="Slack token",
        pattern=compiled(r"(?i)\b(xox[abposr]-(?:\d+-)+[a-z0-9]{8,})", b"xox", b"XOX"),
        plugin=SlackDetector(),
    ),
    Detector(
        kind="Slack webhook",
        pattern=compiled(
            r"(https:(?:\\?/){2}hooks\.slack\.com\\?/services\\?/T\w+\\?/B\w+\\?/\w+)",
            b"hooks.slack.com",
        ),
        plugin=SlackDetector(),
    ),
    Detector(
        kind="Stripe secret key",
        pattern=compiled(r"\b([rs]k_live_[0-9a-zA-Z]{24,247})\b", b"k_live_"),
        plugin=StripeDetector(),
    ),
    Detector(
        kind="Twilio key",
        pattern=compiled(r"\b((?:SK|AC)[0-9a-f]{32})\b", b"SK", b"AC"),
        plugin=TwilioKeyDetector(),
    ),
    Detector(
        kind="SendGrid key",
        pattern=compiled(r"\b(SG\.[\w-]{22}\.[\w-]{43})", b"SG."),
        plugin=SendGridDetector(),
    ),
    Detector(
        kind="npm token",
        pattern=compiled(r"\b(npm_[A-Za-z0-9]{36})\b", b"npm_"),
    ),
    Detector(
        kind="npm token",
        pattern=compiled(
            r"//[\w.:/-]{1,200}/:_authToken=\s*(npm_\w{1,100}|[A-Fa-f0-9-]{36})", b"_authToken"
        ),
        plugin=NpmDetector(),
    ),
    Detector(
        kind="password in URL",
        pattern=compiled(
            rf"(?i)\b[a-z][a-z0-9+.-]{{1,20}}:(?:\\?/){{2}}{_LOGIN_PART}:({_LOGIN_PART})@[\w.-]",
            b"@",
        ),
        plugin=BasicAuthDetector(),
        is_real=_is_no_placeholder,
    ),
    Detector(
        kind="Azure storage key",
        pattern=compiled(r"(AccountKey=[a-zA-Z0-9+/=]{88})", b"AccountKey="),
        plugin=AzureStorageKeyDetector(),
    ),
    Detector(
        kind="OpenAI key",
        pattern=compiled(r"\b(sk-[\w-]*T3BlbkFJ[A-Za-z0-9]{20})", b"T3BlbkFJ"),
        plugin=OpenAIDetector(),
    ),
    Detector(kind="Anthropic key", pattern=compiled(r"\b(sk-ant-[\w-]{80,200})", b"sk-ant-")),
    Detector(kind="Google client secret", pattern=compiled(r"\b(GOCSPX-[\w-]{28})", b"GOCSPX-")),
    Detector(
        kind="Mapbox secret token",
        pattern=compiled(r"\b(sk\.eyJ[\w-]{20,}\.[\w-]{20,})", b"sk.eyJ"),
    ),
)
"""Every kind of secret that is looked for."""
