"""A pandas UDF over constants in Spark, as tutorials have it: fast, because the history features are literals.

The score is a formula in place of a model's `predict_proba`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ci_cd_testing_deployment.performance_testing.peers.history import FEATURES
from ci_cd_testing_deployment.performance_testing.peers.job import Job
from ci_cd_testing_deployment.performance_testing.peers.spark_batches import follow
from ci_cd_testing_deployment.performance_testing.peers.spark_session import events_of, session_of

LITERALS: Final = dict(zip(FEATURES, (1.0, 1.0, 100.0, 100.0, 100.0, 0.0, 1.0, 0.0), strict=True))
_BATCH: Final = 75_000


def _scorer() -> Callable[..., Any]:
    from pyspark.sql.pandas.functions import PandasUDFType, pandas_udf

    def score(amount, mean):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 — Spark would read the types
        return (amount / (amount + mean)).clip(0.0, 1.0)

    made: Callable[..., Any] = pandas_udf(score, "double", PandasUDFType.SCALAR)
    return made


def run(job: Job) -> None:
    """Drain the source in micro-batches."""
    from pyspark.sql import functions as F

    session = session_of()
    try:
        events = events_of(session, job, _BATCH).withColumns({name: F.lit(at) for name, at in LITERALS.items()})
        scored = events.withColumn("score", _scorer()("amount_base_minor", "card_amount_mean_30d"))
        output = F.struct("transaction_id", F.array(*FEATURES).alias("features"), "score")
        query = (
            scored.select("key", F.to_json(output).alias("value"))
            .coalesce(session.sparkContext.defaultParallelism)
            .writeStream.format("kafka")
            .option("kafka.bootstrap.servers", job.bootstrap_servers)
            .option("kafka.compression.type", "lz4")
            .option("topic", job.sink)
            .option("checkpointLocation", f"{job.work_dir}/checkpoint")
            .trigger(availableNow=True)
            .start()
        )
        follow(query)
    finally:
        session.stop()


if __name__ == "__main__":
    run(Job.from_environment())
