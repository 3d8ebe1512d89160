"""Transforms of signals against values worked out by hand."""

import flambeau as torch
from flambeau.testing import assert_close


def test_istft_with_a_window_of_complex_numbers():
    """The windows' plain squares divide, not those of their sizes, as in PyTorch."""
    window = torch.tensor([1 + 1j, 2 - 1j, 1, 1 + 0.5j])
    x = torch.arange(8.0) + 0j
    spectra = torch.stft(x, 4, 2, window=window, return_complex=True)
    back = torch.istft(spectra, 4, 2, window=window, return_complex=True)
    assert_close(back, x, rtol=1e-5, atol=1e-5)
