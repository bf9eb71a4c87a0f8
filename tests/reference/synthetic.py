"""Weights and inputs that any language makes bit for bit, from names alone.

In: a tensor's name, shape and kind. Out: float32 values. No file is needed, so a golden is the
logits of a network and one pair of numbers a norm, not its weights.

The generator. For the tensor NAME and the element i, counted from 0 in row-major (PyTorch) order:

    seed = FNV-1a, 64 bits, of NAME in UTF-8
    z = seed + (i + 1) * 0x9E3779B97F4A7C15                  all modulo 2^64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB
    z = z ^ (z >> 31)
    u = (z >> 40) / 2^24                                     in [0, 1), exact
    uniform(lo, hi) = lo + (hi - lo) * u                     in f64, each operation rounded once

The result is rounded once to f32. What is drawn, NAME being the network's own name of the tensor:

    NAME.weight of a convolution or linear layer   uniform(-a, a), a = sqrt(6 / fan_in)
                                                   fan_in = channels in / groups * height * width
    NAME.bias of one                               uniform(-0.1, 0.1)
    NAME.weight of a norm                          uniform(0.5, 1), or uniform(0.1, 0.4) if NAME is
                                                   in the golden's "small"
    NAME.bias of a norm                            uniform(-0.1, 0.1)
    NAME.running_mean                              m * uniform(-1, 1)
    NAME.running_var                               v * uniform(0.5, 1.5)

m and v are the golden's "norms": {NAME: [m, v]}, decimals read as f64. The input [N, C, H, W] is

    uniform(-2, 2) of "input", shape [N, C, ceil(H / 8), ceil(W / 8)], at [n, c, h / 8, w / 8]
    + uniform(-0.5, 0.5) of "input.fine", shape [N, C, H, W]

both terms and their sum in f64. The first images of a larger batch are not those of a smaller one.
"""

import math

import numpy as np

GOLDEN_RATIO = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def fnv1a(data):
    """FNV-1a of bytes, 64 bits."""
    state = 0xCBF29CE484222325
    for byte in data:
        state = ((state ^ byte) * 0x100000001B3) & MASK
    return state


def unit(name, count):
    """u of the elements 0..count of a tensor, [count] float64 in [0, 1)."""
    z = np.arange(1, count + 1, dtype=np.uint64)
    z *= np.uint64(GOLDEN_RATIO)
    z += np.uint64(fnv1a(name.encode()))
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) / 2.0**24


def uniform(name, shape, lo, hi):
    """float64 values of a shape."""
    return (lo + (hi - lo) * unit(name, math.prod(shape))).reshape(shape)


def layer_tensors(name, shape, bias):
    """Weight and, where there is one, bias of a convolution or linear layer; `shape` is the weight's."""
    bound = math.sqrt(6.0 / math.prod(shape[1:]))
    tensors = {f"{name}.weight": uniform(f"{name}.weight", shape, -bound, bound)}
    if bias:
        tensors[f"{name}.bias"] = uniform(f"{name}.bias", shape[:1], -0.1, 0.1)
    return as_float32(tensors)


def norm_tensors(name, channels, small, mean, variance):
    """The four tensors of a norm; `mean` and `variance` are m and v above."""
    lo, hi = (0.1, 0.4) if small else (0.5, 1.0)
    tensors = {
        f"{name}.weight": uniform(f"{name}.weight", (channels,), lo, hi),
        f"{name}.bias": uniform(f"{name}.bias", (channels,), -0.1, 0.1),
        f"{name}.running_mean": mean * uniform(f"{name}.running_mean", (channels,), -1.0, 1.0),
        f"{name}.running_var": variance * uniform(f"{name}.running_var", (channels,), 0.5, 1.5),
    }
    return as_float32(tensors)


def as_float32(tensors):
    """The same, each value rounded once."""
    return {name: values.astype(np.float32) for name, values in tensors.items()}


def input_batch(shape):
    """The input [N, C, H, W], float32: blocks of 8 x 8 equal values, and fine noise over them."""
    images, channels, height, width = shape
    coarse = uniform("input", (images, channels, -(-height // 8), -(-width // 8)), -2.0, 2.0)
    coarse = coarse.repeat(8, axis=2).repeat(8, axis=3)[:, :, :height, :width]
    return (coarse + uniform("input.fine", shape, -0.5, 0.5)).astype(np.float32)
