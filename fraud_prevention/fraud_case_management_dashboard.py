"""Entry of the officers' case management: the dashboard API, under the name by which operators know it."""

from __future__ import annotations

import runpy

if __name__ == "__main__":
    # By name, so that no package of the product depends on the dashboard's.
    runpy.run_module("visualization_dashboard.backend.main", run_name="__main__")
