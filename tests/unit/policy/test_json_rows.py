"""Rows of JSON: many at once say what each says alone."""

from __future__ import annotations

import numpy as np
import orjson
import pytest

from fraud_prevention.policy.json_rows import MANY_ROWS, Columns, Slot, Template, coded

TEMPLATE = Template(
    {
        "name": Slot.TEXT,
        "constant": ("a", 'b"'),
        "count": Slot.INTEGER,
        "inner": {"share": Slot.REAL, "given": Slot.JSON, "none": {}},
        "vector": Slot.VECTOR,
        "last": 1,
    }
)
NAMES = [
    "plain",
    "",
    "Zürich",
    'quo"te',
    "back\\slash",
    "line\nend",
    "null\0",
    "a text longer than a word of eight bytes",
]


@pytest.mark.parametrize("rows", [0, 1, MANY_ROWS - 1, MANY_ROWS, 1_000])
def test_rows_hold_what_their_columns_say(rows: int) -> None:
    draw = np.random.default_rng(rows)
    names = [NAMES[i % len(NAMES)] for i in range(rows)]
    counts, shares, vectors = draw.integers(-5, 10**15, rows), draw.random(rows), draw.normal(size=(rows, 7))
    given = [b'{"customer":1}', b"[]"]
    codes = draw.integers(0, 2, rows)
    columns = Columns(
        {"name": [name.encode() for name in names], "given": coded(given, codes)}, {"count": counts}, {"share": shares}
    )
    found = TEMPLATE.write(columns, vectors)
    assert [orjson.loads(value) for value in found] == [
        {
            "name": names[i],
            "constant": ["a", 'b"'],
            "count": counts[i],
            "inner": {"share": shares[i], "given": orjson.loads(given[codes[i]]), "none": {}},
            "vector": vectors[i].tolist(),
            "last": 1,
        }
        for i in range(rows)
    ]


def test_missing_column_is_an_error() -> None:
    for rows in (1, MANY_ROWS):
        with pytest.raises(KeyError, match="name"):
            TEMPLATE.write(Columns({}, {}, {}), np.zeros((rows, 1)))
