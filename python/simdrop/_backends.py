"""Which backend computes, and what this installation is made of."""

from __future__ import annotations

import os
import pathlib
import platform
import threading
from collections.abc import Callable
from typing import Literal, NamedTuple, overload

from simdrop import _core

LIBRARIES = pathlib.Path(_core.__file__).parent
"""Where compiled parts are: next to one another, but in an editable install not next to the Python."""


class Backend(NamedTuple):
    """An implementation for one set of instructions; all give the same bits."""

    name: str
    compiled: bool
    supported: bool
    current: bool


_chosen: list[str | None] = []
_listeners: list[Callable[[str | None], object]] = []
_choosing = threading.RLock()
"""Of two threads that choose at once, all libraries must follow the same one last."""
# A process that is forked has one thread, which must not wait for another's choice.
os.register_at_fork(before=_choosing.acquire, after_in_parent=_choosing.release, after_in_child=_choosing.release)


def on_use_backend(listener: Callable[[str | None], object]) -> None:
    """Tell a listener of every choice: other extensions have libraries of their own, each with its choice."""
    with _choosing:
        _listeners.append(listener)
        if _chosen:
            listener(_chosen[-1])


def backends() -> list[Backend]:
    """List the backends that this version knows, the best first.

    Returns
    -------
    list of Backend
        Each with its name, whether it is compiled in, whether this machine can run it too, and whether it is the current one.

    Examples
    --------
    >>> import simdrop
    >>> simdrop.backends()[-1].name
    'scalar'
    """
    return [Backend(*entry) for entry in _core._backends()]


def use_backend(name: str | None) -> None:
    """Use a backend from now on, in every thread. No result depends on it.

    Parameters
    ----------
    name : str or None
        One of `backends`; None is the best that this machine can run. The environment variable SIMDROP_BACKEND chooses the first one.

    Raises
    ------
    ValueError
        There is no such backend.
    RuntimeError
        It is not compiled in, or this machine cannot run it. The choice stays as it was.

    Examples
    --------
    >>> import simdrop
    >>> simdrop.use_backend("scalar")
    >>> [backend.name for backend in simdrop.backends() if backend.current]
    ['scalar']
    >>> simdrop.use_backend(None)
    """
    with _choosing:
        _core._select(name)
        _chosen[:] = [name]
        for listener in _listeners:
            listener(name)


def _version_of(package: str) -> str | None:
    """Its version, if it is installed; it is not imported."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _config() -> dict[str, dict[str, str]]:
    folder = pathlib.Path(__file__).parent
    listed = backends()
    return {
        "simdrop": {
            "version": _core.__version__,
            "folder": str(folder),
            "python": platform.python_version(),
            "machine": platform.platform(),
        },
        "backend": {
            "current": next(backend.name for backend in listed if backend.current),
            "chosen by": _core._reason(),
            "supported": " ".join(backend.name for backend in listed if backend.supported),
            "compiled": " ".join(backend.name for backend in listed if backend.compiled),
        },
        "extensions": {
            name: "built" if any(LIBRARIES.glob(pattern)) else "not built"
            for name, pattern in {"torch": "torch/_ops*", "jax": "_xla*"}.items()
        },
        "packages": {
            name: _version_of(name) or "not installed" for name in ("numpy", "ml_dtypes", "torch", "jax", "jaxlib", "flax", "keras")
        },
    }


@overload
def show_config(mode: Literal["stdout"] = "stdout") -> None: ...
@overload
def show_config(mode: Literal["dicts"]) -> dict[str, dict[str, str]]: ...
def show_config(mode: str = "stdout") -> dict[str, dict[str, str]] | None:
    """Print what this installation is made of, for reports of faults.

    Parameters
    ----------
    mode : {"stdout", "dicts"}, optional
        Whether to print it, or to return it as dictionaries.

    Examples
    --------
    >>> import simdrop
    >>> simdrop.show_config("dicts")["simdrop"]["version"] == simdrop.__version__
    True
    """
    if mode not in ("stdout", "dicts"):
        raise ValueError(f"mode must be 'stdout' or 'dicts', not {mode!r}")
    config = _config()
    if mode == "dicts":
        return config
    for part, entries in config.items():
        print(f"{part}:")
        for name, value in entries.items():
            print(f"  {name}: {value}")
    return None
