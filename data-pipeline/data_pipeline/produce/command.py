"""The producer as a command: `fraud produce` and `python data-pipeline/kafka_producer.py` are this function."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

import config

WORLD_DIR: Final = config.CACHE_DIR / "world"
CLIENTS: Final = ("auto", "kafka-python", "confluent")


def produce(
    delay: Annotated[float | None, typer.Option(min=0.0, help="Seconds between transactions (0.5 by default).")] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Transactions a second, instead of --delay.")] = None,
    num: Annotated[int | None, typer.Option(min=1, help="Stop after so many transactions.")] = None,
    duration: Annotated[float | None, typer.Option(min=0.1, help="Stop after so many seconds.")] = None,
    fraud_rate: Annotated[
        float | None, typer.Option(min=0.0, max=0.45, help="Share of fraud; that of the world by default.")
    ] = None,
    replay: Annotated[Path | None, typer.Option(help="Replay a history file instead of the live world.")] = None,
    speed: Annotated[str, typer.Option(help="Speed of a replay: 60 is an hour a minute; 0 or max, no waiting.")] = "1",
    start: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day (UTC) of a replay.")
    ] = None,
    days: Annotated[float | None, typer.Option(min=0.001, help="Days of a replay.")] = None,
    as_now: Annotated[bool, typer.Option("--as-now", help="Shift a replay's times so that it starts now.")] = False,
    alone: Annotated[bool, typer.Option("--alone", help="Replay no labels, answers and events beside it.")] = False,
    seed: Annotated[int | None, typer.Option(help="Another world than the one with a history.")] = None,
    customers: Annotated[int | None, typer.Option(min=1, help="Customers of such a world.")] = None,
    world: Annotated[
        Path, typer.Option(help="Folder of the world's history.", show_default=".cache/world")
    ] = WORLD_DIR,
    bootstrap: Annotated[
        str | None, typer.Option(help="Brokers (host:port), else FRAUD_KAFKA_BOOTSTRAP_SERVERS.")
    ] = None,
    client: Annotated[str, typer.Option(help="auto, kafka-python or confluent.")] = "auto",
) -> None:
    """Put a live world (or a replayed history) on Kafka: transactions, and what becomes known about them.

    Ends with one line of JSON; Ctrl-C ends it too, and loses nothing that was sent.

    Example: fraud produce --delay 0.5 --fraud-rate 0.05 --num 1000
    Example: fraud produce --replay .cache/world/history.parquet --speed 60
    """
    # The libraries behind it are heavy, and `--help` is quick.
    from data_pipeline.produce.run import Limits
    from data_pipeline.produce.session import live_run, parse_speed, replay_run, send_all

    if client not in CLIENTS:
        raise typer.BadParameter(f"--client is one of {', '.join(CLIENTS)}")
    if delay is not None and rate is not None:
        raise typer.BadParameter("--delay and --rate say the same thing: give one of them")
    if replay is not None and (delay is not None or rate is not None):
        raise typer.BadParameter("a replay has a --speed, not a --rate or --delay")
    settings = config.KafkaSettings() if bootstrap is None else config.KafkaSettings(bootstrap_servers=bootstrap)
    limits = Limits(num, duration)
    if replay is not None:
        try:
            factor = parse_speed(speed)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        run = replay_run(replay, factor, start, days, as_now, alone)
    else:
        run = live_run(world, seed, customers, fraud_rate, limits, _per_s(delay, rate), _say)
    tally = send_all(run, settings, client, limits, _say)
    typer.echo(json.dumps(tally.summary()))
    if tally.undelivered:
        raise typer.Exit(1)


def _per_s(delay: float | None, rate: float | None) -> float | None:
    if rate is not None:
        return rate
    return None if delay == 0 else 1 / (0.5 if delay is None else delay)


def _say(line: str) -> None:
    typer.echo(line, err=True)
