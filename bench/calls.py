"""What the benchmarks of calls from Python share: the processor's name, and functions that take turns."""
import platform
import statistics
import time


def processor():
    """What the system calls the processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def microseconds(function, repeats):
    """Of one call, the mean of some that follow one another."""
    begun = time.perf_counter_ns()
    for _ in range(repeats):
        function()
    return (time.perf_counter_ns() - begun) / repeats / 1e3


def take_turns(functions, rounds, turn):
    """Microseconds a call by the functions' names, one figure a round, in each of which every function is called for about `turn` of them."""
    repeats = {name: max(1, int(turn / max(min(microseconds(f, 3) for _ in range(3)), 0.1))) for name, f in functions.items()}
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(microseconds(function, repeats[name]))
    return times


def against(taken, peer):
    """The median, and the median of how many times longer the peer took in the same rounds."""
    return {"us": round(statistics.median(taken), 3), "idiom_over_this": round(statistics.median(a / b for a, b in zip(peer, taken)), 2)}
