"""Weights from a formula, so that they need not be stored. FormulaWeights() in vico_helpers.h computes the same ones."""
import math

import torch


def weights(index, name, shape):
    """`index` is the position (from 1) of the name among all names in ascending order; `i` is the row-major element."""
    i = torch.arange(math.prod(shape), dtype=torch.float64) % 997
    wave = torch.sin(index + 1.3 * i)
    if len(shape) > 1:
        return (math.sqrt(2 / math.prod(shape[1:])) * wave).reshape(shape)
    return 0.2 * wave + (1.0 if "norm" in name and name.endswith("weight") else 0.0)
