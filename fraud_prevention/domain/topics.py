"""The closed list of topics. Standard library only.

The contract of each topic (schema, owner, examples) is a file in `data-pipeline/contracts/topics`; a test
keeps this list and that folder equal. What a process needs to create a topic stands here, so that no image
carries the contract files for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TRANSACTIONS: Final = "transactions.v1"
AUTHORISATIONS: Final = "authorisations.v1"
CUSTOMER_EVENTS: Final = "customer-events.v1"
LABELS: Final = "labels.v1"
DECISIONS: Final = "decisions.v1"
FEATURES: Final = "features.v1"
ALERTS: Final = "alerts.v1"
CASE_EVENTS: Final = "case-events.v1"

DEAD_LETTER_SUFFIX: Final = ".dlq"
INPUTS: Final = (TRANSACTIONS, AUTHORISATIONS, CUSTOMER_EVENTS, LABELS)
DEAD_LETTERS: Final = tuple(topic + DEAD_LETTER_SUFFIX for topic in INPUTS)

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
INLINE_PAYLOAD_BYTES: Final = 1024 * 1024  # a larger bad record is dead-lettered by reference to its offset


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What a broker has to be told. All topics are keyed by customer_id and share the partition count."""

    name: str
    retention_days: int


TOPICS: Final = (
    TopicSpec(TRANSACTIONS, 40),
    TopicSpec(AUTHORISATIONS, 40),
    TopicSpec(CUSTOMER_EVENTS, 40),
    TopicSpec(LABELS, 400),
    TopicSpec(DECISIONS, 40),
    TopicSpec(FEATURES, 40),
    TopicSpec(ALERTS, 40),
    TopicSpec(CASE_EVENTS, 400),
    *(TopicSpec(name, 40) for name in DEAD_LETTERS),
)


def dead_letter_topic(topic: str) -> str:
    """Where records of an input topic go that break its contract. Raises ValueError for any other topic."""
    if topic not in INPUTS:
        raise ValueError(f"{topic} has no dead-letter topic; inputs are {', '.join(INPUTS)}")
    return topic + DEAD_LETTER_SUFFIX
