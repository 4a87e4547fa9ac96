"""Kafka records to typed columns: parsed and checked in bulk, doubtful ones again by the slow, exact parser.

The fast path (JSON in the JVM, checks on whole columns here) only has to be right when it says "good". Whatever
it doubts goes through `decode_transaction`, the parser of the API, which finds the reasons or clears the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fraud_prevention.domain.errors import FieldError, InvalidTransaction
from fraud_prevention.domain.reference import COUNTRIES, CURRENCIES
from fraud_prevention.domain.topics import INLINE_PAYLOAD_BYTES
from fraud_prevention.domain.transaction import CHANNELS, FIELDS, MAX_AMOUNT_MINOR, TimeBounds
from fraud_prevention.usecases.intake import decode_transaction

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_ID: Final = r"\A[A-Za-z0-9._:\-]{1,64}\z"
_TEXTS: Final = {
    "transaction_id": _ID,
    "customer_id": _ID,
    "card_token": _ID,
    "merchant_id": _ID,
    "terminal_id": _ID,
    "device_id": _ID,
    "mcc": r"\A[0-9]{4}\z",
    "card_bin": r"\A[0-9]{6,8}\z",
    "ip": r"\A[0-9A-Fa-f.:]{2,45}\z",
}
_CHOICES: Final = {
    "currency": sorted(CURRENCIES),
    "merchant_country": sorted(COUNTRIES),
    "channel": list(CHANNELS),
    "decided_by": ["api"],
}
_INTEGERS: Final = {
    "event_time": (0, 2**53),
    "utc_offset_min": (-720, 840),
    "amount_minor": (0, MAX_AMOUNT_MINOR),
    "amount_base_minor": (0, MAX_AMOUNT_MINOR),
}
_NUMBERS: Final = {"lat": 90.0, "lon": 180.0}
_OPTIONAL: Final = frozenset({"terminal_id", "device_id", "card_bin", "ip", "lat", "lon", "decided_by"})

COLUMNS: Final = {
    name: pa.int64() if name in _INTEGERS else pa.float64() if name in _NUMBERS else pa.string() for name in FIELDS
}
_SPARK_TYPES: Final = {pa.int64(): "bigint", pa.float64(): "double", pa.string(): "string"}
JSON_SCHEMA: Final = ", ".join(f"{name} {_SPARK_TYPES[dtype]}" for name, dtype in COLUMNS.items())

# The JVM's parser takes a number for a string; the contract does not.
_UNQUOTED: Final = rf'"(?:{"|".join([*_TEXTS, *_CHOICES])})"\s*:\s*[^"\s]'


def parsed(records: DataFrame) -> DataFrame:
    """Columns of `transactions.v1` beside value, key, partition, offset, ingested_at (ms) and is_doubtful.

    Runs in the JVM. A record above 1 MB is not parsed; a record with unknown, repeated or null members, or
    with a bare value where a string belongs, is marked doubtful.
    """
    from pyspark.sql import functions as F

    text = F.when(F.length("value") <= INLINE_PAYLOAD_BYTES, F.col("value").cast("string"))
    step = records.select(
        F.col("value"),
        F.col("key"),
        F.col("partition"),
        F.col("offset"),
        F.unix_millis("timestamp").alias("ingested_at"),
        text.alias("text"),
    ).withColumn("parsed", F.from_json("text", JSON_SCHEMA))
    found = sum((F.col(f"parsed.{name}").isNotNull().cast("int") for name in FIELDS), F.lit(0))
    members = F.coalesce(F.size(F.json_object_keys("text")), F.lit(-1))
    is_doubtful = (members != found) | F.coalesce(F.col("text").rlike(_UNQUOTED), F.lit(True))
    return step.select(
        "value", "key", "partition", "offset", "ingested_at", is_doubtful.alias("is_doubtful"), "parsed.*"
    )


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is no transaction: its place in the batch's table, and why."""

    row: int
    errors: list[FieldError]


def _valid_text(column: pa.ChunkedArray, pattern: str, is_optional: bool) -> NDArray[np.bool_]:
    return np.asarray(pc.match_substring_regex(column, pattern).fill_null(is_optional).to_numpy())


def _doubtful(table: pa.Table, bounds: TimeBounds) -> NDArray[np.bool_]:
    """Rows that the fast path cannot vouch for."""
    good = ~table.column("is_doubtful").fill_null(True).to_numpy()
    for name, pattern in _TEXTS.items():
        good &= _valid_text(table.column(name), pattern, name in _OPTIONAL)
    for name, allowed in _CHOICES.items():
        known = pc.is_in(table.column(name), pa.array(allowed)).to_numpy()
        good &= known | (table.column(name).is_null().to_numpy() if name in _OPTIONAL else False)
    for name, (low, high) in _INTEGERS.items():
        column = table.column(name).fill_null(-(2**62)).to_numpy()
        good &= (column >= low) & (column <= high)
    for name, limit in _NUMBERS.items():
        column = table.column(name)
        good &= (np.abs(column.fill_null(0.0).to_numpy()) <= limit) | column.is_null().to_numpy()
    if bounds.is_enforced:
        ahead = table.column("event_time").fill_null(0).to_numpy() - table.column("ingested_at").to_numpy()
        good &= (ahead <= bounds.max_future_ms) & (-ahead <= bounds.max_age_ms)
    return np.asarray(~good)


@dataclass(frozen=True, slots=True)
class Checked:
    """A batch split in two. table: the good rows with all columns; payloads: the same rows as they were sent."""

    table: pa.Table
    payloads: list[dict[str, Any]]
    rejected: list[Rejected]


def check(table: pa.Table, bounds: TimeBounds) -> Checked:
    """Split a batch into good rows, in the order of their offsets, and rejected ones.

    Time bounds are relative to each record's ingest time. A payload of a doubtful row that turned out good has its
    amount in the base currency filled in, like the columns.
    """
    is_doubtful = _doubtful(table, bounds)
    payloads = _decoded(table, is_doubtful)
    rejected: list[Rejected] = []
    for row in np.flatnonzero(is_doubtful).tolist():
        value, ingested_at = table.column("value")[row].as_py(), table.column("ingested_at")[row].as_py()
        try:
            payloads[row] = decode_transaction(value, ingested_at, bounds).to_wire()
        except InvalidTransaction as error:
            is_doubtful[row] = False  # answered: nothing of it goes on
            rejected.append(Rejected(row, error.errors))
    if is_doubtful.any():
        table = _with_columns_of(table, payloads, is_doubtful)
    if rejected:
        keep = np.ones(table.num_rows, bool)
        keep[[r.row for r in rejected]] = False
        table = table.filter(pa.array(keep))
        payloads = [p for p, is_kept in zip(payloads, keep, strict=True) if is_kept]
    return Checked(table, payloads, rejected)


def _decoded(table: pa.Table, is_doubtful: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """The rows as dictionaries, {} where doubtful. What is no strict JSON becomes doubtful: the JVM takes single
    quotes, and whatever comes behind the closing brace.
    """
    payloads: list[dict[str, Any]] = []
    for row, value in enumerate(table.column("value").to_pylist()):
        payload: dict[str, Any] = {}
        if not is_doubtful[row]:
            try:
                payload = orjson.loads(value)
            except orjson.JSONDecodeError:
                is_doubtful[row] = True
        payloads.append(payload)
    return payloads


def _with_columns_of(table: pa.Table, payloads: list[dict[str, Any]], rows: NDArray[np.bool_]) -> pa.Table:
    """The table with the columns of these rows taken from their payloads, where the JVM's are not to be trusted."""
    chosen = np.flatnonzero(rows).tolist()
    for name, dtype in COLUMNS.items():
        at = table.schema.get_field_index(name)
        values = pa.array([payloads[row].get(name) for row in chosen], dtype)
        column = table.column(name).combine_chunks()
        table = table.set_column(at, name, pc.replace_with_mask(column, pa.array(rows), values))
    return table
