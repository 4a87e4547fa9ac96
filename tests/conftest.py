"""What every test shares: a clean environment, and property tests that repeat."""

from __future__ import annotations

import os
import signal

from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

import config

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
