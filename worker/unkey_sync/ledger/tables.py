"""The ledger's tables. Instants are microseconds UTC; JSON is text, read and written by the store only.

One ledger belongs to one Unkey workspace; a second workspace gets a second database (or PostgreSQL schema).
Event bodies are sealed and live apart from the narrow, mutable rows, so that work never rewrites a payload.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy import text as sa_text

metadata = MetaData()

events = Table(
    "events",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("source", Text, nullable=False),
    Column("delivery_id", Text, nullable=False),
    Column("entity_kind", Text, nullable=False),
    Column("entity_id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("op", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("subject", Text),
    Column("customer", Text),
    Column("finished_at", BigInteger),
    UniqueConstraint("source", "delivery_id", "entity_kind", "entity_id", name="uq_events_delivery"),
)
Index(
    "ix_events_open",
    events.c.subject,
    postgresql_where=events.c.state.in_(["pending", "parked"]),
    sqlite_where=events.c.state.in_(["pending", "parked"]),
)
Index(
    "ix_events_waiting",
    events.c.source,
    events.c.customer,
    postgresql_where=events.c.state == "waiting",
    sqlite_where=events.c.state == "waiting",
)
Index("ix_events_subject", events.c.subject, events.c.id)

event_bodies = Table(
    "event_bodies",
    metadata,
    Column("event_id", String(40), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    # What is sealed cannot be compressed: up to a page it stays in its row, and nobody tries.
    postgresql_with={"toast_tuple_target": "8160"},
)

facts = Table(
    "facts",
    metadata,
    Column("source", Text, primary_key=True),
    Column("entity_kind", Text, primary_key=True),
    Column("entity_id", Text, primary_key=True),
    Column("subject", Text),
    Column("member", Text),
    Column("customer", Text),
    Column("owner_kind", Text),
    Column("owner_id", Text),
    Column("rev", Integer, nullable=False),
    Column("doubt", Boolean, nullable=False),
    Column("register", Text, nullable=False),
)
Index("ix_facts_subject", facts.c.subject)
Index("ix_facts_member", facts.c.member, postgresql_where=facts.c.member.isnot(None))
Index("ix_facts_customer", facts.c.source, facts.c.customer, postgresql_where=facts.c.customer.isnot(None))
Index(
    "ix_facts_directory",
    facts.c.source,
    facts.c.owner_id,
    postgresql_where=facts.c.owner_kind == "directory",
    sqlite_where=facts.c.owner_kind == "directory",
)

links = Table(
    "links",
    metadata,
    Column("source", Text, primary_key=True),
    Column("customer", Text, primary_key=True),
    Column("subject", Text),
    Column("rev", Integer, nullable=False),
)
Index("ix_links_subject", links.c.subject)

subjects = Table(
    "subjects",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("generation", BigInteger, nullable=False),
    Column("done_generation", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("priority", SmallInteger, nullable=False),
    Column("lease_owner", Text),
    Column("fence", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("unclean", Integer, nullable=False),
    Column("parked_code", Text),
    Column("parked_reason", Text),
    Column("changes_at", BigInteger),
    Column("inputs", Text),
    Column("desired", Text),
    Column("access", Text),
    Column("look", Boolean, nullable=False, server_default=false()),
    postgresql_with={"fillfactor": "70"},
)
Index(
    "ix_subjects_due",
    subjects.c.priority,
    subjects.c.due_at,
    postgresql_where=subjects.c.due_at.isnot(None),
    sqlite_where=subjects.c.due_at.isnot(None),
)

CLOSED = ("suspended", "retained", "removed")
"""What `subjects.access` says of those who may have no usable key."""
Index(
    "ix_subjects_closed",
    subjects.c.subject,
    postgresql_where=subjects.c.access.in_(CLOSED),
    sqlite_where=subjects.c.access.in_(CLOSED),
)

identities = Table(
    "identities",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("external_id", Text, nullable=False, unique=True),
    Column("identity_id", Text),
    Column("created_at", BigInteger),
    Column("removed", Boolean, nullable=False),
    Column("fenced_at", BigInteger),
    Column("keys_listed_at", BigInteger),
    Column("orphans_due_at", BigInteger),
    Column("observed", Text, nullable=False),
    Column("looked_at", BigInteger, nullable=False, server_default="0"),
)
Index(
    "ix_identities_looked",
    identities.c.looked_at,
    postgresql_where=identities.c.identity_id.isnot(None),
    sqlite_where=identities.c.identity_id.isnot(None),
)

keys = Table(
    "keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("disabled_by_us", Boolean, nullable=False),
    Column("slot", Text),
    Column("member", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("armed", Boolean, nullable=False),
    Column("roles", Text, nullable=False),
    Column("quota", Text),
    Column("expires_at", BigInteger),
    Column("orphan", Boolean, nullable=False),
    Column("prepaid", BigInteger),
)
Index("ix_keys_subject", keys.c.subject)
Index(
    "ix_keys_enabled",
    keys.c.subject,
    postgresql_where=keys.c.enabled,
    sqlite_where=keys.c.enabled,
)

breaches = Table(
    "breaches",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("seen_in", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)
Index("ix_breaches_seen", breaches.c.seen_in, breaches.c.seen_at)

rotations = Table(
    "rotations",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("slot", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("overlap_until", BigInteger, nullable=False),
)

handovers = Table(
    "handovers",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("subject", Text, nullable=False),
    Column("slot", Text, nullable=False),
    Column("member", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sealed", LargeBinary),
    Column("created_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("finished_at", BigInteger),
)
Index("ix_handovers_subject", handovers.c.subject)
Index("ix_handovers_key", handovers.c.key_id)
Index(
    "ix_handovers_due",
    handovers.c.due_at,
    postgresql_where=handovers.c.state == "ready",
    sqlite_where=handovers.c.state == "ready",
)

operations = Table(
    "operations",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("subject", Text, nullable=False),
    Column("call", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
Index("ix_operations_subject", operations.c.subject, operations.c.id)

edits = Table(
    "edits",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("subject", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("expected", Text, nullable=False),
    Column("found", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
Index("ix_edits_subject", edits.c.subject, edits.c.id)
Index("ix_edits_at", edits.c.at)

feeds = Table(
    "feeds",
    metadata,
    Column("source", Text, primary_key=True),
    Column("feed", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("checkpoint", Text),
    Column("since", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
)

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

scim_resources = Table(
    "scim_resources",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("name_hash", Text, nullable=False),
    Column("external_hash", Text),
    Column("sealed", LargeBinary, nullable=False),
    Column("indexed_version", BigInteger, nullable=False, server_default="0"),
)
Index("ix_scim_resources_page", *[scim_resources.c[name] for name in ("source", "kind", "id")])
Index("ix_scim_resources_name", *[scim_resources.c[name] for name in ("source", "kind", "name_hash")])
Index("ix_scim_resources_external", *[scim_resources.c[name] for name in ("source", "kind", "external_hash")])
Index(
    "uq_scim_resources_user",
    scim_resources.c.source,
    scim_resources.c.name_hash,
    unique=True,
    postgresql_where=scim_resources.c.kind == "User",
    sqlite_where=scim_resources.c.kind == "User",
)

Index(
    "ix_scim_resources_stale",
    scim_resources.c.source,
    scim_resources.c.id,
    postgresql_where=sa_text("kind = 'User' AND indexed_version <> version"),
    sqlite_where=sa_text("kind = 'User' AND indexed_version <> version"),
)

scim_emails = Table(
    "scim_emails",
    metadata,
    Column("resource_id", Text, primary_key=True),
    Column("hash", Text, primary_key=True),
)
Index("ix_scim_emails_hash", scim_emails.c.hash)

scim_members = Table(
    "scim_members",
    metadata,
    Column("source", Text, primary_key=True),
    Column("group_id", Text, primary_key=True),
    Column("member_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("display", Text),
)
Index("ix_scim_members_member", scim_members.c.source, scim_members.c.member_id)
