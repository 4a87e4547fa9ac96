"""Keep the tables of inputs and outputs in the modules' README files: `tables.py [--check]`.

Reads what `terraform fmt` has put into shape, so a block ends with a brace at the beginning of a line.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
BEGIN: Final = "<!-- Written by tables.py. -->"
_BLOCK: Final = re.compile(r'^(variable|output) "([\w-]+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
_DESCRIPTION: Final = re.compile(r'^  description = "(.*)"$', re.MULTILINE)
_TYPE: Final = re.compile(r"^  type\s+= (\w+)(?:\(([\w(]*))?", re.MULTILINE)
_DEFAULT: Final = re.compile(r"^  default\s+= (.+)$", re.MULTILINE)


def _rows(path: Path) -> Iterator[tuple[str, str, str, str]]:
    """Name, type, default and description of each block."""
    for _, name, body in _BLOCK.findall(path.read_text(encoding="utf-8")):
        description, kind, default = (p.search(body) for p in (_DESCRIPTION, _TYPE, _DEFAULT))
        assert description, f"{path}: {name} has no description"
        shown = default[1] if default else "required"
        yield name, kind[1] if kind else "", "see variables.tf" if shown in "{[" else shown, description[1]


def tables(module: Path) -> str:
    lines = [BEGIN, "", "| input | type | default | meaning |", "|---|---|---|---|"]
    lines += [f"| `{n}` | {kind} | `{default}` | {text} |" for n, kind, default, text in _rows(module / "variables.tf")]
    lines += ["", "| output | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {text} |" for name, _, _, text in _rows(module / "outputs.tf")]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    stale = []
    for readme in sorted(HERE.glob("modules/*/README.md")):
        text = readme.read_text(encoding="utf-8")
        fresh = text.split(BEGIN)[0] + tables(readme.parent)
        if fresh != text:
            stale.append(readme.parent.name)
            if "--check" not in arguments:
                readme.write_text(fresh, encoding="utf-8")
    if stale and "--check" in arguments:
        print(f"stale tables: {', '.join(stale)}; run {Path(__file__).name}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
