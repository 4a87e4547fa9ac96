"""Reads the contract files. Knows nothing of Kafka: a contract is a promise about payloads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import yaml

CONTRACTS_DIR: Final = Path(__file__).resolve().parents[2] / "contracts"


@dataclass(frozen=True, slots=True)
class Example:
    """One payload. `field` names what is wrong with it; None means that nothing is."""

    name: str
    payload: Any
    field: str | None


@dataclass(frozen=True, slots=True)
class TopicContract:
    """One file of `contracts/topics`; paths are relative to the contracts folder."""

    topic: str
    summary: str
    owner: str
    key: str
    partitions: int
    retention_days: int
    compatibility: str
    schema: str
    examples: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    dead_letters: str | None = None


@cache
def load_topics() -> tuple[TopicContract, ...]:
    """Every contract, by name of the topic. Raises TypeError for a key that is unknown or missing."""
    contracts = []
    for path in sorted((CONTRACTS_DIR / "topics").glob("*.yaml")):
        raw = yaml.safe_load(path.read_text("utf-8"))
        producers, consumers = tuple(raw.pop("producers")), tuple(raw.pop("consumers"))
        contracts.append(TopicContract(**raw, producers=producers, consumers=consumers))
    return tuple(contracts)


@cache
def load_schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) `name`, such as `labels.v1`. Raises FileNotFoundError."""
    schema: dict[str, Any] = json.loads((CONTRACTS_DIR / "schemas" / f"{name}.json").read_text("utf-8"))
    return schema


@cache
def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """A compiled validator of the schema `name`."""
    return jsonschema_rs.Draft202012Validator(load_schema(name))


def load_examples(name: str) -> tuple[Example, ...]:
    """Examples of the schema `name`, valid ones first."""
    raw = json.loads((CONTRACTS_DIR / "examples" / f"{name}.json").read_text("utf-8"))
    valid = [Example(e["name"], e["payload"], None) for e in raw["valid"]]
    invalid = [Example(e["name"], e["payload"], e["field"]) for e in raw["invalid"]]
    return (*valid, *invalid)


def schema_names() -> tuple[str, ...]:
    """Names of all schemas, sorted."""
    return tuple(sorted(path.stem for path in (CONTRACTS_DIR / "schemas").glob("*.json")))
