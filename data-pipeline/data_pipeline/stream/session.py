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
    )
    if settings.master.startswith("local"):
        builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    for name, value in more.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session
