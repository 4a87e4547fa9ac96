"""What is done to the servers once they answer and before an application starts: topics, tables."""

from __future__ import annotations

import importlib.util
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
    if importlib.util.find_spec("storage_security.kafka.admin") is None:
        return
    from storage_security.kafka.admin import ensure_topics  # noqa: PLC0415 — the Kafka client, only when needed

    ensure_topics(settings["FRAUD_KAFKA_BOOTSTRAP_SERVERS"])


def _migrate(settings: Mapping[str, str]) -> None:
    if importlib.util.find_spec("storage_security.postgres.migrate") is None:
        return
    from storage_security.postgres.migrate import upgrade  # noqa: PLC0415 — Alembic takes half a second

    upgrade(settings["FRAUD_POSTGRES_DSN"])


STEPS: Final = (
    SetupStep("topics", "kafka", _create_topics),
    SetupStep("migrations", "postgres", _migrate),
)
