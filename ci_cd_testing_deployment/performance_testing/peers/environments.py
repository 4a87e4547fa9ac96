"""An environment of its own for each Python peer: their requirements do not resolve together with the product's."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

from ci_cd_testing_deployment.performance_testing.peers.errors import NotInstalled
from config import CACHE_DIR, ROOT

_TIMEOUT_S: Final = 900
_REASON_CHARACTERS: Final = 400


def lock_of(name: str) -> Path:
    """The pinned and hashed requirements of the environment."""
    return ROOT / "requirements" / "peers" / f"{name}.txt"


def ensure_environment(name: str) -> Path:
    """The interpreter of the peer's environment, which is made or brought up to date first. Raises NotInstalled."""
    home = ROOT / ".venvs" / f"peers-{name}"
    python, stamp = home / "bin" / "python", home / "lock"
    digest = sha256(lock_of(name).read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == digest:
        return python
    uv = str(CACHE_DIR / "uv" / "bin" / "uv")
    if not Path(uv).exists():
        raise NotInstalled(name, "the installer is missing; run `make setup`")
    if not python.exists():
        _run(name, [uv, "venv", "--quiet", "--python", sys.executable, str(home)])
    _run(name, [uv, "pip", "sync", "--quiet", "--python", str(python), "--require-hashes", str(lock_of(name))])
    stamp.write_text(digest)
    return python


def _run(name: str, argv: list[str]) -> None:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise NotInstalled(name, f"not done within {_TIMEOUT_S} s") from None
    if done.returncode:
        said = " ".join((done.stdout + done.stderr).split())
        raise NotInstalled(name, said[-_REASON_CHARACTERS:])
