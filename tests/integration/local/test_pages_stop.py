"""The server of the pages stops in time, also while a page follows the feed."""

from __future__ import annotations

import os
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ci_cd_testing_deployment.local import ports
from ci_cd_testing_deployment.local.prerequisites import find_node
from config import ROOT

SERVER = ROOT / "visualization_dashboard" / "frontend" / ".next" / "standalone" / "server.js"
READY_S = 60.0
STOP_S = 15.0


class Feed(BaseHTTPRequestHandler):
    """A dashboard API that only has a feed, which goes on until the reader is gone."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b": still here\n\n")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        """Not to the terminal."""


@pytest.fixture
def api_origin() -> Iterator[str]:
    with ThreadingHTTPServer((ports.LOOPBACK, 0), Feed) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{ports.LOOPBACK}:{server.server_port}"
        server.shutdown()


def test_an_open_feed_does_not_hold_the_stop_up(api_origin: str) -> None:
    assert SERVER.exists(), "make setup builds the pages"
    port = ports.choose([], None)
    env = {**os.environ, "HOSTNAME": ports.LOOPBACK, "PORT": str(port), "DASHBOARD_API_ORIGIN": api_origin}
    address = f"http://{ports.LOOPBACK}:{port}"
    with subprocess.Popen([find_node(), str(SERVER)], env=env, cwd=ROOT) as pages:
        try:
            deadline_s = time.monotonic() + READY_S
            while not ports.is_open(port):
                assert pages.poll() is None
                assert time.monotonic() < deadline_s, f"the pages did not start within {READY_S:.0f} s"
                time.sleep(0.1)
            with urllib.request.urlopen(f"{address}/api/feed", timeout=READY_S) as feed:  # noqa: S310 — its own loopback address
                assert feed.read(5) == b": sti"
                pages.terminate()
                assert pages.wait(timeout=STOP_S) == 0
        finally:
            pages.kill()
