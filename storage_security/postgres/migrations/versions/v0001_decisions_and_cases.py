"""Decisions, alerts, cases, the outbox and the sinks' positions."""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_RECORDS: Final = """
CREATE TABLE decisions (
    transaction_id text NOT NULL,
    decision_version smallint NOT NULL,
    event_time timestamptz NOT NULL,
    customer_id text NOT NULL,
    card_token text NOT NULL,
    merchant_id text NOT NULL,
    mcc text NOT NULL,
    merchant_country text NOT NULL,
    channel text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    amount_base_minor bigint NOT NULL,
    outcome text NOT NULL CONSTRAINT outcome_is_known CHECK (outcome IN ('approve', 'challenge', 'review', 'decline')),
    risk_score double precision NOT NULL,
    probability double precision NOT NULL,
    reason_codes text[] NOT NULL,
    rule_hits text[] NOT NULL,
    experiment text,
    arm text,
    model_version text NOT NULL,
    policy_version text NOT NULL,
    catalogue_version text NOT NULL,
    decided_by text NOT NULL,
    record_versions jsonb NOT NULL,
    degraded text[] NOT NULL,
    decided_at timestamptz NOT NULL,
    latency_ms double precision,
    PRIMARY KEY (transaction_id, decision_version)
);
CREATE INDEX decisions_by_customer ON decisions (customer_id, event_time DESC);

CREATE TABLE fraud_summary (
    hour timestamptz NOT NULL,
    outcome text NOT NULL,
    decisions bigint NOT NULL,
    amount_base_minor bigint NOT NULL,
    PRIMARY KEY (hour, outcome)
);
COMMENT ON COLUMN fraud_summary.hour IS 'Hour of the decision, UTC.';

CREATE TABLE customer_events (
    event_id text PRIMARY KEY,
    customer_id text NOT NULL,
    kind text NOT NULL,
    event_time timestamptz NOT NULL,
    detail jsonb NOT NULL
);
CREATE INDEX customer_events_by_customer ON customer_events (customer_id, event_time DESC);

CREATE TABLE authorisations (
    transaction_id text NOT NULL,
    observed_at timestamptz NOT NULL,
    customer_id text NOT NULL,
    result text NOT NULL,
    reason text,
    PRIMARY KEY (transaction_id, observed_at)
);
CREATE INDEX authorisations_by_customer ON authorisations (customer_id, observed_at DESC);

CREATE TABLE labels (
    label_id text PRIMARY KEY,
    transaction_id text NOT NULL,
    customer_id text NOT NULL,
    merchant_id text NOT NULL,
    terminal_id text,
    event_time timestamptz NOT NULL,
    is_fraud boolean NOT NULL,
    source text NOT NULL,
    observed_at timestamptz NOT NULL,
    confidence double precision NOT NULL
);
CREATE INDEX labels_by_customer ON labels (customer_id, observed_at DESC);
CREATE INDEX labels_by_transaction ON labels (transaction_id);
"""

_CASES: Final = """
CREATE TABLE cases (
    case_id text PRIMARY KEY,
    customer_id text NOT NULL,
    status text NOT NULL CONSTRAINT status_is_known CHECK (status IN ('open', 'closed')),
    opened_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    alert_count integer NOT NULL,
    amount_at_risk_base_minor bigint NOT NULL,
    expected_loss_base_minor bigint NOT NULL,
    top_reason_code text NOT NULL,
    top_reason_figures jsonb NOT NULL,
    risk_score double precision NOT NULL,
    queue_rank double precision NOT NULL,
    verdict text CONSTRAINT verdict_is_known CHECK (verdict IN ('fraud', 'legitimate')),
    assigned_to text,
    locked_until timestamptz,
    closed_at timestamptz,
    closed_by text,
    version integer NOT NULL,
    CONSTRAINT closed_has_verdict CHECK ((status = 'closed') = (verdict IS NOT NULL))
);
COMMENT ON COLUMN cases.queue_rank IS 'ln(expected loss) plus urgency; greater goes first.';
CREATE UNIQUE INDEX one_open_case_per_customer ON cases (customer_id) WHERE status = 'open';
CREATE INDEX cases_by_rank ON cases (status, queue_rank DESC, case_id DESC);
CREATE INDEX cases_by_age ON cases (status, opened_at DESC, case_id DESC);
CREATE INDEX cases_by_customer ON cases (customer_id);

CREATE TABLE fraud_alerts (
    alert_id text PRIMARY KEY,
    transaction_id text NOT NULL,
    decision_version smallint NOT NULL,
    customer_id text NOT NULL,
    event_time timestamptz NOT NULL,
    outcome text NOT NULL,
    risk_score double precision NOT NULL,
    probability double precision NOT NULL,
    amount_base_minor bigint NOT NULL,
    case_id text REFERENCES cases (case_id),
    payload jsonb NOT NULL,
    CONSTRAINT one_alert_per_decision UNIQUE (transaction_id, decision_version)
);
COMMENT ON COLUMN fraud_alerts.payload IS 'The record of alerts.v1.';
CREATE INDEX fraud_alerts_by_case ON fraud_alerts (case_id, risk_score DESC);
CREATE INDEX fraud_alerts_by_customer ON fraud_alerts (customer_id, event_time DESC);

CREATE TABLE case_events (
    event_id text PRIMARY KEY,
    case_id text NOT NULL REFERENCES cases (case_id),
    customer_id text NOT NULL,
    kind text NOT NULL,
    actor text NOT NULL,
    at timestamptz NOT NULL,
    data jsonb NOT NULL
);
COMMENT ON TABLE case_events IS 'Append-only: a trigger refuses changes.';
CREATE INDEX case_events_by_customer ON case_events (customer_id, at DESC);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER case_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON case_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

_FLOW: Final = """
CREATE TABLE outbox (
    outbox_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    message_id text NOT NULL UNIQUE,
    topic text NOT NULL,
    key text NOT NULL,
    payload text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz
);
CREATE INDEX outbox_waiting ON outbox (outbox_id) WHERE sent_at IS NULL;

CREATE TABLE dead_letters (
    topic text NOT NULL,
    partition integer NOT NULL,
    log_offset bigint NOT NULL,
    reason text NOT NULL,
    errors jsonb NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (topic, partition, log_offset)
);
COMMENT ON COLUMN dead_letters.topic IS 'Of the record that broke its contract.';

CREATE TABLE sink_offsets (
    consumer text NOT NULL,
    topic text NOT NULL,
    topic_id text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (consumer, topic, topic_id, partition)
);
COMMENT ON COLUMN sink_offsets.topic_id IS 'A topic that was created anew starts from its beginning.';
"""


def upgrade() -> None:
    for statements in (_RECORDS, _CASES, _FLOW):
        op.execute(statements)


def downgrade() -> None:
    op.execute(
        """
        DROP TABLE sink_offsets, dead_letters, outbox, case_events, fraud_alerts, cases, labels, authorisations,
            customer_events, fraud_summary, decisions;
        DROP FUNCTION refuse_change();
        """
    )
