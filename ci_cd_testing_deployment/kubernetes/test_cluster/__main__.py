"""Command line of the test cluster."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from ci_cd_testing_deployment.kubernetes.test_cluster import crds
from ci_cd_testing_deployment.kubernetes.test_cluster.errors import ClusterError
from ci_cd_testing_deployment.local.errors import StackError

USAGE: Final = """\
usage: python -m ci_cd_testing_deployment.kubernetes.test_cluster COMMAND

  crds    definitions of the operators into .cache/ship/k8s/crds, one file per operator
"""

COMMANDS: Final[dict[str, Callable[..., None]]] = {"crds": crds.fetch}


def main(arguments: list[str]) -> int:
    """Run one command; the exit status of a script."""
    if not arguments or arguments[0] not in COMMANDS:
        sys.stderr.write(USAGE)
        return 2
    try:
        COMMANDS[arguments[0]](*arguments[1:])
    except (ClusterError, StackError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
