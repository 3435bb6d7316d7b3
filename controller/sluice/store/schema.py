"""The tables. A change here needs a migration; a test compares both.

What a table holds for ever says so. Times are whole microseconds since 1970 in UTC (see `UtcTime`);
digests are 64 lower-case hexadecimal digits; JSON is canonical text, because digests are made over
it.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

__all__ = [
    "REVISION",
    "UtcTime",
    "alembic_version",
    "attempts",
    "audit",
    "audit_head",
    "channels",
    "claims",
    "counts",
    "decisions",
    "inspections",
    "kept_words",
    "leadership",
    "ledger",
    "ledger_refusals",
    "metadata",
    "overrides",
    "pieces",
    "policies",
    "publications",
    "quarantine",
    "reports",
    "revocations",
    "rollouts",
    "serving_change",
    "sightings",
    "verdicts",
]

REVISION: Final = "0001"
"""The migration that makes exactly these tables."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)

DIGEST: Final = String(64)


class UtcTime(TypeDecorator[datetime]):
    """A moment, exact to the microsecond and in the same order as its number on any database."""

    impl = BigInteger
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - EPOCH) // MICROSECOND

    @override
    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + value * MICROSECOND


metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

alembic_version: Final = Table("alembic_version", MetaData(), Column("version_num", String(32)))
"""Alembic's own table, which it makes itself."""

leadership: Final = Table(
    "leadership",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("at", UtcTime, nullable=True),
)
"""One row (id 1): which operator leads. Locked by every write of an operator."""

audit: Final = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", String(27), nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", DIGEST, nullable=False),
    Column("hash", DIGEST, nullable=False),
)
"""Append-only and hash-chained; triggers refuse everything else. `at` is text, for it is hashed."""

audit_head: Final = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", DIGEST, nullable=False),
)
"""One row (id 1): the last entry once more, so that a log that lost its tail is found out."""

claims: Final = Table(
    "claims",
    metadata,
    Column("app_id", Text, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

policies: Final = Table(
    "policies",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("digest", DIGEST, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)
"""Every revision of a policy that ever came into force, for ever; the highest is in force.
`sealed` is all of it, under the operator's seal: what is not sealed counts for nothing."""

kept_words: Final = Table(
    "kept_words",
    metadata,
    Column("namespace", Text, primary_key=True),
    Column("release_digest", DIGEST, primary_key=True),
    Column("evidence_sha256", DIGEST, primary_key=True),
    Column("source", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("statement", Text, nullable=True),
    Column("at", UtcTime, nullable=False),
)
"""Signed words on a release that take something away, or owe something, for ever. They are proven
anew each time, so nobody can forge one here."""

revocations: Final = Table(
    "revocations",
    metadata,
    Column("namespace", Text, primary_key=True),
    Column("digest", DIGEST, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)
"""Bundles that were revoked, whatever stands in git now; triggers refuse every change."""

verdicts: Final = Table(
    "verdicts",
    metadata,
    Column("namespace", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("digest", DIGEST, nullable=False),
    Column("answer", Text, nullable=False),
    Column("release_digest", DIGEST, nullable=False),
    Column("at", UtcTime, nullable=False),
)
"""The last verdict in the audit log for each channel."""

decisions: Final = Table(
    "decisions",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("namespace", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("verdict", DIGEST, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("record", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Index(None, "namespace", "channel", "seq"),
    Index(None, "digest"),
)
"""What each verdict in the audit log was made from (`gate.record`), under its entry's number, with
its signed summary. Append-only."""

pieces: Final = Table(
    "pieces",
    metadata,
    Column("digest", DIGEST, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
"""Policies, releases, evidence: whatever the records of decisions name by its digest. Append-only:
nothing that a decision was made from is ever deleted."""

inspections: Final = Table(
    "inspections",
    metadata,
    Column("digest", DIGEST, primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)
"""What was seen inside each bundle that a policy asked about, under the operator's seal."""

ledger: Final = Table(
    "ledger",
    metadata,
    Column("app_id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("digest", DIGEST, nullable=False),
    Column("release_digest", DIGEST, nullable=False),
    Column("at", UtcTime, nullable=False),
)
"""Which bundle a version of an app is, for ever: no deletion of a Release frees the name."""

ledger_refusals: Final = Table(
    "ledger_refusals",
    metadata,
    Column("app_id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("digest", DIGEST, primary_key=True),
    Column("at", UtcTime, nullable=False),
)
"""Bundles that came under a version which was another's already: each is audited once."""

publications: Final = Table(
    "publications",
    metadata,
    Column("app_id", Text, primary_key=True),
    Column("release_digest", DIGEST, primary_key=True),
    Column("version", Text, nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("published_at", UtcTime, nullable=False),
    Index(None, "app_id", "digest"),
)

channels: Final = Table(
    "channels",
    metadata,
    Column("namespace", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("app_id", Text, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("sealed", Text, nullable=True),
    Column("stable_digest", DIGEST, nullable=True),
    Column("candidate_digest", DIGEST, nullable=True),
    Column("previous_digest", DIGEST, nullable=True),
    Column("share_bp", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
)
"""What is served. A retired channel stays as a row without `sealed`: generations never go back."""

serving_change: Final = Table(
    "serving_change",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)
"""One row (id 1): grows with each change of what any phone may get."""

overrides: Final = Table(
    "overrides",
    metadata,
    Column("app_id", Text, primary_key=True),
    Column("device_id", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

quarantine: Final = Table(
    "quarantine",
    metadata,
    Column("digest", DIGEST, primary_key=True),
    Column("device_id", Text, primary_key=True),
    Column("at", UtcTime, nullable=False),
)

rollouts: Final = Table(
    "rollouts",
    metadata,
    Column("rollout_id", Text, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("release_digest", DIGEST, nullable=False),
    Column("retry", Integer, nullable=False),
    Column("bundle_digest", DIGEST, nullable=False),
    Column("version", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("step_since", UtcTime, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime, nullable=True),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    UniqueConstraint("namespace", "channel", "generation"),
    Index(None, "namespace", "channel", "release_digest", "retry"),
)
"""`generation` is the channel's when the rollout began: the highest is the latest."""

sightings: Final = Table(
    "sightings",
    metadata,
    Column("rollout_id", Text, primary_key=True),
    Column("arm", Text, primary_key=True),
    Column("device_id", Text, primary_key=True),
    Column("first_at", UtcTime, nullable=True),
    Column("running_at", UtcTime, nullable=True),
    Column("heard_until", UtcTime, nullable=True),
    Column("failed_at", UtcTime, nullable=True),
    Column("failure", Text, nullable=True),
    Column("standing", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""What one device showed in one rollout; see `store.sighting`. `standing` is how it is counted."""

counts: Final = Table(
    "counts",
    metadata,
    Column("rollout_id", Text, primary_key=True),
    Column("arm", Text, primary_key=True),
    Column("devices", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("proven", BigInteger, nullable=False),
)
"""Sums over `sightings`, kept in the same transactions: a million rows are not counted each lap."""

reports: Final = Table(
    "reports",
    metadata,
    Column("app_id", Text, primary_key=True),
    Column("device_id", Text, primary_key=True),
    Column("action", Text, primary_key=True),
    Column("version_name", Text, primary_key=True),
    Column("timestamp_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("received_at", UtcTime, nullable=False),
    sqlite_with_rowid=False,
)
"""Each event once. -1 stands for no timestamp: nulls would never be equal."""

attempts: Final = Table(
    "attempts",
    metadata,
    Column("namespace", Text, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("release_digest", DIGEST, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("retry_at", UtcTime, nullable=True),
)
