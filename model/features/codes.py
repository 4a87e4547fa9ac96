"""Strings become numbers here, and nowhere else: what the kernel compares are these codes.

Two ids of one customer's ring share a 32-bit code with probability below 1e-5, which would make a new
merchant look known; transaction ids keep 64 bits, because a collision there would swallow a payment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from fraud_prevention.domain.reference import BASE_CURRENCY
from fraud_prevention.domain.transaction import CHANNELS, Transaction
from model.features.entry import TERMINAL_BITS, TERMINAL_MASK, money
from model.features.record import ENTRY, FOREIGN_CURRENCY, WEEKEND, Entries

_SEED: Final = 42
_CHANNEL: Final = {name: i for i, name in enumerate(CHANNELS)}
_EPOCH_WEEKDAY: Final = 3  # 1970-01-01 was a Thursday, Monday is 0


def hash64(text: str) -> int:
    """64-bit code of an id."""
    return xxhash.xxh64_intdigest(text.encode(), _SEED)


def hash32(text: str) -> int:
    """32-bit code of an id, never 0: 0 means that the event names none."""
    return (xxhash.xxh64_intdigest(text.encode(), _SEED) & 0xFFFFFFFF) or 1


def network_of(ip: str) -> str:
    """The address's network: its first three bytes, or its first 48 bits as they are written."""
    return ":".join(ip.split(":")[:3]) if ":" in ip else ip.rpartition(".")[0]


def _network_code(ip: str) -> int:
    network = network_of(ip)
    return (hash64(network) or 1) if network else 0


def entity_codes_of(transaction: Transaction) -> tuple[int, int, int, int]:
    """64-bit codes of merchant, terminal, device and network, 0 where the event names none."""
    texts = (transaction.merchant_id, transaction.terminal_id, transaction.device_id)
    merchant, terminal, device = ((hash64(text) or 1) if text else 0 for text in texts)
    return merchant, terminal, device, _network_code(transaction.ip) if transaction.ip else 0


def country_code(text: str) -> int:
    """Number of an ISO 3166 alpha-2 code, 1 to 676."""
    return (ord(text[0]) - 65) * 26 + ord(text[1]) - 65 + 1


def local_time(event_time_ms: int, utc_offset_min: int) -> tuple[int, bool]:
    """Local hour 0 to 23, and whether the local day is Saturday or Sunday."""
    minutes = event_time_ms // 60_000 + utc_offset_min
    return minutes // 60 % 24, (minutes // 1440 + _EPOCH_WEEKDAY) % 7 >= 5


def encode(transaction: Transaction, offset: int) -> Entries:
    """One transaction as an array of one entry."""
    hour, is_weekend = local_time(transaction.event_time, transaction.utc_offset_min)
    is_foreign = transaction.currency != BASE_CURRENCY
    nan = float("nan")
    terminal = hash64(transaction.terminal_id) or 1 if transaction.terminal_id else 0
    row = (
        transaction.event_time,
        transaction.amount_base_minor << TERMINAL_BITS | (terminal & TERMINAL_MASK),
        offset,
        hash64(transaction.transaction_id),
        hash32(transaction.card_token),
        hash32(transaction.merchant_id),
        hash32(transaction.device_id) if transaction.device_id else 0,
        hash32(transaction.ip) if transaction.ip else 0,
        nan if transaction.lat is None else transaction.lat,
        nan if transaction.lon is None else transaction.lon,
        int(transaction.mcc),
        country_code(transaction.merchant_country),
        _CHANNEL[transaction.channel],
        hour,
        (WEEKEND if is_weekend else 0) | (FOREIGN_CURRENCY if is_foreign else 0),
        0,
    )
    return np.array([row], ENTRY)


def _numbers(column: pa.ChunkedArray) -> NDArray[Any]:
    return np.asarray(column.to_numpy())


def _by_value(column: pa.ChunkedArray, code: Any, dtype: type[np.generic]) -> NDArray[Any]:
    """Codes of a string column, each distinct value coded once; null becomes 0."""
    encoded = pc.dictionary_encode(column.combine_chunks())
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    table = np.array([code(v) for v in encoded.dictionary.to_pylist()] + [0], dtype)
    indices = encoded.indices.fill_null(len(table) - 1).to_numpy(zero_copy_only=False)
    return np.asarray(table[indices])


def encode_table(table: pa.Table, offsets: NDArray[np.int64]) -> Entries:
    """Rows of a table with the columns of `transactions.v1` as entries, in the order given.

    `offsets` holds each row's place in the log. Equal, field by field, to `encode` of the same rows.
    """
    found = np.zeros(table.num_rows, ENTRY)
    event_time = _numbers(table.column("event_time"))
    minutes = event_time // 60_000 + _numbers(table.column("utc_offset_min"))
    found["event_time"] = event_time
    terminals = codes_of(table.column("terminal_id"))
    found["money"] = money(_numbers(table.column("amount_base_minor")), terminals)
    found["offset"] = offsets
    found["transaction"] = [hash64(v) for v in table.column("transaction_id").to_pylist()]
    for name, column in (("card", "card_token"), ("merchant", "merchant_id"), ("device", "device_id"), ("ip", "ip")):
        found[name] = _by_value(table.column(column), hash32, np.uint32)
    for name in ("lat", "lon"):
        column = table.column(name).cast(pa.float64())
        found[name] = pc.fill_null(column, float("nan")).to_numpy().astype(np.float32)
    found["mcc"] = _by_value(table.column("mcc"), int, np.uint16)
    found["country"] = _by_value(table.column("merchant_country"), country_code, np.uint16)
    found["channel"] = _by_value(table.column("channel"), _CHANNEL.__getitem__, np.uint8)
    found["local_hour"] = minutes // 60 % 24
    is_weekend = (minutes // 1440 + _EPOCH_WEEKDAY) % 7 >= 5
    is_foreign = _by_value(table.column("currency"), lambda c: int(c != BASE_CURRENCY), np.uint8)
    found["flags"] = is_weekend * WEEKEND + is_foreign * FOREIGN_CURRENCY
    return found


def codes_of(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """64-bit codes of a string column, 0 where it is null."""
    return _by_value(column, lambda text: hash64(text) or 1, np.uint64)


def entity_codes(table: pa.Table) -> NDArray[np.uint64]:
    """u8[n, 4] of the rows of a table; equal, row by row, to `entity_codes_of`."""
    found = np.zeros((table.num_rows, 4), np.uint64)
    for at, name in enumerate(("merchant_id", "terminal_id", "device_id")):
        found[:, at] = codes_of(table.column(name))
    found[:, 3] = _by_value(table.column("ip"), _network_code, np.uint64)
    return found


def index_customers(table: pa.Table) -> tuple[NDArray[np.int32], list[str]]:
    """customer[n] (place in the list) and the list of distinct customer ids, in order of appearance."""
    encoded = pc.dictionary_encode(table.column("customer_id").combine_chunks())
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32), encoded.dictionary.to_pylist()


def null_columns(table: pa.Table, expected: Mapping[str, pa.DataType]) -> pa.Table:
    """The table with every expected column that it lacks, as nulls."""
    for name, dtype in expected.items():
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, dtype))
    return table
