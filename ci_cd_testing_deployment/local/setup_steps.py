"""What is done to the servers once they answer and before an application starts: topics, tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SetupStep:
    """`run` gets the FRAUD_ variables of the stack, and may be repeated: it changes only what is missing."""

    name: str
    server: str
    run: Callable[[Mapping[str, str]], None]


def _create_topics(settings: Mapping[str, str]) -> None:
    from storage_security.kafka.admin import ensure_topics  # a stack without Kafka does not load its client

    ensure_topics(settings["FRAUD_KAFKA_BOOTSTRAP_SERVERS"])


def _migrate(settings: Mapping[str, str]) -> None:
    from storage_security.postgres.migrate import upgrade  # Alembic takes half a second to load

    upgrade(settings["FRAUD_POSTGRES_DSN"])


STEPS: Final = (
    SetupStep("topics", "kafka", _create_topics),
    SetupStep("migrations", "postgres", _migrate),
)
