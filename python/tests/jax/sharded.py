"""Dropout on 4 devices that XLA makes of the processor. test_jax_sharding.py runs it, and reads a line for each check."""

import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from simdrop.jax import dropout, shard_index

KEY = jax.random.key(7)
SHAPE = (8, 12, 6)
POSITION = {"stream": 9, "offset": 2**32 - 100}  # a carry between the words of the offset lies within the array
MESH = jax.make_mesh((2, 2), ("a", "b"), axis_types=(AxisType.Auto,) * 2)
X = jnp.arange(1, 1 + np.prod(SHAPE), dtype=jnp.float32).reshape(SHAPE)
SPECS = {
    "rows": P("a"),
    "columns": P(None, "b"),
    "rows and columns": P("a", "b"),
    "rows twice": P(("b", "a")),
    "the last axis": P(None, None, "a"),
}


def report(name, right):
    print(f"{name}: {'ok' if right else 'wrong'}", flush=True)


def equal(got, expected):
    return np.array_equal(np.asarray(got), np.asarray(expected))


def sharded(x, spec):
    return jax.device_put(x, NamedSharding(MESH, spec))


def stays(function, x, spec):
    """Whether the result is sharded as x, and nothing was sent between devices."""
    text = function.lower(x).compile().as_text()
    moved = any(word in text for word in ("all-gather", "all-to-all", "collective-permute", "all-reduce"))
    return function(x).sharding.is_equivalent_to(NamedSharding(MESH, spec), x.ndim) and not moved


def check_shard_map():
    whole = dropout(X, KEY, 0.3, **POSITION)
    shared = dropout(X, KEY, 0.3, mask_shape=(8, 1, 6))
    expected = jax.grad(lambda x: jnp.sum(dropout(x, KEY, 0.3, **POSITION) ** 2))(X)
    for name, spec in SPECS.items():
        position = POSITION["offset"]

        def local(x, spec=spec, position=position):
            return dropout(x, KEY, 0.3, stream=9, **shard_index(SHAPE, spec, offset=position))

        mapped = jax.shard_map(local, mesh=MESH, in_specs=spec, out_specs=spec)
        gradient = jax.grad(lambda x, mapped=mapped: jnp.sum(mapped(x) ** 2))
        report(f"shard_map {name}", equal(jax.jit(mapped)(X), whole))
        report(f"shard_map gradient {name}", equal(jax.jit(gradient)(X), expected))
        of_channels = jax.shard_map(
            lambda x, spec=spec: dropout(x, KEY, 0.3, **shard_index(SHAPE, spec, mask_shape=(8, 1, 6))),
            mesh=MESH,
            in_specs=spec,
            out_specs=spec,
        )
        report(f"shard_map mask_shape {name}", equal(jax.jit(of_channels)(X), shared))


def check_jit():
    whole = dropout(X, KEY, 0.3, **POSITION)
    apply = jax.jit(lambda x: dropout(x, KEY, 0.3, **POSITION))
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(dropout(x, KEY, 0.3, **POSITION) ** 2)))
    keys = jax.random.split(KEY, SHAPE[0])
    batch = jax.jit(lambda x: jax.vmap(lambda x, key: dropout(x, key, 0.3))(x, keys))
    traced = jax.jit(lambda x, p: dropout(x, KEY, p, mask_shape=(8, 1, 6)))
    of_traced = traced(X, 0.25)
    of_gradient, of_batch = gradient(X), batch(X)
    for name, spec in SPECS.items():
        x = sharded(X, spec)
        report(f"jit {name}", equal(apply(x), whole) and stays(apply, x, spec))
        report(f"jit gradient {name}", equal(gradient(x), of_gradient) and stays(gradient, x, spec))
        report(f"jit vmap {name}", equal(batch(x), of_batch) and stays(batch, x, spec))
        report(f"jit traced p {name}", equal(traced(x, 0.25), of_traced))


def check_other_meshes():
    whole = dropout(X, KEY, 0.3, **POSITION)
    uneven = jax.jit(
        lambda x: dropout(jax.lax.with_sharding_constraint(x, NamedSharding(MESH, P(None, None, ("a", "b")))), KEY, 0.3, **POSITION)
    )
    report("other, shards of unequal sizes", equal(uneven(X), whole))
    some = jax.shard_map(
        lambda x: dropout(x, KEY, 0.3, stream=9, **shard_index(SHAPE, P("a"), offset=POSITION["offset"])),
        mesh=MESH,
        in_specs=P("a"),
        out_specs=P("a"),
        axis_names={"a"},
    )
    report("other, shard_map over some axes", equal(jax.jit(some)(sharded(X, P("a", "b"))), whole))
    with jax.set_mesh(jax.make_mesh((2, 2), ("a", "b"), axis_types=(AxisType.Explicit,) * 2)):
        x = jax.device_put(X, P("a", "b"))
        y = jax.jit(lambda x: dropout(x, KEY, 0.3, **POSITION))(x)
        report("other, axes of explicit type", equal(y, whole) and jax.typeof(y).sharding.spec == P("a", "b", None))
    keys = jax.random.split(KEY, 2)
    per_key = jax.shard_map(lambda x, key: dropout(x, key[0], 0.3)[None], mesh=MESH, in_specs=(P(), P("a")), out_specs=P("a"))
    report("other, a key for each device", equal(jax.jit(per_key)(X, keys), jnp.stack([dropout(X, key, 0.3) for key in keys])))
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(per_key(x, keys))))(X)  # x is the same on all devices: theirs add up
    report("other, a gradient that all devices add to", equal(gradient, sum(dropout(jnp.ones(SHAPE), key, 0.3) for key in keys)))
    jax.config.update("jax_use_shardy_partitioner", False)
    gspmd = jax.jit(lambda x: dropout(x, KEY, 0.3, **POSITION) + 0)
    x = sharded(X, P("a", "b"))
    report("other, the partitioner GSPMD", equal(gspmd(x), whole) and stays(gspmd, x, P("a", "b")))


def check_refusals():
    for name, shape, spec in (("indivisible", (7, 2), P("a")), ("too many axes", (8,), P("a", "b"))):
        try:
            jax.eval_shape(
                jax.shard_map(
                    lambda x, shape=shape, spec=spec: dropout(x, KEY, 0.5, **shard_index(shape, spec)),
                    mesh=MESH,
                    in_specs=P("a"),
                    out_specs=P("a"),
                ),
                jnp.ones((8, 2)),
            )
            report(f"refused: {name}", False)
        except ValueError:
            report(f"refused: {name}", True)


check_shard_map()
check_jit()
check_refusals()
check_other_meshes()  # last: it changes JAX's configuration
