"""The policies of plans let good plans through and name what is wrong with bad ones."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from config import ROOT
from tests.ship.infra.terraform.conftest import TERRAFORM

pytestmark = pytest.mark.ship

GOOD: dict[str, Any] = {
    "variables": {"environment": {"value": "production"}},
    "resource_changes": [
        {
            "address": "db",
            "type": "aws_db_instance",
            "change": {
                "actions": ["create"],
                "after": {
                    "storage_encrypted": True,
                    "kms_key_id": None,
                    "deletion_protection": True,
                    "publicly_accessible": False,
                    "tags_all": {"product": "p", "environment": "production", "managed-by": "terraform"},
                },
                "after_unknown": {"kms_key_id": True},
            },
        },
        {
            "address": "rule",
            "type": "aws_vpc_security_group_ingress_rule",
            "change": {"actions": ["create"], "after": {"cidr_ipv4": "10.0.0.0/8"}},
        },
        {
            "address": "role",
            "type": "aws_iam_role_policy",
            "change": {
                "actions": ["create"],
                "after": {"policy": json.dumps({"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"]}]})},
            },
        },
        {
            "address": "key",
            "type": "aws_kms_key",
            "change": {"actions": ["update"], "after": {"enable_key_rotation": True}},
        },
        {
            "address": "group",
            "type": "aws_security_group",
            "change": {
                "actions": ["create"],
                "after": {"ingress": [{"cidr_blocks": ["10.0.0.0/8"], "ipv6_cidr_blocks": []}]},
            },
        },
        {
            "address": "job",
            "type": "aws_iam_role",
            "change": {"actions": ["create"], "after": {}, "after_unknown": {"permissions_boundary": True}},
        },
        {
            "address": "repository",
            "type": "aws_ecr_repository",
            "change": {"actions": ["create"], "after": {"encryption_configuration": [{"encryption_type": "KMS"}]}},
        },
        {
            "address": "log",
            "type": "aws_cloudwatch_log_group",
            "change": {"actions": ["create"], "after": {"kms_key_id": "arn:aws:kms:region:1:key/1"}},
        },
    ],
}


def statement(action: str, **more: object) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*", **more}]})


WRONG = {
    "unencrypted store": (0, {"storage_encrypted": False}, "storage_encrypted must be set"),
    "untagged store": (0, {"tags_all": {"product": "p", "managed-by": "terraform"}}, "the tag environment is missing"),
    "public store": (0, {"publicly_accessible": True}, "no store has a public address"),
    "unprotected production": (0, {"deletion_protection": False}, "production is protected"),
    "open to everybody": (1, {"cidr_ipv4": "0.0.0.0/0"}, "nothing is open to every address"),
    "open to everybody on IPv6": (1, {"cidr_ipv6": "::/0"}, "nothing is open to every address"),
    "open by a group": (4, {"ingress": [{"cidr_blocks": ["0.0.0.0/0"]}]}, "nothing is open to every address"),
    "a right to everything": (2, {"policy": statement("*")}, "nobody may do everything"),
    "all of a service": (2, {"policy": statement("s3:*")}, "s3:* needs a resource or a condition"),
    "a key that stays": (3, {"enable_key_rotation": False}, "keys rotate"),
    "layers under another's key": (6, {"encryption_configuration": []}, "layers are encrypted"),
    "a log under another's key": (7, {"kms_key_id": ""}, "kms_key_id must be set"),
}


def conftest() -> str:
    built = ROOT / os.environ.get("FRAUD_SHIP_CACHE", ".cache/ship") / "bin" / "conftest"
    found = shutil.which("conftest") or (str(built) if built.exists() else None)
    if found is None:
        pytest.skip("conftest is not built: ci_cd_testing_deployment/actions/tools.sh makes it")
    return found


def check(plan: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    conftest()
    path = folder / "plan.json"
    path.write_text(json.dumps(plan))
    return subprocess.run([TERRAFORM / "check_plan.sh", path], capture_output=True, text=True, check=False, timeout=60)


def test_a_good_plan_passes(tmp_path: Path) -> None:
    shown = check(GOOD, tmp_path)
    assert shown.returncode == 0, shown.stdout


@pytest.mark.parametrize("name", WRONG)
def test_a_bad_plan_is_refused(name: str, tmp_path: Path) -> None:
    index, values, message = WRONG[name]
    plan = copy.deepcopy(GOOD)
    plan["resource_changes"][index]["change"]["after"] |= values
    shown = check(plan, tmp_path)
    assert shown.returncode != 0
    assert message in shown.stdout


def test_a_plan_that_deletes_data_is_refused(tmp_path: Path) -> None:
    plan = copy.deepcopy(GOOD)
    plan["resource_changes"][0]["change"]["actions"] = ["delete", "create"]
    shown = check(plan, tmp_path)
    assert shown.returncode != 0
    assert "deletes what holds data" in shown.stdout


@pytest.mark.parametrize("kind", ["aws_iam_user", "aws_iam_access_key"])
def test_users_and_keys_are_refused(kind: str, tmp_path: Path) -> None:
    plan = {"resource_changes": [{"address": "x", "type": kind, "change": {"actions": ["create"], "after": {}}}]}
    shown = check(plan, tmp_path)
    assert shown.returncode != 0
    assert "no users and no keys" in shown.stdout


def test_a_bounded_right_to_a_service_passes(tmp_path: Path) -> None:
    plan = copy.deepcopy(GOOD)
    condition = {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}
    plan["resource_changes"][2]["change"]["after"]["policy"] = statement("ec2:*", Condition=condition)
    shown = check(plan, tmp_path)
    assert shown.returncode == 0, shown.stdout


def test_a_role_without_a_boundary_is_refused(tmp_path: Path) -> None:
    plan = copy.deepcopy(GOOD)
    plan["resource_changes"][5]["change"]["after_unknown"] = {}
    shown = check(plan, tmp_path)
    assert shown.returncode != 0
    assert "every role has a boundary" in shown.stdout


# --- the source of a module that no plan shows


def check_source(*files: Path) -> subprocess.CompletedProcess[str]:
    command = [conftest(), "test", "--no-color", "--parser=hcl2", "--namespace=source"]
    return subprocess.run(
        [*command, f"--policy={TERRAFORM / 'policies'}", *files],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_the_warehouse_keeps_to_the_policies() -> None:
    shown = check_source(*sorted((TERRAFORM / "modules" / "google-bigquery").glob("*.tf")))
    assert shown.returncode == 0, shown.stdout


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("deletion_protection      = true", "deletion_protection      = false"), "deletion_protection must be set"),
        (
            ("require_partition_filter = true", "require_partition_filter = false"),
            "require_partition_filter must be set",
        ),
        (("delete_contents_on_destroy = false", "delete_contents_on_destroy = true"), "tables do not go"),
        (("google_service_account.sink.member", '"allUsers"'), "open to everybody"),
        (("roles/bigquery.dataEditor", "roles/bigquery.admin"), "gives too much"),
        (('"google_service_account" "sink"', '"google_service_account_key" "sink"'), "there are no keys"),
        (("attribute_condition", "description"), "any token of the issuer would do"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_warehouse_is_refused(change: tuple[str, str], message: str, tmp_path: Path) -> None:
    module = TERRAFORM / "modules" / "google-bigquery"
    source = "".join((module / name).read_text() for name in ("main.tf", "federation.tf"))
    assert change[0] in source
    path = tmp_path / "main.tf"
    path.write_text(source.replace(*change))
    shown = check_source(path)
    assert shown.returncode != 0
    assert message in shown.stdout
