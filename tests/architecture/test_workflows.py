"""Workflows are thin, take no more rights than they need, and run nothing that can move under them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci_cd_testing_deployment.docker.images import IMAGES
from config import ROOT
from tests.architecture.tree import read

Job = dict[str, Any]

ACTIONS = Path("ci_cd_testing_deployment/actions")
WORKFLOWS = {path.name: path for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}
PINS = {
    line.split()[0]: tuple(line.split()[1:])
    for line in read(ACTIONS / "pins.txt").splitlines()
    if not line.startswith("#")
}
TARGETS = set(re.findall(r"^\.PHONY: (\S+)$", read("Makefile"), re.MULTILINE))
ENVIRONMENTS = {"dev", "staging", "production"}
UNTRUSTED = re.compile(r"\$\{\{")
LOGS_IN = "aws-actions/configure-aws-credentials"


def parsed(name: str) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as a truth value.
    workflow: dict[Any, Any] = yaml.safe_load(WORKFLOWS[name].read_text())
    return {"on" if key is True else key: value for key, value in workflow.items()}


def jobs() -> Iterator[tuple[str, Job]]:
    for name in WORKFLOWS:
        for job, body in parsed(name)["jobs"].items():
            yield f"{name}/{job}", body


JOBS = dict(jobs())
STEPS = [(f"{name}/{i}", step) for name, job in JOBS.items() for i, step in enumerate(job.get("steps", []))]
RUNS = [(name, step["run"], job) for name, job in JOBS.items() for step in job.get("steps", []) if "run" in step]


def uses(step: Job) -> str:
    """`owner/name` of the action of a step."""
    return "/".join(str(step.get("uses", "")).partition("@")[0].split("/")[:2])


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_pinned_by_a_commit_that_somebody_looked_at(name: str) -> None:
    for line in re.findall(r"uses: (.+)", WORKFLOWS[name].read_text()):
        if line.startswith("./"):
            assert (ROOT / line).exists()
            continue
        match = re.fullmatch(r"([\w.-]+/[\w.-]+)(?:/[\w-]+)?@([0-9a-f]{40}) # (v[\d.]+)", line)
        assert match, line
        assert PINS.get(match[1]) == (match[2], match[3]), f"{match[1]} is not the one of pins.txt"


def test_every_pin_is_used() -> None:
    used = {uses(step) for _, step in STEPS if "uses" in step}
    assert set(PINS) - used == set()


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflow_has_no_right_by_itself_and_does_not_overtake_itself(name: str) -> None:
    workflow = parsed(name)
    assert workflow["permissions"] == {}
    assert set(workflow["concurrency"]) == {"group", "cancel-in-progress"}


@pytest.mark.parametrize("name", JOBS)
def test_job_says_what_it_may_and_for_how_long(name: str) -> None:
    job = JOBS[name]
    assert job["permissions"], "what it needs, at least to see the files"
    if "uses" not in job:
        assert 0 < job["timeout-minutes"] <= 180
        assert job["runs-on"] == "ubuntu-24.04"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_right_to_write_has_its_reason(name: str) -> None:
    lines = re.findall(r"^ +[\w-]+: (?:read|write)\b.*$", WORKFLOWS[name].read_text(), re.MULTILINE)
    assert [line for line in lines if not re.search(r"# to \w+ \w+", line)] == []


def test_no_checkout_leaves_its_token_behind() -> None:
    checkouts = [(name, step) for name, step in STEPS if uses(step) == "actions/checkout"]
    assert len(checkouts) > 10
    assert [name for name, step in checkouts if step["with"]["persist-credentials"] is not False] == []


@pytest.mark.parametrize(("job", "run", "_body"), RUNS, ids=[f"{name}: {run}" for name, run, _ in RUNS])
def test_step_is_one_call_of_a_script_or_a_target_that_exists(job: str, run: str, _body: Job) -> None:
    assert not UNTRUSTED.search(run), "what comes from outside goes through the environment"
    assert "\n" not in run.strip()
    words = shlex.split(run)
    if words[0] == "sudo":
        words = [word for word in words[1:] if not word.startswith(("--preserve-env", "env", "PATH="))]
    match words:
        case ["make", "$TARGET"]:
            assert set(JOBS[job]["strategy"]["matrix"]["target"]) <= TARGETS
        case ["make", target, *_]:
            assert target in TARGETS
        case ["python3", "-m", module, *_]:
            assert (ROOT / f"{module.replace('.', '/')}.py").exists()
        case [script, *_]:
            assert (ROOT / script).stat().st_mode & 0o100, f"{script} is no script"
            if script.endswith("keep_result.sh"):
                assert set(JOBS[job]["strategy"]["matrix"]["target"]) <= TARGETS


def test_whoever_takes_a_role_has_no_key_and_an_environment_or_looks_only() -> None:
    taking = {name: job for name, job in JOBS.items() if any(uses(step) == LOGS_IN for step in job.get("steps", []))}
    assert len(taking) > 4
    for name, job in taking.items():
        step = next(step for step in job["steps"] if uses(step) == LOGS_IN)
        assert set(step["with"]) == {"role-to-assume", "aws-region"}, name
        assert job["permissions"]["id-token"] == "write"
        role = step["with"]["role-to-assume"].rpartition("-")[2]
        assert role in {"plan", "apply", "deploy"}
        assert ("environment" in job) is (role != "plan"), (
            f"{name}: roles that change something belong to an environment"
        )
    text = "".join(path.read_text() for path in WORKFLOWS.values())
    assert set(re.findall(r"secrets\.(\w+)", text)) == {"GITHUB_TOKEN"}


def test_environments_are_those_of_terraform_and_of_the_overlays() -> None:
    for folder in ("terraform/environments", "kubernetes/overlays"):
        assert {path.name for path in (ROOT / "ci_cd_testing_deployment" / folder).iterdir()} == ENVIRONMENTS


def test_production_comes_last_and_only_after_staging() -> None:
    chain = parsed("main.yml")["jobs"]
    assert [(name, job.get("needs")) for name, job in chain.items()] == [
        ("build", None), ("dev", "build"), ("staging", "dev"), ("production", "staging"),
    ]  # fmt: skip
    for name in ENVIRONMENTS:
        assert chain[name]["with"] == {"environment": name}
    assert JOBS["deploy.yml/deploy"]["environment"] == "${{ inputs.environment }}"
    strategy = JOBS["terraform.yml/apply"]["strategy"]
    assert strategy["max-parallel"] == 1
    assert [entry["environment"] for entry in _environments(strategy["matrix"])] == ["dev", "staging", "production"]


def _environments(matrix: Job) -> list[dict[str, str]]:
    return matrix.get("include") or [{"environment": name} for name in matrix["environment"]]


def test_one_result_stands_for_all_jobs_of_a_pull_request() -> None:
    every = parsed("pull-request.yml")["jobs"]
    assert set(every["passed"]["needs"]) == set(every) - {"passed"}
    assert every["passed"]["if"] == "always()"


def test_every_image_is_built_by_the_table_and_kept_by_a_registry() -> None:
    assert JOBS["build-images.yml/image"]["strategy"]["matrix"] == {
        "image": "${{ fromJSON(needs.table.outputs.images) }}"
    }
    variables = read("ci_cd_testing_deployment/terraform/stack/variables.tf")
    kept = re.search(r'variable "images" \{.*?default\s+= \[(.*?)\]', variables, re.DOTALL)
    assert kept
    assert set(re.findall(r'"([\w-]+)"', kept[1])) == {image.name for image in IMAGES}


def test_nobody_waives_a_finding_without_a_reason() -> None:
    waivers = sorted((ROOT / ACTIONS / "waivers").iterdir())
    assert len(waivers) > 2
    for path in waivers:
        lines = path.read_text().splitlines()
        for before, line in zip(["", *lines], lines, strict=False):
            waives = re.match(r"^(?:- )?[A-Z]+[\w]*\d+\b|^[a-z]+(?:-[a-z]+)+\b(?!:)|^ +disable:", line)
            assert not waives or re.search(r"#.*\w+ \w+", line + before), f"{path.name}: {line}"
