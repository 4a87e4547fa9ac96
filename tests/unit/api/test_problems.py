"""The tree of errors says which status each one has, and the two services map exactly that."""

from __future__ import annotations

import re

from fraud_prevention.api import problems as api
from fraud_prevention.domain import errors
from visualization_dashboard.backend import problems as dashboard


def test_status_in_the_tree_is_the_one_that_is_mapped() -> None:
    documented = {
        name: int(status) for name, status in re.findall(r"─ (\w+) .*?(\d{3})$", errors.__doc__ or "", re.MULTILINE)
    }
    mapped = {kind.__name__: int(status) for kind, status in api._STATUS.items()}
    for kind, (status, _) in dashboard._STATUS.items():
        assert mapped.setdefault(kind.__name__, status) == status
    assert documented == mapped


def test_every_error_stands_in_the_tree() -> None:
    def below(kind: type[errors.FraudError]) -> set[str]:
        return {kind.__name__}.union(*(below(child) for child in kind.__subclasses__()))

    here = {name for name in below(errors.FraudError) if hasattr(errors, name)}
    assert here == set(re.findall(r"^(?:[│ ]*[├└]── )?([A-Z]\w+)(?:\s{2,}|$)", errors.__doc__ or "", re.MULTILINE))
