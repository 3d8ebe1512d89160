// Random numbers: each element depends on the seed, the offset and its place alone.
#include "kernels/elements.h"
#include "kernels/philox.h"

namespace simulated {
namespace {

Philox philox_of(const fl_attr& seed, const fl_attr& offset) {
  return {static_cast<uint64_t>(seed.v.i), static_cast<uint64_t>(offset.v.i)};
}

// A value as it comes back from memory of a dtype.
template <class C>
__host__ __device__ C rounded(int dtype, C x) {
  char memory[8];
  store(memory, dtype, 0, x);
  return load<C>(memory, dtype, 0);
}

// The largest value below hi that the dtype has: the interval excludes hi, which
// rounding may reach.
template <class C>
C below(int dtype, C hi) {
  if (dtype == FL_FLOAT16 || dtype == FL_BFLOAT16) {
    uint16_t bits;
    store(&bits, dtype, 0, hi);
    const bool zero = (bits & 0x7FFF) == 0, negative = (bits >> 15) != 0;
    bits = static_cast<uint16_t>(zero ? 0x8001 : negative ? bits + 1 : bits - 1);
    return load<C>(&bits, dtype, 0);
  }
  return std::nextafter(hi, -std::numeric_limits<C>::infinity());
}

template <class C>
__global__ void uniform_kernel(int64_t n, Param<View> out, Philox philox, C lo, C range,
                               C top, C last) {
  SIMT_GRID_LOOP(i, n) {
    // The product and the sum are rounded each, as everywhere.
    const C x = rounded(out.dtype, lo + range * philox.unit(C(), i));
    out.put(i, x < top || !(lo < top) ? x : last);
  }
}

void uniform(const Launch& l) {
  const fl_tensor& t = l.out();
  const double lo = l.attr(0).v.f, hi = l.attr(1).v.f;
  for_type<kFloats>(t.dtype, [&]<class C>(Type<C>) {
    const C top = rounded(t.dtype, static_cast<C>(hi));
    SIMT_LAUNCH((uniform_kernel<C>), t.numel, t.numel, view_of(t),
                philox_of(l.attr(2), l.attr(3)), static_cast<C>(lo),
                static_cast<C>(hi - lo), top, below(t.dtype, top));
  });
}

// Box–Muller on the uniforms of a pair of elements.
template <class C>
__global__ void normal_kernel(int64_t n, Param<View> out, Philox philox, double mean,
                              double std) {
  SIMT_GRID_LOOP(i, n) {
    const int64_t pair = i / 2 * 2;
    const double u0 = philox.unit(C(), pair), u1 = philox.unit(C(), pair + 1);
    const double r = std::sqrt(-2 * std::log1p(-u0));
    const double angle = 6.283185307179586477 * u1;
    const double z = r * (i % 2 == 0 ? std::cos(angle) : std::sin(angle));
    out.put(i, static_cast<C>(mean + std * z));
  }
}

void normal(const Launch& l) {
  const fl_tensor& t = l.out();
  for_type<kFloats>(t.dtype, [&]<class C>(Type<C>) {
    SIMT_LAUNCH((normal_kernel<C>), t.numel, t.numel, view_of(t),
                philox_of(l.attr(2), l.attr(3)), l.attr(0).v.f, l.attr(1).v.f);
  });
}

__global__ void randint_kernel(int64_t n, Param<View> out, Philox philox, uint64_t lo,
                               uint64_t range) {
  SIMT_GRID_LOOP(i, n) {
    const uint64_t word = philox.word64(i);
    out.put(i, static_cast<int64_t>(lo + (range == 0 ? word : word % range)));
  }
}

void randint(const Launch& l) {
  const fl_tensor& t = l.out();
  const auto lo = static_cast<uint64_t>(l.attr(0).v.i);
  SIMT_LAUNCH(randint_kernel, t.numel, t.numel, view_of(t),
              philox_of(l.attr(2), l.attr(3)), lo,
              static_cast<uint64_t>(l.attr(1).v.i) - lo);
}

}  // namespace

SIMULATED_FAMILY(random, {"uniform", kFloats, uniform}, {"normal", kFloats, normal},
                 {"randint", kOrdered, randint});

}  // namespace simulated
