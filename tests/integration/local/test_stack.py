"""The stack starts real servers, goes on after a crash, and touches nothing that is not its own."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import psycopg2
import pytest
import redis

from ci_cd_testing_deployment.local import ports, process
from ci_cd_testing_deployment.local.errors import Busy, MissingPrerequisite, NotReady, StackError
from ci_cd_testing_deployment.local.redis_server import RedisServer
from ci_cd_testing_deployment.local.stack import LocalStack
from ci_cd_testing_deployment.local.status import State
from config import KafkaSettings
from fraud_prevention.domain.topics import TOPICS, TRANSACTIONS
from fraud_prevention.ports import OFFSET_BEGINNING, Record
from storage_security.kafka.confluent_log import ConfluentLog
from storage_security.kafka.confluent_reader import ConfluentReader
from tests.integration.local.waiting import LIMIT_S, NeverReady, wait_for


def state_of(stack: LocalStack, name: str) -> State:
    return next(row.state for row in stack.status() if row.name == name)


def pid_of(stack: LocalStack, name: str) -> int:
    record = process.read_record(stack.place.pid_file(name))
    assert record is not None
    return record.pid


def test_servers_come_up_usable_and_leave_nothing_behind(run_dir: Path, kafka: object) -> None:  # noqa: ARG001 — Java is there
    stack = LocalStack(run_dir)
    stack.up(["kafka", "redis", "postgres"])
    settings = stack.settings()
    with redis.Redis.from_url(settings["FRAUD_REDIS_URL"]) as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    connection = psycopg2.connect(settings["FRAUD_POSTGRES_DSN"])
    connection.close()
    reader = ConfluentReader(KafkaSettings(bootstrap_servers=settings["FRAUD_KAFKA_BOOTSTRAP_SERVERS"]))
    assert all(len(reader.partitions(spec.name)) == 12 for spec in TOPICS)
    reader.close()
    records = [process.read_record(stack.place.pid_file(name)) for name in ("kafka", "redis", "postgres")]
    assert stack.down() == ["postgres", "redis", "kafka"]
    assert not any(record is None or process.is_alive(record) for record in records)
    assert all(ports.is_free(port) for port in stack.ports().values())
    assert stack.settings() == {}
    assert not stack.place.env_file.exists()


def test_env_file_holds_the_addresses_and_is_private(run_dir: Path, postgres_dsn: str) -> None:  # noqa: ARG001 — it is there
    with LocalStack(run_dir) as stack:
        stack.up(["redis", "postgres"])
        written = dict(
            line.split("=", 1) for line in stack.place.env_file.read_text().splitlines() if not line.startswith("#")
        )
        assert written == stack.settings()
        assert {"FRAUD_REDIS_URL", "FRAUD_POSTGRES_DSN", "FRAUD_MODEL_DIRECTORY"} <= written.keys()
        assert "FRAUD_KAFKA_BOOTSTRAP_SERVERS" not in written
        assert stat.S_IMODE(stack.place.env_file.stat().st_mode) == 0o600


def test_database_wants_the_password(run_dir: Path, postgres_dsn: str) -> None:  # noqa: ARG001 — it is there
    with LocalStack(run_dir, steps=()) as stack:
        stack.up(["postgres"])
        password = stack.place.secrets.joinpath("postgres.password").read_text()
        dsn = stack.settings()["FRAUD_POSTGRES_DSN"]
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(dsn.replace(password, "guessed"))


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that the stack has nothing to do with."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_stale_pid_file_does_not_kill_a_stranger(run_dir: Path, stranger: subprocess.Popen[bytes]) -> None:
    stack = LocalStack(run_dir, services=[RedisServer()])
    stack.place.make()
    stale = process.ProcessRecord(
        pid=stranger.pid,
        began="another boot:12345",
        command=["redis-server"],
        mark=f"{run_dir}:redis",
        stop_signal=int(signal.SIGTERM),
        stop_timeout_s=5.0,
    )
    stack.place.pid_file("redis").write_text(json.dumps(asdict(stale)))
    assert state_of(stack, "redis") is State.CRASHED
    stack.up()
    assert pid_of(stack, "redis") != stranger.pid
    assert stack.down() == ["redis"]
    stack.place.pid_file("redis").write_text(json.dumps(asdict(stale)))
    assert stack.down() == []
    assert stranger.poll() is None


def test_pid_that_was_given_to_a_stranger_is_told_by_its_start(
    run_dir: Path, stranger: subprocess.Popen[bytes]
) -> None:
    stack = LocalStack(run_dir)
    stack.place.make()
    # The kernel counts starts in hundredths of a second; a pid takes longer than that to come round.
    there_s = time.monotonic()
    wait_for(lambda: time.monotonic() - there_s > 0.05)
    launch = NeverReady().prepare(stack._context([]))
    ours = process.spawn(launch, mark="m", log=run_dir / "log", pid_file=run_dir / "pid")
    assert process.is_alive(ours)
    assert not process.is_alive(replace(ours, pid=stranger.pid))
    assert process.stop(ours)
    assert not process.is_alive(ours)
    assert stranger.poll() is None


def test_up_again_adopts_what_runs_and_restarts_what_crashed(run_dir: Path) -> None:
    with LocalStack(run_dir, services=[RedisServer()]) as first:
        first.up()
        address, pid = first.settings()["FRAUD_REDIS_URL"], pid_of(first, "redis")
        second = LocalStack(run_dir, services=[RedisServer()])
        second.up()
        assert pid_of(second, "redis") == pid
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: state_of(second, "redis") is State.CRASHED)
        second.up()
        assert pid_of(second, "redis") != pid
        assert second.settings()["FRAUD_REDIS_URL"] == address
        second.down()


def test_broker_that_was_killed_comes_back_with_every_acknowledged_record(run_dir: Path, kafka: object) -> None:  # noqa: ARG001 — Java is there
    with LocalStack(run_dir) as stack:
        stack.up(["kafka"])
        address = stack.settings()["FRAUD_KAFKA_BOOTSTRAP_SERVERS"]
        settings = KafkaSettings(bootstrap_servers=address, request_timeout_ms=60_000)
        log = ConfluentLog(settings)
        for number in range(2_000):
            log.publish(TRANSACTIONS, b"%d" % number, b"{}")
        assert log.flush(60) == 0
        log.close()
        os.kill(pid_of(stack, "kafka"), signal.SIGKILL)
        wait_for(lambda: state_of(stack, "kafka") is State.CRASHED)
        stack.up(["kafka"])
        reader = ConfluentReader(settings)
        reader.assign(dict.fromkeys(reader.partitions(TRANSACTIONS), OFFSET_BEGINNING))
        found: list[Record] = []
        deadline = time.monotonic() + LIMIT_S
        while len(found) < 2_000 and time.monotonic() < deadline:
            found += reader.poll_batch(5_000, 1.0)
        assert len(found) == 2_000
        reader.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_in_the_middle_of_up_leaves_nothing_running(run_dir: Path, number: signal.Signals) -> None:
    program = f"""
from pathlib import Path
from ci_cd_testing_deployment.local.interrupts import termination_unwinds
from ci_cd_testing_deployment.local.redis_server import RedisServer
from ci_cd_testing_deployment.local.stack import LocalStack
from tests.integration.local.waiting import LIMIT_S, NeverReady
with termination_unwinds():
    LocalStack(Path({str(run_dir)!r}), services=[RedisServer(), NeverReady()]).up()
"""
    stack = LocalStack(run_dir, services=[RedisServer(), NeverReady()])
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL) as starting:
        wait_for(stack.place.pid_file("never-ready").exists)
        records = [process.read_record(stack.place.pid_file(name)) for name in stack.names]
        starting.send_signal(number)
        assert starting.wait(LIMIT_S) != 0
    assert len(records) == 2
    assert not any(record is None or process.is_alive(record) for record in records)
    assert {row.state for row in stack.status()} == {State.STOPPED}
    assert not stack.place.env_file.exists()


def test_killed_in_the_middle_of_up_is_cleaned_by_the_next_command(run_dir: Path) -> None:
    program = f"""
from pathlib import Path
from ci_cd_testing_deployment.local.redis_server import RedisServer
from ci_cd_testing_deployment.local.stack import LocalStack
from tests.integration.local.waiting import LIMIT_S, NeverReady
LocalStack(Path({str(run_dir)!r}), services=[RedisServer(), NeverReady()]).up()
"""
    stack = LocalStack(run_dir, services=[RedisServer(), NeverReady()])
    with subprocess.Popen([sys.executable, "-c", program]) as starting:
        wait_for(stack.place.pid_file("never-ready").exists)
        starting.kill()
    assert stack.down() == ["never-ready", "redis"]
    assert {row.state for row in stack.status()} == {State.STOPPED}


def test_failure_takes_down_what_this_call_started_and_nothing_else(run_dir: Path) -> None:
    with LocalStack(
        run_dir, services=[RedisServer(), NeverReady(command=("sh", "-c", "echo no luck; exit 3"))]
    ) as stack:
        stack.up(["redis"])
        pid = pid_of(stack, "redis")
        with pytest.raises(NotReady, match="ended before it was ready") as caught:
            stack.up()
        assert "no luck" in str(caught.value)
        assert state_of(stack, "never-ready") is State.STOPPED
        assert (state_of(stack, "redis"), pid_of(stack, "redis")) == (State.READY, pid)


def test_child_that_its_leader_left_behind_is_ended(run_dir: Path) -> None:
    left = NeverReady(command=("sh", "-c", "sleep 601 & echo $! > child; exec sleep 600"))
    stack = LocalStack(run_dir, services=[left])
    stack.place.make()
    record = process.spawn(
        left.prepare(stack._context([])),
        mark="ours",
        log=stack.place.log("never-ready"),
        pid_file=stack.place.pid_file("never-ready"),
    )
    child_file = run_dir / "child"
    wait_for(lambda: child_file.exists() and child_file.read_text().strip())
    child = Path(f"/proc/{int(child_file.read_text())}/cmdline")
    assert b"601" in child.read_bytes()
    os.kill(record.pid, signal.SIGKILL)
    wait_for(lambda: not process.is_alive(record))
    stack.down()
    wait_for(lambda: not child.exists() or not child.read_bytes())


def test_stacks_run_side_by_side(run_dir: Path) -> None:
    with LocalStack(run_dir / "a", services=[RedisServer()]) as one:
        one.up()
        with LocalStack(run_dir / "b", services=[RedisServer()]) as two:
            two.up()
            assert one.settings()["FRAUD_REDIS_URL"] != two.settings()["FRAUD_REDIS_URL"]
        assert state_of(one, "redis") is State.READY
        assert state_of(two, "redis") is State.STOPPED


def test_second_command_at_the_same_time_is_told_so(run_dir: Path) -> None:
    stack = LocalStack(run_dir, services=[RedisServer()], patient=False)
    stack.place.make()
    with LocalStack(run_dir)._locked(), pytest.raises(Busy):
        stack.up()


def test_taken_port_is_avoided(run_dir: Path) -> None:
    with LocalStack(run_dir, services=[RedisServer()]) as stack:
        stack.up()
        port = stack.ports()["redis"]
        assert not ports.is_free(port)
        assert ports.choose((), preferred=port) != port


def test_program_beside_the_stack_is_stopped_by_any_process_and_never_doubled(run_dir: Path) -> None:
    stack = LocalStack(run_dir, services=[RedisServer()])
    stack.up()
    first = stack.start_beside("producer", ["sleep", "600"])
    second = stack.start_beside("producer", ["sleep", "600"])
    assert not process.is_alive(first)
    assert LocalStack(run_dir, services=[RedisServer()]).down() == ["producer", "redis"]
    assert not process.is_alive(second)


def test_reset_deletes_data_and_keeps_models(run_dir: Path) -> None:
    stack = LocalStack(run_dir, services=[RedisServer()])
    stack.up()
    stack.place.models.mkdir()
    stack.reset()
    assert state_of(stack, "redis") is State.STOPPED
    assert not stack.place.data("redis").exists()
    assert stack.place.models.exists()


def test_unknown_service_is_named(run_dir: Path) -> None:
    with pytest.raises(StackError, match="no service named memcached"):
        LocalStack(run_dir).up(["memcached"])


def test_application_without_a_model_says_how_to_train_one(run_dir: Path) -> None:
    with pytest.raises(MissingPrerequisite, match="fraud train"):
        LocalStack(run_dir).up(["stream"])
    assert {row.state for row in LocalStack(run_dir).status()} == {State.STOPPED}


def test_server_that_is_not_ready_in_time_is_taken_down(run_dir: Path) -> None:
    stack = LocalStack(run_dir, services=[NeverReady(ready_timeout_s=0.2)])
    with pytest.raises(NotReady, match="not ready within"):
        stack.up()
    assert state_of(stack, "never-ready") is State.STOPPED
