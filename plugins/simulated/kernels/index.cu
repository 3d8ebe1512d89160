// Reading and writing at places that tensors of indices tell.
#include "kernels/functors.h"

namespace simulated {
namespace {

// ---- gather, scatter: an index along one dimension --------------------------------

__device__ void report(int64_t index, int64_t size, int64_t dim, Trap* trap) {
  if (trap->code != Trap::kNone) return;
  *trap = {Trap::kIndex, index, dim, size};
}

__device__ bool is_inside(int64_t index, int64_t size, int64_t dim, Trap* trap) {
  if (index >= 0 && index < size) return true;
  report(index, size, dim, trap);
  return false;
}

// The indexed operand: its view with stride 0 along the dimension.
struct Along {
  View view;
  int64_t dim, size, stride;
};

Along along(const fl_tensor& t, int64_t dim) {
  Along a{view_of(t), dim < 0 ? dim + t.ndim : dim, 1, 0};
  if (t.ndim == 0) return a;
  a.size = t.sizes[a.dim];
  a.stride = t.strides[a.dim];
  a.view.strides[a.dim] = 0;
  return a;
}

template <class U>
__global__ void gather_kernel(Param<Shape> shape, Param<View> out, Param<Along> a,
                              Param<View> index, Trap* trap) {
  SIMT_GRID_LOOP(i, shape.numel) {
    const int64_t k = index.get<int64_t>(offset_of(shape, index, i));
    if (!is_inside(k, a.size, a.dim, trap)) continue;
    static_cast<U*>(out.data)[offset_of(shape, out, i)] =
        static_cast<const U*>(a.view.data)[offset_of(shape, a.view, i) + k * a.stride];
  }
}

void gather(const Launch& l) {
  const Shape shape = shape_of(l.in(1));
  for_bits(l.out().dtype, [&]<class U>(Type<U>) {
    SIMT_LAUNCH((gather_kernel<U>), shape.numel, shape, view_of(l.out()),
                along(l.in(0), l.attr(0).v.i), view_of(l.in(1)), l.trap);
  });
}

struct Set {
  template <class C>
  __device__ C operator()(C, C x) const {
    return x;
  }
};

template <class C, class F>
__global__ void scatter_kernel(Param<Shape> shape, Param<Along> out, Param<View> index,
                               Param<View> from, Trap* trap, F f) {
  SIMT_GRID_LOOP(i, shape.numel) {
    const int64_t k = index.get<int64_t>(offset_of(shape, index, i));
    if (!is_inside(k, out.size, out.dim, trap)) continue;
    const int64_t to = offset_of(shape, out.view, i) + k * out.stride;
    const C x = from.get<C>(offset_of(shape, from, i));
    out.view.put(to, static_cast<C>(f(out.view.get<C>(to), x)));
  }
}

enum Mode { kSet, kAdd, kMultiply, kMaximum, kMinimum };

template <class F, uint32_t Types>
void scatter_with(const Launch& l) {
  const Shape shape = shape_of(l.in(0));
  for_type<Types>(l.out().dtype, [&]<class C>(Type<C>) {
    SIMT_LAUNCH((scatter_kernel<C, F>), shape.numel, shape,
                along(l.out(), l.attr(0).v.i), view_of(l.in(0)), view_of(l.in(1)),
                l.trap, F{});
  });
}

void scatter(const Launch& l) {
  switch (l.attr(1).v.i) {
    case kSet:
      return scatter_with<Set, kAll>(l);
    case kAdd:
      return scatter_with<Add, kAll>(l);
    case kMultiply:
      return scatter_with<Mul, kAll>(l);
    case kMaximum:
      return scatter_with<Maximum, kOrdered>(l);
    default:
      return scatter_with<Minimum, kOrdered>(l);
  }
}

bool scatter_accepts(const fl_call& call) {
  return call.attr[1].v.i < kMaximum || ((kOrdered >> call.out[0].dtype) & 1) != 0;
}

// ---- index, index_put: several indices, which may count from the end --------------

constexpr int kMostIndices = 8;

struct Indices {
  int count;
  View views[kMostIndices];
  int64_t sizes[kMostIndices], strides[kMostIndices];

  // Adds what the indices of element i mean; false when one is out of range.
  __device__ bool offset(const Shape& shape, int64_t i, Trap* trap,
                         int64_t* offset) const {
    for (int k = 0; k < count; ++k) {
      const auto given = views[k].get<int64_t>(offset_of(shape, views[k], i));
      const int64_t index = given < 0 ? given + sizes[k] : given;
      if (index < 0 || index >= sizes[k]) {
        report(given, sizes[k], k, trap);
        return false;
      }
      *offset += index * strides[k];
    }
    return true;
  }
};

Indices indices_of(const Launch& l, int first, int count) {
  Indices x;
  x.count = count;
  for (int k = 0; k < count; ++k) {
    x.views[k] = view_of(l.in(first + k));
    x.sizes[k] = l.attr(0).v.ints[k];
    x.strides[k] = l.attr(1).v.ints[k];
  }
  return x;
}

template <class U>
__global__ void index_kernel(Param<Shape> shape, Param<View> out, Param<View> from,
                             Param<Indices> indices, Trap* trap) {
  SIMT_GRID_LOOP(i, shape.numel) {
    int64_t at = offset_of(shape, from, i);
    if (!indices.offset(shape, i, trap, &at)) continue;
    static_cast<U*>(out.data)[offset_of(shape, out, i)] =
        static_cast<const U*>(from.data)[at];
  }
}

void index(const Launch& l) {
  const Shape shape = shape_of(l.out());
  const Indices indices = indices_of(l, 1, l.call.n_in - 1);
  for_bits(l.out().dtype, [&]<class U>(Type<U>) {
    SIMT_LAUNCH((index_kernel<U>), shape.numel, shape, view_of(l.out()),
                view_of(l.in(0)), indices, l.trap);
  });
}

bool index_accepts(const fl_call& call) { return call.n_in - 1 <= kMostIndices; }

template <class C, class F>
__global__ void index_put_kernel(Param<Shape> shape, Param<View> out,
                                 Param<Indices> indices, Param<View> values, Trap* trap,
                                 F f) {
  SIMT_GRID_LOOP(i, shape.numel) {
    int64_t at = offset_of(shape, out, i);
    if (!indices.offset(shape, i, trap, &at)) continue;
    const C x = values.get<C>(offset_of(shape, values, i));
    out.put(at, static_cast<C>(f(out.get<C>(at), x)));
  }
}

void index_put(const Launch& l) {
  const Shape shape = shape_of(l.out());
  const int count = l.call.n_in - 1;
  const Indices indices = indices_of(l, 0, count);
  for_type<kAll>(l.out().dtype, [&]<class C>(Type<C>) {
    const View out = view_of(l.out()), values = view_of(l.in(count));
    if (l.attr(2).v.i != 0) {
      SIMT_LAUNCH((index_put_kernel<C, Add>), shape.numel, shape, out, indices, values,
                  l.trap, Add{});
    } else {
      SIMT_LAUNCH((index_put_kernel<C, Set>), shape.numel, shape, out, indices, values,
                  l.trap, Set{});
    }
  });
}

constexpr uint32_t kLists = 0b11;  // sizes and strides

}  // namespace

SIMULATED_FAMILY(index, {"gather", kAll, gather},
                 {"scatter", kAll, scatter, 0, nullptr, scatter_accepts},
                 {"index", kAll, index, kLists, nullptr, index_accepts},
                 {"index_put", kAll, index_put, kLists, nullptr, index_accepts});

}  // namespace simulated
