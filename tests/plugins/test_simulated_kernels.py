"""The kernels of the simulated device, by the tests that the CPU's kernels pass, with
NumPy as the oracle; and its random numbers, bit for bit those of the CPU."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PACKAGE = importlib.util.find_spec("flambeau_simulated")
if PACKAGE is None or PACKAGE.origin is None:
    pytest.skip("needs flambeau_simulated to be installed", allow_module_level=True)
LIBRARY = Path(PACKAGE.origin).parent / "libflambeau_simulated.so"
sys.path.insert(0, str(Path(__file__).parents[1] / "backend"))

import test_along as along  # noqa: E402
import test_copy as copy  # noqa: E402
import test_index as index  # noqa: E402
import test_linear as linear  # noqa: E402
import test_pointwise as pointwise  # noqa: E402
import test_random as random  # noqa: E402
import test_reduce as reduce  # noqa: E402
import test_sort as sort  # noqa: E402
from device_harness import DeviceBackend, h  # noqa: E402

# The tests of primitives; the device leaves all other kernels to the host.
TESTS = {
    along: "cumulative argmax_nan_and_ties",
    copy: "conversions float_to_ints transposes fill complex_parts",
    index: "gather gather_part_expanded_and_empty out_of_range scatter "
    "scatter_scalar_strides_nan scatter_add_many_duplicates index index_out_of_range "
    "index_put",
    linear: "matmul addmm beta_zero_ignores_nan batches awkward_strides empty_inner "
    "dot",
    pointwise: "unary_floats gamma unary_ints unary_complex tests binary_floats "
    "binary_edges binary_ints int_division_edges binary_complex pow_scalar bools "
    "compare where layouts zero_dimensions_and_scalars",
    random: "uniform_words randint_ranges randint_whole_range randint_dtypes "
    "uniform_scaled normal_is_box_muller normal_distribution",
    reduce: "floats ints any_all",
    sort: "sort sort_dims_and_strides sort_in_place_keeps_signs sort_of_a_number",
}
for _module, _names in TESTS.items():
    for _name in _names.split():
        _key = f"test_{_module.__name__.removeprefix('test_')}_{_name}"
        globals()[_key] = getattr(_module, f"test_{_name}")


class Primitives(DeviceBackend):
    """Some tests go over many kernels: those that are no primitives are passed over."""

    def __call__(self, op: str, *args: Any, **kwargs: Any) -> Any:
        if self.find(op) is None:
            pytest.skip(f"the device leaves '{op}' to the host")
        return super().__call__(op, *args, **kwargs)


@pytest.fixture(scope="module")
def backend() -> Primitives:
    return Primitives(LIBRARY)


@pytest.fixture(scope="module")
def k(backend: Primitives) -> Primitives:
    return backend


PRIMITIVES = """copy fill neg abs sign sqrt rsqrt reciprocal exp exp2 expm1 log log2
log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sigmoid square
ceil floor round trunc frac erf erfc erfinv lgamma digamma relu sgn conj bitwise_not
logical_not isnan isinf isfinite signbit isposinf isneginf add sub mul div pow maximum
minimum atan2 fmod remainder div_floor div_trunc eq ne lt le gt ge logical_and
logical_or logical_xor bitwise_and bitwise_or bitwise_xor shift_left shift_right where
uniform normal randint sum prod amax amin any all cumsum cumprod argmax argmin sort
gather scatter iota index index_put count_nonzero matmul dot convolution""".split()


@pytest.fixture(scope="module")
def host() -> Any:
    """The CPU's kernels."""
    if not h.default_library().exists():
        pytest.skip("needs flambeau_cpu_mkl to be installed")
    return h.Backend()


@pytest.mark.parametrize("op", PRIMITIVES)
def test_has_every_primitive_for_every_dtype(k: Any, host: Any, op: str) -> None:
    mine, cpu = k.find(op), host.find(op)
    assert mine is not None
    assert cpu.dtypes & ~mine.dtypes == 0


SEED = [0x0123456789ABCDEF, -0x123456789ABCDEF0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize(
    "bounds", [(0.0, 1.0), (-1.0, 1.0), (-0.37, 2.911), (5.0, 5.25)]
)
def test_uniform_is_the_hosts_bit_for_bit(
    k: Any, host: Any, dtype: str, bounds: tuple[float, float]
) -> None:
    outs = []
    for device in (k, host):
        out = np.empty(10007, np.uint16 if dtype == "bfloat16" else dtype)
        out = out.view(h.Bfloat16) if dtype == "bfloat16" else out
        outs.append(np.asarray(device("uniform", out, attrs=[*bounds, *SEED])))
    assert np.array_equal(outs[0].view(np.uint8), outs[1].view(np.uint8))


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int16", "int64", "float16", "float32", "float64"]
)
@pytest.mark.parametrize("bounds", [(0, 2), (-7, 90), (0, 1 << 40)])
def test_randint_is_the_hosts(
    k: Any, host: Any, dtype: str, bounds: tuple[int, int]
) -> None:
    low, high = bounds
    if dtype != "int64" and high > 127:
        high = 100
    outs = [
        device("randint", np.empty(1003, dtype), attrs=[low, high, *SEED])
        for device in (k, host)
    ]
    assert np.array_equal(outs[0], outs[1])


class Forward:
    """Ends a test of convolutions where it comes to the gradients: no primitives."""

    def __init__(self, device: Any) -> None:
        self.device = device

    def __call__(self, op: str, out: Any, *ins: Any, attrs: Any = ()) -> None:
        if op != "convolution":
            raise StopIteration
        self.device(op, out, *ins, attrs=attrs)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("case", [0, 1, 3, 5, 6, 7, 8, 11, 16, 17, 18, 19])
def test_convolution(k: Any, case: int, dtype: str, transposed: bool) -> None:
    import test_conv as conv

    with pytest.raises(StopIteration):
        conv.test_convolution(Forward(k), conv.CASES[case], dtype, transposed)


@pytest.mark.parametrize("step", [3, -2])
@pytest.mark.parametrize("dtype", ["int16", "int64", "float16", "float32", "float64"])
def test_iota(k: Any, dtype: str, step: int) -> None:
    ints = dtype.startswith("int")
    attrs = [5, step] if ints else [complex(5, 0), complex(step / 4, 0)]
    out = k("iota", np.empty(100, dtype), attrs=attrs)
    want = 5 + np.arange(100) * (step if ints else step / 4)
    assert np.array_equal(out, want.astype(dtype))


def test_count_nonzero(k: Any) -> None:
    a = np.random.default_rng(0).integers(0, 3, (7, 9, 5))
    for view in (a, a.transpose(2, 0, 1)[::2, :, ::-1], a[:0]):
        out = k("count_nonzero", np.array(77), view)
        assert int(out) == np.count_nonzero(view)
