"""Several processes on gloo: tensor, sequence and data parallel."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

PROGRAM = Path(__file__).with_name("distributed_program.py")


def _slow(*values: object) -> object:
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("part", "ranks"),
    [("eager", 2), ("aot_eager", 2), _slow("eager", 4), _slow("aot_eager", 4), _slow("inductor", 2)],
)
def test_shards_are_parts_of_the_whole(part: str, ranks: int, tmp_path: Path) -> None:
    if not (torch.distributed.is_available() and torch.distributed.is_gloo_available()):
        pytest.skip("this PyTorch has no gloo")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = dict(os.environ, OMP_NUM_THREADS="1", TORCHINDUCTOR_CACHE_DIR=str(tmp_path))
    processes = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), part, str(rank), str(ranks), str(port)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(ranks)
    ]
    try:
        outputs = [process.communicate(timeout=600)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert all("all well" in output for output in outputs), "\n".join(outputs)
