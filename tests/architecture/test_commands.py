"""The command `fraud` and the Makefile explain themselves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from ci_cd_testing_deployment.cli.main import VERBS, app, load_verb
from config import ROOT
from fraud_prevention.domain.errors import NotFound
from tests.architecture.tree import read

HEAVY = ("pyspark", "pandas", "sklearn", "pyarrow", "numba", "sqlalchemy", "flask", "confluent_kafka")


@pytest.fixture(autouse=True)
def _environment_is_given_back() -> Iterator[None]:
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def leaves(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, child in getattr(command, "commands", {}).items():
        yield from leaves(child, f"{path} {name}")
    if not getattr(command, "commands", None):
        yield path, command


COMMANDS = [leaf for verb in VERBS for leaf in leaves(load_verb(verb), verb)]


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[path for path, _ in COMMANDS])
def test_every_verb_has_help_and_an_example(path: str, command: Any) -> None:
    text = f"{command.help or ''}\n{command.epilog or ''}"
    assert f"fraud {path}" in text, "no example"
    assert len((command.help or "").split()) > 3
    for option in command.params:
        assert getattr(option, "help", None), f"--{option.name} has no help"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_answers_help(verb: str) -> None:
    assert CliRunner().invoke(app, [verb, "--help"]).exit_code == 0


def test_help_loads_no_heavy_library() -> None:
    code = (
        "import sys; from ci_cd_testing_deployment.cli import main; [main.load_verb(v) for v in main.VERBS];"
        f"print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_an_error_of_the_business_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise NotFound("case", "c-1")

    monkeypatch.setattr("ci_cd_testing_deployment.cli.settings.settings", refuse)
    result = CliRunner().invoke(app, ["settings"])
    assert (result.exit_code, result.stderr) == (1, "fraud: no case c-1\n")


def test_a_mistyped_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUD_API_PROT", "1")
    result = CliRunner().invoke(app, ["settings"])
    assert result.exit_code == 1
    assert "FRAUD_API_PROT is not a setting" in result.stderr


def test_completion_knows_the_verbs() -> None:
    environment = os.environ | {"_FRAUD_COMPLETE": "complete_bash", "COMP_WORDS": "fraud sett", "COMP_CWORD": "1"}
    entry = "from ci_cd_testing_deployment.cli.main import app; app(prog_name='fraud')"
    done = subprocess.run(
        [sys.executable, "-c", entry], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["settings"]


def targets() -> list[str]:
    return re.findall(r"^\.PHONY: (\S+)$", read("Makefile"), re.MULTILINE)


def test_make_help_lists_every_target() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = re.findall(r"^  ([a-z-]+) +\S", shown, re.MULTILINE)
    rules = re.findall(r"^([a-z][a-z-]*):", read("Makefile"), re.MULTILINE)
    assert sorted(listed) == sorted(targets()) == sorted(rules)


def test_modules_that_make_runs_exist() -> None:
    modules = re.findall(r"-m (ci_cd_testing_deployment[\w.]+)", read("Makefile"))
    assert [m for m in modules if not (ROOT / f"{m.replace('.', '/')}.py").exists()] == []


def test_ci_calls_only_make() -> None:
    script = read(".ci/run")
    called = re.findall(r"^\s*make ([a-z-]+)$", script, re.MULTILINE)
    assert called == ["test", "parity", "test-ship-smoke"]
    assert set(called) <= set(targets())
    assert [f"test-{name}" for name in re.findall(r"^for target in (.+); do$", script, re.MULTILINE)[0].split()] == [
        "test-images", "test-cluster", "test-infra",
    ]  # fmt: skip
    assert os.access(ROOT / ".ci/run", os.X_OK)
