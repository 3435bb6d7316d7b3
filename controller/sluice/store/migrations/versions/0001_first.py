"""The first tables, and triggers that keep the log, decisions and the ledger append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NO_HASH = "0" * 64
"""What the first audit entry names as the one before it."""

APPEND_ONLY = (
    # REPLACE deletes without asking the triggers on DELETE, so an INSERT must be what comes next.
    """CREATE TRIGGER audit_appends BEFORE INSERT ON audit
    WHEN NEW.seq <> (SELECT seq FROM audit_head) + 1
      OR NEW.previous <> (SELECT hash FROM audit_head)
    BEGIN SELECT RAISE(ABORT, 'audit entries are only appended'); END""",
    """CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'audit entries are only appended'); END""",
    """CREATE TRIGGER audit_forgets_nothing BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'audit entries are only appended'); END""",
    """CREATE TRIGGER audit_head_advances BEFORE UPDATE ON audit_head
    WHEN NEW.seq <> OLD.seq + 1 OR NEW.id <> OLD.id
    BEGIN SELECT RAISE(ABORT, 'the head of the audit log only advances'); END""",
    """CREATE TRIGGER audit_head_is_one BEFORE INSERT ON audit_head
    BEGIN SELECT RAISE(ABORT, 'the head of the audit log only advances'); END""",
    """CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
    BEGIN SELECT RAISE(ABORT, 'the head of the audit log only advances'); END""",
    """CREATE TRIGGER decisions_append BEFORE INSERT ON decisions
    WHEN NEW.seq <> (SELECT seq FROM audit_head)
      OR EXISTS (SELECT 1 FROM decisions WHERE seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'decisions are only appended'); END""",
    """CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are only appended'); END""",
    """CREATE TRIGGER decisions_are_kept BEFORE DELETE ON decisions
    BEGIN SELECT RAISE(ABORT, 'decisions are only appended'); END""",
    """CREATE TRIGGER pieces_append BEFORE INSERT ON pieces
    WHEN EXISTS (SELECT 1 FROM pieces WHERE digest = NEW.digest)
    BEGIN SELECT RAISE(ABORT, 'pieces of decisions are only appended'); END""",
    """CREATE TRIGGER pieces_stay BEFORE UPDATE ON pieces
    BEGIN SELECT RAISE(ABORT, 'pieces of decisions are only appended'); END""",
    """CREATE TRIGGER pieces_are_kept BEFORE DELETE ON pieces
    BEGIN SELECT RAISE(ABORT, 'pieces of decisions are only appended'); END""",
    """CREATE TRIGGER ledger_appends BEFORE INSERT ON ledger
    WHEN EXISTS (SELECT 1 FROM ledger WHERE app_id = NEW.app_id AND version = NEW.version)
    BEGIN SELECT RAISE(ABORT, 'the ledger keeps what a version is'); END""",
    """CREATE TRIGGER ledger_keeps BEFORE UPDATE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger keeps what a version is'); END""",
    """CREATE TRIGGER ledger_forgets_nothing BEFORE DELETE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger keeps what a version is'); END""",
    """CREATE TRIGGER policies_follow BEFORE INSERT ON policies
    WHEN NEW.revision <> 1 + (SELECT coalesce(max(revision), 0) FROM policies
      WHERE kind = NEW.kind AND namespace = NEW.namespace AND name = NEW.name)
    BEGIN SELECT RAISE(ABORT, 'a revision of a policy follows the one before'); END""",
    """CREATE TRIGGER policies_keep BEFORE UPDATE ON policies
    BEGIN SELECT RAISE(ABORT, 'a revision of a policy never changes'); END""",
    """CREATE TRIGGER policies_forget_nothing BEFORE DELETE ON policies
    BEGIN SELECT RAISE(ABORT, 'a revision of a policy is never forgotten'); END""",
    """CREATE TRIGGER kept_words_keep BEFORE UPDATE ON kept_words
    BEGIN SELECT RAISE(ABORT, 'a word that was kept never changes'); END""",
    """CREATE TRIGGER kept_words_forget_nothing BEFORE DELETE ON kept_words
    BEGIN SELECT RAISE(ABORT, 'a word that was kept is never forgotten'); END""",
    """CREATE TRIGGER revocations_keep BEFORE UPDATE ON revocations
    BEGIN SELECT RAISE(ABORT, 'a revocation never changes'); END""",
    """CREATE TRIGGER revocations_forget_nothing BEFORE DELETE ON revocations
    BEGIN SELECT RAISE(ABORT, 'a revocation is never taken back'); END""",
    """CREATE TRIGGER epoch_grows BEFORE UPDATE ON leadership
    WHEN NEW.epoch <= OLD.epoch
    BEGIN SELECT RAISE(ABORT, 'the epoch of the leader only grows'); END""",
)
"""SQLite's. A migration that makes one of these tables anew must make its triggers anew too."""


def upgrade() -> None:
    _leadership_and_audit()
    _claims_and_verdicts()
    _policies_and_words()
    _decisions()
    _publications()
    _served()
    _chosen_by_phones()
    _rollouts()
    _told_by_phones()
    op.execute("INSERT INTO leadership (id, epoch, holder) VALUES (1, 0, '')")
    op.execute(
        sa.text("INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, :hash)").bindparams(
            hash=NO_HASH
        )
    )
    op.execute("INSERT INTO serving_change (id, number) VALUES (1, 0)")
    if op.get_bind().dialect.name == "sqlite":
        for trigger in APPEND_ONLY:
            op.execute(trigger)


def _leadership_and_audit() -> None:
    op.create_table(
        "leadership",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_leadership"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )


def _claims_and_verdicts() -> None:
    op.create_table(
        "claims",
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("app_id", name="pk_claims"),
    )
    op.create_table(
        "verdicts",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("release_digest", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "channel", name="pk_verdicts"),
    )
    op.create_table(
        "attempts",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("release_digest", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("retry_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("namespace", "purpose", "release_digest", name="pk_attempts"),
    )


def _policies_and_words() -> None:
    op.create_table(
        "policies",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "namespace", "name", "revision", name="pk_policies"),
    )
    op.create_table(
        "kept_words",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("release_digest", sa.String(64), nullable=False),
        sa.Column("evidence_sha256", sa.String(64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "namespace", "release_digest", "evidence_sha256", name="pk_kept_words"
        ),
    )
    op.create_table(
        "revocations",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "digest", name="pk_revocations"),
    )


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("verdict", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_decisions"),
    )
    op.create_index(
        "ix_decisions_namespace_channel_seq", "decisions", ["namespace", "channel", "seq"]
    )
    op.create_index("ix_decisions_digest", "decisions", ["digest"])
    op.create_table(
        "pieces",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_pieces"),
    )


def _publications() -> None:
    op.create_table(
        "inspections",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_inspections"),
    )
    op.create_table(
        "ledger",
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("release_digest", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("app_id", "version", name="pk_ledger"),
    )
    op.create_table(
        "ledger_refusals",
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("app_id", "version", "digest", name="pk_ledger_refusals"),
    )
    op.create_table(
        "publications",
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("release_digest", sa.String(64), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("app_id", "release_digest", name="pk_publications"),
    )
    op.create_index("ix_publications_app_id_digest", "publications", ["app_id", "digest"])


def _served() -> None:
    op.create_table(
        "channels",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("stable_digest", sa.String(64), nullable=True),
        sa.Column("candidate_digest", sa.String(64), nullable=True),
        sa.Column("previous_digest", sa.String(64), nullable=True),
        sa.Column("share_bp", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "channel", name="pk_channels"),
    )
    op.create_table(
        "serving_change",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_serving_change"),
    )


def _chosen_by_phones() -> None:
    op.create_table(
        "overrides",
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("app_id", "device_id", name="pk_overrides"),
    )
    op.create_table(
        "quarantine",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "device_id", name="pk_quarantine"),
    )


def _rollouts() -> None:
    op.create_table(
        "rollouts",
        sa.Column("rollout_id", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("release_digest", sa.String(64), nullable=False),
        sa.Column("retry", sa.Integer(), nullable=False),
        sa.Column("bundle_digest", sa.String(64), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("step_since", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("rollout_id", name="pk_rollouts"),
        sa.UniqueConstraint(
            "namespace",
            "channel",
            "generation",
            name="uq_rollouts_namespace_channel_generation",
        ),
    )
    op.create_index(
        "ix_rollouts_namespace_channel_release_digest_retry",
        "rollouts",
        ["namespace", "channel", "release_digest", "retry"],
    )


def _told_by_phones() -> None:
    op.create_table(
        "sightings",
        sa.Column("rollout_id", sa.Text(), nullable=False),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=True),
        sa.Column("running_at", sa.BigInteger(), nullable=True),
        sa.Column("heard_until", sa.BigInteger(), nullable=True),
        sa.Column("failed_at", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("rollout_id", "arm", "device_id", name="pk_sightings"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "counts",
        sa.Column("rollout_id", sa.Text(), nullable=False),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.Column("devices", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("proven", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rollout_id", "arm", name="pk_counts"),
    )
    op.create_table(
        "reports",
        sa.Column("app_id", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("version_name", sa.Text(), nullable=False),
        sa.Column("timestamp_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "app_id", "device_id", "action", "version_name", "timestamp_ms", name="pk_reports"
        ),
        sqlite_with_rowid=False,
    )
