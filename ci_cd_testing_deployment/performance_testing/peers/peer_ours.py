"""The product's stream as a peer's program."""

from __future__ import annotations

from ci_cd_testing_deployment.performance_testing.peers.job import Job
from ci_cd_testing_deployment.performance_testing.peers.ours import run

if __name__ == "__main__":
    run(Job.from_environment())
