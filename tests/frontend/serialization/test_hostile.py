"""Damaged and hostile files: an error that says where, and nothing is executed."""

import contextlib
import io
import json
import os
import pickle
import random
import struct
import time
import zlib

import flambeau
import pytest
from flambeau.serialization_zip import ZipReader, ZipWriter

CLEAN = (pickle.UnpicklingError, RuntimeError, EOFError)


def good():
    return {
        "w": flambeau.arange(6, dtype=flambeau.float32).reshape(2, 3),
        "mask": flambeau.tensor([True, False]),
        "nested": [{"a": (1, 2.5, "x")}, flambeau.float32],
    }


def saved():
    buffer = io.BytesIO()
    flambeau.save(good(), buffer)
    return buffer.getvalue()


def members(data):
    reader = ZipReader(memoryview(data), "test")
    return {name: bytes(reader.read(name)) for name in reader.members}


def archive(parts):
    out = io.BytesIO()
    writer = ZipWriter(out.write)
    for name, data in parts.items():
        writer.add(name, data)
    writer.close()
    return out.getvalue()


def with_pickle(pkl, **storages):
    parts = {"archive/data.pkl": pkl, "archive/byteorder": b"little"}
    parts |= {f"archive/data/{k}": v for k, v in storages.items()}
    return archive(parts | {"archive/version": b"3\n"})


def load(data):
    return flambeau.load(io.BytesIO(data))


def refused(pkl, match, error=pickle.UnpicklingError, **storages):
    with pytest.raises(error, match=match) as caught:
        load(with_pickle(pkl, **storages))
    assert "data.pkl, byte" in str(caught.value)


# -- damaged -------------------------------------------------------------------------
def test_every_truncation_is_an_error():
    data = saved()
    for length in range(0, len(data), 7):
        with pytest.raises(CLEAN, match="byte"):
            load(data[:length])


def test_errors_name_file_and_byte(tmp_path):
    path = tmp_path / "half.pt"
    path.write_bytes(saved()[:300])
    with pytest.raises(RuntimeError, match=r"half\.pt, byte \d+"):
        flambeau.load(path)
    path.write_bytes(b"")
    with pytest.raises(EOFError, match=r"half\.pt, byte 0"):
        flambeau.load(path)
    path.write_bytes(b"no checkpoint at all")
    with pytest.raises(pickle.UnpicklingError, match=r"half\.pt, byte 0"):
        flambeau.load(path)


def test_flipped_bits_are_found_or_harmless():
    data, rng = saved(), random.Random(0)
    found = 0
    for _ in range(600):
        damaged = bytearray(data)
        at = rng.randrange(len(data))
        damaged[at] ^= 1 << rng.randrange(8)
        try:
            loaded = load(bytes(damaged))
        except CLEAN:
            found += 1
        else:  # padding, a date, or the name of the archive
            assert loaded["w"].tolist() == good()["w"].tolist()
    assert found > 300


def test_damaged_tensor_data_names_its_member():
    data = bytearray(saved())
    at = bytes(data).find(struct.pack("<3f", 1.0, 2.0, 3.0))
    data[at] ^= 1
    with pytest.raises(RuntimeError, match=r"checksum of member 'archive/data/0'"):
        load(bytes(data))


# A damaged name of a device is that of one that is not here.
@pytest.mark.filterwarnings("ignore:load.* were on device:UserWarning")
def test_random_pickles_of_sound_archives():
    parts, rng = members(saved()), random.Random(1)
    pkl = parts["archive/data.pkl"]
    for _ in range(600):
        damaged = bytearray(pkl)
        for _ in range(rng.randint(1, 4)):
            kind, at = rng.randrange(3), rng.randrange(len(damaged))
            if kind == 0:
                damaged[at] = rng.randrange(256)
            elif kind == 1:
                del damaged[at : at + rng.randint(1, 8)]
            else:
                damaged[at:at] = bytes(rng.randrange(256) for _ in range(3))
        with contextlib.suppress(CLEAN):
            load(archive({**parts, "archive/data.pkl": bytes(damaged)}))


def test_random_directories():
    data, rng = saved(), random.Random(2)
    start = data.find(b"PK\1\2")
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(rng.randint(1, 3)):
            damaged[rng.randrange(start, len(data))] = rng.randrange(256)
        with contextlib.suppress(CLEAN):
            load(bytes(damaged))


def test_members_must_not_overlap():
    # Two entries of the directory for one member: reading would double the data.
    data = archive({"archive/data.pkl": b"\x80\x02K\x01.", "archive/x": b"1234"})
    at = data.rfind(b"PK\1\2")
    clone = bytearray(data)
    clone[at + 42 : at + 46] = struct.pack("<I", 0)
    with pytest.raises(RuntimeError, match="apart|name"):
        load(bytes(clone))


def test_archives_that_are_no_checkpoints():
    with pytest.raises(RuntimeError, match="no checkpoint"):
        load(archive({"a/b": b"1"}))
    parts = {"archive/data.pkl": b"\x80\x02K\x01.", "archive/constants.pkl": b""}
    with pytest.raises(RuntimeError, match="TorchScript"):
        load(archive(parts))
    parts = {"archive/data.pkl": b"\x80\x02K\x01.", "archive/byteorder": b"big"}
    with pytest.raises(RuntimeError, match="little-endian"):
        load(archive(parts))
    assert load(with_pickle(b"\x80\x02K\x01.")) == 1


# -- hostile pickles -----------------------------------------------------------------
class Runs:
    def __init__(self, function, *args):
        self.parts = function, args

    def __reduce__(self):
        return self.parts

    def __repr__(self):  # the name of the test: no address, which differs by process
        return f"Runs({self.parts[0].__name__})"


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "attack",
    [
        Runs(os.system, "touch /nothing-runs"),
        Runs(eval, "1 + 1"),
        Runs(exec, "import os"),
        Runs(getattr, os, "system"),
        Runs(open, "/nothing-runs", "w"),
        Runs(__import__, "os"),
        [Runs(print, "x")],
        {"a": (Runs(compile, "1", "x", "eval"),)},
        Runs(bytearray, 1 << 40),
        os.system,
    ],
    ids=str,
)
def test_nothing_is_called(attack, protocol):
    if isinstance(attack, Runs) and attack.parts[1][:1] == (os,):
        attack = Runs(getattr, "os", "system")
    refused(pickle.dumps(attack, protocol), "may use|expected")


@pytest.mark.parametrize("protocol", [0, 1])
def test_text_protocols_are_refused(protocol):
    refused(pickle.dumps(Runs(os.system, "true"), protocol), "opcode|expected|may use")


def named(module, name):
    return b"c" + module + b"\n" + name + b"\n"


TENSOR = named(b"torch._utils", b"_rebuild_tensor_v2")
EMPTY = named(b"collections", b"OrderedDict") + b")R"


def storage(kind=b"FloatStorage", key=b"0", count=4):
    text = b"".join(b"X" + struct.pack("<I", len(t)) + t for t in (key, b"cpu"))
    number = b"\x8a\x08" + struct.pack("<q", count)
    head = b"(X\x07\x00\x00\x00storage" + named(b"torch", kind)
    return head + text + number + b"tQ"


def integer(n):
    return b"\x8a\x08" + struct.pack("<q", n)


def tensor(offset=0, size=(4,), stride=(1,), grad=b"\x89", hooks=EMPTY, **kind):
    shape = b"(" + b"".join(map(integer, size)) + b"t"
    step = b"(" + b"".join(map(integer, stride)) + b"t"
    start = TENSOR + b"(" + storage(**kind) + integer(offset)
    return b"\x80\x02" + start + shape + step + grad + hooks + b"tR."


DATA = struct.pack("<4f", 1, 2, 3, 4)


def load_tensor(data=DATA, **parts):
    return load(with_pickle(tensor(**parts), **{"0": data}))


def test_the_tensor_of_these_tests_is_sound():
    assert load_tensor().tolist() == [1.0, 2.0, 3.0, 4.0]
    assert load_tensor(size=(2, 2), stride=(0, 1)).tolist() == [[1.0, 2.0]] * 2
    assert load_tensor(size=(0,), stride=(1,), offset=4).tolist() == []


@pytest.mark.parametrize(
    "parts",
    [
        {"size": (5,)},
        {"offset": 1},
        {"offset": -1},
        {"stride": (2,)},
        {"stride": (-1,)},
        {"size": (-4,)},
        {"size": (2**61, 8), "stride": (0, 0)},
        {"size": (2**40,), "stride": (2**40,)},
        {"size": (2, 2)},
        {"size": (1,) * 65, "stride": (1,) * 65},
        {"count": 5},
        {"count": -1},
        {"count": 2**60},
        {"key": b"1"},
        {"key": b"../0"},
        {"kind": b"DoubleStorage"},
        {"kind": b"NoStorage"},
        {"grad": b"K\x01"},
        {"hooks": b"]K\x01a"},
        {"hooks": EMPTY + b"K\x01K\x02s"},
        {"grad": b"\x88", "kind": b"IntStorage"},
    ],
)
def test_geometry_outside_of_the_storage(parts):
    with pytest.raises(CLEAN, match="expected|may use"):
        load_tensor(**parts)


def test_bools_are_zero_or_one():
    good = load_tensor(b"\0\1\1\0", kind=b"BoolStorage")
    assert good.tolist() == [False, True, True, False]
    with pytest.raises(pickle.UnpicklingError, match="0 and 1"):
        load_tensor(b"\0\1\2\0", kind=b"BoolStorage")


@pytest.mark.parametrize(
    ("pkl", "match"),
    [
        (named(b"os", b"system") + b".", r"os\.system"),
        (named(b"torch._utils", b"_rebuild_tensor_v2") + b".", "got the name"),
        (TENSOR + b")R.", "expected|Error"),
        (named(b"torch", b"load") + b".", r"torch\.load"),
        (named(b"torch", b"_C") + b".", r"torch\._C"),
        (named(b"builtins", b"getattr") + b".", "getattr"),
        (named(b"__builtin__", b"eval") + b".", "eval"),
        (named(b"flambeau", b"load") + b".", r"torch\.load"),
        (named(b"builtins", b"list") + b")R.", "named"),
        (named(b"builtins", b"dict") + b")\x81.", "listed"),
        (EMPTY + b"}X\x09\x00\x00\x00__class__K\x01sb.", "_metadata"),
        (EMPTY + b"K\x01b.", "_metadata"),
        (b"]}b.", "no attributes"),
        (b"K\x01K\x02a.", "expected a list"),
        (b"K\x01K\x02K\x03s.", "expected a dict"),
        (b"}]K\x01s.", "key"),
        (b"K\x01.K\x02.", None),
        (b"K\x01K\x02.", "one value"),
        (b"(K\x01.", "one value"),
        (b".", "stack"),
        (b"e.", "mark"),
        (b"h\x05.", "memo 5"),
        (b"K", "more bytes"),
        (b"X\xff\xff\xff\xffabc.", "more bytes"),
        (b"X\x01\x00\x00\x00\xff.", "UTF-8"),
        (b"\x8b\x00\x00\x10\x00.", "1024 bytes"),
        (b"c" + b"a" * 5000, "1024 bytes"),
        (b"\xfe.", "opcode"),
        (b"\x80\x09K\x01.", "protocol"),
        (b"K\x01Q.", "storage"),
        (storage() + b".", "bare storage"),
        (b"]" + storage() + b"a.", "bare storage"),
        (named(b"torch", b"device") + b"X\x05\x00\x00\x00cpu:x\x85R.", "device"),
        (named(b"torch", b"Size") + b"(J\xff\xff\xff\xfft\x85R.", "counts"),
        (
            named(b"_codecs", b"encode")
            + b"X\x01\x00\x00\x00aX\x04\x00\x00\x00zlib\x86R.",
            "latin1",
        ),
        (
            named(b"collections", b"defaultdict") + named(b"os", b"system") + b"\x85R.",
            "os",
        ),
        (named(b"__builtin__", b"bytearray") + b"J\xff\xff\xff\x7f\x85R.", "bytes"),
    ],
)
def test_pickles_that_checkpoints_never_hold(pkl, match):
    data = {"0": DATA}
    if match is None:
        assert load(with_pickle(b"\x80\x02" + pkl, **data)) == 1
    else:
        refused(b"\x80\x02" + pkl, match, **data)


def test_user_classes_are_not_called_unless_listed():
    class_name = named(b"collections", b"UserDict")
    refused(b"\x80\x02" + class_name + b")\x81.", "add_safe_globals")


# -- bombs ---------------------------------------------------------------------------
def test_keys_that_take_forever_to_hash():
    deep = b")" + b"2\x86" * 60  # a tuple of a tuple twice, sixty times over
    before = time.perf_counter()
    refused(b"\x80\x02}" + deep + b"K\x01s.", "key")
    refused(b"\x80\x02\x8f(" + deep + b"\x90.", "key")
    assert time.perf_counter() - before < 5


def test_calls_that_copy_a_long_list_again_and_again():
    numbers = b"](" + b"K\x01" * 100_000 + b"eq\x01"
    copy = named(b"builtins", b"set") + b"h\x01\x85R0"
    refused(b"\x80\x02" + numbers + copy * 10_000 + b".", "long arguments")


def test_deep_nesting_does_not_crash():
    loaded = load(with_pickle(b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."))
    assert isinstance(loaded, list)


# -- the old format ------------------------------------------------------------------
MAGIC = 0x1950A86A20F9469CFC6C


def legacy(obj_pickle, storages=b"", keys=(), little=True):
    head = pickle.dumps(MAGIC, 2) + pickle.dumps(1001, 2)
    head += pickle.dumps({"protocol_version": 1001, "little_endian": little}, 2)
    return head + obj_pickle + pickle.dumps(list(keys), 2) + storages


def test_legacy_files():
    data = struct.pack("<q", 4) + DATA
    sound = legacy(tensor(), data, ["0"])
    assert load(sound).tolist() == [1.0, 2.0, 3.0, 4.0]
    for length in range(0, len(sound), 3):
        with pytest.raises(CLEAN, match="byte"):
            load(sound[:length])
    for bad in (
        legacy(tensor(), data, []),
        legacy(tensor(), data, ["1"]),
        legacy(tensor(), struct.pack("<q", 3) + DATA, ["0"]),
        legacy(tensor(), data, ["0"], little=False),
        legacy(tensor(count=2**40), data, ["0"]),
        legacy(tensor(kind=b"BoolStorage"), struct.pack("<q", 4) + b"\1\2\3\4", ["0"]),
        legacy(pickle.dumps(Runs(os.system, "true"), 2), data, ["0"]),
    ):
        with pytest.raises(pickle.UnpicklingError, match="expected|may use"):
            load(bad)


def test_the_tar_format_is_refused():
    with pytest.raises(pickle.UnpicklingError, match="tar"):
        load(b"\0" * 257 + b"ustar" + b"\0" * 300)


# -- safetensors ---------------------------------------------------------------------
def safetensors(header, data=b"\0" * 8):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(2,), span=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(span)}


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (safetensors({"a": entry(span=(0, 9))}), "within 8 bytes"),
        (safetensors({"a": entry(span=(8, 0))}), "within"),
        (safetensors({"a": entry(shape=(3,))}), "expected 12 bytes"),
        (safetensors({"a": entry(shape=(-2,))}), "sizes"),
        (safetensors({"a": entry(shape=(2**70,))}), "sizes"),
        (safetensors({"a": entry(shape=(True,))}), "sizes"),
        (safetensors({"a": entry(dtype="F7")}), "dtype"),
        (safetensors({"a": entry(dtype=[])}), "dtype"),
        (safetensors({"a": {"dtype": "F32"}}), "data_offsets"),
        (safetensors({"a": 3}), "data_offsets"),
        (safetensors({"a": entry(shape=(1,), span=(4, 8))}), "follow one another"),
        (safetensors({"a": entry(), "b": entry()}), "follow one another"),
        (safetensors({"a": entry(shape=(1,), span=(0, 4))}), "end of the file"),
        (safetensors(b'{"a": 1, "a": 2}'), "once"),
        (safetensors(b"{" * 100_000), "nested|JSON"),
        (safetensors(b'{"a": '), "JSON"),
        (safetensors(b"[1]"), "table"),
        (safetensors(b"\xff\xff"), "JSON"),
        (b"\xff" * 8 + b"{}", "within"),
        (b"\1\0", "cut off"),
        (safetensors({"a": entry(dtype="BOOL", shape=(8,))}, b"\2" * 8), "0 and 1"),
    ],
)
def test_bad_safetensors(tmp_path, data, match):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(data)
    with pytest.raises(RuntimeError, match=match) as caught:
        flambeau.load(path)
    assert "bad.safetensors, byte" in str(caught.value)


def test_safetensors_fuzz(tmp_path):
    path = tmp_path / "a.safetensors"
    flambeau.save({"a": flambeau.ones(3), "b": flambeau.zeros(2, 2)}, path)
    data, rng = path.read_bytes(), random.Random(3)
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(CLEAN):
            flambeau.load(path)
    for _ in range(400):
        damaged = bytearray(data)
        damaged[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(damaged)
        with contextlib.suppress(CLEAN):
            flambeau.load(path)


def test_checksums_are_those_of_zlib():
    parts = members(saved())
    data = archive(parts)
    crc = struct.pack("<I", zlib.crc32(parts["archive/data.pkl"]))
    assert crc in data
