"""The operators' definitions are those of their published packages, and the API server takes them."""

from __future__ import annotations

import re

import pytest

from ci_cd_testing_deployment.kubernetes.test_cluster.crds import NOT_PROVEN, OPERATORS
from ci_cd_testing_deployment.kubernetes.test_cluster.kubectl import get
from ci_cd_testing_deployment.kubernetes.test_cluster.place import CRDS

pytestmark = pytest.mark.smoke


KIND = re.compile(r"^kind: CustomResourceDefinition$", re.MULTILINE)
NAME = re.compile(r"^  name: (\S+)$", re.MULTILINE)
"""Read as text: of megabytes of YAML only the names matter."""


@pytest.fixture(scope="module")
def established() -> set[str]:
    return {
        definition["metadata"]["name"]
        for definition in get("customresourcedefinitions")["items"]
        if any(c["type"] == "Established" and c["status"] == "True" for c in definition["status"]["conditions"])
    }


@pytest.mark.parametrize("operator", [*OPERATORS, "strimzi"])
def test_every_kind_of_the_operator_is_known(operator: str, established: set[str]) -> None:
    documents = [text for text in (CRDS / f"{operator}.yaml").read_text().split("---\n") if KIND.search(text)]
    names = {found[1] for text in documents if (found := NAME.search(text))}
    assert len(names) == len(documents) > 0
    assert names <= established


@pytest.mark.parametrize("operator", NOT_PROVEN)
def test_operators_without_published_definitions_are_named(operator: str) -> None:
    assert not (CRDS / f"{operator}.yaml").exists(), "it has definitions: test its manifests"
    pytest.skip(f"not proven: {operator}: {NOT_PROVEN[operator]}")
