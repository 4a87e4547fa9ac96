"""Mapping files: how the columns of any file become those of the data contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data_pipeline.history.files import HISTORY_SCHEMA
from fraud_prevention.domain.errors import HistoryUnusable

REQUIRED: Final = frozenset(
    (
        "transaction_id event_time utc_offset_min customer_id card_token merchant_id mcc amount_minor currency "
        "merchant_country channel"
    ).split()
)
SHIPPED_DIR: Final = Path(__file__).parent / "mappings"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Column(_Strict):
    """Where one column comes from: another column, or a constant.

    digits, prefix: numbers become text, padded with zeros, after the prefix.
    scale: numbers are multiplied and rounded half away from zero (100 makes cents of euros).
    values: what each value becomes; one that is missing there is an error.
    time: how text or numbers say a moment (strptime format, or the unit of numbers since 1970).
    """

    source: str | None = Field(None, alias="from")
    constant: str | int | float | None = None
    digits: int | None = Field(None, ge=1, le=32)
    prefix: str = ""
    scale: float | None = Field(None, gt=0)
    values: dict[str, str | int | float | bool] | None = None
    time: str | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Column:
        if (self.source is None) == (self.constant is None):
            raise ValueError("give either `from` or `constant`")
        return self


class Labels(_Strict):
    """How truth in the file becomes labels that arrive late; where it is blank, nothing is known of the row."""

    is_fraud: Column
    observed_after_days: float = Field(ge=0)
    source: Literal["officer", "chargeback", "customer"] = "chargeback"
    confidence: float = Field(1.0, ge=0, le=1)
    include: Literal["all", "fraud"] = "fraud"


class Truth(_Strict):
    """What the file knows beyond the label, for evaluation only."""

    scenario: Column


class Mapping(_Strict):
    """One mapping file. `order` names the file's columns that give the order of the log."""

    order: Annotated[tuple[str, ...], Field(min_length=1)]
    columns: dict[str, Column]
    labels: Labels | None = None
    truth: Truth | None = None

    @model_validator(mode="after")
    def _columns_of_the_contract(self) -> Mapping:
        unknown = sorted(self.columns.keys() - set(HISTORY_SCHEMA.names))
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is not part of transactions.v1")
        missing = sorted(REQUIRED - self.columns.keys())
        if missing:
            raise ValueError(f"add {', '.join(missing)} to `columns` (as `from` or `constant`)")
        return self

    def sources(self) -> list[str]:
        """Columns of the file that are needed, each once."""
        columns = [*self.columns.values()]
        columns += [self.labels.is_fraud] if self.labels else []
        columns += [self.truth.scenario] if self.truth else []
        return list(dict.fromkeys([*self.order, *(c.source for c in columns if c.source is not None)]))


def find_file(path: Path) -> Path | None:
    """The file itself, else the shipped one where `path` is a bare name; None where there is neither."""
    shipped = SHIPPED_DIR / path.name
    return path if path.is_file() else shipped if path.parent == Path() and shipped.is_file() else None


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file; a bare name such as `fdh_mapping.yaml` may be one of those that are shipped.

    Raises HistoryUnusable, which names what is wrong in it.
    """
    found = find_file(path)
    if found is None:
        names = ", ".join(sorted(p.name for p in SHIPPED_DIR.glob("*_mapping.yaml")))
        raise HistoryUnusable(str(path), f"there is no such mapping file; shipped ones are {names}")
    try:
        raw: Any = yaml.safe_load(found.read_text("utf-8"))
        return Mapping.model_validate(raw)
    except yaml.YAMLError as error:
        raise HistoryUnusable(str(path), f"it is not YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "mapping"
        raise HistoryUnusable(str(path), f"{where}: {first['msg']}") from error
