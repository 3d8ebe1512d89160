// Small helpers that the op records share: stack-allocated lists, kernel names resolved
// once, and gradients of joint derivatives put in their place.
#pragma once

#include <algorithm>

#include "autograd/node.h"
#include "flambeau/iter.h"
#include "ops/ops.h"

namespace fl {

// A list of dims or sizes that lives on the stack.
struct Dims {
  int64_t v[kMaxDims];
  int n = 0;
  Dims() = default;
  Dims(IntList l) { assign(l); }
  void assign(IntList l) {
    check(l.size() <= kMaxDims, "tensors have at most ", kMaxDims, " dimensions");
    n = static_cast<int>(l.size());
    std::copy(l.begin(), l.end(), v);
  }
  void push(int64_t x) {
    check(n < kMaxDims, "tensors have at most ", kMaxDims, " dimensions");
    v[n++] = x;
  }
  int64_t& operator[](int64_t i) { return v[i]; }
  int64_t operator[](int64_t i) const { return v[i]; }
  operator IntList() const { return IntList(v, n); }
  void insert(int64_t at, int64_t x) {
    push(0);
    for (int64_t i = n - 1; i > at; --i) v[i] = v[i - 1];
    v[at] = x;
  }
  void erase(int64_t at) {
    for (int64_t i = at; i + 1 < n; ++i) v[i] = v[i + 1];
    --n;
  }
};

// kernel<"matmul">(): the id of a kernel, looked up once.
template <size_t N>
struct KernelName {
  char text[N];
  constexpr KernelName(const char (&s)[N]) { std::copy(s, s + N, text); }
};
template <KernelName name>
KernelId kernel() {
  static const KernelId id = intern_kernel(name.text);
  return id;
}

// Sizes and strides of an operand that the record makes up: a matrix seen as a batch of
// one, rows seen as a matrix.  Must outlive the kernel call.
struct Geometry {
  int64_t sizes[8], strides[8];
  fl_tensor of(const Tensor& t, IntList size, IntList stride) {
    std::copy(size.begin(), size.end(), sizes);
    std::copy(stride.begin(), stride.end(), strides);
    fl_tensor v = view_of(t);
    v.sizes = sizes;
    v.strides = strides;
    v.ndim = static_cast<int32_t>(size.size());
    v.numel = count(size);
    return v;
  }
  // Row-major over the tensor's (contiguous) memory.
  fl_tensor rows(const Tensor& t, IntList size) {
    int64_t s[8];
    contiguous_strides(size, s);
    return of(t, size, IntList(s, size.size()));
  }
};

// Puts the gradient of argument `arg` (item `item` of a list) where a joint derivative
// owes it.
inline void put(Grad& g, std::vector<Tensor>& out, int arg, Tensor grad, int item = 0) {
  const auto& inputs = g.node.inputs;
  if (out.size() < inputs.size()) out.resize(inputs.size());
  for (size_t k = 0; k < inputs.size(); ++k) {
    if (inputs[k].arg == arg && (inputs[k].item == item || inputs[k].item < 0)) {
      out[k] = std::move(grad);
      return;
    }
  }
}

// The tensor with gradients cut off and the values unchanged.
inline Tensor no_grad_of(const Tensor& t) { return detach_alias(t); }

inline int64_t wrap_index(int64_t i, int64_t size, const char* op, const char* arg) {
  check(i >= -size && i < size, ErrorKind::Index, op, ": expected ", arg, " in [",
        -size, ", ", size - 1, "], got ", i);
  return i < 0 ? i + size : i;
}

inline void check_same_dtype(const char* op, const char* a, const Tensor& x,
                             const char* b, const Tensor& y) {
  check(x.dtype() == y.dtype(), op, ": expected '", a, "' and '", b,
        "' to have the same dtype, got ", describe(x), " and ", describe(y));
}
inline void check_same_device(const char* op, const char* a, const Tensor& x,
                              const char* b, const Tensor& y) {
  check(&x.device() == &y.device(), op, ": expected all tensors to be on the same ",
        "device, got '", a, "' ", describe(x), " and '", b, "' ", describe(y));
}
inline void check_index_dtype(const char* op, const Tensor& index) {
  check(index.dtype() == Dtype::Int64 || index.dtype() == Dtype::Int32, op,
        ": expected dtype int64 or int32 for argument 'index', got ", describe(index));
}
// For ops that compute in floating point: integers become the default float.
inline Dtype float_dtype(Dtype d) { return is_integral(d) ? default_dtype() : d; }

// Writes that do nothing where there is no data.
inline void put_values(const Tensor& to, const Tensor& from) {
  if (to.numel() && !to.device().is_meta()) copy_into(to, from);
}
inline void fill_values(const Tensor& to, const Scalar& value) {
  if (to.numel() && !to.device().is_meta()) fill_with(to, value);
}
// The values of a tensor of integers, wherever it lies.
std::vector<int64_t> host_ints(const Tensor& t);

inline Tensor zeros(IntList sizes, Dtype dtype, DeviceRuntime& device) {
  Tensor t = empty(sizes, dtype, device);
  fill_values(t, Scalar(0));
  return t;
}

}  // namespace fl
