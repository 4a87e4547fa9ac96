"""What an image holds of this repository: the files that its entries import, and the data that those open.

`python -m ci_cd_testing_deployment.docker.closure` writes the lines between the marks of each Dockerfile.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import grimp

from ci_cd_testing_deployment.docker.images import IMAGES, Image
from config import ROOT

PACKAGES: Final = ("data_pipeline", "fraud_prevention", "model", "storage_security", "visualization_dashboard")
BEGIN: Final = "# What the entries import: written by ci_cd_testing_deployment/docker/closure.py."
END: Final = "# End of what the entries import."
_PLACES: Final = {"data_pipeline": "data-pipeline/data_pipeline"}


def import_graph() -> grimp.ImportGraph:
    """Imports of the product's packages, those inside functions included."""
    return grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)


def _named_in(path: str) -> set[str]:
    """Dotted names that a file imports; `from a import b` yields `a` and `a.b`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _file_of(module: str) -> str:
    """Where a module of this repository is, relative to the root."""
    package, _, rest = module.partition(".")
    base = "/".join((_PLACES.get(package, package), *rest.split("."))) if rest else _PLACES.get(package, package)
    return f"{base}/__init__.py" if (ROOT / base).is_dir() else f"{base}.py"


def files_of(image: Image, graph: grimp.ImportGraph) -> set[str]:
    """Python files that the image needs, relative to the root."""
    found = {*image.entries, "config.py"} if image.entries else set()
    todo = {name for path in found for name in _named_in(path)}
    seen: set[str] = set()
    while todo:
        module = todo.pop()
        if module in seen or module not in graph.modules:
            continue
        seen.add(module)
        todo |= graph.find_modules_directly_imported_by(module)
        todo |= {module.rsplit(".", depth)[0] for depth in range(1, module.count(".") + 1)}  # its packages run too
    return found | {_file_of(module) for module in seen}


def copy_lines(image: Image, graph: grimp.ImportGraph) -> list[str]:
    """COPY lines of a Dockerfile, one a folder: all its Python files, or those that are needed by name."""
    by_folder: dict[Path, list[str]] = defaultdict(list)
    for path in files_of(image, graph):
        by_folder[Path(path).parent].append(path)
    lines = [*_folders(by_folder), *(f"COPY {path} {path}" for path in sorted(image.data))]
    return sorted(lines)


def _folders(by_folder: dict[Path, list[str]]) -> Iterator[str]:
    for folder, paths in by_folder.items():
        every = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).glob("*.py")}
        sources = [f"{folder}/*.py"] if every == set(paths) else sorted(paths)
        yield f"COPY {' '.join(sources)} {'./' if folder == Path() else f'{folder}/'}"


def between_marks(text: str) -> list[str]:
    """The lines that stand between the marks of a Dockerfile."""
    return text.partition(f"{BEGIN}\n")[2].partition(END)[0].splitlines()


def main() -> None:
    graph = import_graph()
    for image in IMAGES:
        if not image.entries:
            continue
        path = ROOT / image.dockerfile
        text = path.read_text(encoding="utf-8")
        head, _, rest = text.partition(f"{BEGIN}\n")
        body = "".join(f"{line}\n" for line in copy_lines(image, graph))
        path.write_text(f"{head}{BEGIN}\n{body}{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
