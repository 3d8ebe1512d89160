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

template <class Out, class In>
void cast_row(char* const* p, const int64_t* step, int64_t n, const void*) {
  auto* __restrict out = reinterpret_cast<Out*>(p[0]);
  const auto* __restrict in = reinterpret_cast<const In*>(p[1]);
  if (step[1] == 0) {
    std::fill_n(out, n, cast<Out>(in[0]));
    return;
  }
  for (int64_t i = 0; i < n; ++i) out[i] = cast<Out>(in[i]);
}

fl_status copy(const fl_call* call) {
  const fl_tensor &out = call->out[0], &in = call->in[0];
  if (out.dtype == in.dtype) {
    return pointwise(call, copy_row_of(in.dtype), nullptr, kCheap, kRaw | kCopy);
  }
  return for_dtype<kAll>(out.dtype, [&](auto to) {
    return for_dtype<kAll>(in.dtype, [&](auto from) {
      using Out = Compute<typename decltype(to)::type>;
      using In = Compute<typename decltype(from)::type>;
      return pointwise(call, cast_row<Out, In>, nullptr, kCheap);
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
