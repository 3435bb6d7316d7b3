"""Custom resources as they lie in git: valid unless told otherwise."""

from collections.abc import Mapping
from typing import Any

__all__ = ["a_manifest", "a_spec", "the_largest_policy"]

SPECS: Mapping[str, Mapping[str, Any]] = {
    "App": {"appId": "com.example.shop", "description": "The shop."},
    "Release": {
        "app": "shop",
        "version": "1.4.2",
        "bundle": {
            "url": "https://cdn.example.com/shop-1.4.2.zip",
            "sha256": "ab" * 32,
            "size": 1_048_576,
        },
        "native": {"min": "5.0.0", "max": "6.2.0"},
        "source": {
            "repository": "https://git.example.com/acme/shop",
            "revision": "c" * 40,
            "authors": ["dora@example.com"],
        },
        "attestations": [
            {"name": "provenance", "inline": "{}"},
            {
                "name": "scan",
                "url": "https://cdn.example.com/shop-1.4.2.sarif",
                "sha256": "cd" * 32,
            },
        ],
        "notes": "Pay by card again.",
    },
    "Approval": {"release": "shop-1.4.2", "sigstoreBundle": "{}"},
    "Channel": {
        "app": "shop",
        "release": "shop-1.4.2",
        "audience": {"default": True, "platforms": ["ios", "android"]},
        "rollout": {
            "steps": [
                {"share": "1%", "hold": "30m"},
                {"share": "10%", "hold": "1h", "minDevices": 20},
                {"share": "100%", "hold": "12h"},
            ],
            "guard": {"falseAlarm": "0.01", "tolerance": "0.2%"},
        },
    },
    "ReleasePolicy": {
        "selector": {"apps": ["com.example.*"], "channels": ["production"]},
        "authorities": [
            {
                "name": "sso",
                "issuer": "https://sso.example.com",
                "subjects": ["*@example.com"],
                "trustedRoot": "{}",
            }
        ],
        "people": [
            {
                "name": "alice",
                "identities": [{"authority": "sso", "subject": "alice@example.com"}],
            },
            {"name": "bob", "identities": [{"authority": "sso", "subject": "bob@example.com"}]},
        ],
        "roles": [{"name": "release-manager", "members": ["alice", "bob"]}],
        "requirements": [
            {"name": "signed", "signature": {"authority": "sso"}},
            {
                "name": "built",
                "provenance": {
                    "authority": "sso",
                    "repository": "https://git.example.com/acme/shop",
                },
            },
            {"name": "approved", "approvals": {"role": "release-manager", "count": 1}},
        ],
    },
}


def a_spec(kind: str, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the spec of a kind with some of its leaves changed.

    Args:
        kind: such as `Release`; ClusterReleasePolicy is like ReleasePolicy.
        changes: from a path such as `rollout.steps.0.share` to its new value; None removes it.
    """
    spec = _copy(SPECS[kind.removeprefix("Cluster")])
    for path, value in (changes or {}).items():
        *way, last = path.split(".")
        inner = spec
        for part in way:
            inner = inner[int(part)] if isinstance(inner, list) else inner[part]
        key = int(last) if isinstance(inner, list) else last
        if value is None:
            del inner[key]
        else:
            inner[key] = value
    return spec


def a_manifest(
    kind: str, name: str, *, namespace: str = "", changes: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a whole object; `changes` are those of its spec (see `a_spec`)."""
    return {
        "apiVersion": "sluice.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
        "spec": a_spec(kind, changes),
    }


def the_largest_policy() -> dict[str, Any]:
    """Return the spec of a policy in which everything is as long and as many as it may be."""

    def name(letter: str, number: int) -> str:
        return f"{letter}{number:062d}"

    return {
        "selector": {"apps": ["a" * 128] * 64, "channels": ["c" * 128] * 64},
        "authorities": [
            {
                "name": name("a", each),
                "issuer": "i" * 256,
                "subjects": ["s" * 256] * 32,
                "trustedRoot": "r" * 24 * 1024,
            }
            for each in range(8)
        ],
        "people": [
            {
                "name": name("p", each),
                "keys": [f"ssh-rsa {4 * each + way:0792d}" for way in range(4)],
                "aliases": ["l" * 256] * 2,
            }
            for each in range(96)
        ],
        "roles": [
            {"name": name("r", each), "members": [name("p", 95 - who) for who in range(64)]}
            for each in range(32)
        ],
        "requirements": [
            {
                "name": name("q", each),
                "bundle": {"origins": ["o" * 253] * 16, "plugins": ["g" * 64] * 64},
            }
            for each in range(24)
        ],
        "owners": {"people": [name("p", each) for each in range(16)], "threshold": 8},
        "revision": 1_000_000,
        "seals": [{"sigstoreBundle": "b" * 12 * 1024} for _ in range(8)],
    }


def _copy(value: Any) -> Any:
    match value:
        case Mapping():
            return {key: _copy(item) for key, item in value.items()}
        case list():
            return [_copy(item) for item in value]
        case _:
            return value
