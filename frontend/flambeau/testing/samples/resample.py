"""Samples of the resizing of images."""

from __future__ import annotations

from ._sample import Op, Sample


def _nearest(n: int) -> Op:
    return Op(
        f"nn.upsample_nearest{n}d",
        lambda t: [Sample(t(1, 2, *(3,) * n), size) for size in ((5,) * n, (2,) * n)],
        oracle=f"_C._nn.upsample_nearest{n}d",
    )


def _smooth(name: str, n: int) -> Op:
    return Op(
        f"nn.upsample_{name}",
        lambda t: [
            Sample(t(1, 1, *(3,) * n), size, corners)
            for size in ((5,) * n, (2,) * n)
            for corners in (False, True)
        ],
        oracle=f"_C._nn.upsample_{name}",
    )


OPS = [
    *(_nearest(n) for n in (1, 2, 3)),
    _smooth("linear1d", 1),
    _smooth("bilinear2d", 2),
    _smooth("bicubic2d", 2),
    _smooth("trilinear3d", 3),
]
