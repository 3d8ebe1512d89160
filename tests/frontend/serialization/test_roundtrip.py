"""What is saved comes back: with ourselves, with PyTorch, with safetensors."""

import argparse
import collections
import io
import os
import stat
import zipfile

import flambeau
import pytest
from flambeau import nn, optim

DTYPES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]
LISTED = flambeau.serialization.safe_globals


def sample(framework):
    """One of everything, on either framework."""
    base = framework.arange(12, dtype=framework.float32).reshape(3, 4)
    weight = framework.nn.Parameter(base.clone())
    tensors = {
        name: framework.tensor([0, 1, 1], dtype=getattr(framework, name))
        for name in DTYPES
    }
    return {
        **tensors,
        "base": base,
        "row": base[1],
        "column": base[:, 2],
        "transposed": base.T,
        "expanded": framework.ones(1).expand(5),
        "scalar": framework.tensor(2.5),
        "empty": framework.zeros(0, 3),
        "parameter": weight,
        "tied": weight,
        "frozen": framework.nn.Parameter(base.clone(), requires_grad=False),
        "leaf": framework.ones(2, requires_grad=True),
        "dtype": framework.bfloat16,
        "device": framework.device("cpu"),
        "size": framework.Size([2, 3]),
        "plain": [None, True, 1, -1, 300, 2**40, -(2**70), 1.5, "ä", b"\x00\xff"],
        "nested": ({"a": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)]}, {1: {2: 3}}),
        "set": {1, 2},
        "complex": 1 + 2j,
        "counter": collections.Counter("aab"),
        "ordered": collections.OrderedDict(b=1, a=2),
        "long": list(range(2500)),
    }


def describe(value):
    """Everything that has to survive, without the framework."""
    if hasattr(value, "untyped_storage"):
        name = str(value.dtype).split(".")[-1]
        numbers = value.detach().reshape(-1).tolist()
        return (
            type(value).__name__,
            name,
            tuple(value.shape),
            tuple(value.stride()) if value.numel() else None,
            value.storage_offset(),
            value.requires_grad,
            numbers,
        )
    if isinstance(value, dict):
        return type(value).__name__, {k: describe(v) for k, v in value.items()}
    if type(value).__module__.split(".")[0] in ("torch", "flambeau"):
        return str(value).replace("flambeau.", "torch.")
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [describe(v) for v in value]
    return type(value).__name__, value


def check_sharing(loaded):
    assert loaded["tied"] is loaded["parameter"]
    with flambeau.no_grad():
        loaded["base"][1, 2] = 77.0
    assert loaded["row"][2].item() == 77.0
    assert loaded["column"][1].item() == 77.0
    assert loaded["transposed"][2, 1].item() == 77.0


def test_everything_comes_back(tmp_path):
    path = tmp_path / "a.pt"
    flambeau.save(sample(flambeau), path)
    for mmap in (None, True):
        loaded = flambeau.load(path, mmap=mmap)
        assert describe(loaded) == describe(sample(flambeau))
        check_sharing(loaded)
    assert flambeau.load(path)["base"][1, 2].item() == 6.0, "the file did not change"


@pytest.mark.parametrize("new_format", [True, False])
def test_reading_pytorchs_files(tmp_path, new_format):
    torch = pytest.importorskip("torch")
    path = tmp_path / "a.pt"
    torch.save(sample(torch), path, _use_new_zipfile_serialization=new_format)
    loaded = flambeau.load(path)
    assert describe(loaded) == describe(sample(torch))
    check_sharing(loaded)


@pytest.mark.parametrize("mmap", [None, True])
def test_pytorch_reads_our_files(tmp_path, mmap):
    torch = pytest.importorskip("torch")
    path = tmp_path / "a.pt"
    flambeau.save(sample(flambeau), path)
    loaded = torch.load(path, weights_only=True, mmap=mmap)
    assert describe(loaded) == describe(sample(torch))
    assert loaded["tied"] is loaded["parameter"]
    assert loaded["row"].untyped_storage().data_ptr() == (
        loaded["base"].untyped_storage().data_ptr()
    )


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickle_protocols_of_pytorch(protocol):
    torch = pytest.importorskip("torch")
    buffer = io.BytesIO()
    torch.save(sample(torch), buffer, pickle_protocol=protocol)
    buffer.seek(0)
    assert describe(flambeau.load(buffer)) == describe(sample(torch))


def model_and_optimizer(framework):
    framework.manual_seed(0)
    model = framework.nn.Sequential(
        framework.nn.Linear(3, 4), framework.nn.BatchNorm1d(4)
    )
    opt = framework.optim.AdamW(model.parameters(), amsgrad=True)
    model(framework.ones(5, 3)).sum().backward()
    opt.step()
    return model, opt


def test_checkpoints_of_models_and_optimizers_go_both_ways(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "checkpoint.pt"
    for a, b in ((flambeau, torch), (torch, flambeau)):
        model, opt = model_and_optimizer(a)
        a.save({"model": model.state_dict(), "opt": opt.state_dict(), "n": 3}, path)
        other, other_opt = model_and_optimizer(b)
        loaded = b.load(path)
        other.load_state_dict(loaded["model"])
        other_opt.load_state_dict(loaded["opt"])
        assert loaded["model"]._metadata == model.state_dict()._metadata
        for p, q in zip(model.parameters(), other.parameters(), strict=True):
            assert p.tolist() == q.tolist()


def test_state_dict_of_a_model_round_trips(tmp_path):
    model, opt = model_and_optimizer(flambeau)
    flambeau.save((model.state_dict(), opt.state_dict()), tmp_path / "m.pt")
    weights, state = flambeau.load(tmp_path / "m.pt")
    other = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    other.load_state_dict(weights)
    resumed = optim.AdamW(other.parameters())
    resumed.load_state_dict(state)
    assert resumed.param_groups[0]["amsgrad"] is True
    assert isinstance(weights, collections.OrderedDict)


def test_open_files(tmp_path):
    buffer = io.BytesIO()
    flambeau.save([flambeau.ones(2)], buffer)
    buffer.seek(0)
    assert flambeau.load(buffer)[0].tolist() == [1.0, 1.0]
    with open(tmp_path / "a.pt", "wb") as file:
        flambeau.save({"a": 1}, file)
    with open(tmp_path / "a.pt", "rb") as file:
        assert flambeau.load(file) == {"a": 1}
    with pytest.raises(TypeError, match="binary"):
        flambeau.load(io.StringIO("text"))
    with pytest.raises(TypeError, match="path"):
        flambeau.load(3)


def test_tensor_data_is_aligned_and_the_archive_is_sound(tmp_path):
    path = tmp_path / "a.pt"
    flambeau.save(sample(flambeau), path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.read("archive/version") == b"3\n"
        for info in archive.infolist():
            with archive.open(info) as member:
                member.read(0)
            raw = path.read_bytes()
            at = info.header_offset
            start = at + 30 + raw[at + 26] + 256 * raw[at + 27]
            start += raw[at + 28] + 256 * raw[at + 29]
            assert start % 64 == 0, info.filename


def test_equal_objects_give_equal_files(tmp_path):
    for name in ("a.pt", "b.pt"):
        flambeau.save(sample(flambeau), tmp_path / name)
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "b.pt").read_bytes()


# -- nothing half-written ------------------------------------------------------------
class Unsaveable:
    pass


@pytest.mark.parametrize("name", ["a.pt", "a.safetensors"])
def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, name):
    path = tmp_path / name
    flambeau.save({"a": flambeau.ones(2)}, path)
    before = path.read_bytes()
    with pytest.raises(TypeError, match=r"save: expected .*, got"):
        flambeau.save({"a": flambeau.ones(2), "b": Unsaveable()}, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [name]


def test_saving_keeps_links_and_permissions(tmp_path):
    path, link = tmp_path / "a.pt", tmp_path / "link.pt"
    flambeau.save(1, path)
    path.chmod(0o640)
    link.symlink_to(path)
    flambeau.save(2, link)
    assert link.is_symlink()
    assert flambeau.load(path) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    with pytest.raises(RuntimeError, match="folder"):
        flambeau.save(1, tmp_path / "none" / "a.pt")


def test_objects_that_are_not_plain_are_refused_with_advice(tmp_path):
    with pytest.raises(TypeError, match="state_dict"):
        flambeau.save(nn.Linear(1, 1), tmp_path / "a.pt")
    with pytest.raises(TypeError, match="defaultdict"):
        flambeau.save(collections.defaultdict(lambda: 1), tmp_path / "a.pt")
    with pytest.raises(NotImplementedError, match="zip"):
        flambeau.save(1, tmp_path / "a.pt", _use_new_zipfile_serialization=False)


# -- options of load -----------------------------------------------------------------
def test_map_location(tmp_path):
    path = tmp_path / "a.pt"
    flambeau.save({"a": flambeau.ones(2)}, path)
    seen = []

    def keep(storage, location):
        seen.append(location)
        return storage

    for where in (
        "cpu",
        flambeau.device("cpu"),
        {"cpu": "cpu"},
        keep,
        lambda s, x: None,
    ):
        loaded = flambeau.load(path, map_location=where)
        assert loaded["a"].tolist() == [1.0, 1.0]
    assert seen == ["cpu"]
    with pytest.raises(TypeError, match="map_location"):
        flambeau.load(path, map_location=3)


def test_what_load_will_not_do(tmp_path):
    path = tmp_path / "a.pt"
    flambeau.save(1, path)
    with pytest.raises(NotImplementedError, match="never executes"):
        flambeau.load(path, weights_only=False)
    with pytest.raises(RuntimeError, match="pickle_module"):
        flambeau.load(path, pickle_module=os)
    with pytest.raises(ValueError, match="mmap"):
        flambeau.load(io.BytesIO(), mmap=True)
    with pytest.raises(FileNotFoundError):
        flambeau.load(tmp_path / "none.pt")
    assert flambeau.load(path, weights_only=True) == 1


def test_a_programs_own_classes_must_be_listed(tmp_path):
    path = tmp_path / "a.pt"
    args = argparse.Namespace(lr=0.5, sizes=[1, 2])
    with pytest.raises(TypeError, match="add_safe_globals"):
        flambeau.save(args, path)
    with LISTED([argparse.Namespace]):
        flambeau.save(args, path)
        assert flambeau.load(path) == args
    with pytest.raises(Exception, match=r"argparse\.Namespace.*add_safe_globals"):
        flambeau.load(path)
    names = flambeau.serialization.get_unsafe_globals_in_checkpoint(path)
    assert names == ["argparse.Namespace"]
    assert flambeau.serialization.get_safe_globals() == []


# -- safetensors ---------------------------------------------------------------------
def test_safetensors(tmp_path):
    path = tmp_path / "a.safetensors"
    tensors = {k: v for k, v in sample(flambeau).items() if hasattr(v, "stride")}
    tensors.pop("complex128")
    flambeau.save(tensors, path)
    for mmap in (None, True):
        loaded = flambeau.load(path, mmap=mmap)
        assert loaded.keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert loaded[name].dtype == tensor.dtype
            assert tuple(loaded[name].shape) == tuple(tensor.shape)
            assert loaded[name].tolist() == tensor.tolist()
            assert loaded[name].is_contiguous()
    for bad in ([1], {"a": 1}, {1: flambeau.ones(1)}):
        with pytest.raises(TypeError, match="safetensors"):
            flambeau.save(bad, path)


def test_safetensors_package_agrees(tmp_path):
    pytest.importorskip("numpy")
    package = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "a.safetensors"
    names = [d for d in DTYPES if d not in ("bfloat16", "complex128", "complex64")]
    tensors = {
        name: flambeau.tensor([[0, 1], [1, 0]], dtype=getattr(flambeau, name))
        for name in names
    }
    flambeau.save(tensors, path)
    theirs = package.load_file(path)
    assert {k: v.tolist() for k, v in theirs.items()} == {
        k: v.tolist() for k, v in tensors.items()
    }
    package.save_file(theirs, path, metadata={"made": "there"})
    ours = flambeau.load(path)
    for name, tensor in tensors.items():
        assert ours[name].dtype == tensor.dtype
        assert ours[name].tolist() == tensor.tolist()
