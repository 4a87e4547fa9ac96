"""What must not stand in any file, and what must stand beside an exception to a rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import files, read

BINARY = {".png", ".ico", ".woff2", ".parquet", ".npz", ".jpg", ".webp", ".gif"}
FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.-])/(?:home|work|root|Users)/\w"),
    "a registry's host": re.compile(
        r"\b(?:pypi|pythonhosted|npmjs)\.(?:org|com)\b|\brepo\d?\.maven\.(?:apache\.)?org\b|\bdeb\.debian\.org\b"
    ),
    "a secret key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bxox[bp]-\d"),
    "a conflict marker": re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE),
}
WAIVERS = {
    ".py": re.compile(r"#\s*(?:noqa|type:\s*ignore|nosec|fmt:\s*off|pragma: no cover)(?P<rest>.*)"),
    ".ts": re.compile(r"(?:eslint-disable[\w-]*|@ts-expect-error|@ts-ignore)(?P<rest>.*)"),
}
WAIVERS[".tsx"] = WAIVERS[".ts"]
CODES = re.compile(r"^(?::\s*[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*|\[[\w, -]+\]|\s+[@\w/-]+(?:\s*,\s*[@\w/-]+)*)?")
"""The codes that a waiver names, which stand before its reason."""


def texts() -> Iterator[tuple[Path, str]]:
    return ((path, read(path)) for path in files() if path.suffix not in BINARY and path.suffix != ".tsbuildinfo")


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    found = [
        f"{path}:{text[: match.start()].count(chr(10)) + 1}: {match.group()}"
        for path, text in texts()
        for match in FORBIDDEN[what].finditer(text)
        if path != Path("tests/architecture/test_text.py")
    ]
    assert found == []


def test_every_waiver_names_its_code_and_carries_its_reason() -> None:
    silent = [
        f"{path}:{number}: {line.strip()}"
        for path in files(*WAIVERS)
        if path.name != "test_text.py"
        for number, line in enumerate(read(path).splitlines(), 1)
        if (match := WAIVERS[path.suffix].search(line)) and not has_reason(match["rest"])
    ]
    assert silent == []


def has_reason(rest: str) -> bool:
    """Whether what follows a waiver holds its codes and, after them, at least two words."""
    codes = CODES.match(rest)
    return len(re.findall(r"[A-Za-z]{2,}", rest[codes.end() if codes else 0 :])) > 1


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("", False),
        (": ARG001", False),
        (": ARG001 - the port asks for it", True),
        ("[misc]", False),
        ("[misc]  # typer has no types here", True),
        (" react-hooks/exhaustive-deps", False),
        (" react-hooks/exhaustive-deps -- runs once", True),
    ],
)
def test_a_reason_is_told_from_a_code(rest: str, expected: bool) -> None:
    assert has_reason(rest) is expected
