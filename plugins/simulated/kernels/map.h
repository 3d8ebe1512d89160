// Pointwise kernels: a functor over one, two or three operands of one computing type.
#pragma once

#include "kernels/elements.h"

namespace simulated {

template <class C, class F>
__global__ void map1_kernel(Param<Shape> shape, Param<View> out, Param<View> a, F f) {
  SIMT_GRID_LOOP(i, shape.numel) {
    const C x = a.get<C>(offset_of(shape, a, i));
    out.put(offset_of(shape, out, i), f(x));
  }
}

template <class C, class F>
__global__ void map2_kernel(Param<Shape> shape, Param<View> out, Param<View> a,
                            Param<View> b, F f) {
  SIMT_GRID_LOOP(i, shape.numel) {
    const C x = a.get<C>(offset_of(shape, a, i));
    const C y = b.get<C>(offset_of(shape, b, i));
    out.put(offset_of(shape, out, i), f(x, y));
  }
}

// Runs F over all operands of the call, for the dtypes of Set.
template <class F, uint32_t Set>
void map1(const Launch& l) {
  const Shape shape = shape_of(l.out());
  for_type<Set>(l.in().dtype, [&]<class C>(Type<C>) {
    SIMT_LAUNCH((map1_kernel<C, F>), shape.numel, shape, view_of(l.out()),
                view_of(l.in()), F{});
  });
}

template <class F, uint32_t Set>
void map2(const Launch& l) {
  const Shape shape = shape_of(l.out());
  for_type<Set>(l.in().dtype, [&]<class C>(Type<C>) {
    SIMT_LAUNCH((map2_kernel<C, F>), shape.numel, shape, view_of(l.out()),
                view_of(l.in(0)), view_of(l.in(1)), F{});
  });
}

}  // namespace simulated
