// Indexing by tensors: index, index_put, gather, scatter, index_select and their kin.
#include "ops/index.h"

#include <cmath>

#include "ops/compose.h"

namespace fl {

Tensor nonzero_rows(const Tensor& self) {
  check(!self.device().is_meta(), ErrorKind::NotImplemented,
        "nonzero: the number of elements of a meta tensor is not known");
  int64_t rows = 0;
  if (self.numel()) {
    const Tensor n = empty({}, Dtype::Int64, self.device());
    KernelCall(self.device()).out(n).in(self).run(kernel<"count_nonzero">());
    rows = item(n).to_int();
  }
  Tensor out = empty(IntList{rows, self.dim()}, Dtype::Int64, self.device());
  if (out.numel() == 0) return out;
  KernelCall call(self.device());
  if (!call.out(out).in(self).try_run(kernel<"nonzero">())) {
    composed::nonzero(out, self);
  }
  return out;
}

IndexPlan::IndexPlan(const char* op, const Tensor& self, TensorList given) {
  for (const Tensor& t : given) add(op, self, t);
  check(next_ <= self.dim(), ErrorKind::Index,
        "too many indices for tensor of dimension ", self.dim(), " (got ", next_,
        "): ", op);
  check(!index.empty(), ErrorKind::Index, op, ": at least one index must be provided");
  std::vector<int64_t> shape;
  for (const Tensor& t : index) {
    try {
      shape = broadcast_shapes(shape, t.sizes(), op);
    } catch (const Error&) {
      fail(ErrorKind::Index, "shape mismatch: indexing tensors could not be broadcast ",
           "together, got ", to_string(shape), " and ", to_string(t.sizes()));
    }
  }
  lay_out(self, shape);
  for (size_t k = 0; k < index.size(); ++k) {
    check(sizes_of[k] > 0 || count(shape) == 0, ErrorKind::Index,
          "index is out of bounds for dimension with size 0: ", op);
  }
}

void IndexPlan::add(const char* op, const Tensor& self, const Tensor& t) {
  if (!t.defined()) {
    ++next_;
    return;
  }
  if (t.dtype() == Dtype::Bool || t.dtype() == Dtype::UInt8) {
    for (int64_t d = 0; d < t.dim(); ++d) {
      check(next_ + d < self.dim() && self.sizes()[next_ + d] == t.sizes()[d],
            ErrorKind::Index, "The shape of the mask ", to_string(t.sizes()),
            " at index ", d, " does not match the shape of the indexed tensor ",
            to_string(self.sizes()), " at index ", next_ + d);
    }
    const Tensor rows = nonzero_rows(t);
    for (int64_t d = 0; d < t.dim(); ++d) {
      dims.push(next_++);
      index.push_back(alias(rows, IntList{rows.sizes()[0]},
                            IntList{std::max<int64_t>(t.dim(), 1)}, d));
    }
    return;
  }
  check(is_integral(t.dtype()), ErrorKind::Index, op, ": tensors used as indices must ",
        "be long, int, byte or bool tensors, got ", describe(t));
  dims.push(next_++);
  Tensor i = cast_to(t, Dtype::Int64);
  if (&i.device() != &self.device()) {
    check(i.device().host_memory, op, ": indices should be either on ",
          to_string(self.device().device), " or on the host, got ", describe(t));
    const Tensor moved = empty(i.sizes(), Dtype::Int64, self.device());
    put_values(moved, i);
    i = moved;
  }
  index.push_back(i);
}

// The broadcast shape of the indices stands where they stand when they are adjacent,
// else in front.
void IndexPlan::lay_out(const Tensor& self, IntList shape) {
  uint64_t indexed = 0;
  for (int i = 0; i < dims.n; ++i) indexed |= 1ull << dims[i];
  bool adjacent = dims.n > 0;
  for (int i = 1; i < dims.n; ++i) adjacent = adjacent && dims[i] == dims[i - 1] + 1;
  const int64_t at = adjacent ? dims[0] : 0;
  const auto put_shape = [&] {
    first = sizes.n;
    for (int64_t s : shape) sizes.push(s), strides.push(0);
  };
  bool placed = false;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (!placed && (!adjacent || d == at)) put_shape(), placed = true;
    if (indexed >> d & 1) continue;
    sizes.push(self.sizes()[d]);
    strides.push(self.strides()[d]);
  }
  if (!placed) put_shape();
  shape_dims = static_cast<int64_t>(shape.size());
  for (int i = 0; i < dims.n; ++i) {
    sizes_of.push(self.sizes()[dims[i]]);
    strides_of.push(self.strides()[dims[i]]);
  }
}

void IndexPlan::index_strides(size_t k, int64_t* to) const {
  std::fill_n(to, sizes.n, 0);
  const IntList shape(sizes.v + first, shape_dims);
  broadcast_strides(index[k], shape, to + first);
}

namespace {

// ---- index, index_put
// ------------------------------------------------------------------
struct Strides {
  int64_t v[kMaxDims];
};

void run_index(KernelId kernel, const IndexPlan& p, const Tensor& self,
               const Tensor& other, const int64_t* other_strides, bool put,
               bool accumulate) {
  if (count(p.sizes) == 0 || self.device().is_meta()) return;
  const size_t n = p.index.size();
  check(n + 2 <= kMaxOperands, kernel_name(kernel), ": too many operands");
  Strides strides[kMaxOperands];
  IterOperand operands[kMaxOperands];
  const IterOperand indexed{self.data(), p.strides.v, self.dtype()};
  const IterOperand plain{other.data(), other_strides, other.dtype()};
  int m = 0;
  operands[m++] = put ? indexed : plain;
  if (!put) operands[m++] = indexed;
  for (size_t k = 0; k < n; ++k) {
    p.index_strides(k, strides[k].v);
    operands[m++] = {p.index[k].data(), strides[k].v, Dtype::Int64};
  }
  if (put) operands[m++] = plain;
  fl_attr attrs[3] = {};
  attrs[0].v.ints = p.sizes_of.v;
  attrs[1].v.ints = p.strides_of.v;
  attrs[0].count = attrs[1].count = static_cast<int64_t>(n);
  attrs[2].v.i = accumulate;
  run_iterated(self.device(), kernel, self.dtype(), 1, std::span(operands, m), p.sizes,
               std::span(attrs, put ? 3 : 2));
}

Tensor index(const Tensor& self, TensorList indices) {
  const IndexPlan p("index", self, indices);
  Tensor out = empty(p.sizes, self.dtype(), self.device());
  if (p.dims.n == 0) return put_values(out, self), out;
  run_index(kernel<"index">(), p, self, out, out->strides, false, false);
  return out;
}

void index_put(Frame& f) {
  const Tensor self(f.args[0].tensor), values(f.args[2].tensor);
  const bool accumulate = f.args[3].i;
  check(values.dtype() == self.dtype(), ErrorKind::Runtime,
        "index_put: expected 'self' ", "and 'values' to have the same dtype, got ",
        describe(self), " and ", describe(values));
  const IndexPlan p("index_put", self, Unbox<TensorList>::get(f.args[1]));
  f.out = f.given;
  if (!f.out.defined() || !f.inplace) {
    f.out = empty_like(self);
    put_values(f.out, self);
  }
  const IndexPlan q("index_put", f.out, Unbox<TensorList>::get(f.args[1]));
  const int64_t extra = values.dim() - p.sizes.n;
  for (int64_t d = 0; d < values.dim(); ++d) {
    const int64_t have = values.sizes()[d];
    check(have == 1 || (d >= extra && have == p.sizes[d - extra]),
          "shape mismatch: ", "value tensor of shape ", to_string(values.sizes()),
          " cannot be broadcast to indexing result of shape ", to_string(p.sizes));
  }
  Tensor from = values;
  while (from.dim() > p.sizes.n) from = ops::squeeze(from, 0);
  if (&from.device() != &self.device()) {
    from = empty(from.sizes(), from.dtype(), self.device());
    put_values(from, values);
  }
  Strides strides;
  broadcast_strides(from, p.sizes, strides.v);
  run_index(kernel<"index_put">(), q, f.out, from, strides.v, true, accumulate);
}

Tensor index_back(Grad& g) {
  const Tensor none = zeros(g.shape(0), g.g.dtype(), g.g.device());
  return ops::index_put(none, g.list(1), g.g, true);
}
void index_put_back(Grad& g, std::vector<Tensor>& out) {
  const auto indices = g.list(1);
  if (g.needs(0)) {
    put(g, out, 0,
        g.arg<bool>(3) ? g.g
                       : ops::index_put(g.g, indices,
                                        zeros({}, g.g.dtype(), g.g.device()), false));
  }
  if (g.needs(2)) put(g, out, 2, sum_to(ops::index(g.g, indices), g.shape(2)));
}

// PyTorch has a RuntimeError, not an IndexError, for these kernels' indices.
void run_checked(KernelCall& call, KernelId id) {
  try {
    call.run(id);
  } catch (const Error& e) {
    if (e.kind != ErrorKind::Index) throw;
    fail(ErrorKind::Runtime, e.what());
  }
}

// ---- along a dimension: gather, index_select, index_add
// ------------------------------
Tensor as_index(const char* op, const Tensor& index) {
  check_index_dtype(op, index);
  return cast_to(index, Dtype::Int64);
}

Tensor gather(const Tensor& self, int64_t dim, const Tensor& index, bool) {
  const int64_t d = wrap_dim(dim, self.dim());
  check(index.numel() == 0 || index.dtype() == Dtype::Int64 ||
            index.dtype() == Dtype::Int32,
        "gather: expected dtype int32 or int64 for argument 'index', got ",
        describe(index));
  Tensor out = empty(index.sizes(), self.dtype(), self.device());
  if (index.numel() == 0) return out;
  const Tensor x = at_least_1d(self), i = at_least_1d(index);
  check(x.dim() == i.dim(), "gather: index tensor must have the same number of ",
        "dimensions as input tensor, got ", describe(index), " and ", describe(self));
  for (int64_t k = 0; k < x.dim(); ++k) {
    check(k == d || i.sizes()[k] <= x.sizes()[k], "gather: size does not match at ",
          "dimension ", k, " expected index ", describe(index),
          " to be no larger than ", "self ", describe(self), " apart from dimension ",
          d);
  }
  KernelCall call(x.device());
  call.out(at_least_1d(out)).in(x).in(cast_to(i, Dtype::Int64)).attr(d);
  run_checked(call, kernel<"gather">());
  return out;
}
Tensor gather_back(Grad& g) {
  const Tensor none = zeros(g.shape(0), g.g.dtype(), g.g.device());
  return ops::scatter_add(none, g.arg<int64_t>(1), g.in(2), g.g);
}

Tensor index_select(const Tensor& self, int64_t dim, const Tensor& index) {
  const int64_t d = wrap_dim(dim, self.dim());
  check(index.dim() <= 1, ErrorKind::Index,
        "index_select: Index is supposed to be a vector, got ", describe(index));
  const Tensor i = as_index("index_select", index), x = at_least_1d(self);
  check_same_device("index_select", "self", self, "index", index);
  Dims sizes(x.sizes());
  sizes[d] = index.numel();
  check(self.dim() || index.numel() == 1,
        "index_select: index to scalar can have only ", "1 value, got ",
        describe(index));
  Tensor out = empty(sizes, self.dtype(), self.device());
  if (out.numel()) {
    KernelCall call(x.device());
    call.out(out).in(x).in(at_least_1d(i)).attr(d);
    if (!call.try_run(kernel<"index_select">())) out = composed::index_select(x, d, i);
  }
  return same_shape(out, self);
}
Tensor index_select_back(Grad& g) {
  const Tensor none = zeros(g.shape(0), g.g.dtype(), g.g.device());
  return ops::index_add(none, g.arg<int64_t>(1), g.in(2), g.g);
}

// What is written along dim must agree with self but for that dimension.
void check_rows(const char* op, const Tensor& self, int64_t d, const Tensor& index,
                const Tensor& source) {
  check(index.dim() <= 1, ErrorKind::Index, op,
        ": Index is supposed to be a vector, got ", describe(index));
  check_same_dtype(op, "self", self, "source", source);
  check_same_device(op, "self", self, "source", source);
  const Tensor x = at_least_1d(self), s = at_least_1d(source);
  const bool adds = std::string_view(op) == "index_add";
  check(x.dim() == s.dim() && s.sizes()[d] == index.numel(),
        adds ? ErrorKind::Runtime : ErrorKind::Index, op, ": expected ", index.numel(),
        " positions along dimension ", d, " of 'source', got ", describe(source),
        " for ", describe(self));
  for (int64_t k = 0; k < x.dim(); ++k) {
    check(k == d || x.sizes()[k] == s.sizes()[k], op, ": expected 'source' and 'self' ",
          "to agree but for dimension ", d, ", got ", describe(source), " and ",
          describe(self));
  }
}
// The tensor to write into: self in place, else a copy of it.
Tensor writable(Frame& f) {
  if (f.inplace) return f.out = f.given;
  const Tensor self(f.args[0].tensor);
  f.out = empty_like(self);
  put_values(f.out, self);
  return f.out;
}

void index_add(Frame& f) {
  const Tensor self(f.args[0].tensor), source(f.args[3].tensor);
  const int64_t d = wrap_dim(f.args[1].i, self.dim());
  const Tensor i = as_index("index_add", Tensor(f.args[2].tensor));
  check_rows("index_add", self, d, i, source);
  const Tensor out = writable(f);
  if (source.numel() == 0) return;
  const Scalar alpha = f.args[4].scalar();
  KernelCall call(self.device());
  call.out(at_least_1d(out)).in(at_least_1d(i)).in(at_least_1d(source));
  if (!call.attr(d).attr(alpha.real()).try_run(kernel<"index_add">())) {
    composed::index_add(at_least_1d(out), d, i, at_least_1d(source), alpha);
  }
}
void index_add_back(Grad& g, std::vector<Tensor>& out) {
  if (g.needs(0)) put(g, out, 0, g.g);
  if (!g.needs(3)) return;
  const Tensor picked = ops::index_select(g.g, g.arg<int64_t>(1), g.in(2));
  put(g, out, 3, ops::reshape(ops::mul(picked, g.value(4)), g.shape(3)));
}

// A vector of indices as wide as what is written.
Tensor spread_index(const Tensor& index, int64_t d, IntList sizes) {
  Dims strides;
  strides.n = static_cast<int>(sizes.size());
  std::fill_n(strides.v, strides.n, 0);
  strides[d] = index.dim() ? index.strides()[0] : 0;
  return alias(index, sizes, strides, index.offset());
}
void write_rows(const Tensor& out, int64_t d, const Tensor& index, const Tensor& src) {
  if (src.numel() == 0) return;
  KernelCall(out.device())
      .out(at_least_1d(out))
      .in(spread_index(index, d, src.sizes()))
      .in(src)
      .attr(d)
      .attr(int64_t{0})
      .run(kernel<"scatter">());
}
// Negative positions count from the end.
Tensor wrapped(const Tensor& index, const Tensor& self, int64_t d) {
  const int64_t n = self.dim() ? self.sizes()[d] : 1;
  return ops::where(ops::lt(index, 0), ops::add(index, n), index);
}
void index_copy(Frame& f) {
  const Tensor self(f.args[0].tensor), source(f.args[3].tensor);
  const int64_t d = wrap_dim(f.args[1].i, self.dim());
  const Tensor i = as_index("index_copy", Tensor(f.args[2].tensor));
  check_rows("index_copy", self, d, i, source);
  write_rows(writable(f), d, i, at_least_1d(source));
}
void index_copy_back(Grad& g, std::vector<Tensor>& out) {
  static const OpRef fill("index_fill(");
  if (g.needs(0)) put(g, out, 0, fill(g.g, g.value(1), g.in(2), 0));
  if (g.needs(3)) {
    put(g, out, 3,
        ops::reshape(ops::index_select(g.g, g.arg<int64_t>(1), g.in(2)), g.shape(3)));
  }
}
void index_fill(Frame& f) {
  const Tensor self(f.args[0].tensor);
  const int64_t d = wrap_dim(f.args[1].i, self.dim());
  const Tensor i = as_index("index_fill", Tensor(f.args[2].tensor));
  check(i.dim() <= 1, ErrorKind::Index, "index_fill: Index has to be a vector, got ",
        describe(i));
  Tensor value;
  if (f.args[3].is_tensor()) {
    value = Tensor(f.args[3].tensor);
    check(value.dim() == 0,
          "index_fill: only supports a 0-dimensional value tensor, got ",
          describe(value));
    value = cast_to(value, self.dtype());
  } else {
    value = empty({}, self.dtype(), self.device());
    fill_values(value, f.args[3].scalar());
  }
  const Tensor out = writable(f);
  Dims sizes(at_least_1d(self).sizes()), strides(sizes);
  sizes[d] = i.numel();
  std::fill_n(strides.v, strides.n, 0);
  write_rows(out, d, wrapped(i, self, d), alias(value, sizes, strides, value.offset()));
}
void index_fill_back(Grad& g, std::vector<Tensor>& out) {
  static const OpRef fill("index_fill(");
  if (g.needs(0)) put(g, out, 0, fill(g.g, g.value(1), g.in(2), 0));
  if (g.needs(3)) {
    // A place that is filled twice counts once.
    const Tensor filled = fill(ops::zeros_like(g.g), g.value(1), g.in(2), 1);
    put(g, out, 3, ops::sum(ops::mul(g.g, filled)));
  }
}

const Records indexing = {
    Op("index(Tensor self, Tensor?[] indices) -> Tensor",
       "Elements at indices, as self[indices].")
        .impl<index>()
        .no_method()
        .derivative("self", in(1), index_back),
    Op("index_put(Tensor self, Tensor?[] indices, Tensor values, bool "
       "accumulate=False) "
       "-> Tensor",
       "A copy with values written, or added, at indices.")
        .impl<index_put>()
        .inplace()
        .derivatives(in(1), index_put_back),
    Op("gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> "
       "Tensor",
       "Elements at an index along a dim.")
        .impl<gather>()
        .out(kOutExact | kOutApart)
        .derivative("self", in(2), gather_back),
    Op("index_select(Tensor self, int dim, Tensor index) -> Tensor",
       "Whole positions along a dim.")
        .impl<index_select>()
        .out(kOutExact | kOutApart)
        .derivative("self", in(2), index_select_back),
    Op("index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar "
       "alpha=1) "
       "-> Tensor",
       "alpha times source added at positions along a dim.")
        .impl<index_add>()
        .inplace()
        .out(kOutExact | kOutApart)
        .derivatives(in(2), index_add_back),
    Op("index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor",
       "Source written at positions along a dim.")
        .impl<index_copy>()
        .inplace()
        .out(kOutExact | kOutApart)
        .derivatives(in(2), index_copy_back),
    Op("index_fill(Tensor self, int dim, Tensor index, Operand value) -> Tensor",
       "One value written at positions along a dim.")
        .impl<index_fill>()
        .inplace()
        .derivatives(in(2), index_fill_back),
};

}  // namespace
}  // namespace fl
