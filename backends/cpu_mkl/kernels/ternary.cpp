// Selection, clamping and products of three operands.
#include "complex.h"
#include "loops.h"

namespace FL_ISA {
namespace {

constexpr uint32_t kNumbers = kReal | kComplex;

// Bytes of a condition as a mask on lanes of I.
template <class I, class V>
FL_INLINE auto widen_mask(V condition) {
  return convert<I>(condition) != 0;
}

// Elements are moved and not computed with, so only their size counts.
fl_status where(const fl_call* call) {
  const auto choose_words = [](auto condition, auto a, auto b) {
    using I = Lane<Mask<decltype(a)>>;
    return widen_mask<I>(condition) ? a : b;
  };
  switch (dtype_size(call->in[1].dtype)) {
    case 1:
      return map<int8_t, boolean, int8_t, int8_t>(call, choose_words, kCheap, kRaw);
    case 2:
      return map<int16_t, boolean, int16_t, int16_t>(call, choose_words, kCheap, kRaw);
    case 4:
      return map<int32_t, boolean, int32_t, int32_t>(call, choose_words, kCheap, kRaw);
    case 8:
      return map<int64_t, boolean, int64_t, int64_t>(call, choose_words, kCheap, kRaw);
    default:
      return map<complex128, boolean, complex128, complex128>(
          call,
          [](auto condition, auto a, auto b) {
            return choose(widen_mask<int64_t>(condition), a, b);
          },
          kCheap, kRaw);
  }
}

// mask ? x * scale : 0
fl_status masked_scale(const fl_call* call) {
  return for_dtype<kFloats>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    const T scale = attr_f<T>(call, 0);
    return map<T, T, boolean>(call, [scale](auto x, auto mask) {
      using V = decltype(x);
      return widen_mask<Lane<Mask<V>>>(mask) ? x * scale : V{};
    });
  });
}

fl_status clamp(const fl_call* call) {
  const bool low = call->n_in > 1 && call->in[1].ndim >= 0;
  const bool high = call->n_in > 2 && call->in[2].ndim >= 0;
  fl_tensor in[3] = {call->in[0], {}, {}};
  fl_call with = copy_of(call);
  with.in = in;
  with.n_in = 1;
  if (low) in[with.n_in++] = call->in[1];
  if (high) in[with.n_in++] = call->in[2];
  return for_dtype<kReal | kBool>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    if (low && high) {
      return map<T, T, T, T>(
          &with, [](auto x, auto a, auto b) { return min_nan(max_nan(x, a), b); });
    }
    if (low) return map<T, T, T>(&with, [](auto x, auto a) { return max_nan(x, a); });
    if (high) return map<T, T, T>(&with, [](auto x, auto b) { return min_nan(x, b); });
    return map<T, T>(&with, [](auto x) { return x; });
  });
}

fl_status lerp(const fl_call* call) {
  return for_dtype<kFloats | kComplex>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    return map<T, T, T, T>(call, [](auto a, auto b, auto w) {
      using V = decltype(a);
      const V d = b - a;
      if constexpr (is_cvec<V>) {
        const V rest = {1 - w.re, -w.im};
        return choose(w.re * w.re + w.im * w.im < Real<T>(0.25), a + w * d,
                      b - d * rest);
      } else {
        // Exact at w = 0 and at w = 1.
        return abs_of(w) < T(0.5) ? a + w * d : b - d * (1 - w);
      }
    });
  });
}

// value as a factor for vectors like `a`.
template <class T, class V>
FL_INLINE auto factor(T value, V) {
  if constexpr (is_cvec<V>) {
    return csplat<Real<T>, lanes_of<decltype(V::re)>>(value);
  } else {
    return value;
  }
}

template <uint32_t Set, auto Op>
fl_status scaled(const fl_call* call) {
  return for_dtype<Set>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    const T value = attr_c<T>(call, 0);
    return map<T, T, T, T>(call, [value](auto a, auto b, auto c) {
      return a + Op(factor(value, a) * b, c);
    });
  });
}

}  // namespace

FL_FAMILY(ternary, {"where", where, kAll}, {"masked_scale", masked_scale, kFloats},
          {"clamp", clamp, kReal | kBool}, {"lerp", lerp, kFloats | kComplex},
          {"addcmul", scaled<kNumbers, [](auto b, auto c) { return b * c; }>, kNumbers},
          {"addcdiv", scaled<kFloats | kComplex, [](auto b, auto c) { return b / c; }>,
           kFloats | kComplex});

}  // namespace FL_ISA
