"""Dependencies point inwards."""

from __future__ import annotations

import ast
import sys

import grimp
import pytest
from importlinter.cli import lint_imports

from config import ROOT
from tests.architecture.tree import PACKAGES, files, read

ADAPTERS = ("storage_security.kafka", "storage_security.redis", "storage_security.postgres")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def test_contracts_of_the_rings_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(
        config_filename=str(ROOT / "pyproject.toml"), cache_dir=str(ROOT / ".cache" / "import-linter")
    )
    assert status == 0, capsys.readouterr().out


def test_domain_imports_the_standard_library_only() -> None:
    for path in (p for p in files(".py") if p.parts[:2] == ("fraud_prevention", "domain")):
        for node in ast.walk(ast.parse(read(path))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                inside = name.startswith("fraud_prevention.domain")
                assert inside or name.split(".")[0] in sys.stdlib_module_names, f"{path} imports {name}"


def test_only_bootstraps_name_adapters(graph: grimp.ImportGraph) -> None:
    offenders = [
        f"{importer} imports {adapter}"
        for adapter in sorted(m for m in graph.modules if m.startswith(ADAPTERS))
        for importer in sorted(graph.find_modules_that_directly_import(adapter))
        if not importer.startswith("storage_security") and not may_compose(importer)
    ]
    assert offenders == []


def may_compose(module: str) -> bool:
    """Whether a module is a bootstrap or a tool of the command line."""
    name = module.rsplit(".", 1)[-1]
    return "bootstrap" in name or module.startswith("ci_cd_testing_deployment")
