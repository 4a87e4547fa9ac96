"""An environment from nothing, by the commands of the documentation, on an imitation of AWS: made, watched, taken down.

The tests are one story and run in order.
"""

from __future__ import annotations

import json
import re

import pytest

from tests.ship.infra.terraform.conftest import TERRAFORM, Run

pytestmark = [pytest.mark.ship, pytest.mark.timeout(900)]

DEV = TERRAFORM / "environments" / "dev"
LOCK_ID = "11111111-1111-1111-1111-111111111111"


def output(cloud: Run, name: str) -> str:
    return cloud("terraform", "output", "-raw", name, cwd=DEV).stdout


def test_made_from_nothing_by_three_commands(cloud: Run) -> None:
    for command in ("bootstrap.sh", "plan.sh", "apply.sh"):
        shown = cloud(f"./{command}", "dev")
        assert shown.returncode == 0, f"{command}: {shown.stdout[-3000:]}{shown.stderr}"
    made = re.search(r"Apply complete! Resources: (\d+) added, 0 changed, 0 destroyed", shown.stdout)
    assert made, shown.stdout[-2000:]
    assert int(made[1]) > 100
    assert re.search(r"wrote cloud\.env with \d\d values", shown.stdout)


def test_bootstrap_may_be_repeated(cloud: Run) -> None:
    shown = cloud("./bootstrap.sh", "dev")
    assert shown.returncode == 0
    assert "the state of dev is in" in shown.stdout


def test_a_second_look_finds_no_drift(cloud: Run) -> None:
    shown = cloud("./drift.sh", "dev", "emulator.gaps")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "no drift" in shown.stdout


def test_a_change_by_hand_is_found(cloud: Run) -> None:
    log_group = "/fraudstream-dev/vpc"
    changed = cloud("aws", "logs", "put-retention-policy", "--log-group-name", log_group, "--retention-in-days", "1")
    assert changed.returncode == 0, changed.stderr
    shown = cloud("./drift.sh", "dev", "emulator.gaps")
    assert shown.returncode == 2, shown.stdout + shown.stderr
    assert "DRIFT: module.stack.module.network.aws_cloudwatch_log_group.flow: update: retention_in_days" in shown.stdout
    cloud("aws", "logs", "put-retention-policy", "--log-group-name", log_group, "--retention-in-days", "365")


def test_a_held_lock_is_respected(cloud: Run) -> None:
    bucket = "fraudstream-dev-state-123456789012"
    lock = {"ID": LOCK_ID, "Operation": "apply", "Who": "another", "Path": "x", "Version": "1", "Info": ""}
    body = DEV / ".terraform" / "lock.json"
    body.write_text(json.dumps({**lock, "Created": "2026-01-01T00:00:00Z"}))
    put = cloud(
        "aws", "s3api", "put-object", "--bucket", bucket, "--key", "dev/terraform.tfstate.tflock", "--body", str(body)
    )
    assert put.returncode == 0, put.stderr
    refused = cloud("terraform", "plan", "-no-color", "-lock-timeout=0s", cwd=DEV, TF_VAR_state_bucket=bucket)
    assert refused.returncode != 0
    assert "Error acquiring the state lock" in refused.stderr
    assert cloud("terraform", "force-unlock", "-force", LOCK_ID, cwd=DEV).returncode == 0


def test_the_scorer_answers_who_signs_and_nobody_else(cloud: Run) -> None:
    api = output(cloud, "scorer_api_id")
    ask = f"""
import os, urllib.error, urllib.request
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
host = "{api}.execute-api.localhost"
path = "/v1/models/any/score"
headers = {{"Content-Type": "application/json", "Host": host}}
signed = AWSRequest("POST", f"http://{{host}}{{path}}", headers, b"{{}}")
SigV4Auth(Credentials("test", "test"), "execute-api", "eu-central-1").add_auth(signed)
for sent in (dict(signed.headers), headers):
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + path, b"{{}}", {{**sent, "Host": host}})
    try:
        print(urllib.request.urlopen(request, timeout=30).status)
    except urllib.error.HTTPError as error:
        print(error.code)
"""
    shown = cloud("python3", "-c", ask)
    assert shown.stdout.split() == ["200", "403"], shown.stdout + shown.stderr


def test_taken_down_only_when_asked_twice(cloud: Run) -> None:
    assert cloud("./destroy.sh", "dev").returncode == 2
    shown = cloud("./destroy.sh", "dev", "--yes-delete-everything")
    assert shown.returncode == 0, shown.stdout[-2000:] + shown.stderr
    assert re.search(r"Destroy complete! Resources: \d{3} destroyed", shown.stdout)
    refused = cloud("./destroy.sh", "production", "--yes-delete-everything")
    assert refused.returncode == 1


@pytest.mark.parametrize("service", ["MSK", "Keyspaces"], ids=["kafka", "keyspaces"])
def test_service_that_the_emulator_lacks(service: str) -> None:
    pytest.skip(f"{service}: the emulator has no such service; the modules' own tests make it on a mock")
