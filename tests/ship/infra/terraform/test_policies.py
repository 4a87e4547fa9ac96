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
                "after": {"storage_encrypted": True, "deletion_protection": True, "publicly_accessible": False},
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
    ],
}
EVERYTHING = json.dumps({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
WRONG = {
    "unencrypted store": (0, {"storage_encrypted": False}, "storage_encrypted must be true"),
    "public store": (0, {"publicly_accessible": True}, "no store has a public address"),
    "unprotected production": (0, {"deletion_protection": False}, "production is protected"),
    "open to everybody": (1, {"cidr_ipv4": "0.0.0.0/0"}, "no store is open to every address"),
    "a right to everything": (2, {"policy": EVERYTHING}, "nobody may do everything"),
    "a key that stays": (3, {"enable_key_rotation": False}, "keys rotate"),
}


def check(plan: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    cache = Path(os.environ.get("FRAUD_SHIP_CACHE", ".cache/ship"))
    if shutil.which("conftest") is None and not (ROOT / cache / "bin" / "conftest").exists():
        pytest.skip("conftest is not built: ci_cd_testing_deployment/actions/tools.sh makes it")
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
