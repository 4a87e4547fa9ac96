"""Feature sets: named columns, each a formula over the catalogue's features and the transaction's fields.

A set gives the same numbers under the names and units that another system, a paper or a model expects. It computes
nothing that the catalogue does not know, so what is replayed offline can also be served.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import pyarrow as pa
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from fraud_prevention.domain.errors import InvalidFeatureSet, InvalidPolicy
from fraud_prevention.domain.transaction import FIELDS
from fraud_prevention.policy.expressions import Column, Formula, Kind, compile_formula, kind_of_feature
from fraud_prevention.policy.vocabulary import TRANSACTION_KINDS
from model.features.catalogue import CATALOGUE_VERSION, FEATURE_NAMES, index_of

MAX_COLUMNS: Final = 500
VOCABULARY: Final[Mapping[str, Kind]] = {
    **TRANSACTION_KINDS,
    **{name: kind_of_feature(name) for name in FEATURE_NAMES},
}
"""What a formula may read. A feature named like a field of the transaction stands for both."""

_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Name
    description: Annotated[str, Field(min_length=1)]
    keys: Annotated[tuple[str, ...], Field(min_length=1)]
    columns: Annotated[dict[_Name, str], Field(min_length=1, max_length=MAX_COLUMNS)]

    @model_validator(mode="after")
    def _keys_of_the_contract(self) -> _File:
        unknown = [key for key in self.keys if key not in FIELDS]
        if unknown:
            raise ValueError(f"keys: {', '.join(unknown)} is not part of transactions.v1: {', '.join(FIELDS)}")
        twice = sorted({key for key in self.keys if self.keys.count(key) > 1 or key in self.columns})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands twice among keys and columns: give each a name of its own")
        return self


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """A checked set: fields of the transaction that are passed on, then formulas by the name of their column."""

    path: str
    name: str
    description: str
    keys: tuple[str, ...]
    columns: Mapping[str, Formula]

    def schema(self, types: pa.Schema) -> pa.Schema:
        """Of the tables that `apply` makes; `types` says those of the keys. The metadata says how they came about."""
        told = {
            "feature_set": self.name,
            "catalogue_version": CATALOGUE_VERSION,
            "columns": json.dumps({name: formula.text for name, formula in self.columns.items()}),
        }
        keys = [types.field(key) for key in self.keys]
        return pa.schema([*keys, *((name, pa.float64()) for name in self.columns)], metadata=told)

    def apply(self, table: pa.Table, vectors: NDArray[np.float64]) -> pa.Table:
        """Keys and columns of the rows of `table` (columns of transactions.v1) with their vectors f8[n, F].

        Raises InvalidFeatureSet where a formula's numbers grow beyond all bounds.
        """
        read = frozenset[str]().union(*(formula.names for formula in self.columns.values()))
        visible = {name: _visible(name, table, vectors) for name in read}
        found = [table.column(key) for key in self.keys]
        for name, formula in self.columns.items():
            with np.errstate(over="ignore", invalid="ignore"):  # the next line says it better
                values = formula(visible)
            if not np.isfinite(values).all():
                raise InvalidFeatureSet(self.path, f"column {name} has no finite value: bound it with min or max")
            found.append(pa.chunked_array([pa.array(values)]))
        return pa.table(found, schema=self.schema(table.schema))


def _visible(name: str, table: pa.Table, vectors: NDArray[np.float64]) -> Column:
    if name not in FEATURE_NAMES:
        values = np.asarray(table.column(name).to_numpy())
        return values if VOCABULARY[name] is Kind.TEXT else values.astype(np.float64)
    values = vectors[:, index_of(name)]
    return values != 0.0 if VOCABULARY[name] is Kind.FLAG else values


def load_feature_set(path: Path, name: Path | None = None) -> FeatureSet:
    """Read and check a feature set file; errors call it `name`.

    Raises InvalidFeatureSet, which names the file, the column and what to change.
    """
    shown = str(name or path)
    try:
        raw: Any = yaml.safe_load(path.read_text("utf-8"))
        file = _File.model_validate(raw)
    except OSError as error:
        raise InvalidFeatureSet(shown, f"cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidFeatureSet(shown, f"it is not YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "feature set"
        raise InvalidFeatureSet(shown, f"{where}: {first['msg']}") from error
    columns = {column: _formula(shown, column, text) for column, text in file.columns.items()}
    return FeatureSet(shown, file.name, file.description, file.keys, columns)


def _formula(path: str, column: str, text: str) -> Formula:
    try:
        return compile_formula(text, VOCABULARY, column)
    except InvalidPolicy as error:
        cure = "`fraud features list` names the features; a formula has numbers, + - * /, comparisons, min, max, where"
        raise InvalidFeatureSet(path, f"column {column} {error.reason} ({cure})") from error
