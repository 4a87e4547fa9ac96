"""The page for people says what the contract files say."""

from __future__ import annotations

from config import ROOT
from data_pipeline.contract.render import markdown


def test_page_is_what_the_contracts_render_to() -> None:
    page = (ROOT / "docs" / "data-contract.md").read_text("utf-8")
    assert page == markdown(), "run `fraud contracts --markdown > docs/data-contract.md`"
