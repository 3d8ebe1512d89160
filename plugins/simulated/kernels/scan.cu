// Running sums and products, and the places of extremes, along one dimension: one
// thread for each line.
#include "kernels/functors.h"
#include "kernels/lines.h"

namespace simulated {
namespace {

struct Total {
  template <class T>
  __device__ static T next(T total, T x) {
    return Add{}(total, x);
  }
  static constexpr int kFirst = 0;
};

struct Product {
  template <class T>
  __device__ static T next(T total, T x) {
    return Mul{}(total, x);
  }
  static constexpr int kFirst = 1;
};

template <class C>
struct Wide {
  using type = C;
};
template <>
struct Wide<float> {
  using type = double;
};

template <class C, class Op>
__global__ void scan_kernel(Param<Lines> lines, Param<LineView> out,
                            Param<LineView> in) {
  using Acc = typename Wide<C>::type;
  SIMT_GRID_LOOP(i, lines.shape.numel) {
    const int64_t to = offset_of(lines.shape, out.view, i);
    const int64_t from = offset_of(lines.shape, in.view, i);
    Acc total = Acc(Op::kFirst);
    for (int64_t j = 0; j < lines.length; ++j) {
      total = Op::next(total, static_cast<Acc>(in.view.get<C>(from + j * in.step)));
      out.view.put(to + j * out.step, total);
    }
  }
}

template <class Op>
void scan(const Launch& l) {
  const Lines lines = lines_of(l.in(), l.attr(0).v.i);
  for_type<kNumbers>(l.in().dtype, [&]<class C>(Type<C>) {
    SIMT_LAUNCH((scan_kernel<C, Op>), lines.shape.numel, lines,
                line_view(l.out(), lines), line_view(l.in(), lines));
  });
}

// The first of equals; NaN before all.
template <class C, bool Max>
__global__ void extreme_kernel(Param<Lines> lines, Param<LineView> out,
                               Param<LineView> in) {
  SIMT_GRID_LOOP(i, lines.shape.numel) {
    const int64_t from = offset_of(lines.shape, in.view, i);
    C best = in.view.get<C>(from);
    int64_t at = 0;
    for (int64_t j = 1; j < lines.length && best == best; ++j) {
      const C x = in.view.get<C>(from + j * in.step);
      if (x != x || (Max ? x > best : x < best)) {
        best = x;
        at = j;
      }
    }
    out.view.put(offset_of(lines.shape, out.view, i), at);
  }
}

template <bool Max>
void extreme(const Launch& l) {
  const Lines lines = lines_of(l.in(), l.attr(0).v.i);
  if (lines.length == 0) return;
  for_type<kOrdered>(l.in().dtype, [&]<class C>(Type<C>) {
    SIMT_LAUNCH((extreme_kernel<C, Max>), lines.shape.numel, lines,
                line_view(l.out(), lines), line_view(l.in(), lines));
  });
}

}  // namespace

SIMULATED_FAMILY(scan, {"cumsum", kNumbers, scan<Total>},
                 {"cumprod", kNumbers, scan<Product>},
                 {"argmax", kOrdered, extreme<true>},
                 {"argmin", kOrdered, extreme<false>});

}  // namespace simulated
