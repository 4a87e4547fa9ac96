"""The session of a job that `spark-submit` starts, as a cluster does: what the submitter says stands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyspark

from config import ROOT

_JOB = """
import json
from config import StreamSettings
from data_pipeline.stream.session import build_session

session = build_session(StreamSettings(), {"spark.sql.shuffle.partitions": "3"})
print(json.dumps(dict(session.sparkContext.getConf().getAll())))
session.stop()
"""


def settings_of(tmp_path: Path, *submitted: str) -> dict[str, str]:
    """All settings of the session of a job that was submitted so."""
    job = tmp_path / "job.py"
    job.write_text(_JOB, encoding="utf-8")
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "data-pipeline")))}
    env |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [submit, *submitted, job], env=env, capture_output=True, text=True, timeout=240, check=True, cwd=tmp_path
    )
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_what_the_submitter_sets_wins(tmp_path: Path) -> None:
    found = settings_of(
        tmp_path,
        "--master=local[3]",
        "--name=submitted",
        "--driver-memory=600m",
        "--conf=spark.driver.host=localhost",
        "--conf=spark.task.maxFailures=2",
        "--conf=spark.sql.shuffle.partitions=7",
    )
    assert found["spark.master"] == "local[3]"
    assert found["spark.app.name"] == "submitted"
    assert found["spark.driver.memory"] == "600m"
    assert found["spark.driver.host"] == "localhost"
    assert found["spark.task.maxFailures"] == "2"
    assert found["spark.sql.shuffle.partitions"] == "7"
    # What the submitter did not say is the product's.
    assert found["spark.scheduler.revive.interval"] == "20ms"
    assert found["spark.stage.maxConsecutiveAttempts"] == "1"
