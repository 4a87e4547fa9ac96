"""Packages can be imported alone, and nothing that is installed hides them."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest

from config import ROOT
from tests.architecture.tree import PACKAGES, files, read

LINES_AT_MOST = 500
HEAVY = ("flask", "pyspark", "pandas", "sklearn", "sqlalchemy", "confluent_kafka", "numba")


def test_init_files_hold_no_code() -> None:
    inits = [path for path in files(".py") if path.name == "__init__.py"]
    written = [str(path) for path in inits if not is_docstring_or_empty(ast.parse(read(path)))]
    assert written == [], "an import there would reach every image that uses the package"


@pytest.mark.parametrize("package", ["fraud_prevention", "model"])
def test_init_of_the_kernels_is_empty(package: str) -> None:
    assert read(f"{package}/__init__.py") == ""


def is_docstring_or_empty(module: ast.Module) -> bool:
    return not module.body or (len(module.body) == 1 and ast.get_docstring(module) is not None)


def test_every_folder_of_a_package_is_a_package() -> None:
    packages = {str(path.parent) for path in files(".py") if path.parent.parts and path.parts[0] != "tests"}
    # The entry scripts of the pipeline lie beside its package, in a folder whose name no package can have.
    missing = {p for p in packages - {"data-pipeline"} if not (ROOT / p / "__init__.py").exists()}
    assert missing == set(), "linters and images would not see these folders"


@pytest.mark.parametrize("name", [*PACKAGES, "config", "tests"])
def test_no_installed_distribution_ships_our_top_level_names(name: str) -> None:
    assert set(packages_distributions().get(name, [])) <= {"fraudstream"}


def test_modules_stay_below_the_ceiling() -> None:
    long = {str(path): n for path in files(".py") if (n := len(read(path).splitlines())) > LINES_AT_MOST}
    assert long == {}


@pytest.mark.parametrize("module", ["fraud_prevention.domain.transaction", "config"])
def test_the_kernel_of_the_business_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
