"""What all tests of the Python package share."""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: long, and run only with SIMDROP_TEST_EFFORT=thorough")


def pytest_collection_modifyitems(config, items):
    if os.environ.get("SIMDROP_TEST_EFFORT") == "thorough":
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


def pytest_terminal_summary(terminalreporter):
    """A line a test, as scripts/test.sh counts them."""
    if os.environ.get("SIMDROP_TEST_LINES") is None:
        return
    for kind, word in (("passed", "ok"), ("skipped", "skipped"), ("failed", "FAILED"), ("error", "FAILED")):
        for report in terminalreporter.stats.get(kind, []):
            reason = f": {report.longrepr[2]}" if kind == "skipped" and isinstance(report.longrepr, tuple) else ""
            terminalreporter.write_line(f"{word} {report.nodeid}{reason}".replace("\n", " "))
