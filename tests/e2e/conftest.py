"""The whole product, running: every server and every application. And a browser to look at it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from ci_cd_testing_deployment.local.stack import LocalStack
from tests.fixtures.models import write_small_model
from tests.fixtures.services import guarded_run_dir, skipped_without_programs

_HERE = Path(__file__).parent
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# No sandbox, because tests may run as root; nothing that asks the outside for anything.
_SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What lies in this folder drives the whole stack, without saying so in each file."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's browser."""
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    return found


@pytest.fixture(scope="session")
def running_stack() -> Iterator[LocalStack]:
    """Everything up, with a small model whose risk grows with the amount; taken down at the end."""
    stack = LocalStack(guarded_run_dir("e2e"))
    stack.place.make()
    write_small_model(stack.place.models)
    with skipped_without_programs():
        stack.up()
    yield stack
    stack.down()


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One headless browser for the run; each test gets a page with a profile of its own."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=list(_SWITCHES))
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page in English, on a common screen."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()
