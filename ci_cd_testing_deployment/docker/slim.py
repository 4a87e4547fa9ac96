"""Takes out of an environment what no program of the product opens: tests, headers, servers. `slim.py VENV`."""

import shutil
import sys
from pathlib import Path

UNUSED = (
    "**/tests",
    "**/examples",
    "**/include",
    "**/*.pyx",
    "**/*.pxd",
    # Arrow's network server and its client of object stores: a third of its weight.
    "pyarrow/*flight*",
    "pyarrow/*s3*",
    "pyarrow/src",
)


def slim(site: Path) -> None:
    for pattern in UNUSED:
        for path in sorted(site.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()


for found in Path(sys.argv[1]).glob("lib/python*/site-packages"):
    slim(found)
