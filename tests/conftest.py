"""What every test shares: a clean environment, and property tests that repeat."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

import config

_HERE = Path(__file__).parent
# All share one stack, and some count what stands in its log, but these: a stack for the folder, or one for each test.
_STACK_OF_THE_FOLDER = ("e2e", "integration/skew")
_STACK_OF_THE_TEST = ("parity", "integration/stream")

IN_CI = "CI" in os.environ
settings.register_profile(
    "house",
    deadline=None,  # a busy machine is no failure
    derandomize=IN_CI,  # people explore, CI repeats
    database=None if IN_CI else DirectoryBasedExampleDatabase(config.CACHE_DIR / "hypothesis"),
)
settings.load_profile("house")


def pytest_configure() -> None:
    """Take the settings of the surrounding shell away, so that a running stack or an exported variable changes nothing.

    Fixtures that need servers find or start them themselves. OpenMP gets one thread: its threads spin while they wait,
    so on cores that are shared with other workers and servers, a fit of seconds takes minutes.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    prefixes = tuple(str(group.model_config["env_prefix"]) for group in config.GROUPS)
    for name in [name for name in os.environ if name.startswith(prefixes)]:
        del os.environ[name]
    # A shell that runs something in the background lets it ignore Ctrl-C, and so would every process that a test
    # starts, also the one that it then interrupts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before the plugin that looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share servers run one after the other, on one worker (`--dist loadgroup`)."""
    for item in items:
        if any(item.path.is_relative_to(_HERE / folder) for folder in _STACK_OF_THE_TEST):
            continue
        own = [folder for folder in _STACK_OF_THE_FOLDER if item.path.is_relative_to(_HERE / folder)]
        item.add_marker(pytest.mark.xdist_group(own[0] if own else "shared-stack"))
