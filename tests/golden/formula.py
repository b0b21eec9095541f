"""Weights that need not be stored: FormulaWeights() in vico_helpers.h makes the same."""
import math

import torch


def weights(index, name, shape):
    """The tensor that is `index`-th (from 1) among all names in ascending order, by row-major element i."""
    i = torch.arange(math.prod(shape), dtype=torch.float64) % 997
    wave = torch.sin(index + 1.3 * i)
    if len(shape) > 1:
        return (math.sqrt(2 / math.prod(shape[1:])) * wave).reshape(shape)
    return 0.2 * wave + (1.0 if "norm" in name and name.endswith("weight") else 0.0)
