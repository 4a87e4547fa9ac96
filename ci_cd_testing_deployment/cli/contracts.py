"""`fraud contracts`: the topics, and the page docs/data-contract.md."""

from __future__ import annotations

from typing import Annotated

import typer


def contracts(
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the page docs/data-contract.md.")] = False,
) -> None:
    """List the topics: what each holds, how long it is kept, who writes and who reads it.

    Example: fraud contracts --markdown > docs/data-contract.md
    """
    from data_pipeline.contract.load import load_topics
    from data_pipeline.contract.render import markdown

    if as_markdown:
        typer.echo(markdown(), nl=False)
        return
    for contract in load_topics():
        typer.secho(contract.topic, bold=True)
        typer.echo(f"  {contract.summary} Kept {contract.retention_days} days.")
        typer.echo(f"  {', '.join(contract.producers)} → {', '.join(contract.consumers)}")
