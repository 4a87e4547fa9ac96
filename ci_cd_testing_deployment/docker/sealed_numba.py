"""Lets an image whose files are read-only use the loops that were compiled when it was built.

numba takes a folder for its cache only if it may write there. So at run time NUMBA_CACHE_DIR is one that may be written,
filled with links to the files of the image. Imported by a .pth file at the start of each interpreter.
"""

import os
from contextlib import suppress
from pathlib import Path

SEALED = Path("/opt/numba")


def link(sealed: Path, folder: Path) -> None:
    """Make `folder` a tree of links to the files of `sealed`; several processes may do it at once."""
    done = folder / ".linked"
    if done.exists():
        return
    for path in sealed.rglob("*"):
        beside = folder / path.relative_to(sealed)
        if path.is_dir():
            beside.mkdir(parents=True, exist_ok=True)
            continue
        beside.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            beside.symlink_to(path)
    done.touch()


_folder = Path(os.environ.get("NUMBA_CACHE_DIR", SEALED))
if SEALED.is_dir() and _folder != SEALED:
    with suppress(OSError):  # nothing may be written: the loops are compiled at their first use
        link(SEALED, _folder)
