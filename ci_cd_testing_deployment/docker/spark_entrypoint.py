"""Starts what Spark asks of a container on Kubernetes, or the command that it is given.

`driver ARGS` and `executor ARGS` are Spark's own words (its image has a shell script for them). A signal to stop goes to
the Python program of the driver, which ends after the plan in hand; Spark's JVM alone would leave without telling it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

SPARK = os.environ["SPARK_HOME"]


def driver(arguments: list[str]) -> list[str]:
    address = os.environ["SPARK_DRIVER_BIND_ADDRESS"]
    return [
        f"{SPARK}/bin/spark-submit",
        "--conf", f"spark.driver.bindAddress={address}",
        "--conf", f"spark.executorEnv.SPARK_DRIVER_POD_IP={address}",
        "--deploy-mode", "client",
        *arguments,
    ]  # fmt: skip


def executor() -> list[str]:
    env = os.environ
    options = [env[name] for name in sorted(env, key=_number) if re.fullmatch(r"SPARK_JAVA_OPT_\d+", name)]
    return [
        "java", *options,
        f"-Xms{env['SPARK_EXECUTOR_MEMORY']}", f"-Xmx{env['SPARK_EXECUTOR_MEMORY']}",
        "-cp", f"{SPARK}/jars/*:{env.get('SPARK_CLASSPATH', '')}",
        "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
        "--driver-url", env["SPARK_DRIVER_URL"],
        "--executor-id", env["SPARK_EXECUTOR_ID"],
        "--cores", env["SPARK_EXECUTOR_CORES"],
        "--app-id", env["SPARK_APPLICATION_ID"],
        "--hostname", env["SPARK_EXECUTOR_POD_IP"],
        "--resourceProfileId", env["SPARK_RESOURCE_PROFILE_ID"],
        "--podName", env["SPARK_EXECUTOR_POD_NAME"],
    ]  # fmt: skip


def _number(name: str) -> int:
    found = re.search(r"\d+$", name)
    return int(found.group()) if found else -1


def python_below(pid: int) -> int | None:
    """The Python program that the JVM started, not its workers of tasks; None before it has."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            program = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended
        if parent == pid and b"python" in program[0] and b"pyspark.daemon" not in program:
            return int(entry.name)
    return None


def run_driver(command: list[str]) -> int:
    with subprocess.Popen(command) as process:

        def stop(number: int, _: object) -> None:
            os.kill(python_below(process.pid) or process.pid, number)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        return process.wait()


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["driver"]:
        sys.exit(run_driver(driver(arguments[1:])))
    command = executor() if arguments[:1] == ["executor"] else arguments
    os.execvp(command[0], command)  # noqa: S606 - this process becomes the command, and so gets its signals


if __name__ == "__main__":
    main(sys.argv[1:])
