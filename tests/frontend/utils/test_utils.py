"""The package itself: submodules by attribute, DLPack."""

import flambeau
import pytest


def test_submodules_come_at_first_use():
    assert flambeau.utils.data.DataLoader is not None
    assert flambeau.utils.checkpoint.checkpoint is not None
    with pytest.raises(AttributeError, match="nonsense"):
        flambeau.utils.nonsense  # noqa: B018


def test_dlpack_shares_memory():
    from flambeau.utils import dlpack

    t = flambeau.arange(3)
    for other in (dlpack.from_dlpack(dlpack.to_dlpack(t)), dlpack.from_dlpack(t)):
        other += 1
    assert t.tolist() == [2, 3, 4]
