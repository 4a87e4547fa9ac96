"""Takes throw-away stacks down when the process they were made for has ended, however it ended.

`python -m ci_cd_testing_deployment.local.guard FOLDER PID` waits for PID, then stops the stacks in and under FOLDER and
deletes it. The tests use it: several workers share one stack, and none of them knows which will be the last.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from pathlib import Path

import psutil

from ci_cd_testing_deployment.local.stack import LocalStack


def main(folder: Path, pid: int) -> None:
    """Return when nothing of the stacks is left."""
    with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended before we look
        psutil.Process(pid).wait()
    for ports_file in list(folder.rglob("ports.json")):  # every stack has one, from before its first process
        LocalStack(ports_file.parent).reset()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
