// Copies with conversion between dtypes, filling, and building complex numbers.
#include <algorithm>

#include "complex.h"
#include "loops.h"

namespace FL_ISA {
namespace {

// One element as a C cast does it; floating to small integers goes through int32, so
// that values out of range wrap as they do on the processor.
template <class Out, class In>
FL_INLINE Out cast(In x) {
  if constexpr (is_complex<In>) {
    if constexpr (is_complex<Out>) {
      return Out(static_cast<Real<Out>>(x.real()), static_cast<Real<Out>>(x.imag()));
    } else if constexpr (std::is_same_v<Out, boolean>) {
      return boolean{x.real() != 0 || x.imag() != 0};
    } else {
      return cast<Out>(x.real());
    }
  } else if constexpr (is_complex<Out>) {
    return Out(cast<Real<Out>>(x), 0);
  } else if constexpr (std::is_same_v<In, boolean>) {
    return cast<Out>(static_cast<uint8_t>(x.value != 0));
  } else if constexpr (std::is_same_v<Out, boolean>) {
    return boolean{x != 0};
  } else if constexpr (std::is_floating_point_v<In> && sizeof(Out) < 4) {
    return static_cast<Out>(static_cast<int32_t>(x));
  } else {
    return static_cast<Out>(x);
  }
}

// Casts done by vectors here, and not by the compiler: those between floating-point
// numbers and 64-bit integers, for which there is no instruction before AVX-512 (they
// go through int32, or the mantissa of a large double), and those that write much.
template <class Out, class In>
inline constexpr bool by_vectors = false;
#if !defined(__AVX512F__)
template <>
inline constexpr bool by_vectors<int64_t, float> = true;
template <>
inline constexpr bool by_vectors<int64_t, double> = true;
template <>
inline constexpr bool by_vectors<float, int64_t> = true;
template <>
inline constexpr bool by_vectors<double, int64_t> = true;
template <>
inline constexpr bool by_vectors<double, float> = true;
#endif

constexpr double kWhole = 0x1.8p52;  // the last bit of its mantissa is 1

template <class V>
FL_INLINE void put(void* p, V v, bool past) {
  past ? stream(p, v) : store(p, v);
}

template <class V>
FL_INLINE bool cast_vector(int64_t* out, V x, bool past) {
  using F = Lane<V>;
  constexpr int n = lanes_of<V>;
  constexpr F limit = std::is_same_v<F, float> ? F(0x1p31) : F(0x1p51);
  if (any_lane(~(abs_of(x) < limit))) return false;
  if constexpr (std::is_same_v<F, float>) {
    Vec<int32_t, n / 2> half[2];
    const auto whole = __builtin_convertvector(x, Vec<int32_t, n>);
    std::memcpy(half, &whole, sizeof(whole));
    put(out, convert<int64_t>(half[0]), past);
    put(out + n / 2, convert<int64_t>(half[1]), past);
  } else {
    using I = Vec<int64_t, n>;
    put(out, (I)(round_to<3>(x) + kWhole) - (I)(V{} + kWhole), past);
  }
  return true;
}

template <class Out, class V>
FL_INLINE bool cast_vector(Out* out, V x, bool past)
  requires std::is_floating_point_v<Out> && std::is_integral_v<Lane<V>>
{
  constexpr uint64_t limit = uint64_t{1} << 51;
  if (any_lane((bits_as<uint64_t>(x) + limit) >> 52)) return false;
  using D = Vec<double, lanes_of<V>>;
  // A double holds such numbers exactly: rounding to float is done once.
  put(out, convert<Out>((D)(x + (V)(D{} + kWhole)) - kWhole), past);
  return true;
}

template <class V>
FL_INLINE bool cast_vector(double* out, V x, bool past)
  requires is_float_vec<V>
{
  put(out, convert<double>(x), past);
  return true;
}

template <class Out, class In>
FL_INLINE int64_t cast_vectors(Out* out, const In* in, int64_t n, bool past) {
  constexpr int N = kWidth / (std::is_same_v<Out, double> ? 8 : sizeof(In));
  using V = Vec<In, N>;
  int64_t i = 0;
  for (; i + N <= n; i += N) {
    if (cast_vector(out + i, load<V>(in + i), past)) continue;
    for (int k = 0; k < N; ++k) out[i + k] = static_cast<Out>(in[i + k]);
  }
  return i;
}

template <class Out, class In>
void cast_row(char* const* p, const int64_t* step, int64_t n, const void*) {
  auto* __restrict out = reinterpret_cast<Out*>(p[0]);
  const auto* __restrict in = reinterpret_cast<const In*>(p[1]);
  if (step[1] == 0) {
    std::fill_n(out, n, cast<Out>(in[0]));
    return;
  }
  int64_t i = 0;
  if constexpr (by_vectors<Out, In>) i = cast_vectors(out, in, n, step[0] == kPast);
  for (; i < n; ++i) out[i] = cast<Out>(in[i]);
}

// Between float and halves, which reach the row as they are.
template <int kDtype>
void narrow_halves(char* const* p, const int64_t* step, int64_t n, const void*) {
  const auto* in = reinterpret_cast<const float*>(p[1]);
  if (step[1] != 0) return narrow_row(kDtype, p[0], in, n, step[0] == kPast);
  uint16_t half;
  narrow_row(kDtype, &half, in, 1);
  std::fill_n(reinterpret_cast<uint16_t*>(p[0]), n, half);
}

template <int kDtype>
void widen_halves(char* const* p, const int64_t* step, int64_t n, const void*) {
  auto* out = reinterpret_cast<float*>(p[0]);
  if (step[1] != 0) return widen_row(kDtype, out, p[1], n, step[0] == kPast);
  widen_row(kDtype, out, p[1], 1);
  std::fill_n(out, n, out[0]);
}

// The row that converts between these dtypes with no buffer of floats, or null.
RowFn half_row(int to, int from) {
  if (from == FL_FLOAT32 && to == FL_FLOAT16) return narrow_halves<FL_FLOAT16>;
  if (from == FL_FLOAT32 && to == FL_BFLOAT16) return narrow_halves<FL_BFLOAT16>;
  if (to == FL_FLOAT32 && from == FL_FLOAT16) return widen_halves<FL_FLOAT16>;
  if (to == FL_FLOAT32 && from == FL_BFLOAT16) return widen_halves<FL_BFLOAT16>;
  return nullptr;
}

fl_status copy(const fl_call* call) {
  const fl_tensor &out = call->out[0], &in = call->in[0];
  if (out.dtype == in.dtype) {
    return pointwise(call, copy_row_of(in.dtype), nullptr, kCheap, kRaw | kCopy);
  }
  if (const RowFn row = half_row(out.dtype, in.dtype); row != nullptr) {
    return pointwise(call, row, nullptr, kCheap, kRaw | kDirect);
  }
  return for_dtype<kAll>(out.dtype, [&](auto to) {
    return for_dtype<kAll>(in.dtype, [&](auto from) {
      using Out = Compute<typename decltype(to)::type>;
      using In = Compute<typename decltype(from)::type>;
      return pointwise(call, cast_row<Out, In>, nullptr, kCheap,
                       by_vectors<Out, In> ? uint32_t{kDirect} : 0u);
    });
  });
}

template <auto Op>
fl_status build(const fl_call* call) {
  return for_dtype<kSingles>(call->in[0].dtype, [&](auto t) {
    using T = typename decltype(t)::type;
    return map<std::complex<T>, T, T>(call, Op);
  });
}

template <class V>
using ComplexOf = CVec<Lane<V>, lanes_of<V>>;

constexpr auto cartesian = [](auto re, auto im) {
  return ComplexOf<decltype(re)>{re, im};
};
constexpr auto polar = [](auto r, auto angle) {
  return ComplexOf<decltype(r)>{r * vcos(angle), r * vsin(angle)};
};

}  // namespace

FL_FAMILY(copy, {"copy", copy, kAll}, {"fill", copy, kAll},
          {"make_complex", build<cartesian>, kSingles},
          {"polar", build<polar>, kSingles});

}  // namespace FL_ISA
