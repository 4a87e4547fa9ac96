"""A backup is taken, the database is lost, and everything is there again; what is damaged is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest

from storage_security.postgres.migrate import current, head, upgrade
from tests.fixtures.services import PostgresService
from tests.integration.operations.conftest import Backup, execute, fill, runner, tables


def gnu(_: Path) -> str:
    """The machine's own tools."""
    return ""


def busybox(folder: Path) -> str:
    """The small tools of Alpine's images, before the machine's own."""
    program = shutil.which("busybox")
    if program is None:
        pytest.skip("busybox was not found; install it (Debian, Ubuntu: `apt-get install busybox`)")
    subprocess.run([program, "--install", "-s", folder], check=True)
    for shell in ("sh", "bash"):
        (folder / shell).unlink(missing_ok=True)
    return str(folder)


@pytest.fixture(params=[gnu, busybox])
def backup(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    """Runs the script with the tools of Debian's images, and with those of Alpine's."""
    return runner(request.param(tmp_path_factory.mktemp("tools")))


@pytest.fixture
def made(backup: Backup, filled: str, tmp_path: Path) -> Path:
    """The folder of a backup of the filled database."""
    done = backup(filled, "make", tmp_path)
    assert done.returncode == 0, done.stderr
    (found,) = (path for path in tmp_path.iterdir() if path.name[0] != ".")
    return found


@pytest.fixture
def empty(postgres_server: PostgresService) -> str:
    """The DSN of a database to restore into; it goes with the server."""
    return postgres_server.new_database()


def test_a_lost_database_comes_back_whole(backup: Backup, tmp_path: Path, postgres_server: PostgresService) -> None:
    lost, again = postgres_server.new_database(), postgres_server.new_database()
    fill(lost)
    before = tables(lost)
    assert len(before["customer_events"]) == 1_000
    assert backup(lost, "make", tmp_path).returncode == 0
    postgres_server.drop_database(lost)
    done = backup(again, "restore", next(tmp_path.iterdir()))
    assert done.returncode == 0, done.stderr
    assert f"{len(before)} tables are as they were" in done.stdout
    assert current(again) == head()
    upgrade(again)  # the product's own start finds nothing to do
    assert tables(again) == before


def test_the_history_of_cases_is_still_protected_after_a_restore(backup: Backup, made: Path, empty: str) -> None:
    assert backup(empty, "restore", made).returncode == 0
    triggers = execute(empty, "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal")
    assert triggers[0][0] != 0


def test_a_backup_sees_one_moment_while_rows_arrive(backup: Backup, filled: str, tmp_path: Path, empty: str) -> None:
    """The sums of the tables are those of the dump, whatever is written between the two."""
    statement = "INSERT INTO fraud_summary VALUES (clock_timestamp(), 'review', 1, 1)"
    writer = f"DO $$ BEGIN FOR n IN 1..600 LOOP {statement}; COMMIT; PERFORM pg_sleep(0.005); END LOOP; END $$"
    connection = psycopg2.connect(filled)
    connection.autocommit = True
    with closing(connection), ThreadPoolExecutor(1) as pool:
        writing = pool.submit(connection.cursor().execute, writer)
        done = backup(filled, "make", tmp_path)
        assert not writing.done(), "the rows have to arrive meanwhile"
        writing.result(timeout=60)
    assert done.returncode == 0, done.stderr
    (found,) = (path for path in tmp_path.iterdir() if path.name[0] != ".")
    assert backup(empty, "restore", found).returncode == 0


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["database.dump", "tables.tsv"])
@pytest.mark.parametrize("damage", [cut, flip])
def test_a_damaged_backup_is_refused(backup: Backup, made: Path, empty: str, file: str, damage: object) -> None:
    assert callable(damage)
    damage(made / file)
    for words in (("verify", made), ("restore", made)):
        done = backup(empty, *words)
        assert done.returncode == 1
        assert f"{made} is damaged" in done.stderr
    assert tables(empty) == {}


def test_a_dump_cut_before_it_was_summed_restores_nothing(backup: Backup, made: Path, empty: str) -> None:
    dump = made / "database.dump"
    dump.write_bytes(dump.read_bytes()[: -dump.stat().st_size // 4])
    _sum_again(made)
    assert backup(empty, "restore", made).returncode == 1
    assert tables(empty) == {}


def test_rows_that_are_not_those_of_the_backup_are_told(backup: Backup, made: Path, empty: str) -> None:
    listed = made / "tables.tsv"
    listed.write_text(listed.read_text().replace("public.fraud_summary\t500\t", "public.fraud_summary\t501\t"))
    _sum_again(made)
    done = backup(empty, "restore", made)
    assert done.returncode == 1
    assert "-public.fraud_summary\t501" in done.stderr
    assert "take another backup" in done.stderr


def _sum_again(made: Path) -> None:
    lines = [f"{sha256((made / n).read_bytes()).hexdigest()}  {n}\n" for n in ("database.dump", "tables.tsv")]
    (made / "SHA256SUMS").write_text("".join(lines))


def test_a_database_in_use_is_not_overwritten(backup: Backup, filled: str, made: Path) -> None:
    before = tables(filled)
    done = backup(filled, "restore", made)
    assert done.returncode == 1
    assert "restore into an empty one" in done.stderr
    assert tables(filled) == before


def test_what_was_not_finished_is_no_backup(backup: Backup, filled: str, tmp_path: Path) -> None:
    unreachable = filled.replace("/test_", "/no_such_")
    done = backup(unreachable, "make", tmp_path)
    assert done.returncode == 1
    assert "is FRAUD_POSTGRES_DSN right?" in done.stderr
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "20260101T000000Z").mkdir()
    assert "is no whole backup" in backup(filled, "verify", tmp_path / "20260101T000000Z").stderr
    assert "holds no whole backup" in backup(filled, "age", tmp_path).stderr


def test_only_the_newest_backups_are_kept(backup: Backup, filled: str, tmp_path: Path, made: Path) -> None:
    for day in range(1, 6):
        made.rename(tmp_path / "moved").rename(tmp_path / f"2026010{day}T000000Z")
        if day < 5:
            made.mkdir()
            for name in ("database.dump", "tables.tsv", "SHA256SUMS"):
                (made / name).write_bytes((tmp_path / f"2026010{day}T000000Z" / name).read_bytes())
    unfinished = tmp_path / "20250101T000000Z"
    unfinished.mkdir()
    done = backup(filled, "make", tmp_path, "--keep", "3")
    assert done.returncode == 0, done.stderr
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept[:3] == ["20250101T000000Z", "20260104T000000Z", "20260105T000000Z"]
    assert len(kept) == 4


def test_what_a_killed_run_left_goes_a_day_later(backup: Backup, filled: str, tmp_path: Path) -> None:
    left, at_work = tmp_path / ".part-left", tmp_path / ".part-work"
    for folder in (left, at_work):
        folder.mkdir()
        (folder / "database.dump").touch()
    os.utime(left, (time.time() - 90_000,) * 2)
    assert backup(filled, "make", tmp_path).returncode == 0
    assert not left.exists()
    assert at_work.exists()


def test_a_backup_that_is_too_old_fails_the_check(backup: Backup, filled: str, made: Path) -> None:
    assert backup(filled, "age", made.parent).returncode == 0
    before = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - 27 * 3600))
    made.rename(made.parent / before)
    done = backup(filled, "age", made.parent)
    assert done.returncode == 1
    assert "27 hours old" in done.stdout
    assert "older than 26 hours" in done.stderr
    assert backup(filled, "age", made.parent, "--at-most-h", "48").returncode == 0


def test_a_password_of_any_characters_is_no_argument(
    backup: Backup, postgres_server: PostgresService, filled: str, tmp_path: Path
) -> None:
    """It is decoded from the address; other users see the arguments of a process, not its environment."""
    password = "p:a@s%s/w ö"
    execute(postgres_server.dsn, f"CREATE ROLE backup_reader LOGIN SUPERUSER PASSWORD '{password}'")
    try:
        address = filled.split("@", 1)[1]
        done = backup(f"postgresql+psycopg2://backup_reader:{quote(password, safe='')}@{address}", "make", tmp_path)
        assert done.returncode == 0, done.stderr
    finally:
        execute(postgres_server.dsn, "DROP ROLE backup_reader")


@pytest.mark.parametrize(
    "words", [(), ("make",), ("make", ".", "--keep"), ("make", ".", "--kept", "2"), ("drop", "."), ("verify", ".", "x")]
)
def test_words_that_make_no_sense_show_the_usage(backup: Backup, words: tuple[str, ...]) -> None:
    done = backup("", *words)
    assert done.returncode == 2
    assert done.stderr.startswith("usage:")


def test_an_option_must_be_a_number(backup: Backup, tmp_path: Path) -> None:
    done = backup("", "age", tmp_path, "--at-most-h", "soon")
    assert (done.returncode, done.stderr) == (1, "postgres_backup: --at-most-h wants a whole number from 1\n")


def test_a_missing_address_is_told(backup: Backup, tmp_path: Path) -> None:
    assert "set FRAUD_POSTGRES_DSN" in backup("", "make", tmp_path).stderr
