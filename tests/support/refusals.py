"""What authors get wrong, and the words in which the models and the API server refuse it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["REFUSALS", "Refusal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One mistake."""

    what: str
    kind: str
    changes: Mapping[str, Any]
    """See `a_spec`."""
    at: str
    """Where, as the operator says it."""
    says: str
    """What the operator says."""
    server: str | None = None
    """What the API server says; None: the same as the operator; empty: it can't tell."""


SHA = "ef" * 32
SEMVER = "semantic version"

APP: Final = [
    Refusal(
        what="an appId of one word",
        kind="App",
        changes={"appId": "shop"},
        at="spec.appId",
        says="two words or more",
    ),
    Refusal(
        what="no appId",
        kind="App",
        changes={"appId": None},
        at="spec.appId",
        says="needed",
        server="Required value",
    ),
]

RELEASE: Final = [
    *(
        Refusal(
            what=f"version {version!r}",
            kind="Release",
            changes={"version": version},
            at="spec.version",
            says=SEMVER,
        )
        for version in (
            "1.4.2.1",
            "01.4.2",
            "v1.4.2",
            "1.4.2-",
            "1.4.2-01",
            "1.4.2 ",
            "\N{FULLWIDTH DIGIT ONE}.4.2",
        )
    ),
    Refusal(
        what="a version that YAML reads as a number",
        kind="Release",
        changes={"version": 1.1},
        at="spec.version",
        says="put it in quotes",
        server="must be of type string",
    ),
    Refusal(
        what="an empty name",
        kind="Release",
        changes={"app": ""},
        at="spec.app",
        says="at least 1 character",
        server="at least 1 char",
    ),
    Refusal(
        what="a name in capitals",
        kind="Release",
        changes={"app": "Shop"},
        at="spec.app",
        says="lower-case",
    ),
    Refusal(
        what="a digest in capitals",
        kind="Release",
        changes={"bundle.sha256": "AB" * 32},
        at="spec.bundle.sha256",
        says="64 lower-case",
    ),
    Refusal(
        what="a size in text",
        kind="Release",
        changes={"bundle.size": "1000"},
        at="spec.bundle.size",
        says="valid integer",
        server="must be of type integer",
    ),
    Refusal(
        what="an empty bundle",
        kind="Release",
        changes={"bundle.size": 0},
        at="spec.bundle.size",
        says="greater than or equal to 1",
    ),
    Refusal(
        what="a bundle that no phone takes",
        kind="Release",
        changes={"bundle.size": 513 * 1024 * 1024},
        at="spec.bundle.size",
        says="less than or equal to 536870912",
    ),
    *(
        Refusal(
            what=f"url {url!r}",
            kind="Release",
            changes={"bundle.url": url},
            at="spec.bundle.url",
            says="https, http or file URL",
        )
        for url in ("ftp://example.com/a", "https://example.com/a b", "javascript:alert(1)")
    ),
    Refusal(
        what="a short revision",
        kind="Release",
        changes={"source.revision": "c" * 7},
        at="spec.source.revision",
        says="a whole commit id",
    ),
    *(
        Refusal(
            what=f"an attestation with {' and '.join(given) or 'nothing'}",
            kind="Release",
            changes={"attestations": [{"name": "a", **given}]},
            at="spec.attestations[0]",
            says="give either inline, or url with sha256",
        )
        for given in (
            {},
            {"inline": "{}", "url": "https://example.com/a", "sha256": SHA},
            {"inline": "{}", "sha256": SHA},
            {"url": "https://example.com/a"},
            {"sha256": SHA},
        )
    ),
    Refusal(
        what="two attestations of one name",
        kind="Release",
        changes={"attestations": [{"name": "a", "inline": "{}"}, {"name": "a", "inline": "{ }"}]},
        at="spec",
        says="names that differ",
        server="Duplicate value",
    ),
    Refusal(
        what="more attestations than can be kept",
        kind="Release",
        changes={"attestations": [{"name": f"a{each}", "inline": "{}"} for each in range(17)]},
        at="spec.attestations",
        says="at most 16 items",
        server="must have at most 16 items",
    ),
    Refusal(
        what="a revocation without a reason",
        kind="Release",
        changes={"revoked": {}},
        at="spec.revoked.reason",
        says="needed",
        server="Required value",
    ),
]

CHANNEL: Final = [
    *(
        Refusal(
            what=f"share {share!r}",
            kind="Channel",
            changes={"rollout.steps.0.share": share},
            at="spec.rollout.steps[0].share",
            says="percentage",
        )
        for share in ("10", "101%", "1.234%", "-1%", "10 %", "%", "1e1%", "1%\n", "")
    ),
    *(
        Refusal(
            what=f"hold {hold!r}",
            kind="Channel",
            changes={"rollout.steps.0.hold": hold},
            at="spec.rollout.steps[0].hold",
            says="length of time",
        )
        for hold in ("30", "1h 30m", "30M", "1.5h", "-1h", "30m1h", "h1")
    ),
    Refusal(
        what="an empty hold",
        kind="Channel",
        changes={"rollout.steps.0.hold": ""},
        at="spec.rollout.steps[0].hold",
        says="at least 2 char",
    ),
    *(
        Refusal(
            what=f"shares {', '.join(shares)}",
            kind="Channel",
            changes={"rollout.steps": [{"share": share, "hold": "1h"} for share in shares]},
            at="spec.rollout",
            says="must grow from more than 0% to 100%",
            server=server,
        )
        for shares, server in (
            (["10%", "5%", "100%"], "shares of steps must grow"),
            (["9%", "10%", "10.0%", "100%"], "shares of steps must grow"),
            (["10%", "9%", "100%"], "shares of steps must grow"),
            (["0%", "100%"], "the first step must have a share of more than 0%"),
            (["10%", "99.99%"], "the last step must have a share of 100%"),
        )
    ),
    Refusal(
        what="a rollout without steps",
        kind="Channel",
        changes={"rollout.steps": []},
        at="spec.rollout.steps",
        says="at least 1 item",
    ),
    Refusal(
        what="a platform that is none",
        kind="Channel",
        changes={"audience.platforms": ["ios", "windows"]},
        at="spec.audience.platforms[1]",
        says="'ios', 'android' or 'electron'",
        server='supported values: "ios", "android", "electron"',
    ),
    *(
        Refusal(
            what=f"false alarm {value!r}",
            kind="Channel",
            changes={"rollout.guard.falseAlarm": value},
            at="spec.rollout.guard.falseAlarm",
            says="a number between 0 and 1",
        )
        for value in ("0", "0.0", "0.000000", "1", "1.5", ".1", "1%")
    ),
]

AUTHORITY = {
    "name": "sso",
    "issuer": "https://sso.example.com",
    "subjects": ["*@example.com"],
    "trustedRoot": "{}",
}
ALICE = {"authority": "sso", "subject": "alice@example.com"}
BOB = {"authority": "sso", "subject": "bob@example.com"}

POLICY: Final = [
    Refusal(
        what="no requirement",
        kind="ReleasePolicy",
        changes={"requirements": []},
        at="spec.requirements",
        says="at least 1 item",
    ),
    *(
        Refusal(
            what=f"a requirement of {count} kinds",
            kind="ReleasePolicy",
            changes={"requirements": [{"name": "one", **kinds}]},
            at="spec.requirements[0]",
            says="set exactly one of signature, provenance, approvals",
        )
        for count, kinds in (
            (0, {}),
            (
                2,
                {
                    "signature": {"authority": "sso"},
                    "approvals": {"role": "release-manager", "count": 1},
                },
            ),
        )
    ),
    Refusal(
        what="no approval needed",
        kind="ReleasePolicy",
        changes={"requirements.2.approvals.count": 0},
        at="spec.requirements[2].approvals.count",
        says="greater than or equal to 1",
    ),
    Refusal(
        what="an unknown role",
        kind="ReleasePolicy",
        changes={"requirements.2.approvals.role": "chief"},
        at="spec",
        says="no such role: chief",
        server="approvals name a role that is not in roles",
    ),
    Refusal(
        what="an unknown authority of a signature",
        kind="ReleasePolicy",
        changes={"requirements.0.signature.authority": "nobody"},
        at="spec",
        says="no such authority: nobody",
        server="a signature names an authority that is not in authorities",
    ),
    Refusal(
        what="an unknown authority of a provenance",
        kind="ReleasePolicy",
        changes={"requirements.1.provenance.authority": "nobody"},
        at="spec",
        says="no such authority: nobody",
        server="a provenance names an authority that is not in authorities",
    ),
    Refusal(
        what="an unknown authority of a person",
        kind="ReleasePolicy",
        changes={"people.0.identities.0.authority": "nobody"},
        at="spec",
        says="no such authority: nobody",
        server="an identity names an authority that is not in authorities",
    ),
    Refusal(
        what="an unknown member of a role",
        kind="ReleasePolicy",
        changes={"roles.0.members": ["alice", "mallory"]},
        at="spec",
        says="no such person: mallory",
        server="a member of a role is not in people",
    ),
    Refusal(
        what="a role, and nobody at all",
        kind="ReleasePolicy",
        changes={"people": None},
        at="spec",
        says="no such person: alice, bob",
        server="a member of a role is not in people",
    ),
    Refusal(
        what="one identity of two people",
        kind="ReleasePolicy",
        changes={"people.1.identities": [ALICE]},
        at="spec",
        says="identities of people must differ",
        server="",
    ),
    *(
        Refusal(
            what=f"two {field} of one name",
            kind="ReleasePolicy",
            changes={field: items},
            at="spec",
            says=f"{field} must differ",
            server=f"two {field} have the same name",
        )
        for field, items in (
            ("authorities", [AUTHORITY, AUTHORITY]),
            (
                "people",
                [{"name": "alice", "identities": [ALICE]}, {"name": "alice", "identities": [BOB]}],
            ),
            (
                "roles",
                [
                    {"name": "release-manager", "members": ["alice"]},
                    {"name": "release-manager", "members": ["alice"]},
                ],
            ),
            (
                "requirements",
                [
                    {"name": "one", "signature": {"authority": "sso"}},
                    {"name": "one", "signature": {"authority": "sso"}},
                ],
            ),
        )
    ),
]

REFUSALS: Final = [*APP, *RELEASE, *CHANNEL, *POLICY]
