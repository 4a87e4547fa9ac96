"""`fraud dlq`: dead letters listed, shown and replayed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import config
from fraud_prevention.domain.errors import FieldError
from fraud_prevention.domain.topics import INPUTS
from fraud_prevention.ports import EventReader

if TYPE_CHECKING:
    from data_pipeline.deadletter.letters import Letter

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
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Show the latest so many.")] = 20,
) -> None:
    """List the latest dead letters, and how many there are of each reason.

    Example: fraud dlq list --topic transactions.v1 --reason wrong_type
    """
    from data_pipeline.deadletter.letters import letters, survey

    with _reader() as reader:
        found = survey((x for x in letters(reader, _inputs(topic)) if reason in (None, x.reason)), limit)
    for letter in found.latest:
        moment = datetime.fromtimestamp(letter.at_ms / 1000, UTC)
        what = "; ".join(f"{error.field}: {error.message}" for error in letter.errors[:3])
        place = "/".join(map(str, letter.place))
        typer.echo(f"{moment:%Y-%m-%d %H:%M:%S}  {place:32} {letter.reason:14} {what}")
    reasons = ", ".join(f"{name} {count}" for name, count in found.reasons.most_common())
    typer.echo(f"{found.reasons.total()} dead letters{': ' + reasons if reasons else ''}")


@app.command()
def show(place: Place) -> None:
    """Print one dead letter whole, its payload included.

    Example: fraud dlq show transactions.v1/3/815
    """
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
    """Send refused records to their topic again, if they would be let in now; else say what is still wrong.

    A clock that was ahead is such a case: the same records are let in once their time has come. A record that was too
    old stays so, unless FRAUD_INGEST_MAX_AGE_S of the stream is raised, and here too.

    Example: fraud dlq replay transactions.v1/3/815 --payload repaired.json
    Example: fraud dlq replay --topic transactions.v1 --reason in_future --dry-run
    """
    from data_pipeline.deadletter.bootstrap import open_gate, open_log
    from data_pipeline.deadletter.letters import find_letter, letters
    from data_pipeline.deadletter.replay import replay as send_again

    if (place is None) == (reason is None):
        raise typer.BadParameter("name one record, or give --reason for all that have it")
    repaired = payload.read_bytes() if payload else None
    if repaired is not None and place is None:
        raise typer.BadParameter("--payload repairs one record: name it")
    with _reader() as reader, closing(open_log(config.KafkaSettings())) as log:
        chosen: Iterable[tuple[Letter, bytes | None]]
        if place is not None:
            letter = find_letter(reader, *_place(place))
            chosen = [(letter, letter.body if repaired is None else repaired)]
        else:
            chosen = ((letter, letter.body) for letter in letters(reader, _inputs(topic)) if letter.reason == reason)
        done = send_again(log, chosen, open_gate(config.IngestSettings()), _say_why, dry_run)
    typer.echo(json.dumps(asdict(done)))
    if done.refused or done.undelivered or done.failure:
        raise typer.Exit(1)


def _say_why(letter: Letter, errors: list[FieldError]) -> None:
    what = "; ".join(f"{error.field}: {error.message}" for error in errors)
    typer.secho(f"{'/'.join(map(str, letter.place))} not sent: {what}", fg=typer.colors.YELLOW, err=True)
