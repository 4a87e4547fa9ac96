"""The Spark session of the job, with the settings that were measured to matter."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from config import StreamSettings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_THREAD_LIMITS = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class MissingConnector(RuntimeError):
    """Spark's Kafka connector is not where the settings say."""


def connector_jars(directory: Path) -> str:
    """The connector's jars as one comma-separated list. Raises MissingConnector."""
    jars = sorted(str(p) for p in directory.glob("*.jar"))
    if not jars:
        raise MissingConnector(f"no jars in {directory}; run `make setup`")
    return ",".join(jars)


def build_session(settings: StreamSettings) -> SparkSession:
    """A session whose Python workers are this interpreter, with one thread each.

    The driver listens on loopback only in local mode. A session that a cluster manager has set up keeps what
    it was given: `spark-submit` settings win over these.
    """
    os.environ.update(_THREAD_LIMITS)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    from pyspark.sql import SparkSession

    builder = (
        SparkSession.builder.appName("fraudstream")
        .master(settings.master)
        .config("spark.jars", connector_jars(settings.jars_dir))
        .config("spark.driver.memory", settings.driver_memory)
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        # A plan that failed ends the driver; the one that is started then repeats it, with shares of its own.
        .config("spark.task.maxFailures", "1")
        .config("spark.stage.maxConsecutiveAttempts", "1")
        # A barrier stage whose slots were taken at the first look is looked at again after this time, not a second.
        .config("spark.scheduler.revive.interval", "20ms")
        # The JVM places tasks and no more: quick compiled code and a small collector cost it least.
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.adaptive.enabled", "false")
        # One Arrow batch a task where memory allows: the kernel and Redis are called once for it.
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "50000")
        .config("spark.sql.streaming.minBatchesToRetain", "20")
    )
    if settings.master.startswith("local"):
        builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session
