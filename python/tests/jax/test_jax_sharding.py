"""Arrays on several devices: every shard has the mask that it has in the whole."""

import pytest

pytest.importorskip("jax")

CHECKS = {"shard_map": 15, "jit": 20, "other": 6, "refused": 2}


@pytest.fixture(scope="module")
def lines(run_script):
    """What sharded.py prints: one process for all, as each takes seconds to begin."""
    return run_script("sharded.py")


@pytest.mark.parametrize("part", CHECKS)
def test_on_four_devices(lines, part):
    own = [line for line in lines if line.startswith(part)]
    assert len(own) == CHECKS[part]
    assert [line for line in own if not line.endswith(": ok")] == []
