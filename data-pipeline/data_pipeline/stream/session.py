"""The Spark session of the job, with the settings that were measured to matter."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from config import StreamSettings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_THREAD_LIMITS = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def build_session(settings: StreamSettings, more: Mapping[str, str] = MappingProxyType({})) -> SparkSession:
    """A session whose Python workers are this interpreter, with one thread each; more: further settings of Spark.

    The driver listens on loopback only in local mode. What `spark-submit` was given wins over all of these.
    """
    os.environ.update(_THREAD_LIMITS)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    from pyspark.sql import SparkSession

    wanted = {**_measured(settings), **more}
    given = _given_to_spark_submit()
    builder = SparkSession.builder
    for name, value in wanted.items():
        if name not in given:
            builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _measured(settings: StreamSettings) -> dict[str, str]:
    found = {
        "spark.app.name": "fraudstream",
        "spark.master": settings.master,
        "spark.driver.memory": settings.driver_memory,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # A plan that failed ends the driver; the one that is started then repeats it, with shares of its own.
        "spark.task.maxFailures": "1",
        "spark.stage.maxConsecutiveAttempts": "1",
        # A barrier stage whose slots were taken at the first look is looked at again after this time, not a second.
        "spark.scheduler.revive.interval": "20ms",
        # The JVM places tasks and no more: quick compiled code and a small collector cost it least.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    if settings.master.startswith("local"):
        found |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    return found


def _given_to_spark_submit() -> set[str]:
    """Names of what the submitter has set. A builder's settings would win over them, the master included."""
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        return set()
    from pyspark import SparkConf, SparkContext

    SparkContext._ensure_initialized()  # noqa: SLF001 - only then does a SparkConf see those of the JVM
    given = {name for name, _ in SparkConf().getAll()}
    # On a cluster the driver is reached from elsewhere, so the loopback must not be put in its place.
    return given | {"spark.driver.host", "spark.driver.bindAddress"} if "spark.master" in given else given
