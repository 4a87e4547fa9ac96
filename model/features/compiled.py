"""How loops over bytes and records are compiled here, and where their machine code is kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

import numba

# Without numba's reference counts: such loops allocate nothing, and counting would take four fifths of their time.
_OPTIONS: Final[dict[str, Any]] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
_Function = TypeVar("_Function", bound=Callable[..., Any])


def _keep_by_content() -> None:
    """Let the kept code depend on every source of this package.

    numba looks at the file of a function and not at those of the functions and constants that it uses: a family that
    changed would go on with its old code. NUMBA_CACHE_DIR wins, as for an image, whose sources do not change.
    """
    if "NUMBA_CACHE_DIR" in os.environ:
        return
    here = Path(__file__).parent
    digest = sha256(b"".join(path.read_bytes() for path in sorted(here.rglob("*.py")))).hexdigest()[:16]
    numba.config.CACHE_DIR = str(  # type: ignore[attr-defined]  # numba makes its settings attributes at run time
        here / "__pycache__" / f"numba-{digest}"
    )


_keep_by_content()


def jit(function: _Function) -> _Function:
    """The function, compiled. It must not make arrays, lists or texts; all it fills, it is given."""
    compiled: _Function = numba.njit(**_OPTIONS)(function)
    return compiled
