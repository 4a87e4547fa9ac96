"""The shape of a policy file. Anything else in it is refused, because a mistyped key would change nothing in silence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, ValidationError

from fraud_prevention.domain.errors import InvalidPolicy

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{2,63}$")]
Stopping = Literal["challenge", "review", "decline"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Example(_Entry):
    """Values of the names the rule reads, and whether it hits."""

    given: dict[str, StrictBool | StrictInt | StrictFloat | StrictStr] = Field(default_factory=dict)
    hits: StrictBool


class RuleEntry(_Entry):
    """One rule as its writer sees it."""

    id: Identifier
    description: str = Field(min_length=10, max_length=300)
    expression: str
    outcome: Stopping
    reason_code: str
    examples: tuple[Example, ...] = Field(min_length=2, max_length=20)


class ThresholdEntry(_Entry):
    """Applies where both scores are at or above their levels."""

    id: Identifier
    description: str = Field(min_length=10, max_length=300)
    risk_score: float = Field(ge=0.0, le=1.0)
    probability: float = Field(ge=0.0, le=1.0)
    outcome: Stopping
    reason_code: str


class PolicyFile(_Entry):
    """The whole file."""

    format: Literal[1]
    rules: tuple[RuleEntry, ...] = Field(min_length=1)
    thresholds: tuple[ThresholdEntry, ...] = Field(min_length=1)


def read_policy_file(document: object) -> PolicyFile:
    """Check a decoded policy file. Raises InvalidPolicy naming the first place that is wrong."""
    try:
        return PolicyFile.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "policy"
        raise InvalidPolicy(where, first["msg"]) from error
