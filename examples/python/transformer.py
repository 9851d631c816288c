"""A small transformer that learns to write, by characters, with and without dropout; and how much of its block's step is dropout.

python examples/python/transformer.py
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import common

LENGTH = 64


class TransformerBlock(nn.Module):
    """Attention and an MLP, with dropout of the attention's probabilities, inside the MLP, and before its residual."""

    def __init__(self, d_model: int, n_heads: int, dropout_p: float) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(embed_dim=d_model, num_heads=n_heads, dropout=dropout_p, batch_first=True)
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)
        self.mlp = nn.Sequential(
            nn.Linear(d_model, 4 * d_model),
            nn.GELU(),
            nn.Dropout(dropout_p),
            nn.Linear(4 * d_model, d_model),
            nn.Dropout(dropout_p),
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        attn_out, _ = self.attn(x, x, x, attn_mask=mask, need_weights=False)
        x = self.norm1(x + attn_out)
        mlp_out = self.mlp(x)
        return self.norm2(x + mlp_out)


class Writer(nn.Module):
    """Says which character is next."""

    def __init__(self, characters: int, d_model: int, blocks: int, p: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, d_model)
        self.places = nn.Parameter(0.02 * torch.randn(LENGTH, d_model))
        self.drop = nn.Dropout(p)
        self.blocks = nn.ModuleList([TransformerBlock(d_model, 4, p) for _ in range(blocks)])
        self.linear = nn.Linear(d_model, characters)

    def forward(self, x: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        h = self.drop(self.embedding(x) + self.places)
        for block in self.blocks:
            h = block(h, mask)
        return self.linear(h)


def loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())


def make_step(drops: bool, d_model: int = 256, length: int = 128, batch: int = 8, compiled: bool = False):
    """A training step of one block: d = 256, 8 heads, 8 sequences of 128, or as is asked for."""
    model = TransformerBlock(d_model, 8, 0.1 if drops else 0.0)
    x, target = torch.randn(batch, length, d_model), torch.randn(batch, length, d_model)
    return common.training_step(model, lambda: F.mse_loss(model(x), target), compiled)


def main() -> None:
    arguments = common.parse(__file__, "A small transformer with and without dropout.")
    if arguments.time:
        common.time_step(arguments.time, make_step, steps=30)
        return

    import simdrop.torch

    simdrop.torch.enable()
    text = common.Text()
    steps, every = (4, 2) if arguments.quick else (500, 25)
    curves = {}
    for p in (0.0, 0.1, 0.2):
        torch.manual_seed(0)
        model = Writer(len(text.characters), 64, 2, p)
        name = f"dropout {p}" if p else "no dropout"
        curves[name] = common.train(
            model, loss, lambda g: text.batch(LENGTH, 32, g), text.all_validation(LENGTH), steps, every, learning_rate=5e-3
        )
    common.show(curves)
    common.draw(curves, arguments.picture, "transformer")
    if not arguments.quick and not arguments.no_timing:
        common.report_step(__file__)


if __name__ == "__main__":
    main()
