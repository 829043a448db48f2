"""A linear layer that quantizes its input in blocks of 32, as ggml engines do with weights that have
a scale for each group."""

import torch
from torch import nn

BLOCK = 32
# A block's scale is rounded to f16. This many times the relative distance from where that rounding
# turns is as safe as the distance of an activation from its boundary, in quanta.
SCALE_WEIGHT = 200


def blocks(x):
    """[..., columns / 32, 32], the largest magnitude of each block, and its scale before rounding."""
    of = x.unflatten(-1, (-1, BLOCK))
    largest = of.abs().amax(-1, keepdim=True)
    return of, largest, largest / 127


class GroupedLinear(nn.Module):
    """weight: f32 [rows, columns], dequantized."""

    def __init__(self, values):
        super().__init__()
        self.weight = nn.Parameter(torch.from_numpy(values), requires_grad=False)

    def forward(self, x):
        return nn.functional.linear(self.quantize(x), self.weight)

    @staticmethod
    def quantize(x):
        """The values that quantized activations stand for."""
        of, largest, scale = blocks(x)
        d = scale.half().float()
        q = torch.where(d == 0, 0, (of * (127 / largest)).round().clamp(-127, 127))
        return (q * d).flatten(-2)

    @staticmethod
    def boundary(x):
        """Smallest distance from where a rounding turns, f32 [batch, positions]."""
        of, largest, scale = blocks(x)
        scaled = of * (127 / largest)
        distance = (scaled - scaled.floor() - 0.5).abs().amin(-1)
        # Blocks with the scale 0 are 0, whatever is in them.
        distance = torch.where(scale.half()[..., 0] == 0, torch.inf, distance)
        return torch.minimum(distance, SCALE_WEIGHT * turn(scale[..., 0])).amin(-1)


def turn(scale):
    """Relative distance of positive f32 from the nearest value halfway between two f16."""
    rounded = scale.half()
    bits = rounded.view(torch.int16)
    above, below = ((bits + step).view(torch.float16).double() for step in (1, -1))
    middle = rounded.double()
    below = torch.where(bits == 0, -above, below)
    nearest = torch.minimum(
        ((middle + above) / 2 - scale).abs(), ((middle + below) / 2 - scale).abs()
    )
    return (nearest / scale).float()
