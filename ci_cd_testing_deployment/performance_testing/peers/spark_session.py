"""The session of the Spark peers: the product's own, with settings of SQL that make Spark faster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ci_cd_testing_deployment.local.maven import JarSet, resolve
from ci_cd_testing_deployment.performance_testing.peers.job import Job
from ci_cd_testing_deployment.performance_testing.peers.spark_batches import batch_size

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_EVENT: Final = (
    "transaction_id string, customer_id string, event_time bigint, amount_base_minor bigint, card_token string, "
    "merchant_id string"
)


SPARK_CONNECTOR: Final = JarSet(Path(__file__).resolve().parent / "spark" / "pom.xml", "spark-jars")
_SETTINGS: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.adaptive.enabled": "false",
    # One Arrow batch a task where memory allows.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
    "spark.sql.streaming.minBatchesToRetain": "20",
}


def session_of() -> SparkSession:
    """A session with Spark's Kafka connector, which is fetched the first time."""
    from config import StreamSettings
    from data_pipeline.stream.session import build_session

    jars = ",".join(sorted(map(str, resolve(SPARK_CONNECTOR).glob("*.jar"))))
    return build_session(StreamSettings(), {**_SETTINGS, "spark.jars": jars})


def events_of(session: SparkSession, job: Job, batch_at_most: int) -> DataFrame:
    """The stream of events, as columns."""
    from pyspark.sql import functions as F

    records = (
        session.readStream.format("kafka")
        .option("kafka.bootstrap.servers", job.bootstrap_servers)
        .option("subscribe", job.source)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", batch_size(job.events, batch_at_most))
        .option("kafka.fetch.max.wait.ms", "10")
        .load()
    )
    return records.select("key", F.from_json(F.col("value").cast("string"), _EVENT).alias("event")).select(
        "key", "event.*"
    )
