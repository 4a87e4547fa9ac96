"""Takes a throw-away stack down when the process it was made for has ended, however it ended.

`python -m ci_cd_testing_deployment.local.guard RUN_DIR PID` waits for PID, then stops the stack in RUN_DIR and deletes
the folder. The tests use it: several workers share one stack, and none of them knows which will be the last.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from pathlib import Path

import psutil

from ci_cd_testing_deployment.local.stack import LocalStack


def main(run_dir: Path, pid: int) -> None:
    """Return when nothing of the stack is left."""
    with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended before we look
        psutil.Process(pid).wait()
    LocalStack(run_dir).reset()
    shutil.rmtree(run_dir, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
