"""One peer of bench/peers.py, with so many threads, in a process of its own: worker.py REQUEST.json ROWS.jsonl.

Writes a line of JSON for what it found about the peer, then one for each case as soon as it is measured, so that a crash loses one
case only. The peer, simdrop and memcpy take turns within each round on arrays of the same size.
"""

import ctypes
import json
import math
import os
import re
import sys
import time

sys.dont_write_bytecode = True
import adapters  # noqa: E402

DTYPES = {"f32": 0, "bf16": 3}  # simdrop_dtype
SIZES = {"f32": 4, "bf16": 2}
# The multiplication's rounding: of f32 once or twice; of bf16 the scale's own rounding besides (8 bits).
TOLERANCES = {"f32": 1e-6, "bf16": 1e-2}
RATE_TOLERANCE = 0.01
LONG_CALL = 5e-3  # seconds
PAUSE = 3e-3  # seconds; longer than idle threads of OpenMP spin, as peers.py sets them up
MOST_PAUSES = 100


class Arrays(ctypes.Structure):
    """shim_arrays of shim.c."""
    _fields_ = [("dtype", ctypes.c_int), ("n", ctypes.c_size_t), ("p", ctypes.c_double), ("x", ctypes.c_void_p), ("y", ctypes.c_void_p),
                ("dy", ctypes.c_void_p), ("dx", ctypes.c_void_p)]


class Finding(ctypes.Structure):
    """shim_finding of shim.c."""
    _fields_ = [("zeros", ctypes.c_uint64), ("wrong", ctypes.c_uint64), ("ratio", ctypes.c_double)]


def load_shim(request):
    shim = ctypes.CDLL(request["shim"])
    shim.shim_backend.restype = shim.shim_version.restype = ctypes.c_char_p
    shim.shim_copy.restype = shim.shim_simdrop.restype = ctypes.c_double
    shim.shim_copy.argtypes = shim.shim_simdrop.argtypes = [ctypes.POINTER(Arrays), ctypes.c_uint64]
    shim.shim_allocate.restype = ctypes.c_void_p
    shim.shim_allocate.argtypes = [ctypes.c_size_t]
    shim.shim_free.restype = None
    shim.shim_free.argtypes = [ctypes.c_void_p]
    shim.shim_fill.restype = None
    shim.shim_fill.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_void_p]
    shim.shim_check.restype = None
    shim.shim_check.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_double, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p,
                                ctypes.c_void_p, ctypes.POINTER(Finding)]
    if shim.shim_open(request["threads"]) != 0:
        raise RuntimeError("the shim has no threads")
    return shim


class Case:
    """One size, type, p and direction, with arrays for it."""

    def __init__(self, shim, dtype, n, p, direction):
        self.shim, self.dtype, self.n, self.p, self.direction = shim, dtype, n, p, direction
        self.bytes = n * SIZES[dtype]
        self.memory = []
        self.x, self.y = self.allocate(True), self.allocate(False)
        backward = direction != "forward"
        self.dy, self.dx = (self.allocate(True), self.allocate(False)) if backward else (None, None)
        self.arrays = Arrays(DTYPES[dtype], n, p, self.x, self.y, self.dy, self.dx)

    def allocate(self, filled):
        address = self.shim.shim_allocate(self.bytes)
        if not address:
            self.close()
            raise MemoryError("there is no memory for %d elements" % self.n)
        self.memory.append(address)
        if filled:
            self.shim.shim_fill(DTYPES[self.dtype], self.n, address)
        return address

    def copy(self, calls):
        """Seconds that so many copies take."""
        return self.shim.shim_copy(ctypes.byref(self.arrays), calls)

    def simdrop(self, calls):
        """Seconds that so many calls take."""
        return self.shim.shim_simdrop(ctypes.byref(self.arrays), calls)

    def close(self):
        for address in self.memory:
            self.shim.shim_free(address)
        self.memory = []

    def check(self, source, output):
        """What is wrong with this output of the source as a dropout (or None), and its packed mask."""
        scale = 1 / (1 - self.p)
        finding = Finding()
        dropped = ctypes.create_string_buffer((self.n + 7) // 8)
        self.shim.shim_check(DTYPES[self.dtype], self.n, scale, TOLERANCES[self.dtype], source, output, dropped, ctypes.byref(finding))
        # Of few elements chance alone may drop a hundredth more or less: five standard deviations.
        tolerance = max(RATE_TOLERANCE, 5 * math.sqrt(self.p * (1 - self.p) / self.n))
        if finding.wrong:
            return "kept elements are multiplied by %.6g in place of %.6g" % (finding.ratio, scale), dropped.raw
        if abs(finding.zeros / self.n - self.p) > tolerance:
            return "%.4f of the elements are zero in place of %.4f" % (finding.zeros / self.n, self.p), dropped.raw
        return None, dropped.raw

    def complaint(self, peer):
        """Why calls of the peer are no dropouts, or None. Of few elements, two masks may be the same by chance, and so many calls are
        made that all are with a probability of 10^-9 at most."""
        masks = set()
        alike, same = 1.0, (self.p ** 2 + (1 - self.p) ** 2) ** self.n
        while len(masks) < 2:
            if masks and alike < 1e-9:
                return "%s calls have the same mask" % ("two" if same < 1e-9 else "all")
            output = peer.call()  # kept until it has been looked at
            addresses = peer.addresses(output)
            wrong, mask = self.check(self.x, addresses[0])
            if wrong:
                return wrong
            if self.direction != "forward":
                wrong, backward_mask = self.check(self.dy, addresses[1])
                if wrong:
                    return "of the gradient, " + wrong
                if backward_mask != mask:
                    return "the gradient's mask is not the output's"
            alike *= same if masks else 1
            masks.add(mask)
        return None


def spread(values, divisor=1.0):
    """Median and the range of the middle 80 %, as `simdrop bench` takes them."""
    ordered = sorted(value / divisor for value in values)
    count = len(ordered)
    median = ordered[count // 2] if count % 2 else 0.5 * (ordered[count // 2 - 1] + ordered[count // 2])
    tenth = (count - 1) // 10 + (1 < count < 11)  # of few rounds at least the outermost is left out
    if tenth >= count // 2:
        tenth = 0
    return {"median": median, "p10": ordered[tenth], "p90": ordered[count - 1 - tenth]}


def calls_for(seconds, round_seconds):
    """How many calls fill a turn. The shorter of two trials counts, so that one interruption does not pass for a long call; the trials
    warm caches, page tables and the clock frequency up."""
    calls = 1
    while True:
        shortest = min(seconds(calls), seconds(calls))
        if shortest >= round_seconds:
            return calls
        calls *= 2 if shortest <= 0 else max(2, min(16, math.ceil(round_seconds / shortest)))


def bind(processors):
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, processors)


def choose_processors(threads):
    """As many processors as threads, the last ones: the first often has the system's work."""
    return sorted(os.sched_getaffinity(0))[-threads:] if hasattr(os, "sched_getaffinity") else list(range(threads))


def settle():
    """Waits until the idle threads of the part before have gone to sleep: until this process takes hardly any processor time."""
    for _ in range(MOST_PAUSES):
        start = time.process_time()
        time.sleep(PAUSE)
        if time.process_time() - start < 0.1 * PAUSE:
            return


def measure(case, peer, effort, processors):
    """Of several threads of OpenMP each has a processor of its own (peers.py sets OMP_PROC_BIND): left to the system, two may wait for
    each other on one, with another idle. The calling thread has the first one in turns of OpenMP, and any in those of a peer with
    another kind of threads."""
    threads = len(processors)
    parts = {"memcpy": case.copy, "simdrop": case.simdrop, "peer": peer.seconds}
    if parts["simdrop"](1) < 0:
        raise RuntimeError("simdrop refuses the case")
    calls = {name: calls_for(seconds, effort["round_seconds"]) for name, seconds in parts.items()}
    times = {name: [] for name in parts}
    order = list(parts)
    bound = {"memcpy", "simdrop"} | ({"peer"} if peer.uses_openmp else set())
    least = effort["rounds"]
    begin = time.perf_counter()
    while len(times["peer"]) < least or time.perf_counter() - begin < effort["seconds"]:
        for name in order:
            if threads > 1:
                settle()
                bind(processors[:1] if name in bound else processors)
                parts[name](1)
            times[name].append(parts[name](calls[name]) / calls[name])
        order.append(order.pop(0))  # so that none always finds the same one's caches
        if max(turn[-1] for turn in times.values()) > LONG_CALL:
            least = effort["rounds_long"]
    bind(processors)
    nanoseconds = case.n * 1e-9

    def ratio(a, b):
        return spread([x / y for x, y in zip(times[a], times[b])])

    return {"rounds": len(times["peer"]), "ns_per_element": spread(times["peer"], nanoseconds),
            "memcpy_ns_per_element": spread(times["memcpy"], nanoseconds), "simdrop_ns_per_element": spread(times["simdrop"], nanoseconds),
            "ratio_to_memcpy": ratio("peer", "memcpy"), "simdrop_ratio_to_memcpy": ratio("simdrop", "memcpy"),
            "times_simdrop": ratio("peer", "simdrop")}


def plain(error):
    """An error in one line, without this machine's folders."""
    text = str(error).strip().splitlines()
    return re.sub(r"(?<![\w.])(?:/[^\s:;,'\"()]+)+/", "", text[0] if text else type(error).__name__)[:200]


def run(request, write):
    threads = request["threads"]
    processors = choose_processors(threads)
    bind(processors)  # libraries start as many threads as they see processors
    shim = load_shim(request)
    bind(processors)  # OpenMP may have chosen one
    backend = shim.shim_backend().decode()
    if request["backend"] not in (None, backend):
        raise RuntimeError("there is no backend '%s' here" % request["backend"])
    write({"simdrop_version": shim.shim_version().decode(), "backend": backend})
    try:
        peer_class = adapters.PEERS.get(request["peer"], adapters.Native)
        if peer_class.most_threads is not None and threads > peer_class.most_threads:
            raise adapters.Missing("it runs on one thread only")
        peer = peer_class(request)
    except (ImportError, OSError, adapters.Missing) as error:
        write({"status": "missing", "reason": plain(error)})
        return
    write({"version": peer.version})
    for case in request["cases"]:
        key = (case["dtype"], case["n"], case["p"], case["direction"])
        row = dict(case)
        write(dict(row, status="begun"))
        arrays = None
        try:
            arrays = Case(shim, *key)
            peer.open(arrays)
            reason = arrays.complaint(peer)
            if reason:
                row.update(status="wrong", reason=reason)
            else:
                row.update(measure(arrays, peer, request["effort"], processors), status="ok", reason="")
            peer.close()
        except adapters.Missing as error:
            row.update(status="missing", reason=plain(error))
        except Exception as error:  # whatever a peer raises, the next case may do
            row.update(status="failed", reason="%s: %s" % (type(error).__name__, plain(error)))
        write(row)
        if arrays is not None:
            peer.case = peer.held = None
            arrays.close()


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        def write(row):
            file.write(json.dumps(row) + "\n")
            file.flush()
        run(request, write)
        write({"status": "ended"})
        # Some libraries crash when they are torn down; all is written by now.
        file.close()
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
