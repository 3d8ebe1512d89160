"""Samples of convolutions and of windows as columns."""

from __future__ import annotations

from typing import Any

from ._sample import ErrorSample, Op, Sample


def _conv(n: int, transposed: bool) -> Op:
    """Plain, strided with bias and groups, padded and dilated; n spatial dims."""
    size: tuple[int, ...] = (4,) * n if n < 3 else (3, 3, 3)
    window = (2,) * n
    more: dict[str, Any] = {"output_padding": 1} if transposed else {}
    return Op(
        f"nn.conv{'_transpose' if transposed else ''}{n}d",
        lambda t: [
            Sample(t(1, 2, *size), t(2, 2, *window)),
            Sample(t(1, 2, *size), t(2, 1, *window), t(2), 2, 1, groups=2, **more),
            Sample(t(2, *size), t(2, 2, *window), padding=1, dilation=2),
            *(
                []
                if transposed
                else [Sample(t(1, 2, *size), t(1, 2, *(3,) * n), padding="same")]
            ),
        ][: 4 if n < 3 else 1],
        errors=lambda t: [ErrorSample(RuntimeError, t(1, 3, *size), t(2, 2, *window))],
    )


OPS = [
    *(_conv(n, transposed) for n in (1, 2, 3) for transposed in (False, True)),
    Op(
        "convolution",
        lambda t: [
            Sample(
                t(1, 2, 3, 3),
                t(2, 2, 2, 2),
                t(2),
                (1, 1),
                (0, 1),
                (1, 1),
                False,
                (0, 0),
                1,
            )
        ],
    ),
    Op(
        "nn.unfold",
        lambda t: [Sample(t(1, 2, 3, 4), 2), Sample(t(1, 1, 4, 4), (2, 3), 1, 1, 2)],
    ),
    Op(
        "nn.fold",
        lambda t: [
            Sample(t(1, 4, 6), (3, 4), 2),
            Sample(t(1, 8, 4), (4, 4), 2, stride=2),
        ],
    ),
]
