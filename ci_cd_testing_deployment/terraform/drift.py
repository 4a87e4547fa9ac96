"""List what a plan would change: `drift.py PLAN.json [GAPS]`. Exit 0 without a difference, 2 with one.

GAPS names differences that are not counted, one ADDRESS:ATTRIBUTE a line; an address covers what is below it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

DRIFTED = 2


def changed_attributes(change: Mapping[str, Any]) -> set[str]:
    """Attributes that differ. Of a replacement, those that force it and those that get a value.

    What only follows from another change is unknown, and not counted.
    """
    before, after = change.get("before") or {}, change.get("after") or {}
    unknown = change.get("after_unknown") or {}
    names = {n for n in {*before, *after} if after.get(n) != before.get(n) and unknown.get(n) is not True}
    if "delete" not in change["actions"] or "create" not in change["actions"]:
        return names
    forcing = {path[0] for path in change.get("replace_paths", []) if path}
    return forcing | {name for name in names if after.get(name) not in (None, [], {}, "")}


def differences(plan: Mapping[str, Any], gaps: Sequence[str]) -> Iterator[tuple[str, str, list[str], bool]]:
    """Address, action, attributes, and whether all of them are known gaps, of each resource that would change."""
    known = [gap.rsplit(":", 1) for gap in gaps]
    for resource in plan.get("resource_changes", []):
        change, address = resource["change"], resource["address"]
        if change["actions"] in (["no-op"], ["read"]):
            continue
        attributes = changed_attributes(change)
        rest = attributes - {name for prefix, name in known if address.startswith(prefix)}
        is_gap = bool(attributes) and not rest
        yield address, "/".join(change["actions"]), sorted(rest or attributes), is_gap


def main(arguments: Sequence[str]) -> int:
    plan = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    lines = Path(arguments[1]).read_text(encoding="utf-8").splitlines() if len(arguments) > 1 else []
    gaps = [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]
    drifted = 0
    for address, action, attributes, is_gap in differences(plan, gaps):
        drifted += not is_gap
        print(f"{'known gap' if is_gap else 'DRIFT'}: {address}: {action}: {', '.join(attributes)}")
    print(f"{drifted} resources differ from what was applied" if drifted else "no drift")
    return DRIFTED if drifted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
