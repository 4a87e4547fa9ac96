"""What the use cases need of the outside world, as contracts.

A port says whether a call may block, what it may raise and what holds afterwards. Every adapter of a
port passes one conformance suite. Knows nothing of Kafka, Redis, Flask or Spark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from fraud_prevention.domain.transaction import Transaction

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


# --- time ---------------------------------------------------------------------------------------------


class Clock(Protocol):
    """The wall clock and a clock for durations; injected, so that a test says what time it is."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC. Never blocks, never raises."""

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary moment; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass: for polls whose number is bounded."""


# --- the log ------------------------------------------------------------------------------------------


class Record(NamedTuple):
    """One record of the log. `timestamp_ms` is the broker's; `headers` may be empty."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: tuple[tuple[str, bytes], ...] = ()


class TopicPartition(NamedTuple):
    """One partition of a topic."""

    topic: str
    partition: int


class Extent(NamedTuple):
    """What a partition holds: offsets from `first` up to, but not including, `end`; equal where it is empty."""

    first: int
    end: int


AckCallback = Callable[[Exception | None], None]

# Where a reader may begin, besides an offset.
OFFSET_END: Final = -1
OFFSET_BEGINNING: Final = -2
OFFSET_COMMITTED: Final = -1000


class EventLog(Protocol):
    """Writes to the log of truth. Safe to share between threads."""

    def publish(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Sequence[tuple[str, bytes]] | None = None,
        on_ack: AckCallback | None = None,
    ) -> None:
        """Hand one record over; the same key always goes to the same partition.

        Never blocks longer than the request time-out. Raises Unavailable when its queue is full or the log is
        closed, ValueError for a record larger than the topics take.
        `on_ack` is called once, from any thread: with None when every in-sync replica has the record,
        else with the error; it must not block and must not raise.
        """

    def flush(self, timeout_s: float) -> int:
        """Block until every record is acknowledged or has failed, or the time is over.

        Returns how many are not acknowledged: those still waiting and those that failed since the last flush.
        """

    def ping(self, timeout_s: float) -> None:
        """One round trip to a broker. Raises Unavailable when none answers in time."""

    def close(self) -> None:
        """Flush within the request time-out and let go of the connection. May be called twice."""


class EventReader(Protocol):
    """Reads the log in the order of each partition. Belongs to one thread."""

    def partitions(self, topic: str) -> tuple[TopicPartition, ...]:
        """Every partition of the topic, in order; () when there is no such topic. Blocks. Raises Unavailable."""

    def extents(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Extent]:
        """What each partition holds at this moment; a place that is assigned stays where it is.

        Blocks. Raises Unavailable, also for a partition that there is not.
        """

    def assign(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Read exactly these partitions, each from its offset.

        OFFSET_BEGINNING and OFFSET_END say what they mean; OFFSET_COMMITTED is the position that the reader's group
        has committed, the beginning where it has not.
        """

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on reading an assigned partition from `offset`."""

    def poll_batch(self, max_records: int, timeout_s: float) -> list[Record]:
        """At most `max_records` records, as soon as there are any; [] when the time is over.

        Raises Unavailable when the brokers do not answer for longer than the request time-out, and OffsetLost when
        the log does not hold the wanted offset (any more).
        """

    def commit(self) -> None:
        """Store, for the reader's group, the position after the last record returned of each partition.

        Blocks. Raises Unavailable.
        """

    def close(self) -> None:
        """Let go of the connection without committing. May be called twice."""


# --- features and scores ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CustomerState:
    """What is known of a customer before one transaction.

    record:  the packed state the stream wrote, None for a new customer.
    pending: transactions (as the store packed them) that were submitted before this one and may not be
             in the record yet, oldest first; this transaction itself is never among them.
    version: last log offset that the record holds, -1 without a record.
    shared:  records of the merchant, terminal, device and network that the transaction names, None for none.
    """

    record: bytes | None
    pending: tuple[bytes, ...]
    version: int
    shared: tuple[bytes | None, ...] = (None, None, None, None)


class StateStore(Protocol):
    """Customers' feature state, as the synchronous API sees it. Safe to share between threads."""

    def read_and_append(self, transaction: Transaction) -> CustomerState:
        """Append the transaction to the customer's pending list and return what stood before it, atomically.

        Idempotent by transaction_id: a repeated call leaves one entry and returns the state as it stands
        before that entry, so that a retry sees what the first attempt saw unless the record has moved on.
        An entry counts for a bounded time from its append, however often the customer pays: one whose transaction
        never reaches the log does not count for ever.
        Blocks for one round trip, or one for each record where they lie on several servers. Raises Unavailable when the
        store does not answer.
        """

    def withdraw(self, transaction: Transaction) -> None:
        """Take the transaction's own entry back; nothing where there is none. Raises Unavailable."""

    def drop_pending(self, customer_id: str, entries: Sequence[bytes]) -> None:
        """Remove entries that the record has absorbed; unknown ones are ignored. Raises Unavailable."""

    def ping(self) -> None:
        """One round trip. Raises Unavailable."""


class FeatureVector(NamedTuple):
    """One transaction's features, the pending entries that the record already held, and what was read."""

    values: FloatArray  # [F], order of the catalogue
    absorbed: tuple[bytes, ...]
    shared_versions: IntArray  # [4], of merchant, terminal, device and network; -1 for none


class FeatureKernel(Protocol):
    """The one kernel of the feature catalogue, for a batch of one. Pure; safe to share between threads."""

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names in vector order."""

    @property
    def catalogue_version(self) -> str:
        """Content hash of the catalogue."""

    def compute_one(self, transaction: Transaction, state: CustomerState) -> FeatureVector:
        """Features of `transaction` from the state before it. Raises StateCorrupt."""

    def without_state(self, transaction: Transaction) -> FloatArray:
        """Features [F] from the transaction alone, every other at its default: what is left without a store."""


class Scores(NamedTuple):
    """Scores of n transactions, each array [n] float64.

    margin:      raw sum of the model (log odds for boosted trees).
    probability: calibrated chance of fraud, 0 to 1.
    risk_score:  share of good traffic that scores strictly lower, 0 to 1.
    """

    margin: FloatArray
    probability: FloatArray
    risk_score: FloatArray


class Scorer(Protocol):
    """A model that scores feature vectors. Pure; safe to share between threads."""

    @property
    def model_version(self) -> str:
        """Names the artefact, not the moment."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Order of the columns it expects."""

    @property
    def catalogue_version(self) -> str:
        """Catalogue it was trained with."""

    def score(self, features: FloatArray) -> Scores:
        """Score float64[n, F]. Never blocks; raises ValueError for another width."""


# --- answers already given ----------------------------------------------------------------------------


class Claim(NamedTuple):
    """Outcome of claiming a transaction id.

    is_ours:        this caller decides; `token` proves it when the answer is stored.
    answer:         the stored answer where there is one, byte for byte.
    is_same_body:   False when the id was used with another body.
    cache_since_ms: answers given at or after this moment are in the cache; older ones may be lost.
    draft:          where the claim is ours, what an earlier attempt with the same body decided and could not see
                    acknowledged: it may be on the log, so it is published again and nothing is decided anew.
    Neither ours nor answered, with the same body: another caller is deciding at this moment.
    """

    is_ours: bool
    answer: bytes | None
    is_same_body: bool
    token: bytes
    cache_since_ms: int
    draft: bytes | None = None


class AnswerStore(Protocol):
    """Answers by transaction id: a cache that makes a repeated request cheap and equal. Thread-safe.

    A claim ends by itself after a time longer than any attempt may take, so that a crash between claim and
    answer does not lock the id.
    """

    def claim(self, transaction_id: str, body_digest: bytes, now_ms: int) -> Claim:
        """Claim the id, or say who has it. One round trip. Raises Unavailable."""

    def store(self, transaction_id: str, body_digest: bytes, token: bytes, answer: bytes) -> None:
        """Keep the answer, unless another caller has taken the claim over meanwhile; a draft of the id goes.

        Raises Unavailable.
        """

    def release(self, transaction_id: str, body_digest: bytes, token: bytes) -> None:
        """Give the claim up without an answer, so that a retry need not wait. Raises Unavailable."""

    def set_aside(self, transaction_id: str, body_digest: bytes, token: bytes, draft: bytes) -> bool:
        """Give the claim up, and keep what was decided for the next attempt, for as long as an answer is kept.

        The first draft of an id stays. Returns whether the one that is kept is equal to `draft`: False where another
        caller has taken the claim over meanwhile. Raises Unavailable.
        """

    def find(self, transaction_id: str) -> bytes | None:
        """The stored answer, None where there is none (yet). Raises Unavailable."""

    def ping(self) -> None:
        """One round trip. Raises Unavailable."""


class PastDecision(NamedTuple):
    """A decision found in a store: the payload of decisions.v1, its host not kept."""

    decision: Mapping[str, Any]


class DecisionLookup(Protocol):
    """Decisions of the past, where the cache has lost them. Thread-safe."""

    def find(self, transaction_id: str) -> PastDecision | None:
        """The latest version of the decision, None where there is none. Blocks for a bounded time, all waiting included.

        Raises Unavailable. A decision shows up here some seconds after it was made.
        """
