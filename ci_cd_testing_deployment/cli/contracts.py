"""`fraud contracts`: the topics, and the page docs/data-contract.md."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import Annotated, Any

import typer

from fraud_prevention.domain.errors import NotFound
from fraud_prevention.domain.topics import TRANSACTIONS


def contracts(
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the page docs/data-contract.md.")] = False,
    example: Annotated[
        str | None, typer.Option(metavar="TOPIC", help="Print an example record that is new now.")
    ] = None,
) -> None:
    """List the topics: what each holds, how long it is kept, who writes and who reads it.

    Example: fraud contracts --markdown > docs/data-contract.md
    Example: fraud contracts --example transactions.v1
    """
    from data_pipeline.contract.load import load_topics
    from data_pipeline.contract.render import markdown

    if as_markdown:
        typer.echo(markdown(), nl=False)
        return
    if example is not None:
        typer.echo(json.dumps(_example(example)))
        return
    for contract in load_topics():
        typer.secho(contract.topic, bold=True)
        typer.echo(f"  {contract.summary} Kept {contract.retention_days} days.")
        typer.echo(f"  {', '.join(contract.producers)} → {', '.join(contract.consumers)}")


def _example(topic: str) -> dict[str, Any]:
    """The first example of the topic's contract; a transaction gets an id of its own and the time of now."""
    from data_pipeline.contract.load import load_examples, load_topics

    found = next((c for c in load_topics() if c.topic == topic), None)
    if found is None:
        raise NotFound("topic", f"{topic}; `fraud contracts` lists them")
    record = dict(load_examples(Path(found.schema).stem)[0].payload)
    if topic == TRANSACTIONS:
        record |= {"transaction_id": uuid.uuid4().hex, "event_time": time.time_ns() // 1_000_000}
    return record
