"""Faults that the tests of JAX must catch: each is an edit of one file, and the tests that have to fail for it.

    python python/tests/jax/faults.py PACKAGE LIBRARY [TEXT]

PACKAGE is a folder with an installed simdrop, of which copies are made; LIBRARY the static C library, with which cc links what has faults
in C. With TEXT, only the faults whose line has it. Prints a line for each; exit status 1 if a fault is not caught. Takes a quarter of an
hour.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[3]

# file, text, the text in its place, test file and -k
FAULTS = [
    (
        "python/simdrop/jax/_primitive.py",
        "            x, x_axis = jnp.moveaxis(x, x_axis, batch_rank), batch_rank\n",
        "            pass\n",
        "transforms",
        "within",
    ),
    (
        "python/simdrop/jax/_primitive.py",
        "strides.insert(x_axis - batch_rank, 0)",
        "strides.insert(x_axis - batch_rank, 1)",
        "transforms",
        "one_key",
    ),
    (
        "python/simdrop/jax/_primitive.py",
        '"batch_rank": batch_rank + 1}',
        '"batch_rank": batch_rank}',
        "transforms",
        "vmap_of_keys",
    ),
    (
        "python/simdrop/jax/_primitive.py",
        "return y, dropout_p.bind(tangents[0], words",
        "return y, tangents[0] * 2 + 0 * dropout_p.bind(tangents[0], words",
        "transforms",
        "gradient_is",
    ),
    (
        "python/simdrop/jax/_primitive.py",
        "of_x = dropout_p.bind(cotangent, words, *traced_p, **parameters)",
        "of_x = cotangent",
        "transforms",
        "gradient_is",
    ),
    (
        "python/simdrop/jax/_primitive.py",
        "if any(type(tangent) is not ad.Zero for tangent in tangents[2:])",
        "if False",
        "transforms",
        "p_has_no",
    ),
    (
        "python/simdrop/jax/_primitive.py",
        '"offset": _signed(offset)',
        '"offset": _signed(0)',
        "dropout",
        "positions",
    ),
    (
        "python/simdrop/jax/_arguments.py",
        "np.array([int(value) >> 32, int(value) & 0xFFFFFFFF], np.uint32)",
        "np.array([int(value) & 0xFFFFFFFF, int(value) >> 32], np.uint32)",
        "dropout",
        "positions",
    ),
    (
        "python/simdrop/jax/_arguments.py",
        "upper = (value >> 32).astype(jnp.uint32) if wide",
        "upper = jnp.zeros((), jnp.uint32) if wide",
        "dropout",
        "wide",
    ),
    (
        "python/simdrop/jax/_arguments.py",
        "folded = jax.random.fold_in(folded, word)",
        "pass",
        "dropout",
        "four_words",
    ),
    (
        "python/simdrop/jax/_arguments.py",
        "strides.append(0 if extent == 1 else stride)",
        "strides.append(stride)",
        "dropout",
        "broadcast",
    ),
    (
        "python/simdrop/jax/_arguments.py",
        "if largest >= 2**64:",
        "if largest > 2**64:",
        "dropout",
        "refusals",
    ),
    (
        "python/simdrop/jax/_arguments.py",
        "if not 0 <= number <= 1:",
        "if number < 0 or number > 1:",
        "dropout",
        "refusals",
    ),
    (
        "python/simdrop/jax/_sharding.py",
        "shard = shard * jax.lax.axis_size(name) + jax",
        "shard = shard + jax",
        "sharding",
        "",
    ),
    (
        "python/simdrop/jax/_sharding.py",
        "carry = (lower < a[..., 1]).astype(jnp.uint32)",
        "carry = jnp.uint32(0)",
        "sharding",
        "",
    ),
    (
        "python/simdrop/jax/_sharding.py",
        "_spec(*batch, None)",
        "_spec()",
        "sharding",
        "",
    ),
    (
        "python/simdrop/jax/_sharding.py",
        "    if _many_devices(context) and",
        "    if False and",
        "sharding",
        "",
    ),
    (
        "python/simdrop/jax/_sharding.py",
        "words = _advance(words, _names(names), extent // shards * stride)",
        "pass",
        "sharding",
        "",
    ),
    (
        "python/simdrop/jax/_dropout.py",
        "if deterministic or static_p == 0:",
        "if static_p == 0:",
        "dropout",
        "edges",
    ),
    (
        "python/simdrop/jax/_dropout.py",
        "(_arguments.words_of(stream), _arguments.words_of(offset)) if traced",
        "(_arguments.words_of(offset), _arguments.words_of(stream)) if traced",
        "dropout",
        "positions",
    ),
    (
        "python/simdrop/jax/_primitive.py",
        "    return [\n        jax.lax.pcast(",
        "    return list(operands) and [\n        operand if True else jax.lax.pcast(",
        "sharding",
        "",
    ),
    (
        "python/simdrop/jax/_primitive.py",
        "on_use_backend(_use_backend)\n",
        "",
        "dropout",
        "use_backend",
    ),
    (
        "python/simdrop/flax/_shared.py",
        "mask_shape[axis] = 1",
        "pass",
        "flax",
        "",
    ),
    (
        "python/simdrop/flax/linen.py",
        "or self.rate == 0",
        "or False and self.rate",
        "flax",
        "linen_arguments",
    ),
    (
        "python/simdrop/flax/nnx.py",
        "            deterministic = self.deterministic\n",
        "            deterministic = False\n",
        "flax",
        "nnx_arguments",
    ),
    (
        "python/simdrop/keras.py",
        "key = jnp.stack([jnp.zeros((), jnp.uint32), state[0]])",
        "key = state",
        "keras",
        "",
    ),
    (
        "python/simdrop/keras.py",
        "stream=int(state[1])",
        "stream=0",
        "keras",
        "",
    ),
    (
        "python/simdrop/keras.py",
        "int(own) if extent is None else extent",
        "int(own)",
        "keras",
        "",
    ),
    (
        "python/jax/pool.c",
        "while (atomic_load(&work->done) != count) pthread_cond_wait",
        "while (0) pthread_cond_wait",
        "pool",
        "",
    ),
    (
        "python/jax/pool.c",
        "if (error != NULL || threads < 1) threads = 1;",
        "threads = 1;",
        "pool",
        "large_calls",
    ),
    (
        "python/jax/dropout.c",
        "metadata->version = (xla_version)",
        "if (0) metadata->version = (xla_version)",
        "abi",
        "metadata",
    ),
    (
        "python/jax/dropout.c",
        ".minor = older ? theirs->minor : XLA_VERSION_MINOR",
        ".minor = XLA_VERSION_MINOR",
        "abi",
        "metadata",
    ),
    (
        "python/jax/dropout.c",
        "if (extension->type != XLA_EXTENSION_METADATA) continue;",
        "if (extension->type != XLA_EXTENSION_METADATA) break;",
        "abi",
        "metadata",
    ),
    (
        "python/jax/dropout.c",
        "if (call->stage != XLA_STAGE_EXECUTE)",
        "if (0)",
        "abi",
        "understood",
    ),
    (
        "python/jax/dropout.c",
        "call->struct_size < XLA_SIZE(xla_call, attributes) ||",
        "",
        "abi",
        "understood",
    ),
    (
        "python/jax/dropout.c",
        "|| call->api->struct_size < XLA_SIZE(xla_api, count_threads)",
        "",
        "abi",
        "understood",
    ),
    (
        "python/jax/dropout.c",
        "const size_t place = example * request->elements *",
        "const size_t place = 0 * example * request->elements *",
        "transforms",
        "vmap_of_keys",
    ),
    (
        "python/jax/dropout.c",
        "((const float *)request->p)[example]",
        "((const float *)request->p)[0]",
        "transforms",
        "streams",
    ),
    (
        "python/jax/dropout.c",
        "mask.offset = join(words + 4);",
        "",
        "dropout",
        "positions",
    ),
    (
        "python/jax/dropout.c",
        "if (status != SIMDROP_OK) atomic_store(&share->status, (int)status);",
        "(void)status;",
        "pool",
        "error",
    ),
    (
        "python/jax/dropout.c",
        "end = begin + each + (piece < rest);",
        "end = begin + each;",
        "pool",
        "batches",
    ),
    (
        "python/jax/dropout.c",
        "case XLA_TYPE_BF16: *dtype = SIMDROP_BF16",
        "case XLA_TYPE_BF16: *dtype = SIMDROP_F16",
        "dropout",
        "narrow",
    ),
    (
        "python/jax/dropout.c",
        "(uint64_t)words[0] << 32 | words[1]",
        "(uint64_t)words[1] << 32 | words[0]",
        "dropout",
        "definition",
    ),
    (
        "python/jax/dropout.c",
        "layout->rank == 1 && layout->index_strides[0] == 1",
        "layout->rank == 1",
        "dropout",
        "index_strides",
    ),
    (
        "python/jax/dropout.c",
        "SIMDROP_OK ? NULL : invalid(call, simdrop_status_string(status))",
        "SIMDROP_OK ? NULL : NULL",
        "dropout",
        "program",
    ),
]


def plant(file, old, new, copy, library):
    """Plant a fault in a copy of the package."""
    text = (ROOT / file).read_text()
    if old not in text:
        raise SystemExit(f"{file} does not have: {old}")
    text = text.replace(old, new)
    if not file.endswith(".c"):
        (copy / pathlib.Path(file).relative_to("python")).write_text(text)
        return
    sources = copy / "sources"
    shutil.copytree(ROOT / "python/jax", sources)
    (sources / pathlib.Path(file).name).write_text(text)
    flags = ["-std=c11", "-O2", "-w", "-fPIC", "-fvisibility=hidden", "-DSIMDROP_STATIC", f"-I{ROOT / 'include'}", "-shared"]
    link = [library, "-Wl,--gc-sections", "-Wl,--as-needed", "-Wl,--exclude-libs,ALL", "-lsleef", "-lm", "-lpthread"]
    files = [str(path) for path in sources.glob("*.c")]
    subprocess.run([os.environ.get("CC", "cc"), *flags, "-o", str(copy / "simdrop/_xla.so"), *files, *link], check=True)


def caught(copy, tests, chosen):
    """Whether the tests fail; if they hang, they do."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", str(ROOT / f"python/tests/jax/test_jax_{tests}.py")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(copy), os.environ.get("PYTHONPATH", "")])}
    try:
        done = subprocess.run(
            [*command, *(["-k", chosen] if chosen else [])], env=environment, capture_output=True, timeout=600, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode not in (0, 5)


def main():
    package, library, *texts = sys.argv[1:]
    missed = 0
    for file, old, new, tests, chosen in FAULTS:
        line = f"{file}: {' '.join(old.split())}"
        if not all(text in line for text in texts):
            continue
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder)
            shutil.copytree(pathlib.Path(package) / "simdrop", copy / "simdrop")
            plant(file, old, new, copy, library)
            good = caught(copy, tests, chosen)
        missed += not good
        print("ok" if good else "FAILED", line, flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
