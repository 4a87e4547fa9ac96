"""Which version a request gets: for every weight and bucket, by the rules as a gateway reads them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ci_cd_testing_deployment.ab_testing import buckets
from ci_cd_testing_deployment.ab_testing.errors import RouteConflict
from ci_cd_testing_deployment.ab_testing.history import Stage
from ci_cd_testing_deployment.ab_testing.route import Versions, new_route, stages_of, with_stages

VERSIONS, PATH = Versions(), "/v1/decisions"
WEIGHTS = range(101)
TWO_DIGITS = [f"{n:02d}" for n in range(100)]


def shares(weight: int, **headers: str) -> dict[str, int]:
    """The weights of the Services that a request with these headers may get, as the first matching rule says."""
    sent = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    for rule in VERSIONS.rules(weight, PATH):
        wanted: list[dict[str, Any]] = rule["matches"][0].get("headers", [])
        if all(_matches(h, sent.get(h["name"].lower())) for h in wanted):
            return {ref["name"]: ref["weight"] for ref in rule["backendRefs"]}
    raise AssertionError("no rule matches")


def _matches(header: dict[str, Any], value: str | None) -> bool:
    if value is None:
        return False
    if header["type"] == "Exact":
        return bool(header["value"] == value)
    return re.search(header["value"], value) is not None


@pytest.mark.parametrize("weight", WEIGHTS)
def test_version_b_has_exactly_the_buckets_below_its_weight(weight: int) -> None:
    got = [shares(weight, x_fraud_bucket=b) for b in TWO_DIGITS]
    assert got == [{"decision-api-b": 100}] * weight + [{"decision-api": 100}] * (100 - weight)


def test_the_draw_has_the_weight() -> None:
    assert [shares(w) for w in WEIGHTS] == [{"decision-api": 100 - w, "decision-api-b": w} for w in WEIGHTS]


@pytest.mark.parametrize("bucket", ["", "00", "99"])
def test_a_testers_override_stands_above_the_bucket(bucket: str) -> None:
    for weight in WEIGHTS:
        assert shares(weight, x_fraud_version="b", x_fraud_bucket=bucket) == {"decision-api-b": 100}
        assert shares(weight, x_fraud_version="a", x_fraud_bucket=bucket) == {"decision-api": 100}


@pytest.mark.parametrize("value", ["7", "007", "100", "-1", "ab", "1a", " 07", "07 ", "", "07,08"])
def test_what_is_no_bucket_is_drawn(value: str) -> None:
    for weight in WEIGHTS:
        assert shares(weight, x_fraud_bucket=value) == shares(weight)


def test_no_higher_weight_moves_a_customer_back() -> None:
    for bucket in TWO_DIGITS:
        sides = ["decision-api-b" in shares(weight, x_fraud_bucket=bucket) for weight in WEIGHTS]
        assert sides == sorted(sides)


def test_patterns_are_no_longer_than_two_branches() -> None:
    patterns = [buckets.below(w) for w in WEIGHTS[1:]] + [buckets.from_on(w) for w in WEIGHTS[:-1]]
    assert max(p.count("|") for p in patterns) == 1
    assert (buckets.below(1), buckets.below(100), buckets.below(37)) == (
        "^00$",
        "^[0-9][0-9]$",
        "^([0-2][0-9]|3[0-6])$",
    )


def test_a_route_tells_its_stages() -> None:
    stages = (Stage(1_795_741_200, 1), Stage(1_795_741_800, 10))
    route = with_stages(new_route("decision-api", "fraudstream", PATH, VERSIONS, 0), VERSIONS, stages)
    assert stages_of(route, VERSIONS) == stages
    assert route["metadata"]["annotations"] == {
        "fraudstream.io/ab-history": "2026-11-27T01:00:00Z 1\n2026-11-27T01:10:00Z 10"
    }


def test_rules_of_somebody_else_are_a_conflict() -> None:
    route = with_stages(new_route("decision-api", "fraudstream", PATH, VERSIONS, 0), VERSIONS, (Stage(0, 10),))
    route["spec"]["rules"][-1]["backendRefs"][1]["weight"] = 20
    with pytest.raises(RouteConflict, match=r"not those of weight 10.*--force"):
        stages_of(route, VERSIONS)


def test_all_else_of_a_route_is_left_alone() -> None:
    route = new_route("decision-api", "fraudstream", PATH, VERSIONS, 0)
    route["spec"]["hostnames"] = ["api.example"]
    changed = with_stages(route, VERSIONS, (Stage(0, 10),))
    assert {**changed["spec"], "rules": route["spec"]["rules"]} == route["spec"]


def test_a_route_keeps_its_path() -> None:
    route = new_route("decision-api", "fraudstream", "/", VERSIONS, 10)
    assert with_stages(route, VERSIONS, ())["spec"]["rules"] == VERSIONS.plain_rules("/")


def test_a_route_of_several_paths_is_refused() -> None:
    route = new_route("decision-api", "fraudstream", PATH, VERSIONS, 10)
    route["spec"]["rules"][0]["matches"][0]["path"]["value"] = "/v2"
    with pytest.raises(RouteConflict, match="another route"):
        with_stages(route, VERSIONS, (Stage(0, 10),))
