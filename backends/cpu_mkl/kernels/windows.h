// Windows over planes of one to three dimensions, for pooling.
#pragma once

#include <algorithm>
#include <limits>

#include "rows.h"
#include "threads.h"

namespace FL_ISA {

// Fewer than three spatial dimensions have 1 in front.
struct Planes {
  int64_t count;  // samples times channels
  int64_t in[3], out[3];
  int64_t in_size() const { return in[0] * in[1] * in[2]; }
  int64_t out_size() const { return out[0] * out[1] * out[2]; }
  int64_t grain(int64_t window) const {
    return std::max<int64_t>(1, 16384 / std::max<int64_t>(1, out_size() * window));
  }
};

inline int spatial_dims(const fl_tensor& t) { return t.ndim - 2; }

inline Planes planes_of(const fl_tensor& in, const fl_tensor& out) {
  Planes p;
  p.count = in.sizes[0] * in.sizes[1];
  const int dims = spatial_dims(in);
  for (int d = 0; d < 3; ++d) {
    const int from = d - (3 - dims);
    p.in[d] = from < 0 ? 1 : in.sizes[2 + from];
    p.out[d] = from < 0 ? 1 : out.sizes[2 + from];
  }
  return p;
}

struct Window {
  int64_t kernel[3], stride[3], pad[3], dil[3];
  int64_t volume() const { return kernel[0] * kernel[1] * kernel[2]; }
  // First input of output i along d, which may lie in the padding.
  int64_t start(int d, int64_t i) const { return i * stride[d] - pad[d]; }
};

// An attribute of one integer per dimension (or one for all), with `other` for those
// that are missing in front.
inline void read_ints(const fl_attr& a, int dims, int64_t other, int64_t (&to)[3]) {
  for (int d = 0; d < 3; ++d) {
    const int from = d - (3 - dims);
    to[d] = from < 0 || a.count == 0 ? other
                                     : a.v.ints[std::min<int64_t>(from, a.count - 1)];
  }
}

// The outputs [lo, hi) whose tap at `offset` along d lies inside the input.
inline void inside(const Planes& p, const Window& w, int d, int64_t offset, int64_t* lo,
                   int64_t* hi) {
  const int64_t first = w.pad[d] - offset, last = p.in[d] - 1 + first;
  *lo = first > 0 ? (first + w.stride[d] - 1) / w.stride[d] : 0;
  *hi = last < 0 ? 0 : std::min(p.out[d], last / w.stride[d] + 1);
  *lo = std::min(*lo, p.out[d]);
  *hi = std::max(*hi, *lo);
}

// f(stride) with the strides that matter most known to the compiler.
template <class F>
FL_INLINE void with_stride(int64_t stride, F&& f) {
  if (stride == 1)
    f(std::integral_constant<int64_t, 1>{});
  else if (stride == 2)
    f(std::integral_constant<int64_t, 2>{});
  else
    f(stride);
}

// f(plane) for all planes, over the threads.
template <class F>
void for_planes(const Planes& p, int64_t window, F&& f) {
  parallel_for(p.count, p.grain(window), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i);
  });
}

}  // namespace FL_ISA
