from collections.abc import Sequence
from typing import Any, Literal, SupportsFloat, SupportsIndex, TypeAlias, TypeVar, final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

__version__: str

_Ints: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
_MaskShape: TypeAlias = SupportsIndex | Sequence[SupportsIndex | None] | None
_Seed: TypeAlias = SupportsIndex | np.random.Generator
_Probability: TypeAlias = float | SupportsFloat | SupportsIndex
_Out = TypeVar("_Out")

@overload
def dropout(
    x: ArrayLike,
    p: _Probability = 0.5,
    *,
    seed: _Seed,
    stream: SupportsIndex = 0,
    offset: SupportsIndex = 0,
    mask_shape: _MaskShape = None,
    index_strides: Sequence[SupportsIndex] | None = None,
    out: None = None,
    threads: SupportsIndex = 1,
) -> NDArray[Any]: ...
@overload
def dropout(
    x: ArrayLike,
    p: _Probability = 0.5,
    *,
    seed: _Seed,
    stream: SupportsIndex = 0,
    offset: SupportsIndex = 0,
    mask_shape: _MaskShape = None,
    index_strides: Sequence[SupportsIndex] | None = None,
    out: _Out,
    threads: SupportsIndex = 1,
) -> _Out: ...
@overload
def mask(
    shape: _Ints,
    p: _Probability,
    *,
    seed: _Seed,
    stream: SupportsIndex = 0,
    offset: SupportsIndex = 0,
    mask_shape: _MaskShape = None,
    index_strides: Sequence[SupportsIndex] | None = None,
    packed: Literal[False] = False,
    out: None = None,
    threads: SupportsIndex = 1,
) -> NDArray[np.bool_]: ...
@overload
def mask(
    shape: _Ints,
    p: _Probability,
    *,
    seed: _Seed,
    stream: SupportsIndex = 0,
    offset: SupportsIndex = 0,
    mask_shape: _MaskShape = None,
    index_strides: Sequence[SupportsIndex] | None = None,
    packed: bool = False,
    out: None = None,
    threads: SupportsIndex = 1,
) -> NDArray[np.bool_] | NDArray[np.uint8]: ...
@overload
def mask(
    shape: _Ints,
    p: _Probability,
    *,
    seed: _Seed,
    stream: SupportsIndex = 0,
    offset: SupportsIndex = 0,
    mask_shape: _MaskShape = None,
    index_strides: Sequence[SupportsIndex] | None = None,
    packed: bool = False,
    out: _Out,
    threads: SupportsIndex = 1,
) -> _Out: ...
@overload
def apply_bits(x: ArrayLike, bits: ArrayLike, p: _Probability, *, out: None = None, threads: SupportsIndex = 1) -> NDArray[Any]: ...
@overload
def apply_bits(x: ArrayLike, bits: ArrayLike, p: _Probability, *, out: _Out, threads: SupportsIndex = 1) -> _Out: ...
def scale(p: _Probability, /) -> float: ...

@final
class Generator:
    def __new__(cls, seed: _Seed | None = None, stream: SupportsIndex = 0) -> Generator: ...
    @property
    def seed(self) -> int: ...
    @property
    def stream(self) -> int: ...
    @overload
    def dropout(
        self,
        x: ArrayLike,
        p: _Probability = 0.5,
        *,
        offset: SupportsIndex = 0,
        mask_shape: _MaskShape = None,
        index_strides: Sequence[SupportsIndex] | None = None,
        out: None = None,
        threads: SupportsIndex = 1,
    ) -> NDArray[Any]: ...
    @overload
    def dropout(
        self,
        x: ArrayLike,
        p: _Probability = 0.5,
        *,
        offset: SupportsIndex = 0,
        mask_shape: _MaskShape = None,
        index_strides: Sequence[SupportsIndex] | None = None,
        out: _Out,
        threads: SupportsIndex = 1,
    ) -> _Out: ...
    @overload
    def mask(
        self,
        shape: _Ints,
        p: _Probability,
        *,
        offset: SupportsIndex = 0,
        mask_shape: _MaskShape = None,
        index_strides: Sequence[SupportsIndex] | None = None,
        packed: Literal[False] = False,
        out: None = None,
        threads: SupportsIndex = 1,
    ) -> NDArray[np.bool_]: ...
    @overload
    def mask(
        self,
        shape: _Ints,
        p: _Probability,
        *,
        offset: SupportsIndex = 0,
        mask_shape: _MaskShape = None,
        index_strides: Sequence[SupportsIndex] | None = None,
        packed: bool = False,
        out: None = None,
        threads: SupportsIndex = 1,
    ) -> NDArray[np.bool_] | NDArray[np.uint8]: ...
    @overload
    def mask(
        self,
        shape: _Ints,
        p: _Probability,
        *,
        offset: SupportsIndex = 0,
        mask_shape: _MaskShape = None,
        index_strides: Sequence[SupportsIndex] | None = None,
        packed: bool = False,
        out: _Out,
        threads: SupportsIndex = 1,
    ) -> _Out: ...
    def skip(self, n: SupportsIndex, /) -> None: ...
    def spawn(self, n: SupportsIndex, /) -> list[Generator]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

def _backends() -> list[tuple[str, bool, bool, bool]]: ...
def _select(name: str | None, /) -> None: ...
def _reason() -> str: ...
