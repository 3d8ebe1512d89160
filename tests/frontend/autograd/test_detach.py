"""What is taken of a detached tensor has no history either."""

import flambeau
import pytest

VIEWS = {
    "detach": lambda d: d.detach(),
    "index": lambda d: d[0],
    "view": lambda d: d.view(d.shape),
    "t": lambda d: d.t(),
    "contiguous": lambda d: d.contiguous(),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_of_a_detached_tensor(name: str) -> None:
    leaf = flambeau.ones(2, 3, requires_grad=True)
    for source in (leaf, leaf * 2, leaf.t()):
        detached = source.detach()
        assert not detached.requires_grad
        taken = VIEWS[name](detached)
        assert not taken.requires_grad
        assert not (taken * leaf.sum().detach()).requires_grad
        assert taken.numpy().sum() == taken.sum().item()


def test_views_made_without_gradients() -> None:
    leaf = flambeau.ones(2, 3, requires_grad=True)
    with flambeau.no_grad():
        view = leaf.view(-1)
    assert not view[0].requires_grad
    assert leaf.view(-1)[0].requires_grad
