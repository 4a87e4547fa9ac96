"""Each Terraform module is whole: described, tested, shown by an example; and the environments differ in values alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ci_cd_testing_deployment.docker import images
from ci_cd_testing_deployment.terraform import drift, tables
from config import ROOT

TERRAFORM = ROOT / "ci_cd_testing_deployment" / "terraform"
OVERLAYS = ROOT / "ci_cd_testing_deployment" / "kubernetes" / "overlays"
MODULES = sorted(TERRAFORM.glob("modules/*"))
WITHOUT_PROVIDER = {"google-bigquery"}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_module_is_described_tested_and_shown(module: Path) -> None:
    assert {"main.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md"} <= {p.name for p in module.iterdir()}
    assert (module / "examples" / "basic" / "main.tf").exists()
    readme = (module / "README.md").read_text()
    assert readme.split(tables.BEGIN)[0] + tables.tables(module) == readme, "run terraform/tables.py"
    assert "**What it costs.**" in readme
    if module.name in WITHOUT_PROVIDER:
        assert "**Not applied in the tests**" in readme
        return
    runs = (module / "tests" / "unit.tftest.hcl").read_text()
    assert runs.count("condition") > 0
    if "validation {" in (module / "variables.tf").read_text():
        assert "expect_failures" in runs, "what is refused is tested"


def test_environments_differ_in_values_alone() -> None:
    def without_values(path: Path) -> str:
        return re.sub(r'"(dev|staging|production)[^"]*"', '"ENV"', path.read_text())

    for name in ("versions.tf", "variables.tf", "outputs.tf"):
        texts = {without_values(TERRAFORM / "environments" / env / name) for env in ("dev", "staging", "production")}
        assert len(texts) == 1, f"{name} differs between environments"
    for path in TERRAFORM.glob("environments/*/*.tf"):
        assert not re.search(r'^(resource|data) "', path.read_text(), re.MULTILINE), f"{path} makes something itself"


def test_state_is_locked_and_encrypted() -> None:
    for path in TERRAFORM.glob("environments/*/versions.tf"):
        text = path.read_text()
        assert "use_lockfile = true" in text
        assert re.search(r"encrypt\s+= true", text)


def test_no_module_deploys_into_the_cluster() -> None:
    providers = {
        name
        for path in TERRAFORM.rglob("versions.tf")
        for name in re.findall(r'source\s+= "([\w-]+/[\w-]+)"', path.read_text())
    }
    assert providers == {"hashicorp/aws", "hashicorp/google"}, "Kustomize owns what is in the cluster"


# --- what meets the cluster and the images


def handed_over() -> set[str]:
    value = (TERRAFORM / "stack" / "outputs.tf").read_text().split('output "handover"')[1].split("\n}\n")[0]
    return set(re.findall(r"^    ([A-Z_]+) += ", value, re.MULTILINE))


@pytest.mark.parametrize("overlay", sorted(OVERLAYS.glob("*/cloud.env")), ids=lambda path: path.parent.name)
def test_overlay_finds_what_it_asks_for(overlay: Path) -> None:
    asked = set(re.findall(r"^([A-Z_]+)=", overlay.read_text(), re.MULTILINE))
    assert asked == handed_over()


def test_roles_are_trusted_to_accounts_that_carry_them() -> None:
    text = (TERRAFORM / "stack" / "main.tf").read_text()
    trusted = set(re.findall(r'namespace\s+= "([\w-]+)"\n\s+service_account = "([\w-]+)"', text))
    component = (OVERLAYS.parent / "components" / "cloud" / "kustomization.yaml").read_text()
    carried = set(re.findall(r"select: \{kind: ServiceAccount, name: ([\w-]+)\}", component))
    assert trusted == {("fraudstream", name) for name in carried}


def test_each_image_has_a_repository() -> None:
    default = (TERRAFORM / "stack" / "variables.tf").read_text().split('variable "images"')[1].split("\n}\n")[0]
    assert set(re.findall(r'"([a-z-]+)",', default)) == {image.name for image in images.IMAGES}


def test_every_role_is_bounded() -> None:
    for path in TERRAFORM.glob("modules/*/*.tf"):
        for name, body in re.findall(
            r'^resource "aws_iam_role" "(\w+)" \{\n(.*?)^\}', path.read_text(), re.MULTILINE | re.DOTALL
        ):
            assert "permissions_boundary" in body, f"{path}: {name} may do whatever is attached to it"


# --- the report of drift


def changed(actions: list[str], **more: object) -> dict[str, object]:
    return {"resource_changes": [{"address": "a.b", "change": {"actions": actions, **more}}]}


def test_drift_names_what_differs_and_skips_what_only_follows() -> None:
    plan = changed(["update"], before={"x": 1, "y": 1, "z": 1}, after={"x": 2, "y": 1}, after_unknown={"z": True})
    assert list(drift.differences(plan, [])) == [("a.b", "update", ["x"], False)]
    assert list(drift.differences(plan, ["a.b:x"])) == [("a.b", "update", ["x"], True)]
    assert list(drift.differences(plan, ["a.c:x"])) == [("a.b", "update", ["x"], False)]
    assert list(drift.differences(changed(["no-op"]), [])) == []


def test_a_replacement_counts_by_what_forces_it() -> None:
    plan = changed(["delete", "create"], before={"k": 1, "c": "z"}, after={"k": 2, "c": None}, replace_paths=[["k"]])
    assert list(drift.differences(plan, [])) == [("a.b", "delete/create", ["k"], False)]


def test_a_deletion_is_never_a_known_gap_by_accident() -> None:
    plan = changed(["delete"], before={"k": 1}, after=None)
    assert list(drift.differences(plan, ["a.b:other"])) == [("a.b", "delete", ["k"], False)]


def test_exit_code_tells_drift(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(changed(["update"], before={"x": 1}, after={"x": 2})))
    gaps = tmp_path / "gaps"
    gaps.write_text("# a reason\na.b:x\n")
    assert drift.main([str(path)]) == drift.DRIFTED
    assert drift.main([str(path), str(gaps)]) == 0
