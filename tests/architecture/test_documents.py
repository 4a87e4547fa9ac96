"""Documents that are made from code say what the code says."""

from __future__ import annotations

import re

import pytest

import config
from ci_cd_testing_deployment.cli import settings
from config import ROOT
from tests.architecture.tree import files, read


def test_settings_page_is_the_output_of_the_command() -> None:
    assert read("docs/settings.md") == settings.markdown(), "run `make docs`"


@pytest.mark.parametrize("row", settings.rows(), ids=lambda row: row["variable"])
def test_every_setting_says_what_it_means(row: dict[str, str]) -> None:
    assert len(row["description"].split()) > 1
    assert row["description"].endswith(".")


def test_every_variable_named_in_the_repository_is_a_setting() -> None:
    known = {row["variable"] for row in settings.rows()}
    prefixes = tuple(str(group.model_config["env_prefix"]) for group in config.GROUPS)
    named = {
        (match, str(path))
        for path in files(".py", ".md", ".sh", ".yml", ".yaml", ".ts", ".tsx", ".mjs")
        if path.parts[0] != "tests"
        for match in re.findall(r"\bFRAUD_[A-Z0-9_]*[A-Z0-9]\b", read(path))
        if match.startswith(prefixes)
    }
    assert {pair for pair in named if pair[0] not in known} == set()


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{path}: {target}"
        for path in files(".md")
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", read(path))
        if not (ROOT / path.parent / target).exists()
    ]
    assert broken == []


def test_decisions_are_numbered_and_name_what_enforces_them() -> None:
    decisions = sorted(path for path in files(".md") if path.parts[:2] == ("docs", "decisions") and path.stem[0] == "0")
    assert [int(path.stem[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in decisions:
        for heading in ("Context", "Decision", "Consequences", "Enforced by"):
            assert f"## {heading}" in read(path), f"{path} lacks {heading}"
