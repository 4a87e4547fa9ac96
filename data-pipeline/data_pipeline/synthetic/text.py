"""Rows become columns of text: ids, tokens, codes. The only place that knows how a name looks."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_pipeline.synthetic.commerce import KINDS
from data_pipeline.synthetic.places import COUNTRY_CODES, CURRENCY_CODES
from data_pipeline.synthetic.randomness import Draws
from data_pipeline.synthetic.rows import CHANNELS, Rows
from data_pipeline.synthetic.world import World

_HEX: Final = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_BINS: Final = pa.array([f"9900{i:02d}" for i in range(12)])  # issuer numbers that ISO 7812 leaves to nations


def hex_column(prefix: str, words: npt.NDArray[np.uint64], digits: int = 16) -> pa.Array:
    """`prefix` and the last `digits` hexadecimal digits of each word; null where the word is 0."""
    head = np.frombuffer(prefix.encode(), dtype=np.uint8)
    width = len(head) + digits
    shifts = np.arange(4 * (digits - 1), -1, -4, dtype=np.uint64)
    text = np.empty((len(words), width), dtype=np.uint8)
    text[:, : len(head)] = head
    text[:, len(head) :] = _HEX[((words[:, None] >> shifts) & np.uint64(15)).astype(np.int64)]
    offsets = np.arange(0, (len(words) + 1) * width, width, dtype=np.int32)
    column = pa.StringArray.from_buffers(len(words), pa.py_buffer(offsets), pa.py_buffer(text))
    return _null_where(words == 0, column)


def numbered_column(prefix: str, numbers: Any, digits: int) -> pa.Array:
    """`prefix` and the number, padded with zeros."""
    distinct, positions = np.unique(np.asarray(numbers, dtype=np.int64), return_inverse=True)
    return pa.array([f"{prefix}{i:0{digits}d}" for i in distinct.tolist()], pa.string()).take(pa.array(positions))


def _null_where(is_null: npt.NDArray[np.bool_], column: pa.Array) -> pa.Array:
    if not is_null.any():
        return column
    return pc.if_else(pa.array(is_null), pa.scalar(None, pa.string()), column)


def card_tokens(world: World, rows: Rows, blocks: npt.NDArray[np.int64]) -> pa.Array:
    """A random token for each card; a blocked card's successor has another one."""
    key = (rows["customer"] * 2 + rows["card"]) << 42
    generation = np.searchsorted(blocks, key + rows["time"]) - np.searchsorted(blocks, key)
    return hex_column("card-", world.draws.keyed(rows["customer"], rows["card"], generation, 8).word("token"))


def ip_column(numbers: npt.NDArray[np.uint32]) -> pa.Array:
    """Dotted addresses; null where there is none."""
    octet = pa.array([str(i) for i in range(256)])
    parts = [octet.take(pa.array((numbers >> np.uint32(shift)) & np.uint32(255))) for shift in (24, 16, 8, 0)]
    return _null_where(numbers == 0, pc.binary_join_element_wise(*parts, "."))


def customer_column(numbers: Any) -> pa.Array:
    """Pseudonymous customer ids."""
    return numbered_column("c", numbers, 7)


def merchant_column(numbers: Any) -> pa.Array:
    """Merchant ids."""
    return numbered_column("m", numbers, 6)


def terminal_column(rows: Rows) -> pa.Array:
    """Terminal ids: the merchant's and the till's number; null for remote sales."""
    till = pa.array([f"-t{i}" for i in range(8)]).take(pa.array(np.maximum(rows["terminal"], 0)))
    column = pc.binary_join_element_wise(merchant_column(rows["merchant"]), till, "")
    return _null_where(rows["terminal"] < 0, column)


def transaction_ids(rows: Rows) -> pa.Array:
    """Transaction ids."""
    return hex_column("tx-", rows["id"])


def _coded(codes: tuple[str, ...], indices: Any) -> pa.Array:
    return pa.array(codes).take(pa.array(indices))


def to_columns(world: World, rows: Rows, blocks: npt.NDArray[np.int64]) -> pa.Table:
    """The columns of transactions.v1, one row a transaction, in the order given; `blocks` of `World.card_blocks`."""
    kind = world.merchants.kind[rows["merchant"]]
    return pa.table(
        {
            "transaction_id": transaction_ids(rows),
            "event_time": pa.array(rows["time"]),
            "utc_offset_min": pa.array(rows["offset"].astype(np.int64)),
            "customer_id": customer_column(rows["customer"]),
            "card_token": card_tokens(world, rows, blocks),
            "merchant_id": merchant_column(rows["merchant"]),
            "mcc": _coded(tuple(k.mcc for k in KINDS), kind),
            "amount_minor": pa.array(rows["amount"]),
            "currency": _coded(CURRENCY_CODES, rows["currency"]),
            "amount_base_minor": pa.array(rows["base"]),
            "merchant_country": _coded(COUNTRY_CODES, rows["country"]),
            "channel": _coded(CHANNELS, rows["channel"]),
            "card_bin": _BINS.take(pa.array(card_bins(world.draws, rows))),
            "terminal_id": terminal_column(rows),
            "lat": pa.array(rows["lat"], from_pandas=True),
            "lon": pa.array(rows["lon"], from_pandas=True),
            "device_id": hex_column("d-", rows["device"]),
            "ip": ip_column(rows["ip"]),
            "decided_by": pa.nulls(len(rows), pa.string()),
        }
    )


def card_bins(draws: Draws, rows: Rows) -> npt.NDArray[np.int64]:
    """Index of each card's issuer."""
    return draws.keyed(rows["customer"], rows["card"], 9).below("bin", len(_BINS))
