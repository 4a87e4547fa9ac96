"""Produce transactions: `python data-pipeline/kafka_producer.py --delay 0.5 --fraud-rate 0.05 --num 1000`.

The same as `fraud produce`; see its `--help`.
"""

import sys

import typer

from config import check_environment, load_run_env
from data_pipeline.produce.command import produce
from fraud_prevention.domain.errors import FraudError

if __name__ == "__main__":
    load_run_env()
    check_environment()
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(produce)
    try:
        app()
    except FraudError as error:
        sys.exit(f"kafka_producer: {error}")
