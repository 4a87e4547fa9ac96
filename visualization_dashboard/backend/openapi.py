"""Writes the contract of the dashboard API: `python -m visualization_dashboard.backend.openapi`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from visualization_dashboard.backend.app import contract_app

PATH: Final = Path(__file__).with_name("openapi.json")


def render() -> str:
    """The document as it is kept in the repository."""
    app = contract_app()
    with app.app_context():
        return json.dumps(app.spec, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    PATH.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
