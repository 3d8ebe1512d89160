"""Checkpoints from and to any device, and from devices that are not here."""

from __future__ import annotations

import io
import pickletools
import re
import warnings
import zipfile

import flambeau
import pytest
from flambeau import _C

HOST = _C._host_device_type


def saved(obj):
    """The bytes of a checkpoint."""
    buffer = io.BytesIO()
    flambeau.save(obj, buffer)
    return buffer.getvalue()


def load(data, **options):
    return flambeau.load(io.BytesIO(data), **options)


def renamed(data, old, new):
    """A checkpoint that says its tensors were on another device, of a name as long."""
    assert len(old) == len(new)
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("data.pkl"):
                assert old.encode() in content
                content = content.replace(old.encode(), new.encode())
                pickletools.genops(content)
            target.writestr(name, content)
    return out.getvalue()


def on(device):
    return {"w": flambeau.arange(6.0, device=device).reshape(2, 3), "n": 3}


def test_roundtrip_stays_on_the_device(device):
    state = on(device)
    new = load(saved(state))
    assert new["w"].device == state["w"].device
    assert new["w"].tolist() == state["w"].tolist() and new["n"] == 3


@pytest.mark.parametrize("form", ["str", "device", "dict", "function", "none"])
def test_map_location(device, form):
    data = saved(on(HOST))
    target = flambeau.ones(1, device=device).device
    where = {
        "str": device,
        "device": flambeau.device(device),
        "dict": {"cpu": device},
        "function": lambda storage, location: storage.to(device),
        "none": lambda storage, location: None,
    }[form]
    new = load(data, map_location=where)
    expected = flambeau.device(HOST) if form == "none" else target
    assert new["w"].device == expected
    assert new["w"].tolist() == on(HOST)["w"].tolist()
    back = load(saved(new), map_location=HOST)
    assert back["w"].is_cpu and back["w"].tolist() == on(HOST)["w"].tolist()


def test_default_device_does_not_disturb(device):
    data = saved(on(HOST))
    with flambeau.device(device):
        assert load(data)["w"].is_cpu
        again = load(saved(on(device)), map_location=HOST)
    assert again["w"].tolist() == on(HOST)["w"].tolist()


@pytest.mark.parametrize("default", [None, "device"])
def test_safetensors(device, default, tmp_path):
    path = tmp_path / "w.safetensors"
    with flambeau.device(device if default else HOST):
        flambeau.save({"w": on(device)["w"]}, path)
        assert flambeau.load(path)["w"].is_cpu
        new = flambeau.load(path, map_location=device)["w"]
    assert new.device == on(device)["w"].device
    assert new.tolist() == on(HOST)["w"].tolist()


def test_shared_storage_is_shared_again(device):
    base = flambeau.arange(4.0, device=device)
    new = load(saved({"all": base, "half": base[2:]}))
    new["half"].fill_(9)
    assert new["all"].tolist() == [0.0, 1.0, 9.0, 9.0]
    assert new["all"].device == base.device


def test_missing_backend_is_the_cpu_with_a_warning():
    data = renamed(saved({"a": flambeau.ones(2), "b": flambeau.zeros(3)}), "cpu", "xyz")
    with pytest.warns(UserWarning, match="device 'xyz'") as record:
        new = load(data)
    assert len(record) == 1, "one warning for a checkpoint"
    text = str(record[0].message)
    assert "device 'xyz'" in text and "map_location='cpu'" in text
    assert "needs a backend" in text and "loaded on 'cpu'" in text
    assert record[0].filename == __file__
    assert new["a"].is_cpu and new["a"].tolist() == [1.0, 1.0]
    assert new["b"].tolist() == [0.0, 0.0, 0.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load(data, map_location=HOST)["a"].tolist() == [1.0, 1.0]
        assert load(data, map_location={"xyz": HOST})["a"].is_cpu
    with pytest.warns(UserWarning, match="device 'xyz'"):
        load(data, map_location=lambda storage, location: None)
    with pytest.warns(UserWarning, match="device 'xyz'"):
        load(data, map_location={"other": HOST})


def test_what_to_install_is_said():
    data = renamed(saved({"a": flambeau.ones(2)}), "cpu", "cud")
    with pytest.warns(UserWarning, match=re.escape("python -m flambeau.backends")):
        load(data)


def test_asked_for_a_missing_device():
    with pytest.raises(RuntimeError, match="device 'nosuch' needs a backend"):
        load(saved(on(HOST)), map_location="nosuch")


def test_index_that_is_not_here(other):
    count = flambeau.get_device_module(other).device_count()
    data = renamed(saved(on(other)), f"{other}:0", f"{other}:9")
    with pytest.raises(RuntimeError, match=f"'{other}:9'.* there are {count} here"):
        load(data)
    new = load(data, map_location={f"{other}:9": f"{other}:0"})
    assert new["w"].tolist() == on(HOST)["w"].tolist()


def test_training_goes_on_from_a_checkpoint(device):
    """Two steps, a checkpoint through the host, two more: as four at once."""

    def make():
        flambeau.manual_seed(5)
        model = flambeau.nn.Linear(4, 2).to(device)
        return model, flambeau.optim.Adam(model.parameters(), lr=0.1)

    def train(model, optimizer, steps):
        x = flambeau.linspace(-1, 1, 12).reshape(3, 4).to(device)
        for _ in range(steps):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            optimizer.step()

    model, optimizer = make()
    train(model, optimizer, 4)
    first, first_optimizer = make()
    train(first, first_optimizer, 2)
    data = saved({"model": first.state_dict(), "opt": first_optimizer.state_dict()})
    state = load(data, map_location=HOST)
    assert all(v.is_cpu for v in state["model"].values())
    second, second_optimizer = make()
    second.load_state_dict(state["model"])
    second_optimizer.load_state_dict(state["opt"])
    moments = second_optimizer.state[second.weight]
    assert moments["exp_avg"].device == second.weight.device
    train(second, second_optimizer, 2)
    assert second.weight.tolist() == model.weight.tolist()
