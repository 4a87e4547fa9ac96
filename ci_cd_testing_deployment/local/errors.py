"""What can go wrong with the local stack.

StackError
├── MissingPrerequisite   something has to be installed first; `cure` says how
│   └── NotBuilt          something of our own has to be built first
├── NotReady              a process did not become ready in time, or ended before
├── DataIncompatible      data on disk belongs to another version of the server
└── Busy                  another command is working on the same run directory
"""

from __future__ import annotations

from pathlib import Path


class StackError(Exception):
    """Root of the tree; the message is one sentence for the person at the terminal."""


class MissingPrerequisite(StackError):
    """`what` is not there; `cure` is the command or step that brings it."""

    def __init__(self, what: str, cure: str) -> None:
        self.what, self.cure = what, cure
        super().__init__(f"{what}: {cure}")


class NotBuilt(MissingPrerequisite):
    """A part of the product that set-up or training makes is not there."""


class NotReady(StackError):
    """A process is not ready; `log` holds what it said, `tail` its last lines."""

    def __init__(self, name: str, reason: str, log: Path, tail: str) -> None:
        self.name, self.reason, self.log = name, reason, log
        said = f"\n{tail}" if tail else ""
        super().__init__(f"{name} {reason}; its log is {log}{said}")


class DataIncompatible(StackError):
    """Data on disk was written by another version of the server."""

    def __init__(self, name: str, found: str, wanted: str, path: Path) -> None:
        self.name, self.found, self.wanted, self.path = name, found, wanted, path
        super().__init__(
            f"{path} was written by {name} {found}, but {wanted} is installed: "
            f"install {name} {found} again, or give the data up with `fraud stack reset`"
        )


class Busy(StackError):
    """Another command holds the lock of the run directory."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        super().__init__(f"another command is starting or stopping the stack in {run_dir}; wait until it has ended")
