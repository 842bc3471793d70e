"""Replies found by their request, and stood in for the calls of later jobs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    count = {"type_": sa.BigInteger(), "server_default": "0", "nullable": False}
    op.add_column("jobs", sa.Column("reuse", sa.Text(), server_default="never", nullable=False))
    op.add_column("jobs", sa.Column("reused_calls", **count))
    op.add_column("jobs", sa.Column("saved_micro_usd", **count))
    op.add_column("ledger", sa.Column("saved_micro_usd", **count))
    op.add_column(
        "slots", sa.Column("looked_up", sa.Boolean(), server_default="false", nullable=False)
    )
    op.add_column("completions", sa.Column("request_digest", postgresql.BYTEA()))
    op.add_column("completions", sa.Column("reused_from_job_id", sa.UUID()))
    op.add_column("completions", sa.Column("reused_from_slot_id", sa.UUID()))
    op.add_column("completions", sa.Column("reused_from_attempt", sa.Integer()))
    op.add_column("completions", sa.Column("saved_micro_usd", **count))
    op.create_index(
        "ix_completions_request_digest",
        "completions",
        ["request_digest"],
        postgresql_where=sa.text("request_digest IS NOT NULL"),
    )
    op.create_index(
        "uq_completions_reused",
        "completions",
        ["job_id", "reused_from_slot_id", "reused_from_attempt"],
        unique=True,
        postgresql_where=sa.text("reused_from_slot_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_index("uq_completions_reused", table_name="completions")
    op.drop_index("ix_completions_request_digest", table_name="completions")
    for name in ("request_digest", "saved_micro_usd"):
        op.drop_column("completions", name)
    for name in ("job_id", "slot_id", "attempt"):
        op.drop_column("completions", f"reused_from_{name}")
    op.drop_column("slots", "looked_up")
    op.drop_column("ledger", "saved_micro_usd")
    for name in ("saved_micro_usd", "reused_calls", "reuse"):
        op.drop_column("jobs", name)
