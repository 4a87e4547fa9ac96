"""`fraud dlq`: dead letters listed, shown and replayed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

import config
from fraud_prevention.domain.topics import INPUTS
from fraud_prevention.ports import EventReader

app = typer.Typer(no_args_is_help=True, help="Records that broke their contract: look at them, replay them.")

Topic = Annotated[str | None, typer.Option("--topic", help="Only of this input topic, such as transactions.v1.")]
Place = Annotated[str, typer.Argument(help="The refused record: TOPIC/PARTITION/OFFSET, as `list` shows it.")]


@contextmanager
def _reader() -> Iterator[EventReader]:
    from data_pipeline.deadletter.bootstrap import open_reader

    with closing(open_reader(config.KafkaSettings())) as reader:
        yield reader


def _inputs(topic: str | None) -> tuple[str, ...]:
    if topic is None:
        return INPUTS
    if topic not in INPUTS:
        raise typer.BadParameter(f"--topic is one of {', '.join(INPUTS)}")
    return (topic,)


def _place(text: str) -> tuple[str, int, int]:
    parts = text.split("/")
    if len(parts) != 3 or parts[0] not in INPUTS or not (parts[1].isdigit() and parts[2].isdigit()):
        raise typer.BadParameter(f"{text} is no place such as transactions.v1/3/815")
    return parts[0], int(parts[1]), int(parts[2])


@app.command("list")
def list_(
    topic: Topic = None,
    reason: Annotated[str | None, typer.Option(help="Only with this reason.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show the latest so many.")] = 20,
) -> None:
    """List the latest dead letters, and how many there are of each reason.

    Example: fraud dlq list --topic transactions.v1 --reason wrong_type
    """
    from data_pipeline.deadletter.letters import letters

    with _reader() as reader:
        found = [letter for letter in letters(reader, _inputs(topic)) if reason in (None, letter.reason)]
    for letter in found[-limit:]:
        moment = datetime.fromtimestamp(letter.at_ms / 1000, UTC)
        what = "; ".join(f"{error.field}: {error.message}" for error in letter.errors[:3])
        place = "/".join(map(str, letter.place))
        typer.echo(f"{moment:%Y-%m-%d %H:%M:%S}  {place:32} {letter.reason:14} {what}")
    reasons = ", ".join(f"{name} {count}" for name, count in Counter(x.reason for x in found).most_common())
    typer.echo(f"{len(found)} dead letters{': ' + reasons if reasons else ''}")


@app.command()
def show(place: Place) -> None:
    """Print one dead letter whole, its payload included.

    Example: fraud dlq show transactions.v1/3/815
    """
    from dataclasses import asdict

    from data_pipeline.deadletter.letters import find_letter

    with _reader() as reader:
        typer.echo(json.dumps(asdict(find_letter(reader, *_place(place))), indent=2, ensure_ascii=False))


@app.command()
def replay(
    place: Annotated[str | None, typer.Argument(help="One refused record: TOPIC/PARTITION/OFFSET.")] = None,
    topic: Topic = None,
    reason: Annotated[str | None, typer.Option(help="All with this reason, instead of one.")] = None,
    payload: Annotated[Path | None, typer.Option(help="File with the repaired record (JSON).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
) -> None:
    """Send refused records to their topic again, if they keep the contract now; else say what is still wrong.

    Example: fraud dlq replay transactions.v1/3/815 --payload repaired.json
    Example: fraud dlq replay --topic transactions.v1 --reason too_old --dry-run
    """
    from data_pipeline.deadletter.bootstrap import open_log
    from data_pipeline.deadletter.letters import find_letter, letters
    from data_pipeline.deadletter.replay import replay as send_again

    if (place is None) == (reason is None):
        raise typer.BadParameter("name one record, or give --reason for all that have it")
    repaired = payload.read_bytes() if payload else None
    if repaired is not None and place is None:
        raise typer.BadParameter("--payload repairs one record: name it")
    with _reader() as reader, closing(open_log(config.KafkaSettings())) as log:
        if place is not None:
            chosen = [find_letter(reader, *_place(place))]
        else:
            chosen = [letter for letter in letters(reader, _inputs(topic)) if letter.reason == reason]
        done = send_again(reader, log, chosen, repaired, dry_run)
    for refused in done.refused:
        what = "; ".join(f"{error.field}: {error.message}" for error in refused.errors)
        typer.secho(f"{'/'.join(map(str, refused.letter.place))} not sent: {what}", fg=typer.colors.YELLOW, err=True)
    typer.echo(json.dumps({"sent": done.sent, "refused": len(done.refused), "undelivered": done.undelivered}))
    if done.refused or done.undelivered:
        raise typer.Exit(1)
