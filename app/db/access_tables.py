"""The tables of who may come in, and of what was done: API keys, sessions, the audit log."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, UUID

from app.db.schema import id_column, metadata, reference, time

api_keys = sa.Table(
    "api_keys",
    metadata,
    id_column(),
    sa.Column("prefix", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("digest", BYTEA, nullable=False),
    sa.Column("scopes", ARRAY(sa.Text), nullable=False),
    sa.Column("requests_per_minute", sa.Integer),
    sa.Column("jobs_per_day", sa.Integer),
    sa.Column("created_by", sa.Text, nullable=False),
    time("created_at", default=True),
    time("expires_at"),
    time("revoked_at"),
    time("last_used_at"),
)

# Sessions of browsers, and tickets: what the address holds that the command line prints once.
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("digest", BYTEA, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    reference("key_id", "api_keys", nullable=True),
    time("created_at", default=True),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index(None, "expires_at"),
)

# Rows are added and never changed: triggers refuse that, and each row's hash covers the one before.
audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("actor_kind", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("key_id", UUID(as_uuid=True)),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("facts", JSONB, nullable=False),
    sa.Column("previous", BYTEA, nullable=False),
    sa.Column("hash", BYTEA, nullable=False),
    sa.Index(None, "key_id", "action", "at"),
)
