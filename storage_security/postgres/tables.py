"""The tables of the product as SQLAlchemy Core sees them.

Migrations are plain SQL and do not import this module, so an old migration never changes; a test compares the
migrated database with these tables.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata: Final = MetaData()
_Moment: Final = DateTime(timezone=True)


def _is_one_of(column: str, *values: str) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(v) for v in values)})", name=f"{column}_is_known")


decisions: Final = Table(
    "decisions",
    metadata,
    Column("transaction_id", Text, primary_key=True),
    Column("decision_version", SmallInteger, primary_key=True),
    Column("event_time", _Moment, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("card_token", Text, nullable=False),
    Column("merchant_id", Text, nullable=False),
    Column("mcc", Text, nullable=False),
    Column("merchant_country", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_base_minor", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("risk_score", Double, nullable=False),
    Column("probability", Double, nullable=False),
    Column("reason_codes", ARRAY(Text), nullable=False),
    Column("rule_hits", ARRAY(Text), nullable=False),
    Column("experiment", Text),
    Column("arm", Text),
    Column("model_version", Text, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("catalogue_version", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("record_versions", JSONB, nullable=False),
    Column("degraded", ARRAY(Text), nullable=False),
    Column("decided_at", _Moment, nullable=False),
    Column("latency_ms", Double),
    _is_one_of("outcome", "approve", "challenge", "review", "decline"),
    Index("decisions_by_customer", "customer_id", text("event_time DESC")),
)

fraud_summary: Final = Table(
    "fraud_summary",
    metadata,
    Column("hour", _Moment, primary_key=True, comment="Hour of the decision, UTC."),
    Column("outcome", Text, primary_key=True),
    Column("decisions", BigInteger, nullable=False),
    Column("amount_base_minor", BigInteger, nullable=False),
)

cases: Final = Table(
    "cases",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("opened_at", _Moment, nullable=False),
    Column("due_at", _Moment, nullable=False),
    Column("alert_count", Integer, nullable=False),
    Column("amount_at_risk_base_minor", BigInteger, nullable=False),
    Column("expected_loss_base_minor", BigInteger, nullable=False),
    Column("top_reason_code", Text, nullable=False),
    Column("top_reason_figures", JSONB, nullable=False),
    Column("risk_score", Double, nullable=False),
    Column("queue_rank", Double, nullable=False, comment="ln(expected loss) plus urgency; greater goes first."),
    Column("verdict", Text),
    Column("assigned_to", Text),
    Column("locked_until", _Moment),
    Column("closed_at", _Moment),
    Column("closed_by", Text),
    Column("version", Integer, nullable=False),
    _is_one_of("status", "open", "closed"),
    _is_one_of("verdict", "fraud", "legitimate"),
    CheckConstraint("(status = 'closed') = (verdict IS NOT NULL)", name="closed_has_verdict"),
    # Two sinks that open a case for the same customer at once meet here, and one of them joins the other's.
    Index("one_open_case_per_customer", "customer_id", unique=True, postgresql_where=text("status = 'open'")),
    Index("cases_by_rank", "status", text("queue_rank DESC"), text("case_id DESC")),
    Index("cases_by_age", "status", text("opened_at DESC"), text("case_id DESC")),
    Index("cases_by_customer", "customer_id"),
)

fraud_alerts: Final = Table(
    "fraud_alerts",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("transaction_id", Text, nullable=False),
    Column("decision_version", SmallInteger, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("event_time", _Moment, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("risk_score", Double, nullable=False),
    Column("probability", Double, nullable=False),
    Column("amount_base_minor", BigInteger, nullable=False),
    Column("case_id", Text, ForeignKey("cases.case_id")),
    Column("payload", JSONB, nullable=False, comment="The record of alerts.v1."),
    UniqueConstraint("transaction_id", "decision_version", name="one_alert_per_decision"),
    Index("fraud_alerts_by_case", "case_id", text("risk_score DESC")),
    Index("fraud_alerts_by_customer", "customer_id", text("event_time DESC")),
)

customer_events: Final = Table(
    "customer_events",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("event_time", _Moment, nullable=False),
    Column("detail", JSONB, nullable=False),
    Index("customer_events_by_customer", "customer_id", text("event_time DESC")),
)

authorisations: Final = Table(
    "authorisations",
    metadata,
    Column("transaction_id", Text, primary_key=True),
    Column("observed_at", _Moment, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("reason", Text),
    Index("authorisations_by_customer", "customer_id", text("observed_at DESC")),
)

labels: Final = Table(
    "labels",
    metadata,
    Column("label_id", Text, primary_key=True),
    Column("transaction_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("merchant_id", Text, nullable=False),
    Column("terminal_id", Text),
    Column("event_time", _Moment, nullable=False),
    Column("is_fraud", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("observed_at", _Moment, nullable=False),
    Column("confidence", Double, nullable=False),
    Index("labels_by_customer", "customer_id", text("observed_at DESC")),
    Index("labels_by_transaction", "transaction_id"),
)

case_events: Final = Table(
    "case_events",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("cases.case_id"), nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", _Moment, nullable=False),
    Column("data", JSONB, nullable=False),
    Index("case_events_by_customer", "customer_id", text("at DESC")),
    comment="Append-only: a trigger refuses changes.",
)

outbox: Final = Table(
    "outbox",
    metadata,
    Column("outbox_id", BigInteger, primary_key=True, autoincrement=True),
    Column("message_id", Text, nullable=False, unique=True),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("created_at", _Moment, nullable=False, server_default=text("now()")),
    Column("sent_at", _Moment),
    Index("outbox_waiting", "outbox_id", postgresql_where=text("sent_at IS NULL")),
)

dead_letters: Final = Table(
    "dead_letters",
    metadata,
    Column("topic", Text, primary_key=True, comment="Of the record that broke its contract."),
    Column("partition", Integer, primary_key=True),
    Column("log_offset", BigInteger, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("errors", JSONB, nullable=False),
    Column("at", _Moment, nullable=False),
)

sink_offsets: Final = Table(
    "sink_offsets",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("topic_id", Text, primary_key=True, comment="A topic that was created anew starts from its beginning."),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
)
