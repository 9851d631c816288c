"""simdrop in a process: threads, forks, the interpreter's end, memory."""

from __future__ import annotations

import gc
import os
import pathlib
import subprocess
import sys
import sysconfig
import threading
import tracemalloc

import ml_dtypes
import numpy as np
import pytest

import simdrop

LARGE = np.ones(1 << 20, np.float32)
EXPECTED = simdrop.dropout(LARGE, 0.1, seed=1)
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


@pytest.mark.parametrize("threads", [2, 3, 8, 10**9])
def test_threads_change_nothing(threads):
    assert np.array_equal(simdrop.dropout(LARGE, 0.1, seed=1, threads=threads), EXPECTED)
    matrix = LARGE.reshape(1024, 1024)
    assert np.array_equal(simdrop.dropout(matrix.T, 0.1, seed=1, threads=threads), EXPECTED.reshape(1024, 1024))
    packed = simdrop.mask(LARGE.shape, 0.1, seed=1, packed=True, threads=threads)
    assert np.array_equal(np.unpackbits(packed, bitorder="little"), EXPECTED != 0)
    assert np.array_equal(simdrop.mask(LARGE.shape, 0.1, seed=1, threads=threads), EXPECTED != 0)
    assert np.array_equal(simdrop.apply_bits(LARGE, packed, 0.1, threads=threads), EXPECTED)


def in_threads(function, count=4):
    wrong = []
    begin = threading.Barrier(count)

    def guarded():
        begin.wait()
        try:
            function()
        except BaseException as error:  # noqa: BLE001 # to be raised where it is seen
            wrong.append(error)

    running = [threading.Thread(target=guarded) for _ in range(count)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert not wrong, wrong


def test_many_callers_of_many_threads():
    def calls():
        out = np.empty_like(LARGE)
        for _ in range(10):
            simdrop.dropout(LARGE, 0.1, seed=1, out=out, threads=3)
            assert np.array_equal(out, EXPECTED)

    in_threads(calls)


def test_a_shared_generator_takes_no_stream_twice():
    generator = simdrop.Generator(1)
    x = np.ones(5000)
    in_threads(lambda: [generator.dropout(x) for _ in range(200)])
    assert generator.stream == 800


def test_many_callers_of_small_calls():
    """Below the size from which Python's lock is given away: at once only where there is none."""
    x = np.ones((16, 24), np.float32)
    half, odd = x.astype(ml_dtypes.bfloat16), np.ones(64, [("a", "u1"), ("b", "f4")])["b"]
    packed = simdrop.mask(x.shape, 0.5, seed=3, packed=True)
    kinds = [
        lambda: simdrop.dropout(x, 0.1, seed=1),
        lambda: simdrop.dropout(x[::-1, ::2].T, 0.5, seed=1, mask_shape=(12, 1)),
        lambda: simdrop.dropout(half, 0.3, seed=1, threads=2),
        lambda: simdrop.dropout(odd, 0.3, seed=1),
        lambda: simdrop.dropout([1.0, 2.0, 3.0], 0.5, seed=1),
        lambda: simdrop.mask((5, 7), 0.5, seed=1, stream=9),
        lambda: simdrop.apply_bits(x, packed, 0.5),
        lambda: simdrop.Generator(1).spawn(1)[0].mask(99, 0.5),
    ]
    expected = [call() for call in kinds]

    def calls():
        for _ in range(100):
            for call, serial in zip(kinds, expected):
                y = call()
                assert (y.dtype, y.shape, y.tobytes()) == (serial.dtype, serial.shape, serial.tobytes())

    in_threads(calls)


def test_a_shared_generator_draws_each_mask_once():
    """With calls that fail among them, and streams that are skipped or go to children; too small for Python's lock to be given away."""
    generator = simdrop.Generator(1)
    draws = 100_000 if FREE_THREADED else 1000  # of each thread; two that meet are rare
    drawn, children, untyped = [], [], np.ones(9, int)

    def calls():
        for i in range(draws):
            drawn.append(generator.mask(128, 0.5, packed=True).tobytes())
            if i % (draws // 100) == 0:
                children.extend(child.seed for child in generator.spawn(2))
                generator.skip(3)
                with pytest.raises(TypeError):
                    generator.dropout(untyped)

    in_threads(calls)
    taken = generator.stream
    streams = {simdrop.mask(128, 0.5, seed=1, stream=i, packed=True).tobytes() for i in range(taken)}
    assert (len(drawn), len(set(drawn))) == (4 * draws, 4 * draws) and set(drawn) <= streams
    assert len(set(children)) == len(children) == 800
    # A call that fails keeps its stream where another thread has taken one since: of 400 calls, and no others.
    assert 0 <= taken - (4 * draws + 800 + 1200) <= 400


def test_the_first_calls_at_once():
    """What the module looks for when it is first needed is not there half."""
    code = """
import threading, simdrop
count = 8
begin, good = threading.Barrier(count), []
def first():
    begin.wait()
    y = simdrop.mask(64, 0.5, seed=1)
    x = simdrop.dropout(y.astype("f4"), 0.5, seed=1)
    good.append(bool(((x != 0) == y).all()) and simdrop.dropout([1.0, 2.0], 0, seed=1).tolist() == [1, 2])
threads = [threading.Thread(target=first) for _ in range(count)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(good.count(True))
"""
    for _ in range(3):
        assert run(code) == "8"


@pytest.mark.skipif(not FREE_THREADED, reason="this Python has a lock")
def test_a_free_threaded_python_stays_so():
    """Modules that do not say that they need no lock switch it on, with a warning."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    code = "import sys, simdrop; simdrop.mask(9, 0.5, seed=1); print(sys._is_gil_enabled())"
    assert run(f"import warnings; warnings.simplefilter('error'); {code}", env=environment) == "False"


def finished_first(elements):
    """Who goes on first when a thread begins a call: the call's end, or another thread. Python's lock is passed on by nobody else here."""
    order: list[str] = []
    x, out = np.ones(elements, np.float32), np.empty(elements, np.float32)
    begun, go = threading.Event(), threading.Event()

    def call():
        begun.set()
        go.wait()
        simdrop.dropout(x, 0.1, seed=1, out=out)
        order.append("call")

    interval = sys.getswitchinterval()
    thread = threading.Thread(target=call)
    thread.start()
    begun.wait()
    sys.setswitchinterval(100)
    try:
        go.set()
        thread.join(0.001)  # gives the lock away; it comes back when the call releases it, or ends
        while not order and not thread.join(0) and thread.is_alive():
            order.append("other")
    finally:
        sys.setswitchinterval(interval)
    thread.join()
    return order[0]


def test_large_calls_let_other_threads_go_on():
    assert finished_first(1 << 25) == "other"


def run(code, **options):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True, **options).stdout.strip()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fork():
    printed = run("""
import os, threading, numpy as np, simdrop
x = np.ones(1 << 20, np.float32)
expected = simdrop.dropout(x, 0.1, seed=1, threads=4)
stop = False
def busy():
    while not stop:
        simdrop.dropout(x, 0.1, seed=1, threads=4)
threads = [threading.Thread(target=busy) for _ in range(2)]
for thread in threads: thread.start()
good = 0
for _ in range(20):
    child = os.fork()
    if child == 0:
        same = np.array_equal(simdrop.dropout(x, 0.1, seed=1, threads=4), expected)
        tasks = "/proc/self/task"
        os._exit(0 if same and (not os.path.isdir(tasks) or len(os.listdir(tasks)) == 4) else 1)
    good += os.waitpid(child, 0)[1] == 0
stop = True
for thread in threads: thread.join()
print(good, np.array_equal(simdrop.dropout(x, 0.1, seed=1, threads=4), expected))
""")
    assert printed == "20 True"


def test_fork_beside_a_choice_of_backend():
    printed = run("""
import os, signal, threading, time, simdrop
end = time.monotonic() + 1
def choose():
    while time.monotonic() < end:
        simdrop.use_backend("scalar")
        simdrop.use_backend(None)
threads = [threading.Thread(target=choose) for _ in range(3)]
for thread in threads: thread.start()
good = True
while good and time.monotonic() < end:
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        simdrop.use_backend("scalar")
        os._exit(0)
    good = os.waitpid(child, 0)[1] == 0
for thread in threads: thread.join()
print(good)
""")
    assert printed == "True"


def test_the_end_of_the_interpreter():
    for _ in range(3):
        printed = run("""
import threading, time, numpy as np, simdrop
x = np.ones(1 << 20, np.float32)
def busy():
    while True:
        simdrop.dropout(x, 0.1, seed=1, threads=4)
for _ in range(3):
    threading.Thread(target=busy, daemon=True).start()
time.sleep(0.1)
print("ok", flush=True)
""")
        assert printed == "ok"


def resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def calls(n):
    """n calls of every kind, good and bad."""
    x, out = np.ones((16, 16), np.float32), np.empty((16, 16), np.float32)
    turned, odd = x[::-1, ::2], np.zeros(8, [("a", "u1"), ("b", "f4")])["b"]
    bits = simdrop.mask(256, 0.5, seed=1, packed=True)
    generator, random, whole = simdrop.Generator(1), np.random.default_rng(1), np.ones(9)
    half = x.astype(ml_dtypes.bfloat16)
    good = [
        lambda: simdrop.dropout(x, 0.1, seed=1, out=out),
        lambda: simdrop.dropout(x, 0.1, seed=1),
        lambda: simdrop.dropout(turned, 0.1, seed=1, mask_shape=(16, 1)),
        lambda: simdrop.dropout(odd, 0.1, seed=1),
        lambda: simdrop.dropout(half, 0.1, seed=random),
        lambda: simdrop.dropout([1.0, 2.0], 0.1, seed=1),
        lambda: simdrop.mask((4, 4), 0.1, seed=1, index_strides=(4, 1)),
        lambda: simdrop.mask(99, 0.1, seed=1, packed=True),
        lambda: simdrop.apply_bits(x, bits, 0.5, out=out),
        lambda: generator.dropout(x),
        lambda: generator.mask(9, 0.5),
        lambda: generator.spawn(2),
        lambda: simdrop.Generator(3, 4) == generator,
        lambda: repr(generator),
        simdrop.backends,
        lambda: simdrop.scale(0.3),
    ]
    bad = [
        lambda: simdrop.dropout(x, 3, seed=1),
        lambda: simdrop.dropout(np.ones(3, int), seed=1),
        lambda: simdrop.dropout(x, seed=-1),
        lambda: simdrop.dropout(x, seed=1, mask_shape=(3, 3)),
        lambda: simdrop.dropout(whole[1:], seed=1, out=whole[:-1]),
        lambda: simdrop.dropout(x, seed=1, out=whole),
        lambda: simdrop.mask(9, 0.5, seed=1, out=whole),
        lambda: simdrop.dropout(x, 0.1),
        lambda: simdrop.apply_bits(x, bits[1:], 0.5),
        lambda: simdrop.use_backend("none"),
        lambda: simdrop.dropout(x, seed=1, axis=1),
    ]
    for _ in range(n):
        for call in good:
            call()
        for call in bad:
            try:
                call()
            except (TypeError, ValueError):
                continue
            raise AssertionError("not refused")


@pytest.mark.skipif(not pathlib.Path("/proc/self/statm").exists(), reason="memory is read from Linux's /proc")
def test_no_leaks():
    tracemalloc.start()
    # What Python and NumPy keep for the next time is there then, or nearly so: what grows once is no leak.
    calls(2000 if FREE_THREADED else 300)
    gc.collect()
    traced, resident_bytes = [], []
    for _ in range(2):  # 10^5 calls; 16 bytes in one kind of the 27 would be 29 KiB each time
        before = tracemalloc.get_traced_memory()[0], resident()
        calls(1850)
        gc.collect()
        traced.append(tracemalloc.get_traced_memory()[0] - before[0])
        resident_bytes.append(resident() - before[1])
    tracemalloc.stop()
    assert min(traced) < 16 << 10, f"{traced} bytes more of Python's"
    assert min(resident_bytes) < 512 << 10, f"{resident_bytes} bytes more resident"


def test_references_are_given_back():
    x, out, layout = np.ones((3, 5)), np.empty((3, 5)), (3, 1)
    key = 2**40 + 1
    counts = [sys.getrefcount(thing) for thing in (x, out, layout, key, x.dtype)]
    for _ in range(100):
        simdrop.dropout(x, 0.5, seed=key, mask_shape=layout, out=out)
        with pytest.raises(ValueError):
            simdrop.dropout(x, 2, seed=key, mask_shape=layout, out=out)
    assert all(abs(sys.getrefcount(thing) - count) < 10 for thing, count in zip((x, out, layout, key, x.dtype), counts))


@pytest.mark.parametrize("view", [lambda x: x, lambda x: x[::-1, ::2], lambda x: x.T], ids=["whole", "steps", "turned"])
def test_the_peak_is_the_output(view):
    x = view(np.ones((1024, 1024)))
    simdrop.dropout(x, 0.1, seed=1, threads=2)
    tracemalloc.start()
    y = simdrop.dropout(x, 0.1, seed=1, threads=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < y.nbytes + 4096
