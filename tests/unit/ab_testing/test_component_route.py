"""The manifests' routes of the decision API are routes that the controller can take up."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ci_cd_testing_deployment.ab_testing.route import ALL, Versions, path_of
from tests.architecture.tree import files, read


def routes() -> list[Any]:
    manifests = [p for p in files(".yaml") if p.parts[:2] == ("ci_cd_testing_deployment", "kubernetes")]
    texts = (text for path in manifests if "kind: HTTPRoute" in (text := read(path)))
    written = (document for text in texts for document in yaml.safe_load_all(text))
    return [d for d in written if d["kind"] == "HTTPRoute" and d["metadata"]["name"] == "decision-api"]


@pytest.mark.parametrize("route", routes(), ids=lambda route: route["spec"]["rules"][-1].get("name", "?"))
def test_rules_are_what_the_controller_writes(route: Any) -> None:
    versions, path = Versions(), path_of(route)
    known = [versions.plain_rules(path), *(versions.rules(weight, path) for weight in range(ALL + 1))]
    assert route["spec"]["rules"] in known, "print them by `python -m ci_cd_testing_deployment.ab_testing render`"
