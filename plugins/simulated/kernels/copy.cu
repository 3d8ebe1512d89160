// Copies with conversion, filling, sequences, selection, and complex numbers from
// parts.
#include "kernels/elements.h"

namespace simulated {
namespace {

template <class C>
__global__ void convert_kernel(Param<Shape> shape, Param<View> out, Param<View> in) {
  SIMT_GRID_LOOP(i, shape.numel) {
    out.put(offset_of(shape, out, i), in.get<C>(offset_of(shape, in, i)));
  }
}

template <class U>
__global__ void move_kernel(Param<Shape> shape, Param<View> out, Param<View> in) {
  SIMT_GRID_LOOP(i, shape.numel) {
    static_cast<U*>(out.data)[offset_of(shape, out, i)] =
        static_cast<const U*>(in.data)[offset_of(shape, in, i)];
  }
}

void copy(const Launch& l) {
  const Shape shape = shape_of(l.out());
  const View out = view_of(l.out()), in = view_of(l.in());
  if (l.out().dtype == l.in().dtype) {
    for_bits(l.out().dtype, [&]<class U>(Type<U>) {
      SIMT_LAUNCH((move_kernel<U>), shape.numel, shape, out, in);
    });
    return;
  }
  for_type<kAll>(l.in().dtype, [&]<class C>(Type<C>) {
    SIMT_LAUNCH((convert_kernel<C>), shape.numel, shape, out, in);
  });
}

template <class U>
__global__ void where_kernel(Param<Shape> shape, Param<View> out, Param<View> condition,
                             Param<View> a, Param<View> b) {
  SIMT_GRID_LOOP(i, shape.numel) {
    const bool first = condition.get<bool>(offset_of(shape, condition, i));
    const View& from = first ? a : b;
    static_cast<U*>(out.data)[offset_of(shape, out, i)] =
        static_cast<const U*>(from.data)[offset_of(shape, from, i)];
  }
}

void where(const Launch& l) {
  const Shape shape = shape_of(l.out());
  for_bits(l.out().dtype, [&]<class U>(Type<U>) {
    SIMT_LAUNCH((where_kernel<U>), shape.numel, shape, view_of(l.out()),
                view_of(l.in(0)), view_of(l.in(1)), view_of(l.in(2)));
  });
}

__global__ void iota_ints_kernel(int64_t n, Param<View> out, int64_t start,
                                 int64_t step) {
  SIMT_GRID_LOOP(i, n) {
    out.put(i * out.strides[0], static_cast<int64_t>(static_cast<uint64_t>(start) +
                                                     static_cast<uint64_t>(i) *
                                                         static_cast<uint64_t>(step)));
  }
}

template <class C>
__global__ void iota_kernel(int64_t n, Param<View> out, C start, C step) {
  SIMT_GRID_LOOP(i, n) {
    out.put(i * out.strides[0], start + step * static_cast<Real<C>>(i));
  }
}

void iota(const Launch& l) {
  const fl_tensor& t = l.out();
  const View out = view_of(t);
  const fl_attr &start = l.attr(0), &step = l.attr(1);
  if ((kInts >> t.dtype) & 1) {
    SIMT_LAUNCH(iota_ints_kernel, t.numel, t.numel, out, start.v.i, step.v.i);
  } else if ((kComplex >> t.dtype) & 1) {
    SIMT_LAUNCH((iota_kernel<Complex128>), t.numel, t.numel, out,
                Complex128(start.v.c[0], start.v.c[1]),
                Complex128(step.v.c[0], step.v.c[1]));
  } else {
    SIMT_LAUNCH((iota_kernel<double>), t.numel, t.numel, out, start.v.c[0],
                step.v.c[0]);
  }
}

template <class T>
__global__ void complex_kernel(Param<Shape> shape, Param<View> out, Param<View> re,
                               Param<View> im) {
  SIMT_GRID_LOOP(i, shape.numel) {
    out.put(offset_of(shape, out, i),
            std::complex<T>(re.get<T>(offset_of(shape, re, i)),
                            im.get<T>(offset_of(shape, im, i))));
  }
}

constexpr uint32_t kSingles = FL_DTYPE_BIT(FL_FLOAT32) | FL_DTYPE_BIT(FL_FLOAT64);

void make_complex(const Launch& l) {
  const Shape shape = shape_of(l.out());
  for_type<kSingles>(l.in().dtype, [&]<class T>(Type<T>) {
    if constexpr (std::is_floating_point_v<T>) {
      SIMT_LAUNCH((complex_kernel<T>), shape.numel, shape, view_of(l.out()),
                  view_of(l.in(0)), view_of(l.in(1)));
    }
  });
}

}  // namespace

SIMULATED_FAMILY(copy, {"copy", kAll, copy}, {"fill", kAll, copy},
                 {"where", kAll, where}, {"iota", kAll, iota},
                 {"make_complex", kSingles, make_complex});

}  // namespace simulated
