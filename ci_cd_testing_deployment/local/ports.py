"""Free ports on the loopback address."""

from __future__ import annotations

import random
import socket
from collections.abc import Collection

LOOPBACK = "127.0.0.1"
# Below the range from which the kernel takes the ports of outgoing connections, or one of those could take a
# chosen port before its server listens on it.
_CANDIDATES = range(20_000, 32_000)
_ATTEMPTS = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on the port at this moment."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections are still in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def is_open(port: int, host: str = LOOPBACK, timeout_s: float = 0.5) -> bool:
    """Whether somebody listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(timeout_s)
        return probe.connect_ex((host, port)) == 0


def choose(taken: Collection[int], preferred: int | None = None) -> int:
    """A free port that is not in `taken`: the preferred one if possible, else one at random.

    Random, because several stacks may be choosing at the same time.
    """
    if preferred is not None and preferred not in taken and is_free(preferred):
        return preferred
    draw = random.SystemRandom()
    for _ in range(_ATTEMPTS):
        port = draw.choice(_CANDIDATES)
        if port not in taken and is_free(port):
            return port
    raise OSError(f"no free port between {_CANDIDATES.start} and {_CANDIDATES.stop} in {_ATTEMPTS} attempts")
