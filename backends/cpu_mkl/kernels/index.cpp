// `gather`, `scatter`, `index`, `index_put`, `index_select`, `index_add` and
// `embedding`: reading and writing at indices.

#include "elements.h"
#include "indexed.h"
#include "loops.h"
#include "registry.h"
#include "walk.h"

namespace FL_ISA {
namespace {

// ---- reading
// -------------------------------------------------------------------------

// Of a row, the elements at some offsets.
template <class T>
struct TakeElements {
  T* y;
  const T* x;
  bool past;  // whether the result goes past the caches

  void operator()(int64_t j, int64_t offset) const { y[j] = x[offset]; }

  template <int N, class Stride>
    requires(N * sizeof(T) == kWidth)
  void several(int64_t j, const int64_t* index, Stride stride) const {
    Vec<T> v;
#pragma GCC unroll 16
    for (int k = 0; k < N; k++) v[k] = x[index[k] * stride];
    past ? stream(y + j, v) : store(y + j, v);
  }
};

// out = self[indices]; operands of the walk: out, self, indices.
fl_status take(const fl_call* call, const Walk& walk, Indexed& indexed, int dtype) {
  const int64_t n = walk.inner_size();
  const int64_t to_step = walk.inner_stride(0), step = walk.inner_stride(1);
  return for_bits(dtype, [&]<class T>(Type<T>) {
    T* const to = data_of<T>(call->out[0]);
    const T* const from = data_of<const T>(call->in[0]);
    const int64_t bytes = n * static_cast<int64_t>(sizeof(T));
    const bool large = bytes * walk.rows() >= kStreamBytes;
    const bool stream = bytes >= 256 && large;
    const auto row = [=](const int64_t* at, int64_t offset) {
      T* y = to + at[0];
      const T* x = from + at[1] + offset;
      if (to_step == 1 && step == 1) {
        if (stream) return stream_copy(y, x, bytes);
        std::memcpy(y, x, static_cast<size_t>(bytes));
      } else {
        for (int64_t j = 0; j < n; j++) y[j * to_step] = x[j * step];
      }
    };
    // Most of a short row is read, in no order that a processor foresees: it is fetched
    // while the one before it is read.
    constexpr int64_t kShortRow = 8192;
    const int64_t span = indexed.sizes[0] * indexed.strides[0] * int64_t{sizeof(T)};
    const int64_t ahead =
        span <= kShortRow && 4 * bytes >= span ? walk.outer_stride(1) : 0;
    const auto elements = [=](const int64_t* at, int64_t begin) {
      if (ahead != 0) prefetch_row(from + at[1] + ahead, span, kShortRow);
      T* const y = to + at[0] + begin;
      const bool past = large && reinterpret_cast<uintptr_t>(y) % kWidth == 0;
      return TakeElements<T>{y, from + at[1], past};
    };
    const auto block = [=](const int64_t* at, int64_t j, int64_t m, const int64_t* o) {
      T* __restrict y = to + at[0] + j * to_step;
      const T* x = from + at[1] + j * step;
      if (to_step == 1 && step == 0) {
        for (int64_t i = 0; i < m; i++) y[i] = x[o[i]];
      } else {
        for (int64_t i = 0; i < m; i++) y[i * to_step] = x[i * step + o[i]];
      }
    };
    const auto fetch = [=](int64_t offset) {
      if (step == 1) prefetch_row(from + offset, bytes);
    };
    visit<true>(walk, 2, indexed, to_step == 1 && step == 0, row, elements, block,
                fetch);
    if (large) stream_fence();
    return FL_OK;
  });
}

// ---- writing
// -------------------------------------------------------------------------

struct Set {
  template <class T>
  static T apply(T, T x) {
    return x;
  }
};
struct Add {
  template <class T>
  static T apply(T a, T x) {
    if constexpr (std::is_same_v<T, bool>) {
      return a || x;
    } else {
      return static_cast<T>(a + x);
    }
  }
};
struct AddScaled {
  double alpha;
  template <class T>
  T apply(T a, T x) const {
    if constexpr (std::is_same_v<T, bool>) {
      return a || (x && alpha != 0);
    } else if constexpr (is_complex_type<T>) {
      return a + x * static_cast<typename T::value_type>(alpha);
    } else {
      return static_cast<T>(a + x * static_cast<T>(alpha));
    }
  }
};
struct Multiply {
  template <class T>
  static T apply(T a, T x) {
    if constexpr (std::is_same_v<T, bool>) {
      return a && x;
    } else {
      return static_cast<T>(a * x);
    }
  }
};
struct Maximum {
  template <class T>
  static T apply(T a, T x) {
    return !(a >= x) && a == a ? x : a;
  }
};
struct Minimum {
  template <class T>
  static T apply(T a, T x) {
    return !(a <= x) && a == a ? x : a;
  }
};

template <class Op, class T>
inline void combine(Op op, T& to, T x) {
  if constexpr (std::is_same_v<Op, Set>) {
    to = x;
  } else {
    to = narrow<T>(op.apply(widen(to), widen(x)));
  }
}

// out[indices] op= values, in the order of the walk, so that the result with duplicates
// does not depend on threads; operands of the walk: out, values, indices.
template <class Op, class T>
fl_status put(const Walk& walk, Indexed& indexed, T* to, const T* from, Op op = {}) {
  const int64_t n = walk.inner_size();
  const int64_t to_step = walk.inner_stride(0), step = walk.inner_stride(1);
  const auto row = [=](const int64_t* at, int64_t offset) {
    T* y = to + at[0] + offset;
    const T* x = from + at[1];
    if (to_step == 1 && step == 1) {
#pragma GCC ivdep
      for (int64_t j = 0; j < n; j++) combine(op, y[j], x[j]);
    } else {
      for (int64_t j = 0; j < n; j++) combine(op, y[j * to_step], x[j * step]);
    }
  };
  const auto elements = [=](const int64_t* at, int64_t begin) {
    return [op, y = to + at[0], x = from + at[1] + begin](int64_t j, int64_t offset) {
      combine(op, y[offset], x[j]);
    };
  };
  const auto block = [=](const int64_t* at, int64_t j, int64_t m, const int64_t* o) {
    T* y = to + at[0] + j * to_step;
    const T* x = from + at[1] + j * step;
    if (to_step == 0 && step == 1) {
      for (int64_t i = 0; i < m; i++) combine(op, y[o[i]], x[i]);
    } else {
      for (int64_t i = 0; i < m; i++) combine(op, y[i * to_step + o[i]], x[i * step]);
    }
  };
  const auto fetch = [=](int64_t offset) {
    if (to_step == 1) prefetch_row(to + offset, n * static_cast<int64_t>(sizeof(T)));
  };
  visit<false>(walk, 2, indexed, to_step == 0 && step == 1, row, elements, block,
               fetch);
  return FL_OK;
}

enum Mode : int64_t { kSet, kAdd, kMultiply, kMaximum, kMinimum };

fl_status put_mode(const Walk& walk, Indexed& indexed, const fl_tensor& out,
                   const fl_tensor& values, int64_t mode) {
  if (mode == kSet) {
    return for_bits(out.dtype, [&]<class T>(Type<T>) {
      return put<Set>(walk, indexed, data_of<T>(out), data_of<const T>(values));
    });
  }
  return for_dtype<kAll>(out.dtype, [&]<class T>(Type<T>) -> fl_status {
    T* to = data_of<T>(out);
    const T* from = data_of<const T>(values);
    if (mode == kAdd) return put<Add>(walk, indexed, to, from);
    if (mode == kMultiply) return put<Multiply>(walk, indexed, to, from);
    if constexpr (!is_complex_type<T>) {
      if (mode == kMaximum) return put<Maximum>(walk, indexed, to, from);
      if (mode == kMinimum) return put<Minimum>(walk, indexed, to, from);
    }
    return FL_UNSUPPORTED;
  });
}

// ---- kernels
// -------------------------------------------------------------------------

fl_status result(const fl_call* call, const Indexed& indexed, fl_status status,
                 int64_t first_dim) {
  if (status != FL_OK || !indexed.failed) return status;
  return index_error(call, indexed.bad_index, first_dim + indexed.bad,
                     indexed.sizes[indexed.bad]);
}

// Where the dimension that is indexed lies.
struct Along {
  int64_t dim, size, stride;
  Along(const fl_tensor& t, int64_t d)
      : dim(d < 0 ? d + t.ndim : d),
        size(t.ndim == 0 ? 1 : t.sizes[dim]),
        stride(t.ndim == 0 ? 1 : t.strides[dim]) {}
  Indexed indexed(const fl_tensor& index) const {
    return {1, false, &size, &stride, {data_of<const int64_t>(index)}};
  }
};

// out = a at index along dim; the index has the sizes of out.
fl_status gather_from(const fl_call* call, const fl_tensor& out, const fl_tensor& a,
                      const fl_tensor& index, int64_t dim) {
  if (out.numel == 0) return FL_OK;
  if (index.ndim > kMaxDims) return FL_UNSUPPORTED;
  const Along along(a, dim);
  Indexed indexed = along.indexed(index);
  Walk walk(index);
  walk.add(out);
  walk.add(a, along.dim);
  walk.add(index);
  walk.plan(out.strides);
  return result(call, indexed, take(call, walk, indexed, a.dtype), along.dim);
}

fl_status gather(const fl_call* call) {
  return gather_from(call, call->out[0], call->in[0], call->in[1], call->attr[0].v.i);
}

// A walk for writing into out along dim: over the sizes of the index.
Walk writing(const fl_tensor& out, const fl_tensor& src, const fl_tensor& index,
             int64_t dim) {
  Walk walk(index);
  walk.add(out, dim);
  walk.add(src);
  walk.add(index);
  walk.plan(out.strides);
  return walk;
}

fl_status scatter(const fl_call* call) {
  const fl_tensor &index = call->in[0], &src = call->in[1], &out = call->out[0];
  if (index.numel == 0) return FL_OK;
  if (index.ndim > kMaxDims) return FL_UNSUPPORTED;
  const Along along(out, call->attr[0].v.i);
  Indexed indexed = along.indexed(index);
  const Walk walk = writing(out, src, index, along.dim);
  return result(call, indexed, put_mode(walk, indexed, out, src, call->attr[1].v.i),
                along.dim);
}

// A 1-D index seen with the sizes of another tensor, changing along one dimension only.
struct Spread {
  int64_t strides[kMaxDims] = {};
  fl_tensor tensor;
  Spread(const fl_tensor& index, const fl_tensor& shape, int64_t dim) : tensor(index) {
    if (shape.ndim > 0) strides[dim] = index.ndim == 0 ? 0 : index.strides[0];
    tensor.sizes = shape.sizes;
    tensor.strides = strides;
    tensor.ndim = shape.ndim;
    tensor.numel = shape.numel;
  }
};

fl_status index_select(const fl_call* call) {
  const fl_tensor &a = call->in[0], &out = call->out[0];
  if (out.ndim > kMaxDims) return FL_UNSUPPORTED;
  const Along along(a, call->attr[0].v.i);
  const Spread index(call->in[1], out, along.dim);
  return gather_from(call, out, a, index.tensor, along.dim);
}

fl_status index_add(const fl_call* call) {
  const fl_tensor &src = call->in[1], &out = call->out[0];
  if (src.numel == 0) return FL_OK;
  if (src.ndim > kMaxDims) return FL_UNSUPPORTED;
  const Along along(out, call->attr[0].v.i);
  const Spread index(call->in[0], src, along.dim);
  Indexed indexed = along.indexed(index.tensor);
  const Walk walk = writing(out, src, index.tensor, along.dim);
  const double alpha = call->attr[1].v.f;
  const auto status = for_dtype<kAll>(out.dtype, [&]<class T>(Type<T>) {
    T* to = data_of<T>(out);
    const T* from = data_of<const T>(src);
    return alpha == 1 ? put<Add>(walk, indexed, to, from)
                      : put(walk, indexed, to, from, AddScaled{alpha});
  });
  return result(call, indexed, status, along.dim);
}

fl_status embedding(const fl_call* call) {
  const fl_tensor &weight = call->in[0], &index = call->in[1];
  // Seen as [numbers of indices, d].
  const int64_t sizes[2] = {index.numel, weight.sizes[1]}, strides[2] = {sizes[1], 1};
  const int64_t index_strides[2] = {1, 0};
  fl_tensor out = call->out[0], rows = index;
  out.ndim = rows.ndim = 2;
  out.sizes = rows.sizes = sizes;
  out.strides = strides;
  rows.strides = index_strides;
  return gather_from(call, out, weight, rows, 0);
}

fl_status index(const fl_call* call) {
  const fl_tensor& out = call->out[0];
  const int count = call->n_in - 1;
  if (out.numel == 0) return FL_OK;
  if (count + 2 > kWalkOperands || out.ndim > kMaxDims) return FL_UNSUPPORTED;
  Indexed indexed{count, true, call->attr[0].v.ints, call->attr[1].v.ints, {}};
  Walk walk(out);
  walk.add(out);
  walk.add(call->in[0]);
  for (int k = 0; k < count; k++) {
    walk.add(call->in[1 + k]);
    indexed.data[k] = data_of<const int64_t>(call->in[1 + k]);
  }
  walk.plan(nullptr);
  return result(call, indexed, take(call, walk, indexed, out.dtype), 0);
}

fl_status index_put(const fl_call* call) {
  const int count = call->n_in - 1;
  const fl_tensor &out = call->out[0], &values = call->in[count];
  if (out.numel == 0) return FL_OK;
  if (count + 2 > kWalkOperands || out.ndim > kMaxDims) return FL_UNSUPPORTED;
  Indexed indexed{count, true, call->attr[0].v.ints, call->attr[1].v.ints, {}};
  Walk walk(out);
  walk.add(out);
  walk.add(values);
  for (int k = 0; k < count; k++) {
    walk.add(call->in[k]);
    indexed.data[k] = data_of<const int64_t>(call->in[k]);
  }
  walk.plan(nullptr);
  const int64_t mode = call->attr[2].v.i != 0 ? kAdd : kSet;
  return result(call, indexed, put_mode(walk, indexed, out, values, mode), 0);
}

}  // namespace

// The main dtype of those that write is that of their first operand: an index.
FL_FAMILY(index, {"gather", gather, kAll}, {"scatter", scatter, kAll},
          {"index", index, kAll}, {"index_put", index_put, kAll},
          {"index_select", index_select, kAll}, {"index_add", index_add, kAll},
          {"embedding", embedding, kAll});

}  // namespace FL_ISA
