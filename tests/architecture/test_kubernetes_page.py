"""What operators read names what there is: components in the README, alerts in the handbook."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from config import ROOT
from tests.architecture.tree import files, read

KUBERNETES = Path("ci_cd_testing_deployment") / "kubernetes"
PARTS = {"ab/version-b"}
"""Folders that belong to a component."""


def test_readme_names_every_component_and_no_other() -> None:
    folder = KUBERNETES / "components"
    there = {
        str(path.parent.relative_to(folder))
        for path in files(".yaml")
        if path.name == "kustomization.yaml" and path.is_relative_to(folder)
    }
    table = read(KUBERNETES / "README.md").split("## Components")[1].split("\n## ")[0]
    first_cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert {name for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)} == there - PARTS


def test_readme_names_every_workload_of_the_base() -> None:
    table = read(KUBERNETES / "README.md").split("## Workloads")[1].split("\n## ")[0]
    named = set(re.findall(r"`([a-z-]+)`", table))
    kinds = {"Deployment", "SparkApplication", "Job", "CronJob"}
    workloads = {
        document["metadata"]["name"]
        for path in files(".yaml")
        if path.is_relative_to(KUBERNETES / "base")
        for document in yaml.safe_load_all(read(path))
        if isinstance(document, dict) and document.get("kind") in kinds
    }
    assert workloads
    assert workloads - named == set()


def test_handbook_says_what_to_do_when_an_alert_rings() -> None:
    rows = re.findall(r"^\| (`Fraud.*?) \|", read("docs/operations.md"), re.MULTILINE)
    named: set[str] = set()
    for row in rows:
        first, *others = re.findall(r"`([^`]+)`", row)
        stem = re.sub(r"Burns[A-Z]\w+$", "", first)
        named |= {first, *(other.replace("…", stem) for other in others)}
    alerts = {
        rule["alert"]
        for path in files(".yaml")
        if path.is_relative_to(KUBERNETES / "components" / "monitoring")
        for document in yaml.safe_load_all(read(path))
        if document.get("kind") == "PrometheusRule"
        for group in document["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert alerts
    assert named == alerts


def test_handbook_lists_no_path_that_is_gone() -> None:
    text = read("docs/operations.md")
    for path in re.findall(r"`(tests/[\w/]+|platform/[\w.]+)`", text):
        assert (ROOT / path).exists() or (ROOT / KUBERNETES / path).exists(), path
