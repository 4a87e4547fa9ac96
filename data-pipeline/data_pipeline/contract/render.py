"""Renders the contracts as one page for people: docs/data-contract.md."""

from __future__ import annotations

from typing import Any, Final

from data_pipeline.contract.load import TopicContract, load_schema, load_topics
from fraud_prevention.domain.topics import TOPICS

HEADER: Final = """# The data contract

Every topic of the flow: who writes it, who reads it, and what each field means. Records are JSON in UTF-8, keyed by
`customer_id`, so that all of a customer's records share a partition and have one order. Topics carry tokens and
pseudonymous ids only, never a name, an address or a card number, and nothing that is known only after the decision.
A field that is not required may be absent; on `transactions.v1` unknown fields are refused, elsewhere readers ignore
them. The files are in `data-pipeline/contracts`; this page is the output of `fraud contracts --markdown`.
"""


def markdown() -> str:
    """The whole page."""
    place = [spec.name for spec in TOPICS]
    contracts = sorted(load_topics(), key=lambda contract: place.index(contract.topic))
    lines = [HEADER, "| topic | holds | kept |", "|---|---|---|"]
    lines += [f"| [`{c.topic}`](#{_anchor(c.topic)}) | {c.summary} | {c.retention_days} days |" for c in contracts]
    described: set[str] = set()
    for contract in contracts:
        lines += ["", *_topic(contract)]
        if contract.schema not in described:
            described.add(contract.schema)
            lines += ["", *_fields(load_schema(_schema_name(contract)))]
    return "\n".join(lines) + "\n"


def _anchor(topic: str) -> str:
    return topic.replace(".", "")


def _schema_name(contract: TopicContract) -> str:
    return contract.schema.removeprefix("schemas/").removesuffix(".json")


def _topic(contract: TopicContract) -> list[str]:
    lines = [f"## {contract.topic}", "", contract.summary, ""]
    lines.append(
        f"- Owner: {contract.owner}; schema `{_schema_name(contract)}`; compatibility {contract.compatibility}."
    )
    lines.append(f"- Written by {_code_list(contract.producers)}; read by {_code_list(contract.consumers)}.")
    if contract.dead_letters:
        lines.append(f"- Records that break the contract go to `{contract.dead_letters}`.")
    return lines


def _code_list(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _fields(schema: dict[str, Any]) -> list[str]:
    lines = ["| field | type | meaning |", "|---|---|---|"]
    for name, spec in schema["properties"].items():
        mark = "" if name in schema["required"] else "?"
        lines.append(f"| `{name}`{mark} | {_type(spec)} | {spec['description']} |")
    return lines


def _type(spec: dict[str, Any]) -> str:
    kind = spec["type"] if isinstance(spec["type"], str) else next(t for t in spec["type"] if t != "null")
    choices = [value for value in spec.get("enum", ()) if value is not None]
    if choices:
        return " / ".join(choices) if len(choices) <= 6 else f"one of {len(choices)} codes"
    if "minimum" in spec and "maximum" in spec:
        return f"{kind}, {spec['minimum']} to {spec['maximum']}"
    return str(kind)
