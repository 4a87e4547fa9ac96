"""Lay out the schemas that kubeconform reads, so that it needs no network.

    .venvs/checkers/bin/python ci_cd_testing_deployment/actions/schemas.py FOLDER VERSION [DEFINITIONS...]

Kubernetes' own come from the package kubernetes-validate, which the environment `checkers` has; those of custom resources from
their definitions.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml


class Loader(yaml.CSafeLoader):
    """Reads `=` as text, which some definitions list among their operators."""


Loader.add_constructor("tag:yaml.org,2002:value", lambda _loader, node: node.value)


def localised(node: Any) -> Any:
    """References become relative; ids, which would make them remote again, go."""
    if isinstance(node, list):
        return [localised(value) for value in node]
    if not isinstance(node, dict):
        return node
    # Where a schema describes schemas, these are names of properties, and their values are no strings.
    return {
        key: value.replace("/api/_definitions.json", "_definitions.json")
        if key == "$ref" and isinstance(value, str)
        else localised(value)
        for key, value in node.items()
        if not (key == "$id" and isinstance(value, str))
    }


def closed(node: Any) -> Any:
    """The same schema, refusing what it does not name, as `kubectl --validate=strict` does."""
    if isinstance(node, list):
        return [closed(value) for value in node]
    if not isinstance(node, dict):
        return node
    result = {key: closed(value) for key, value in node.items()}
    if result.pop("x-kubernetes-int-or-string", False):
        result = {key: value for key, value in result.items() if key not in {"type", "anyOf", "format"}}
        return {**result, "type": ["integer", "string"]}
    keeps = result.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in result
    if isinstance(result.get("properties"), dict) and result.get("type") == "object" and not keeps:
        result["additionalProperties"] = False
    return result


def of_definition(definition: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """File name and schema of each version that a custom resource is served in."""
    spec = definition["spec"]
    for version in spec["versions"]:
        schema = closed(version["schema"]["openAPIV3Schema"])
        schema["properties"] |= {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
        }
        schema["additionalProperties"] = False
        yield f"{spec['group']}/{spec['names']['kind'].lower()}_{version['name']}.json", schema


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit("usage: schemas.py FOLDER VERSION [DEFINITIONS...]")
    folder, version = Path(sys.argv[1]), sys.argv[2]
    package = importlib.util.find_spec("kubernetes_validate")
    if package is None or package.origin is None:
        sys.exit("schemas: kubernetes-validate is missing: run this with .venvs/checkers/bin/python")
    source = Path(package.origin).parent / "kubernetes-json-schema" / f"v{version}.0-local-strict"
    target = folder / f"v{version}.0-strict"
    target.mkdir(parents=True, exist_ok=True)
    for path in source.glob("*.json"):
        (target / path.name).write_text(json.dumps(localised(json.loads(path.read_text()))), encoding="utf-8")
    for path in map(Path, sys.argv[3:]):
        for document in yaml.load_all(path.read_text(), Loader=Loader):
            if not document or document.get("kind") != "CustomResourceDefinition":
                continue
            for name, schema in of_definition(document):
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text(json.dumps(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
