"""Rates leave the warm-up out where they can, and a peer that did not run is named."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ci_cd_testing_deployment.performance_testing.peers import environments
from ci_cd_testing_deployment.performance_testing.peers.check import Comparison
from ci_cd_testing_deployment.performance_testing.peers.errors import NotInstalled
from ci_cd_testing_deployment.performance_testing.peers.job import VARIABLE, Job, reported_done
from ci_cd_testing_deployment.performance_testing.peers.measure import Rates, Sample, rates_of
from ci_cd_testing_deployment.performance_testing.peers.registry import OURS, PEERS, chosen
from ci_cd_testing_deployment.performance_testing.peers.report import entry_of, entry_of_failure, report_of
from ci_cd_testing_deployment.performance_testing.peers.spark_session import SPARK_CONNECTOR
from config import ROOT

RATES = Rates(events=750, events_per_s=100.0, events_per_cpu_s=50.0, has_warm_up=True)


def test_rates_leave_out_the_first_quarter() -> None:
    steps = [Sample(0, 0.0, 0.0), Sample(200, 50.0, 60.0), Sample(250, 60.0, 70.0), Sample(1_000, 70.0, 85.0)]
    assert rates_of(steps) == Rates(750, 75.0, 50.0, has_warm_up=True)


def test_rates_of_coarse_steps_count_from_the_start() -> None:
    steps = [Sample(0, 0.0, 0.0), Sample(900, 10.0, 20.0), Sample(1_000, 11.0, 21.0)]
    assert rates_of(steps) == Rates(1_000, 1_000 / 11, 1_000 / 21, has_warm_up=False)


def test_shares_and_warnings_are_in_the_entry() -> None:
    constants = next(peer for peer in PEERS if not peer.is_exact)
    entry = entry_of(constants, RATES, Comparison(checked=1_000, equal=250, repeats=3))
    assert (entry["checked"], entry["equal"]) == (1_000, 0.25)
    assert "does not claim exact features" in entry["note"]
    assert "3 outputs came twice" in entry["note"]


def test_ratios_are_of_the_product_to_each_peer_that_ran() -> None:
    right = Comparison(1_000, 1_000, 0)
    own = entry_of(chosen([OURS])[0], Rates(750, 1.0, 200.0, has_warm_up=True), right)
    peer = entry_of(chosen(["sql"])[0], RATES, right)
    report = report_of(1_000, {OURS: own, "sql": peer, "faust": entry_of_failure("no wheel")})
    assert report["ratios"] == {"sql": 4.0}
    assert report["peers"]["faust"]["note"] == "not run: no wheel"
    assert json.loads(json.dumps(report)) == report


def test_no_ratios_without_the_product() -> None:
    assert report_of(1_000, {"sql": entry_of(chosen(["sql"])[0], RATES, Comparison(1, 1, 0))})["ratios"] == {}


def test_peers_run_in_the_order_of_the_table() -> None:
    assert [peer.name for peer in chosen(["sql", OURS])] == [OURS, "sql"]
    assert chosen([]) == list(PEERS)
    with pytest.raises(KeyError, match="flink"):
        chosen(["flink"])


def test_the_connector_has_the_version_of_spark() -> None:
    version = ET.parse(SPARK_CONNECTOR.pom).findtext(".//{*}spark.version")  # noqa: S314 — our own file
    assert version == importlib.metadata.version("pyspark")


def test_a_job_reaches_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job("broker:1", "in", "out", 10, "work", "models")
    monkeypatch.setenv(VARIABLE, job.environment()[VARIABLE])
    assert Job.from_environment() == job


@pytest.mark.parametrize(("line", "number"), [(b"done 12", 12), (b"done soon", None), (b"12", None), (b"", None)])
def test_only_reports_count_as_progress(line: bytes, number: int | None) -> None:
    assert reported_done(line) == number


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_has_a_program_and_a_lock(peer: object) -> None:
    assert isinstance(peer, type(PEERS[0]))
    assert (ROOT / f"{peer.program.replace('.', '/')}.py").exists()
    assert peer.environment is None or environments.lock_of(peer.environment).exists()


def test_an_environment_that_cannot_be_made_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lock, uv = tmp_path / "requirements" / "peers" / "x.txt", tmp_path / "cache" / "uv" / "bin" / "uv"
    for path in (lock, uv):
        path.parent.mkdir(parents=True)
    lock.write_text("x==1")
    uv.write_text("#!/bin/sh\necho no wheel for this machine >&2\nexit 1\n")
    uv.chmod(0o755)
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(environments, "CACHE_DIR", tmp_path / "cache")
    with pytest.raises(NotInstalled, match="no wheel for this machine"):
        environments.ensure_environment("x")
