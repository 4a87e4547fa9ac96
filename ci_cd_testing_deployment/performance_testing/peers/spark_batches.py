"""Cuts the work of a Spark query that drains a topic into batches, and reports them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ci_cd_testing_deployment.performance_testing.peers.job import report_done

if TYPE_CHECKING:
    from pyspark.sql.streaming.query import StreamingQuery

_POLL_S: Final = 0.05
_BATCHES: Final = 8  # so that warm-up and steady state can be told apart
_BATCH_AT_LEAST: Final = 1_000


def batch_size(events: int, at_most: int) -> int:
    """Records of a micro-batch: small enough for several batches, unless they would be tiny."""
    return min(at_most, max(_BATCH_AT_LEAST, events // _BATCHES))


def follow(query: StreamingQuery) -> None:
    """Report the rows done after each batch until the query ends. Raises what ended it."""
    seen, done = -1, 0
    while True:
        is_active = query.isActive
        for progress in query.recentProgress:
            if progress["batchId"] > seen:
                seen = progress["batchId"]
                if progress["numInputRows"]:
                    done += progress["numInputRows"]
                    report_done(done)
        if not is_active:
            break
        time.sleep(_POLL_S)
    if (error := query.exception()) is not None:
        raise error
