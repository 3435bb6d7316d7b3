"""What an operator writes to a store: a claim, a verdict, a publication, a change."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluice.gate.case import Case
from sluice.gate.record import DecisionRecord, as_record
from sluice.gate.vsa import sign_summary
from sluice.policy.verdict import Verdict
from sluice.reconcile.observed import Claim, Publication, RolloutRow
from sluice.reconcile.step import Serve
from sluice.resources.canonical import canonical_json, sha256_hex
from sluice.resources.kinds import Key, Resource
from sluice.serving.table import Audience, ChannelTable, ServedBundle
from sluice.store.blobs import Blobs
from sluice.store.channels import serve
from sluice.store.claims import take_claim
from sluice.store.database import Database
from sluice.store.leadership import take_over
from sluice.store.publications import publish
from sluice.store.verdicts import record_verdict
from sluice.verify.facts import Evidence
from support.builders import a_subject

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
APP_ID = "com.example.shop"
CHANNEL = Key("Channel", "shop", "production")
CLAIM = Claim(app_id=APP_ID, namespace="shop", name="shop")
BUNDLE = b"a bundle, near enough for a store" * 10
DIGEST = hashlib.sha256(BUNDLE).hexdigest()
RELEASE_DIGEST = "e" * 64
SEAL_KEY = Ed25519PrivateKey.from_private_bytes(b"s" * 32)


async def chunks(data: bytes, size: int = 64) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def a_release_object(name: str = "shop-1.2.0", *, namespace: str = "shop") -> Resource:
    key = Key("Release", namespace, name)
    return Resource(key=key, uid="uid-1", generation=1, resource_version="1", spec=None)


def a_verdict(answer: Any = "allowed", **changes: Any) -> Verdict:
    fields: dict[str, Any] = {
        "answer": answer,
        "reason": "Satisfied",
        "message": "Everything that is asked for is there.",
        "app_id": APP_ID,
        "namespace": "shop",
        "channel": "production",
        "version": "1.2.0",
        "release_digest": RELEASE_DIGEST,
        "findings": (),
        "policies": (),
    }
    return Verdict(**{**fields, **changes})


def a_decision(answer: Any = "allowed", **changes: Any) -> DecisionRecord:
    """A verdict with a case; the store can't see that one does not follow from the other."""
    return as_record(
        Case(
            subject=a_subject(),
            policies=(),
            evidence=(Evidence(source="attestation scan", kind="attestation", data=b"{}"),),
            now=NOW,
        ),
        a_verdict(answer, **changes),
    )


def a_publication(data: bytes = BUNDLE, **changes: Any) -> Publication:
    fields: dict[str, Any] = {
        "app_id": APP_ID,
        "version": "1.2.0",
        "digest": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "release_digest": RELEASE_DIGEST,
        "published_at": NOW,
    }
    return Publication(**{**fields, **changes})


def a_rollout(**changes: Any) -> RolloutRow:
    fields: dict[str, Any] = {
        "rollout_id": "shop/production/1",
        "namespace": "shop",
        "channel": "production",
        "release_digest": RELEASE_DIGEST,
        "retry": 0,
        "bundle_digest": DIGEST,
        "version": "1.2.0",
        "phase": "Rolling",
        "step": 0,
        "step_since": NOW,
        "started_at": NOW,
        "ended_at": None,
        "reason": "Begun",
        "message": "The rollout begins.",
    }
    return RolloutRow(**{**fields, **changes})


BUNDLE_SERVED = ServedBundle(version="1.2.0", digest=DIGEST, size=len(BUNDLE))


def a_table(generation: int = 1, **changes: Any) -> ChannelTable:
    fields: dict[str, Any] = {
        "app_id": APP_ID,
        "namespace": "shop",
        "channel": "production",
        "generation": generation,
        "audience": Audience(
            default=True,
            platforms=("android", "ios"),
            self_assign=False,
            production=True,
            development=True,
            emulator=True,
            device=True,
        ),
        "stable": None,
        "candidate": BUNDLE_SERVED,
        "previous": None,
        "share_bp": 100,
        "rollout_id": "shop/production/1",
        "salt": "a secret salt",
    }
    return ChannelTable(**{**fields, **changes})


def an_offer(seen_generation: int = 0, generation: int | None = None, **changes: Any) -> Serve:
    """The first offer of the bundle to one phone in a hundred; `changes` are to its table."""
    table = a_table(seen_generation + 1 if generation is None else generation, **changes)
    return Serve(
        change="Offer",
        table=table,
        rollout=a_rollout(rollout_id=table.rollout_id),
        seen_generation=seen_generation,
        reason="Begun",
        message="The rollout begins.",
    )


def a_withdrawal(seen_generation: int = 1) -> Serve:
    return Serve(
        change="Withdraw",
        table=a_table(
            seen_generation + 1, candidate=None, share_bp=0, rollout_id="", withdrawn=("1.2.0",)
        ),
        rollout=replace(
            a_rollout(), phase="RolledBack", ended_at=NOW, reason="Worse", message="Phones fail."
        ),
        seen_generation=seen_generation,
        reason="Worse",
        message="Phones fail.",
    )


def a_promotion(seen_generation: int = 1) -> Serve:
    return Serve(
        change="Promote",
        table=a_table(
            seen_generation + 1, stable=BUNDLE_SERVED, candidate=None, share_bp=0, rollout_id=""
        ),
        rollout=replace(a_rollout(), phase="Complete", ended_at=NOW),
        seen_generation=seen_generation,
        reason="Complete",
        message="All phones get it.",
    )


def a_retirement(seen_generation: int = 1) -> Serve:
    return Serve(
        change="Retire",
        table=None,
        rollout=None,
        seen_generation=seen_generation,
        reason="ChannelDeleted",
        message="The channel is gone.",
    )


def a_seal(table: ChannelTable) -> str:
    """What stands for a sealed table: the store can't look inside, and does not."""
    return "sealed " + sha256_hex(canonical_json(table.as_json()))


class Writer:
    """An operator that leads, as far as the store can tell."""

    def __init__(self, database: Database, folder: Path, *, epoch: int = 1) -> None:
        self.database = database
        self.blobs = Blobs(folder)
        self.epoch = epoch

    async def lead(self) -> "Writer":
        await take_over(self.database, epoch=self.epoch, holder="operator-1", at=NOW)
        return self

    async def publish(self, data: bytes = BUNDLE, **changes: Any) -> Publication:
        publication = a_publication(data, **changes)
        await take_claim(self.database, CLAIM, epoch=self.epoch, at=NOW)
        await self.blobs.put(publication.digest, chunks(data))
        return await publish(
            self.database, self.blobs, publication, a_release_object(), epoch=self.epoch
        )

    async def judge(self, answer: Any = "allowed", **changes: Any) -> None:
        decision = a_decision(answer, **changes)
        summary = sign_summary(decision, SEAL_KEY)
        await record_verdict(self.database, decision, summary, epoch=self.epoch, at=NOW)

    async def serve(self, change: Serve) -> None:
        sealed = a_seal(change.table) if change.table else None
        await serve(self.database, CHANNEL, change, sealed=sealed, epoch=self.epoch, at=NOW)
