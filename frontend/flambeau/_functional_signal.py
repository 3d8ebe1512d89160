"""Short-time Fourier transforms."""

from __future__ import annotations

from typing import Any

from . import _C, fft
from ._C import Tensor

_ops = _C._ops


def _window(n_fft: int, length: int, window: Tensor | None, like: Tensor) -> Tensor:
    """The window, with zeros around up to n_fft."""
    if window is None:
        dtype = like.real.dtype if like.is_complex() else like.dtype
        window = _ops.ones(length, dtype=dtype, device=like.device)
    if window.dim() != 1 or window.numel() != length:
        raise RuntimeError(
            f"expected a 1D window tensor of size equal to win_length={length}, but "
            "got "
            f"window with size {list(window.shape)}"
        )
    left = (n_fft - length) // 2
    return _ops.constant_pad_nd(window, (left, n_fft - length - left), 0)


def _lengths(
    name: str, n_fft: int, hop_length: int | None, win_length: int | None
) -> tuple[int, int]:
    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    if hop <= 0:
        raise RuntimeError(f"{name}: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < length <= n_fft:
        raise RuntimeError(
            f"{name}: expected 0 < win_length <= n_fft, but got win_length={length}"
        )
    return hop, length


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """Spectra [..., frequencies, frames] of windows of a signal (T) or (B, T)."""
    if input.dim() not in (1, 2):
        raise RuntimeError(
            f"stft: expected a 1D or 2D tensor, but got shape {list(input.shape)}"
        )
    hop, length = _lengths("stft", n_fft, hop_length, win_length)
    weights = _window(n_fft, length, window, input)
    is_complex = input.is_complex() or weights.is_complex()
    half = not is_complex if onesided is None else onesided
    if half and is_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    if return_complex is None and not is_complex:
        raise RuntimeError(
            "stft requires the return_complex parameter be given for real inputs"
        )
    x = input.unsqueeze(0) if input.dim() == 1 else input
    if center:
        from .nn.functional import pad

        side = n_fft // 2
        x = pad(x.unsqueeze(1), (side, side), mode=pad_mode).squeeze(1)
    if not 0 < n_fft <= x.size(-1):
        raise RuntimeError(
            f"stft: expected 0 < n_fft <= {x.size(-1)}, but got n_fft={n_fft}"
        )
    frames = x.unfold(-1, n_fft, hop) * weights
    norm = "ortho" if normalized else None
    spectrum = fft.rfft(frames, norm=norm) if half else fft.fft(frames, norm=norm)
    result = spectrum.transpose(1, 2)
    if input.dim() == 1:
        result = result.squeeze(0)
    if return_complex is False:
        return _ops.view_as_real(result.contiguous())
    return result


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal whose `stft` is given, by overlapping and adding."""
    hop, size = _lengths("istft", n_fft, hop_length, win_length)
    if not input.is_complex():
        raise RuntimeError("istft requires a complex-valued input tensor")
    x = input.unsqueeze(0) if input.dim() == 2 else input
    if x.dim() != 3 or x.numel() == 0:
        raise RuntimeError(
            f"istft: expected a non-empty 2D or 3D tensor, but got {list(input.shape)}"
        )
    half = x.size(-2) != n_fft if onesided is None else onesided
    if x.size(-2) != (n_fft // 2 + 1 if half else n_fft):
        raise RuntimeError(
            f"istft: expected the frequency dimension to fit n_fft={n_fft}, but got "
            f"{x.size(-2)}"
        )
    frames_count = x.size(-1)
    norm = "ortho" if normalized else None
    spectra = x.transpose(1, 2)
    if return_complex:
        frames = fft.ifft(spectra, norm=norm)
    else:
        kept = spectra.narrow(-1, 0, n_fft // 2 + 1)
        frames = fft.irfft(kept, n_fft, norm=norm)
    weights = _window(n_fft, size, window, frames)
    total = n_fft + hop * (frames_count - 1)
    starts = _ops.arange(frames_count, device=x.device).unsqueeze(1) * hop
    place = (starts + _ops.arange(n_fft, device=x.device)).flatten()
    frames = frames * weights
    signal = _ops.zeros((x.size(0), total), dtype=frames.dtype, device=x.device)
    signal = signal.index_add(1, place, frames.reshape(x.size(0), -1))
    power = weights.square()
    envelope = _ops.zeros(total, dtype=power.dtype, device=x.device)
    envelope = envelope.index_add(0, place, power.repeat(frames_count))
    first = n_fft // 2 if center else 0
    last = total - (n_fft // 2 if center and length is None else 0)
    if length is not None:
        last = min(first + length, total)
    signal, envelope = signal[:, first:last], envelope[first:last]
    if float(envelope.abs().min()) < 1e-11:
        raise RuntimeError("istft: window overlap add min is too small")
    signal = signal / envelope
    if length is not None and signal.size(1) < length:
        signal = _ops.constant_pad_nd(signal, (0, length - signal.size(1)), 0)
    return signal.squeeze(0) if input.dim() == 2 else signal


__all__: list[Any] = ["istft", "stft"]
