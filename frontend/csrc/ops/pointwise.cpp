// The pointwise engine: promotion, broadcasting, output layout, and the kernel call
// that every pointwise record shares.
#include <algorithm>
#include <cstring>

#include "flambeau/iter.h"
#include "ops/record.h"

namespace fl {

namespace {

constexpr int kMaxIn = 6;

// ---- promotion: PyTorch's three ranks of operands
// -------------------------------------- A tensor with dimensions outranks a 0-d
// tensor, which outranks a Python number; a lower rank matters only when its category
// is higher.
struct Ranks {
  bool has[3] = {false, false, false};
  Dtype dtype[3];
  void add(int rank, Dtype d) {
    dtype[rank] = has[rank] ? promote(dtype[rank], d) : d;
    has[rank] = true;
  }
};

Dtype outrank(bool has_high, Dtype high, bool has_low, Dtype low) {
  if (!has_high) return low;
  if (!has_low) return high;
  if (is_complex(high)) return high;
  if (is_floating(high)) return is_complex(low) ? complex_dtype(high) : high;
  if (high == Dtype::Bool || is_floating(low) || is_complex(low)) {
    return promote(high, low);
  }
  return high;
}

Dtype common_dtype(const Ranks& r) {
  bool low_has = r.has[1] || r.has[2];
  Dtype low = outrank(r.has[1], r.dtype[1], r.has[2], r.dtype[2]);
  return outrank(r.has[0], r.dtype[0], low_has, low);
}

int rank_of(const TensorImpl* t) {
  return t->ndim > 0 ? 0 : (t->flags & kWrappedNumber) ? 2 : 1;
}

Dtype operand_dtype(std::span<const PointwiseOperand> operands) {
  Ranks r;
  for (const PointwiseOperand& o : operands) {
    if (o.keep_dtype || o.value->none()) continue;
    if (o.value->is_tensor()) {
      r.add(rank_of(o.value->tensor), o.value->tensor->dtype);
    } else {
      r.add(2, o.value->scalar().dtype());
    }
  }
  return common_dtype(r);
}

Dtype compute_dtype(Promote promote, Dtype common, KernelId kernel) {
  if (promote == Promote::Float && is_integral(common)) return default_dtype();
  if (promote == Promote::Integral && !is_integral(common)) {
    fail(ErrorKind::NotImplemented, "\"", kernel_name(kernel),
         "\" not implemented for '", type_name(common), "'");
  }
  return common;
}

Dtype result_dtype(Promote promote, Dtype compute) {
  switch (promote) {
    case Promote::Bool:
    case Promote::BoolOnly:
      return Dtype::Bool;
    case Promote::ToReal:
      return real_dtype(compute);
    default:
      return compute;
  }
}

// ---- one call
// ---------------------------------------------------------------------------

struct Plan {
  const char* op;
  KernelId kernel;
  DeviceRuntime* device = nullptr;
  Dtype compute, result;
  int n = 0;
  Tensor tensors[kMaxIn];  // undefined: a host scalar or absent
  bool is_absent[kMaxIn] = {};
  alignas(16) char scalars[kMaxIn][16];
  Dtype dtypes[kMaxIn];
  int ndim = 0;
  int64_t sizes[kMaxDims];
  IntList shape() const { return IntList(sizes, ndim); }
};

DeviceRuntime* choose_device(const char* op,
                             std::span<const PointwiseOperand> operands) {
  DeviceRuntime* device = nullptr;
  bool zero_dim = true;
  for (const PointwiseOperand& o : operands) {
    if (!o.value->is_tensor()) continue;
    TensorImpl* t = o.value->tensor;
    if (!device || (zero_dim && t->ndim > 0)) {
      if (device && t->device != device && !device->host_memory) zero_dim = false;
      if (!device || zero_dim) device = t->device;
      zero_dim = t->ndim == 0;
    } else if (t->device != device && (t->ndim > 0 || !t->device->host_memory)) {
      fail(ErrorKind::Runtime, op, ": Expected all tensors to be on the same device, ",
           "but found at least two devices, ", to_string(device->device), " and ",
           to_string(t->device->device), "!");
    }
  }
  return device ? device : &default_runtime();
}

void broadcast_into(Plan& p, const TensorImpl* t) {
  if (t->ndim > p.ndim) {  // make room on the left
    int grow = t->ndim - p.ndim;
    std::memmove(p.sizes + grow, p.sizes, sizeof(int64_t) * p.ndim);
    std::fill_n(p.sizes, grow, 1);
    p.ndim = t->ndim;
  }
  int lead = p.ndim - t->ndim;
  for (int d = 0; d < t->ndim; ++d) {
    int64_t& s = p.sizes[lead + d];
    if (s == t->sizes[d]) continue;
    if (s == 1) {
      s = t->sizes[d];
    } else if (t->sizes[d] != 1) {
      fail(ErrorKind::Runtime, p.op, ": The size of tensor a (", s,
           ") must match the size of tensor b (", t->sizes[d],
           ") at non-singleton dimension ", lead + d, "; shapes are ",
           to_string(p.shape()), " and ",
           to_string(IntList(t->sizes, static_cast<size_t>(t->ndim))));
    }
  }
}

void load_operands(Plan& p, std::span<const PointwiseOperand> operands) {
  p.n = static_cast<int>(operands.size());
  for (int i = 0; i < p.n; ++i) {
    const Value& v = *operands[i].value;
    p.dtypes[i] = p.compute;
    if (v.none()) {
      p.is_absent[i] = true;
    } else if (!v.is_tensor()) {
      v.scalar().store(p.compute, p.scalars[i]);
    } else {
      TensorImpl* t = v.tensor;
      broadcast_into(p, t);
      if (operands[i].keep_dtype) p.dtypes[i] = t->dtype;
      if (t->ndim == 0 && t->device->host_memory && !t->device->asynchronous &&
          (t->dtype != p.dtypes[i] || t->device != p.device)) {
        Scalar::load(t->dtype, t->data()).store(p.dtypes[i], p.scalars[i]);
      } else {
        p.tensors[i] = cast_to(Tensor(t), p.dtypes[i]);
      }
    }
  }
}

// The output keeps the order of dimensions that its inputs have in memory.
Tensor allocate(const Plan& p) {
  bool plain = true;
  for (int i = 0; i < p.n; ++i) {
    const Tensor& t = p.tensors[i];
    if (t.defined() && t.dim() == p.ndim && !t.contiguous()) plain = false;
  }
  if (plain) return empty(p.shape(), p.result, *p.device);
  int order[kMaxDims];
  for (int d = 0; d < p.ndim; ++d) order[d] = d;
  auto inside = [&](int a, int b) {  // should a be inside of b?
    for (int i = 0; i < p.n; ++i) {
      const Tensor& t = p.tensors[i];
      if (!t.defined() || t.dim() != p.ndim) continue;
      int64_t x = t->sizes[a] == 1 ? 0 : t->strides[a];
      int64_t y = t->sizes[b] == 1 ? 0 : t->strides[b];
      if (x == 0 || y == 0 || x == y) continue;
      return x < y;
    }
    return false;
  };
  for (int i = 1; i < p.ndim; ++i) {
    for (int j = i; j > 0 && inside(order[j - 1], order[j]); --j) {
      std::swap(order[j - 1], order[j]);
    }
  }
  int64_t strides[kMaxDims], step = 1;
  for (int i = p.ndim - 1; i >= 0; --i) {
    strides[order[i]] = step;
    step *= std::max<int64_t>(p.sizes[order[i]], 1);
  }
  return empty_strided(p.shape(), IntList(strides, p.ndim), p.result, *p.device);
}

bool same_view(const Tensor& a, const Tensor& b) {
  return a->offset == b->offset && a.sizes().equals(b.sizes()) &&
         a.strides().equals(b.strides()) && a.dtype() == b.dtype();
}

// Where the kernel writes: `given` itself, or a fresh tensor that is copied there
// after.
Tensor destination(Plan& p, const Frame& f) {
  const Tensor& g = f.given;
  if (!g.defined()) return allocate(p);
  check(can_cast(p.result, g.dtype()), p.op, ": result type ", type_name(p.result),
        " can't be cast to the desired output type ", type_name(g.dtype()));
  if (!f.inplace) check_exact(*f.op, p.result, g.dtype());
  if (!g.sizes().equals(p.shape())) {
    check(!f.inplace, p.op, "_: output with shape ", to_string(g.sizes()),
          " doesn't match the broadcast shape ", to_string(p.shape()));
    resize_output(g, p.shape());
  }
  check(g->device == p.device, p.op, ": expected the output on ",
        to_string(p.device->device), ", got one on ", to_string(g.device().device));
  check(!self_overlaps(g->ndim, g->sizes, g->strides), p.op,
        ": unsupported operation: more than one element of the written-to tensor ",
        "refers to a single memory location. Please clone() the tensor first.");
  for (int i = 0; i < p.n; ++i) {
    Tensor& t = p.tensors[i];
    if (!t.defined() || !overlaps(g, t) || same_view(g, t)) continue;
    check(!(is_dense(g) && is_dense(t)), p.op,
          ": unsupported operation: some elements ",
          "of the input tensor and the written-to tensor refer to a single memory ",
          "location. Please clone() the tensor before performing the operation.");
    Tensor apart = empty(t.sizes(), t.dtype(), t.device());
    copy_into(apart, t);
    t = apart;
  }
  return g.dtype() == p.result ? g : allocate(p);
}

// False when the device declines, which it may where there is a composition.
bool launch(Plan& p, const Tensor& out, std::span<const fl_attr> attrs, bool must) {
  if (out.numel() == 0) return true;
  IterOperand ops[kMaxIn + 1];
  int64_t strides[kMaxIn][kMaxDims];
  ops[0] = {p.device->is_meta() ? nullptr : out.data(), out->strides, out.dtype()};
  int m = 1;
  uint32_t missing = 0;
  for (int i = 0; i < p.n; ++i) {
    if (p.is_absent[i]) {
      missing |= 1u << i;
      continue;
    }
    const Tensor& t = p.tensors[i];
    if (!t.defined()) {
      ops[m++] = {p.scalars[i], nullptr, p.dtypes[i]};
    } else {
      broadcast_strides(t, p.shape(), strides[i]);
      ops[m++] = {p.device->is_meta() ? nullptr : t.data(), strides[i], t.dtype()};
    }
  }
  check(missing == 0, p.op, ": internal: an absent operand reached the kernel");
  return run_iterated(*p.device, p.kernel, p.n > 0 ? p.compute : p.result, 1,
                      std::span(ops, m), p.shape(), attrs, must);
}

// The commonest case by far: dense tensors of one shape and device, and numbers, none
// of which needs a cast.
inline bool run_fast(Frame& f, KernelId kernel, Promote promote,
                     std::span<const PointwiseOperand> operands,
                     std::span<const fl_attr> attrs) {
  TensorImpl* a = nullptr;  // one of the tensors
  Dtype d = Dtype::Float32;
  bool typed = false, numbers = false;
  for (const PointwiseOperand& o : operands) {
    if (!o.value->is_tensor()) {
      if (o.value->none() || o.keep_dtype) return false;
      numbers = true;
      continue;
    }
    TensorImpl* t = o.value->tensor;
    if (!(t->flags & kContiguous)) return false;
    if (!a) {
      a = t;
    } else if (t->device != a->device || !t->shape().equals(a->shape())) {
      return false;
    }
    if (o.keep_dtype) continue;
    if (typed && t->dtype != d) return false;
    d = t->dtype;
    typed = true;
  }
  if (!typed || a->device->is_meta() || a->numel == 0) return false;
  if (numbers && operand_dtype(operands) != d) return false;
  if (promote == Promote::Integral && !is_integral(d)) return false;
  if (promote == Promote::Float && is_integral(d)) return false;
  fl_kernel k = a->device->find(kernel, d);
  if (!k) return false;
  Dtype result = result_dtype(promote, d);
  Tensor out;
  if (f.given.defined()) {
    TensorImpl* g = f.given.get();
    bool fits = g->has(kContiguous) && g->dtype == result && g->device == a->device &&
                g->shape().equals(a->shape());
    if (!fits) return false;
    for (const PointwiseOperand& o : operands) {
      if (!o.value->is_tensor()) continue;
      TensorImpl* t = o.value->tensor;
      const bool same = t->offset == g->offset && t->dtype == g->dtype;
      if (t->storage == g->storage && !same) return false;
    }
    out = f.given;
  } else {
    out = empty(a->shape(), result, *a->device);
  }
  static constexpr int64_t kUnit = 1, kStay = 0;
  int64_t n = a->numel;
  alignas(16) char values[kMaxIn][16];
  fl_tensor t[kMaxIn + 1];
  const auto fill = [&n](fl_tensor& to, const TensorImpl* x) {
    to = {x->data(), &n, &kUnit, n, 1, static_cast<uint16_t>(x->dtype), 0};
  };
  fill(t[0], out.get());
  int m = 1;
  for (const PointwiseOperand& o : operands) {
    if (o.value->is_tensor()) [[likely]] {
      fill(t[m++], o.value->tensor);
    } else {
      o.value->scalar().store(d, values[m - 1]);
      t[m] = {values[m - 1], &n, &kStay, n, 1, static_cast<uint16_t>(d),
              FL_HOST_SCALAR};
      ++m;
    }
  }
  fl_call c;
  c.n_out = 1;
  c.n_in = m - 1;
  c.n_attr = static_cast<int>(attrs.size());
  c.out = t;
  c.in = t + 1;
  c.attr = attrs.data();
  if (!try_kernel(k, c, *a->device, kernel)) return false;
  f.out = std::move(out);
  return true;
}

// Any other: apart, so that the stack and the registers of this one are not the fast
// one's.
[[gnu::noinline]] void run_planned(Frame& f, KernelId kernel, Promote promote,
                                   std::span<const PointwiseOperand> operands,
                                   std::span<const fl_attr> attrs,
                                   Composite composite) {
  Plan p;
  p.op = f.op->name();
  p.kernel = kernel;
  p.device = choose_device(p.op, operands);
  p.compute = compute_dtype(promote, operand_dtype(operands), kernel);
  p.result = result_dtype(promote, p.compute);
  // A device without this kernel composes it, where the record says of what.
  if (composite && !p.device->is_meta() && !p.device->find(kernel, p.compute)) {
    composite(f);
    return;
  }
  load_operands(p, operands);
  Tensor out = destination(p, f);
  if (!launch(p, out, attrs, composite == nullptr)) return composite(f);
  if (f.given.defined() && !out.same(f.given)) {
    copy_into(f.given, out);
    out = f.given;
  }
  f.out = std::move(out);
}

}  // namespace

Dtype common_dtype(Promote promote, std::span<const PointwiseOperand> operands) {
  const Dtype d = operand_dtype(operands);
  return promote == Promote::Float && is_integral(d) ? default_dtype() : d;
}

void run_pointwise(Frame& f, KernelId kernel, Promote promote,
                   std::span<const PointwiseOperand> operands,
                   std::span<const fl_attr> attrs) {
  run_pointwise(f, kernel, promote, operands, attrs, f.op->composite);
}

void run_pointwise(Frame& f, KernelId kernel, Promote promote,
                   std::span<const PointwiseOperand> operands,
                   std::span<const fl_attr> attrs, Composite composite) {
  if (run_fast(f, kernel, promote, operands, attrs)) return;
  run_planned(f, kernel, promote, operands, attrs, composite);
}

void run_pointwise_record(Frame& f) {
  const Op& op = *f.op;
  PointwiseOperand operands[kMaxIn];
  fl_attr attrs[kMaxIn];
  int n = 0, m = 0;
  for (size_t i = 0; i < op.schema.args.size(); ++i) {
    const Value& v = f.args[i];
    if (op.tensor_args >> i & 1u) {
      operands[n++].value = &v;
      continue;
    }
    fl_attr& a = attrs[m++];
    a.count = 0;
    switch (op.schema.args[i].type) {
      case ArgType::Float:
        a.v.f = Unbox<double>::get(v);
        break;
      case ArgType::Scalar: {
        Scalar s = v.scalar();
        a.v.c[0] = s.real();
        a.v.c[1] = s.imag();
        break;
      }
      default:
        a.v.i = Unbox<int64_t>::get(v);
    }
  }
  run_pointwise(f, op.kernel, op.promote, std::span(operands, n), std::span(attrs, m));
}

}  // namespace fl
