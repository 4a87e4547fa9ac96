"""Every error the business raises.

FraudError
├── InvalidTransaction      the payload breaks the contract        422
├── IdempotencyConflict     same id, another body                  409
├── RequestInFlight         same id, first answer not ready        409
├── NotFound                no such case, alert or decision        404
├── CaseConflict            the case is not in a state for this    409
├── InvalidPolicy           a rule or threshold file is wrong
├── InvalidFeatureSet       a feature set file is wrong
├── ArtefactRefused         a model file fails its checks
├── HistoryUnusable         history cannot train or measure
├── StateError
│   ├── StateFenced         a newer writer owns the record; stop
│   ├── PlanLost            another runner has taken the stream over; stop
│   ├── StateLost           the state does not know a log that was read; rebuild
│   ├── StateMisplaced      a customer is in two partitions of the log
│   └── StateCorrupt        a record does not parse; rebuild
├── OffsetLost              the log no longer holds a record
└── Unavailable             a dependency did not answer; retry     503

Errors carry data, not only text. The HTTP status is mapped once, at the edge. An error without one ends a command, a
start or a job with its reason; no request raises it, and one that did would get a 500.
"""

from __future__ import annotations

from dataclasses import dataclass


class FraudError(Exception):
    """Root of the tree."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that breaks the contract: `field` is its name, `code` a stable reason, `message` for people."""

    field: str
    code: str
    message: str


class InvalidTransaction(FraudError):
    """The payload breaks the contract; `errors` names each field."""

    def __init__(self, errors: list[FieldError]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{e.field}: {e.message}" for e in errors))


class IdempotencyConflict(FraudError):
    """The transaction id was used with another body."""

    def __init__(self, transaction_id: str) -> None:
        self.transaction_id = transaction_id
        super().__init__(f"transaction {transaction_id} was already submitted with another body")


class RequestInFlight(FraudError):
    """The first request with this id has not been answered yet."""

    def __init__(self, transaction_id: str) -> None:
        self.transaction_id = transaction_id
        super().__init__(f"transaction {transaction_id} is being decided; ask again")


class NotFound(FraudError):
    """No such thing."""

    def __init__(self, kind: str, key: str) -> None:
        self.kind, self.key = kind, key
        super().__init__(f"no {kind} {key}")


class CaseConflict(FraudError):
    """The case is in a state that does not allow the action."""

    def __init__(self, case_id: str, reason: str) -> None:
        self.case_id, self.reason = case_id, reason
        super().__init__(f"case {case_id}: {reason}")


class InvalidPolicy(FraudError):
    """A rules file is wrong; `where` names the rule."""

    def __init__(self, where: str, reason: str) -> None:
        self.where, self.reason = where, reason
        super().__init__(f"{where}: {reason}")


class InvalidFeatureSet(FraudError):
    """A feature set file is wrong; `reason` names the column, if it is one, and the cure."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


class ArtefactRefused(FraudError):
    """A model artefact fails a check; the last good one keeps serving."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


class HistoryUnusable(FraudError):
    """A history folder, or what is known in it at the time asked for, does not suffice."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


class StateError(FraudError):
    """Feature state cannot be used as it is."""


class StateFenced(StateError):
    """A newer batch has written the record: this writer is a zombie, or its plan is older than the state."""

    def __init__(self, key: str, held: int, ours: int) -> None:
        self.key, self.held, self.ours = key, held, ours
        super().__init__(
            f"record {key} was written by the batch at offset {held}, this one starts at {ours}: "
            "stop this writer; if an older state was put back, run `fraud state rebuild --from-log`"
        )


class StateMisplaced(StateError):
    """A customer's transactions come from two partitions, so that there is no order among them."""

    def __init__(self, key: str, held: int, ours: int) -> None:
        self.key, self.held, self.ours = key, held, ours
        super().__init__(
            f"customer {key} is in the partitions {held} and {ours} of the log: let every producer place keys by "
            "murmur2 (librdkafka: partitioner=murmur2_random), and never add partitions to the topic"
        )


class StateCorrupt(StateError):
    """A record does not have the expected layout."""

    def __init__(self, key: str, reason: str) -> None:
        self.key, self.reason = key, reason
        super().__init__(f"record {key}: {reason}; run `fraud state rebuild --from-log`")


class StateLost(StateError):
    """The store holds no position although this stream has run: its state is gone, or belongs to another log."""

    def __init__(self) -> None:
        super().__init__(
            "the feature state does not know this log, although a stream has run on it; run `fraud state rebuild "
            "--from-log`, with --history where the stream began with one"
        )


class PlanLost(StateError):
    """Another runner of the stream has taken over: this one is a zombie and must stop."""

    def __init__(self, ours: int, held: int, owner: str) -> None:
        self.ours, self.held, self.owner = ours, held, owner
        by = f" of {owner}" if owner else ""
        super().__init__(
            f"plan {ours} is not the stream's any more, {held}{by} is: another runner works; stop this one"
        )


class OffsetLost(FraudError):
    """The log does not hold the record that a reader wants: it is past retention, or the topic was made anew."""

    def __init__(self, topic: str, partition: int, reason: str) -> None:
        self.topic, self.partition, self.reason = topic, partition, reason
        super().__init__(f"{topic}[{partition}]: {reason}; rebuild what this reader fills, then start it at the end")


class Unavailable(FraudError):
    """A dependency did not answer in time; the same call may succeed later."""

    def __init__(self, dependency: str, reason: str) -> None:
        self.dependency, self.reason = dependency, reason
        super().__init__(f"{dependency} is unavailable: {reason}")
