"""The ordinary user that a server runs as when root starts the stack, and a folder that this user can reach."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from ci_cd_testing_deployment.local.errors import MissingPrerequisite, StackError
from ci_cd_testing_deployment.local.process import Account

_CANDIDATES: Final = ("postgres", "nobody")
_TEST_TIMEOUT_S: Final = 10


def ordinary_account() -> Account | None:
    """None unless this is root; then the first ordinary user there is."""
    if os.geteuid() != 0:
        return None
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise MissingPrerequisite(
        "PostgreSQL refuses to run as root", f"run as an ordinary user, or create a user named {_CANDIDATES[-1]}"
    )


def _can(account: Account, flag: str, path: Path) -> bool:
    """Whether the user may read, write or execute the path: asked as that user, since parents count too."""
    run = subprocess.run(
        ["/usr/bin/test", flag, str(path)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        timeout=_TEST_TIMEOUT_S,
        check=False,
        cwd="/",
    )
    return run.returncode == 0


def reachable_home(wanted: Path, account: Account | None) -> Path:
    """`wanted`, made and owned for the account; where that user cannot reach it, a folder of its own elsewhere.

    The other folder is always the same one for the same `wanted`, so data is found again.
    """
    if account is None:
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        return wanted
    substitute = substitute_for(wanted)
    if not substitute.exists():
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chown(wanted, account.uid, account.gid)
        if _can(account, "-w", wanted):
            return wanted
        wanted.rmdir()
        substitute.mkdir(mode=0o700)
        os.chown(substitute, account.uid, account.gid)
    # Its name can be guessed and its parent is open to all: take it only as we made it.
    found = substitute.lstat()
    if substitute.is_symlink() or found.st_uid != account.uid or found.st_mode & 0o077:
        raise StackError(f"{substitute} is not a private folder of user {account.name}; remove it")
    return substitute


def substitute_for(wanted: Path) -> Path:
    """The folder outside the checkout that stands for `wanted`. It outlives a reboot where the system allows."""
    base = Path("/var/tmp")  # noqa: S108 — made private and checked by reachable_home
    base = base if os.access(base, os.W_OK) else Path(tempfile.gettempdir())
    return base / f"fraudstream-{hashlib.sha256(str(wanted).encode()).hexdigest()[:16]}"


def reachable_programs(folder: Path, program: str, home: Path, account: Account | None) -> Path:
    """The folder of a wheel's programs, or a copy of its installation in `home` where the account cannot reach it."""
    if account is None or _can(account, "-x", folder / program):
        return folder
    # The loader finds the libraries that the wheel brings by their place beside the package.
    installation = folder.parent
    package = installation.parent
    libraries = package.with_name(f"{package.name}.libs")
    copied = home / "programs" / package.name / installation.name
    if not (copied / folder.name / program).exists():
        shutil.rmtree(home / "programs", ignore_errors=True)
        if libraries.exists():
            shutil.copytree(libraries, home / "programs" / libraries.name, symlinks=True)
        shutil.copytree(installation, copied, symlinks=True)
    return copied / folder.name
