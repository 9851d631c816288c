"""Dropout as modules: PyTorch's, with masks by seed if asked for, and those that PyTorch does not have.

None of them has parameters or buffers, so that state dicts are those of a model without.
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from .functional import check_probability, dropout, gaussian_dropout
from .keyed import Keyed
from .packed import original_rows

__all__ = [
    "DropPath",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "EmbeddingDropout",
    "GaussianDropout",
    "LockedDropout",
    "TimeSharedDropout",
]


class Dropout(Keyed, nn.Dropout):
    """Zero elements with probability p during training, and multiply the others by 1 / (1 - p).

    Parameters
    ----------
    p : float
        Probability of an element to be dropped, from 0 to 1.
    inplace : bool
        Write the result into the input.
    share : int or iterable of int, optional
        Axes along which elements share a decision. ``share=1`` of (batch, time, features) drops features for the whole time.
    seed, stream : int, optional
        With a seed, masks are a function of (seed, stream, step): see `set_step`. Without, keys come from PyTorch's generator.
    """

    def __init__(
        self,
        p: float = 0.5,
        inplace: bool = False,
        *,
        share: int | Iterable[int] | None = None,
        seed: int | None = None,
        stream: int = 0,
    ) -> None:
        super().__init__(check_probability(p), inplace)
        self.share = share if share is None or isinstance(share, int) else tuple(share)
        self.set_key(seed, stream)

    def forward(self, input: Tensor) -> Tensor:
        """Apply dropout."""
        if self.is_part_of_graph(input):
            return self.as_node(input)
        if not self.training or self.p == 0.0:
            return input
        return dropout(input, self.p, True, self.inplace, key=self.call_key(input), share_axes=self.share)

    def extra_repr(self) -> str:
        """Say what the module was made with."""
        share = "" if self.share is None else f", share={self.share}"
        return super().extra_repr() + share + self.key_repr()


class _ChannelDropout(Keyed, nn.modules.dropout._DropoutNd):
    """Dropout of whole channels; the classes below say of which shapes."""

    # What may be given, and the axes before those that share a decision.
    _leading: dict[int, int] = {}

    def __init__(self, p: float = 0.5, inplace: bool = False, *, seed: int | None = None, stream: int = 0) -> None:
        super().__init__(check_probability(p), inplace)
        self.set_key(seed, stream)

    def forward(self, input: Tensor) -> Tensor:
        """Apply dropout."""
        if self.is_part_of_graph(input):
            return self.as_node(input)
        leading = self._leading.get(input.dim())
        if leading is None:
            allowed = " or ".join(f"{rank}-D" for rank in self._leading)
            raise RuntimeError(f"{type(self).__name__}: expected a {allowed} input, but got a {input.dim()}-D one")
        if not self.training or self.p == 0.0:
            return input
        axes = range(leading, input.dim())
        return dropout(input, self.p, True, self.inplace, key=self.call_key(input), share_axes=axes)

    def extra_repr(self) -> str:
        """Say what the module was made with."""
        return super().extra_repr() + self.key_repr()


class Dropout1d(_ChannelDropout, nn.Dropout1d):
    """Drop whole channels of (N, C, L) or (C, L); parameters as `Dropout`'s."""

    _leading = {2: 1, 3: 2}


class Dropout2d(_ChannelDropout, nn.Dropout2d):
    """Drop whole channels of (N, C, H, W); (N, C, L) is taken as PyTorch takes it. Parameters as `Dropout`'s."""

    _leading = {3: 2, 4: 2}


class Dropout3d(_ChannelDropout, nn.Dropout3d):
    """Drop whole channels of (N, C, D, H, W) or (C, D, H, W); parameters as `Dropout`'s."""

    _leading = {4: 1, 5: 2}


class TimeSharedDropout(Keyed, nn.modules.dropout._DropoutNd):
    """Dropout of features for the whole of a sequence: the same decisions at every time step.

    Called variational by Gal and Ghahramani (NIPS 2016), and locked by Merity et al. (ICLR 2018).

    Parameters
    ----------
    p : float
        Probability of a feature to be dropped.
    batch_first : bool
        Inputs are (batch, time, features), and otherwise (time, batch, features). A sequence gets the same mask in both, packed or
        not. (time, features) is one sequence.
    seed, stream : int, optional
        As `Dropout`'s.
    """

    def __init__(self, p: float = 0.5, batch_first: bool = False, *, seed: int | None = None, stream: int = 0) -> None:
        super().__init__(check_probability(p))
        self.batch_first = batch_first
        self.set_key(seed, stream)

    def forward(self, input: Tensor | PackedSequence) -> Tensor | PackedSequence:
        """Apply dropout."""
        if self.is_part_of_graph(input):
            return self.as_node(input)
        if not self.training or self.p == 0.0:
            return input
        if isinstance(input, PackedSequence):
            data = input.data
            batch = int(input.batch_sizes[0])
            noise = dropout(data.new_ones(batch, *data.shape[1:]), self.p, key=self.call_key(data))
            return input._replace(data=multiply(data, noise[original_rows(input)]))
        if input.dim() not in (2, 3):
            raise RuntimeError(f"TimeSharedDropout: expected a 2-D or 3-D input, but got a {input.dim()}-D one")
        time = 1 if self.batch_first and input.dim() == 3 else 0
        return dropout(input, self.p, key=self.call_key(input), share_axes=time)

    def extra_repr(self) -> str:
        """Say what the module was made with."""
        return f"p={self.p}, batch_first={self.batch_first}" + self.key_repr()


LockedDropout = TimeSharedDropout


def multiply(x: Tensor, noise: Tensor) -> Tensor:
    """Give x * noise, but 0 where the noise is 0, whatever x is: what the kernels make of dropped elements."""
    return (x * noise).masked_fill(noise == 0, 0.0)


class EmbeddingDropout(Keyed, nn.modules.dropout._DropoutNd):
    """Drop whole words of an embedding: every occurrence in the batch, all its numbers (Gal 2016; Merity et al., ICLR 2018).

    Parameters
    ----------
    embedding : torch.nn.Embedding
        The table, which stays as it is; the mask is one decision for each of its rows, and only rows that are asked for are read.
    p : float
        Probability of a word to be dropped.
    seed, stream : int, optional
        As `Dropout`'s.
    """

    def __init__(self, embedding: nn.Embedding, p: float = 0.1, *, seed: int | None = None, stream: int = 0) -> None:
        super().__init__(check_probability(p))
        self.embedding = embedding
        self.set_key(seed, stream)

    def forward(self, input: Tensor) -> Tensor:
        """Look words up."""
        if self.is_part_of_graph(input):
            return self.as_node(input)
        words: Tensor = self.embedding(input)
        if not self.training or self.p == 0.0:
            return words
        rows = words.new_ones(self.embedding.num_embeddings)
        noise = dropout(rows, self.p, key=self.call_key(words))
        return multiply(words, noise[input].unsqueeze(-1))

    def extra_repr(self) -> str:
        """Say what the module was made with."""
        return f"p={self.p}" + self.key_repr()


class DropPath(Keyed, nn.modules.dropout._DropoutNd):
    """Stochastic depth (Huang et al., ECCV 2016): drop the whole of a sample, which then goes by the residual path alone.

    Parameters
    ----------
    p : float
        Probability of a sample to be dropped.
    mode : {"row", "batch"}
        One decision for each place of the first axis, or one for all.
    seed, stream : int, optional
        As `Dropout`'s.
    """

    def __init__(self, p: float = 0.1, mode: str = "row", *, seed: int | None = None, stream: int = 0) -> None:
        super().__init__(check_probability(p))
        if mode not in ("row", "batch"):
            raise ValueError(f"mode is 'row' or 'batch', not {mode!r}")
        self.mode = mode
        self.set_key(seed, stream)

    def forward(self, input: Tensor) -> Tensor:
        """Apply dropout."""
        if self.is_part_of_graph(input):
            return self.as_node(input)
        if not self.training or self.p == 0.0:
            return input
        if input.dim() == 0:
            raise RuntimeError("DropPath: expected an input with an axis of samples, but got a 0-D one")
        axes = range(1 if self.mode == "row" else 0, input.dim())
        return dropout(input, self.p, key=self.call_key(input), share_axes=axes)

    def extra_repr(self) -> str:
        """Say what the module was made with."""
        return f"p={self.p}, mode={self.mode!r}" + self.key_repr()


class GaussianDropout(Keyed, nn.modules.dropout._DropoutNd):
    """Multiply by normal numbers of mean 1 and variance p / (1 - p) (Srivastava et al. 2014, section 10; Keras' of that name).

    Parameters
    ----------
    p : float
        From 0 to less than 1.
    share : int or iterable of int, optional
        Axes along which elements share a number.
    seed, stream : int, optional
        As `Dropout`'s.
    """

    def __init__(
        self,
        p: float = 0.5,
        *,
        share: int | Iterable[int] | None = None,
        seed: int | None = None,
        stream: int = 0,
    ) -> None:
        super().__init__(check_probability(p, one=False))
        self.share = share if share is None or isinstance(share, int) else tuple(share)
        self.set_key(seed, stream)

    def forward(self, input: Tensor) -> Tensor:
        """Apply the noise."""
        if self.is_part_of_graph(input):
            return self.as_node(input)
        if not self.training or self.p == 0.0:
            return input
        return gaussian_dropout(input, self.p, key=self.call_key(input), share_axes=self.share)

    def extra_repr(self) -> str:
        """Say what the module was made with."""
        share = "" if self.share is None else f", share={self.share}"
        return f"p={self.p}" + share + self.key_repr()
