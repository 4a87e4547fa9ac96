"""Who does the stream's plans in a benchmark."""

from enum import StrEnum


class Runner(StrEnum):
    """As `FRAUD_STREAM_RUNNER` names them."""

    spark = "spark"
    lite = "lite"
