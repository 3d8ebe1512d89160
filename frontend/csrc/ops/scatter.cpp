// Scattering and what is composed of it: scatter with reductions, take, put, masks.
#include "ops/index.h"

#include <cmath>

#include "ops/compose.h"

namespace fl {
namespace {

enum Mode : int64_t { kSet, kAdd, kMultiply, kMaximum, kMinimum };

Tensor as_index(const char* op, const Tensor& index) {
  check(index.dtype() == Dtype::Int64 || index.dtype() == Dtype::Int32, op,
        ": expected dtype int32 or int64 for argument 'index', got ", describe(index));
  return cast_to(index, Dtype::Int64);
}

void check_scatter(const char* op, const Tensor& self, int64_t d, const Tensor& index,
                   const Tensor& src) {
  const Tensor x = at_least_1d(self), i = at_least_1d(index);
  check(x.dim() == i.dim(), op,
        ": Index tensor must have the same number of dimensions ",
        "as self tensor, got ", describe(index), " and ", describe(self));
  for (int64_t k = 0; k < x.dim(); ++k) {
    check(k == d || i.sizes()[k] <= x.sizes()[k], op, ": expected index ",
          describe(index), " to be no larger than self ", describe(self),
          " apart from dimension ", d);
  }
  if (!src.defined()) return;
  const Tensor s = at_least_1d(src);
  check(s.dim() == i.dim(), op,
        ": Index tensor must have the same number of dimensions ",
        "as src tensor, got ", describe(index), " and ", describe(src));
  for (int64_t k = 0; k < s.dim(); ++k) {
    check(i.sizes()[k] <= s.sizes()[k], op, ": expected index ", describe(index),
          " to be no larger than src ", describe(src));
  }
  check_same_dtype(op, "self", self, "src", src);
  check_same_device(op, "self", self, "src", src);
}

// One kernel call that writes src (a tensor of at least index's sizes, or 0-d) into
// out.
void write(const Tensor& out, int64_t d, const Tensor& index, const Tensor& src,
           Mode mode) {
  if (index.numel() == 0) return;
  const Tensor i = at_least_1d(index);
  Dims strides;
  strides.n = static_cast<int>(i.dim());
  if (src.dim() == 0) {
    std::fill_n(strides.v, strides.n, 0);
  } else {
    strides.assign(src.strides());
  }
  KernelCall call(out.device());
  call.out(at_least_1d(out)).in(i).in(alias(src, i.sizes(), strides, src.offset()));
  call.attr(d).attr(static_cast<int64_t>(mode));
  try {
    call.run(kernel<"scatter">());
  } catch (const Error& e) {  // PyTorch has a RuntimeError here
    if (e.kind != ErrorKind::Index) throw;
    fail(ErrorKind::Runtime, e.what());
  }
}
Tensor writable(Frame& f) {
  if (f.inplace) return f.out = f.given;
  const Tensor self(f.args[0].tensor);
  f.out = empty(self.sizes(), self.dtype(), self.device());
  put_values(f.out, self);
  return f.out;
}
Tensor number_tensor(const Tensor& like, const Scalar& s) {
  const Tensor t = empty({}, like.dtype(), like.device());
  fill_values(t, s);
  return t;
}
void scatter_mode(Frame& f, const char* op, Mode mode) {
  const Tensor self(f.args[0].tensor), given(f.args[2].tensor);
  const int64_t d = wrap_dim(f.args[1].i, self.dim());
  const bool tensor = f.args[3].is_tensor();
  const Tensor src =
      tensor ? Tensor(f.args[3].tensor) : number_tensor(self, f.args[3].scalar());
  if (given.numel() == 0) {
    writable(f);
    return;
  }
  const Tensor index = as_index(op, given);
  check_scatter(op, self, d, index, tensor ? src : Tensor());
  if (f.inplace) {
    check(!overlaps(f.given, src), op,
          "_: unsupported operation: the input tensor and ",
          "'src' share memory. Please clone() one of them first.");
  }
  write(writable(f), d, index, src, mode);
}
void scatter(Frame& f) { scatter_mode(f, "scatter", kSet); }
void scatter_add(Frame& f) { scatter_mode(f, "scatter_add", kAdd); }
void scatter_named(Frame& f) {
  const auto how = Unbox<std::string_view>::get(f.args[4]);
  check(how == "add" || how == "multiply",
        "scatter: reduce argument must be either add ", "or multiply, got '",
        std::string(how), "'");
  scatter_mode(f, "scatter", how == "add" ? kAdd : kMultiply);
}

const OpRef gather_op("gather("), scatter_op("scatter("),
    scatter_add_op("scatter_add(");

// Of the part of src that the index reaches.
Tensor src_grad(Grad& g) {
  const Tensor index = g.in(2);
  if (index.numel() == 0) return Tensor();
  const Tensor part = gather_op(g.g, g.value(1), index);
  const IntList shape = g.shape(3);
  if (part.sizes().equals(shape)) return part;
  static const OpRef embed("_embed_view(");
  Dims strides;
  contiguous_strides(shape, strides.v);
  strides.n = static_cast<int>(shape.size());
  return embed(part, shape, part.sizes(), IntList(strides), int64_t{0});
}
void scatter_back(Grad& g, std::vector<Tensor>& out) {
  if (g.needs(0)) put(g, out, 0, scatter_op(g.g, g.value(1), g.in(2), 0));
  if (g.needs(3)) put(g, out, 3, src_grad(g));
}
void scatter_add_back(Grad& g, std::vector<Tensor>& out) {
  if (g.needs(0)) put(g, out, 0, g.g);
  if (g.needs(3)) put(g, out, 3, src_grad(g));
}
void scatter_named_back(Grad& g, std::vector<Tensor>& out) {
  check(g.arg<std::string_view>(4) == "add",
        "scatter: the derivative with reduce='multiply' is not supported");
  scatter_add_back(g, out);
}

// ---- scatter_reduce -----------------------------------------------------------------
Scalar neutral(std::string_view how, Dtype d) {
  if (how == "prod") return Scalar(1);
  if (how == "sum" || how == "mean") return Scalar(0);
  const double sign = how == "amax" ? -1 : 1;
  if (is_floating(d)) return Scalar(sign * INFINITY);
  switch (d) {
    case Dtype::Bool:
      return Scalar(sign > 0);
    case Dtype::UInt8:
      return Scalar(sign > 0 ? 255 : 0);
    case Dtype::Int8:
      return Scalar(sign > 0 ? 127 : -128);
    case Dtype::Int16:
      return Scalar(sign > 0 ? 32767 : -32768);
    case Dtype::Int32:
      return Scalar(sign > 0 ? int64_t{INT32_MAX} : int64_t{INT32_MIN});
    default:
      return Scalar(sign > 0 ? INT64_MAX : INT64_MIN);
  }
}
Mode mode_of(std::string_view how) {
  if (how == "sum" || how == "mean") return kAdd;
  if (how == "prod") return kMultiply;
  if (how == "amax") return kMaximum;
  check(how == "amin",
        "scatter_reduce: reduce argument must be either sum, prod, mean, ",
        "amax or amin, got '", std::string(how), "'");
  return kMinimum;
}
// How many values met at each place, self included or not, at least 1.
Tensor counts(const Tensor& like, int64_t d, const Tensor& index, bool include_self) {
  const Tensor ones = empty(index.sizes(), like.dtype(), like.device());
  fill_values(ones, Scalar(1));
  const Tensor start = empty(like.sizes(), like.dtype(), like.device());
  fill_values(start, Scalar(include_self ? 1 : 0));
  const Tensor n = scatter_add_op(start, d, index, ones);
  return include_self ? n : ops::masked_fill(n, ops::eq(n, 0), 1);
}
Tensor scatter_reduce(const Tensor& self, int64_t dim, const Tensor& given,
                      const Tensor& src, std::string_view how, bool include_self) {
  const int64_t d = wrap_dim(dim, self.dim());
  const Mode mode = mode_of(how);
  Tensor out = empty(self.sizes(), self.dtype(), self.device());
  put_values(out, self);
  if (given.numel() == 0) return out;
  const Tensor index = as_index("scatter_reduce", given);
  check_scatter("scatter_reduce", self, d, index, src);
  if (!include_self) {
    write(out, d, index, number_tensor(self, neutral(how, self.dtype())), kSet);
  }
  write(out, d, index, src, mode);
  if (how != "mean") return out;
  const Tensor n = counts(self, d, index, include_self);
  return is_integral(self.dtype()) ? ops::floor_divide(out, n) : ops::div(out, n);
}

// Products of all other values that meet at each place; with zeros by counting them.
void prod_back(Grad& g, std::vector<Tensor>& out, const Tensor& self, const Tensor& src,
               const Tensor& index, bool include_self) {
  const int64_t d = g.arg<int64_t>(1);
  const Tensor result = g.out();
  const Tensor zeros_here = ops::to_dtype(ops::eq(src, 0), src.dtype());
  Tensor start = ops::to_dtype(ops::eq(self, 0), self.dtype());
  Tensor base = self;
  if (!include_self) {
    start = scatter_op(start, d, index, 0);
    base = scatter_op(self, d, index, 1);
  }
  static const OpRef reduce("scatter_reduce(");
  const Tensor n_zero = scatter_add_op(start, d, index, zeros_here);
  const Tensor without =
      reduce(ops::masked_fill(base, ops::eq(base, 0), 1), d, index,
             ops::masked_fill(src, ops::eq(src, 0), 1), "prod", true);
  // of a value that is not zero: result / value; of the only zero: the others' product.
  const auto grad = [&](const Tensor& x, const Tensor& r, const Tensor& n,
                        const Tensor& w, const Tensor& gr) {
    const Tensor zero = ops::eq(x, 0);
    const Tensor plain = ops::div(r, ops::masked_fill(x, zero, 1));
    const Tensor lone = ops::masked_fill(w, ops::gt(n, 1), 0);
    return ops::mul(gr, ops::where(zero, lone, plain));
  };
  if (g.needs(0)) {
    Tensor gs = grad(base, result, n_zero, without, g.g);
    put(g, out, 0, include_self ? gs : scatter_op(gs, d, index, 0));
  }
  if (g.needs(3)) {
    const auto at = [&](const Tensor& t) { return gather_op(t, d, index); };
    put(g, out, 3, grad(src, at(result), at(n_zero), at(without), at(g.g)));
  }
}

void scatter_reduce_back(Grad& g, std::vector<Tensor>& out) {
  const auto how = g.arg<std::string_view>(4);
  const bool include_self = g.arg<bool>(5);
  const Tensor self = g.in(0), index = g.in(2), src = g.in(3);
  const int64_t d = g.arg<int64_t>(1);
  if (index.numel() == 0) return put(g, out, 0, g.g);
  if (how == "prod") return prod_back(g, out, self, src, index, include_self);
  Tensor to_self = g.g, to_src;
  if (how == "sum") {
    to_src = gather_op(g.g, d, index);
  } else if (how == "mean") {
    to_self = ops::div(g.g, counts(self, d, index, include_self));
    to_src = gather_op(to_self, d, index);
  } else {
    const Tensor result = g.out();
    const auto hits = [](const Tensor& a, const Tensor& b) {
      return ops::to_dtype(ops::eq(a, b), a.dtype());
    };
    Tensor self_hits = hits(self, result);
    if (!include_self) self_hits = scatter_op(self_hits, d, index, 0);
    const Tensor src_hits = hits(src, gather_op(result, d, index));
    const Tensor n = scatter_add_op(self_hits, d, index, src_hits);
    const Tensor share = ops::div(g.g, ops::masked_fill(n, ops::eq(n, 0), 1));
    to_self = ops::mul(self_hits, share);
    to_src = ops::mul(src_hits, gather_op(share, d, index));
    // Places that nothing was scattered to keep their gradient.
    if (!include_self) {
      const Tensor untouched = scatter_op(ops::ones_like(self), d, index, 0);
      to_self = ops::mul(untouched, g.g);
    }
    put(g, out, 0, to_self);
    return put(g, out, 3, to_src);
  }
  if (!include_self) to_self = scatter_op(to_self, d, index, 0);
  put(g, out, 0, to_self);
  put(g, out, 3, to_src);
}
Tensor index_reduce(const Tensor& self, int64_t dim, const Tensor& index,
                    const Tensor& source, std::string_view how, bool include_self) {
  static const OpRef reduce("scatter_reduce(");
  const int64_t d = wrap_dim(dim, self.dim());
  check(how != "sum",
        "index_reduce: reduce argument must be either prod, mean, amax or ",
        "amin, got 'sum'");
  check(index.dim() <= 1 && at_least_1d(source).sizes()[d] == index.numel(),
        ErrorKind::Index, "index_reduce: expected as many indices as positions of ",
        "'source' along the dimension, got ", describe(index), " and ",
        describe(source));
  Dims strides;
  strides.n = static_cast<int>(source.dim());
  std::fill_n(strides.v, strides.n, 0);
  if (strides.n) strides[d] = index.dim() ? index.strides()[0] : 0;
  return reduce(self, d, alias(index, source.sizes(), strides, index.offset()), source,
                how, include_self);
}

// ---- take, put
// ------------------------------------------------------------------------
Tensor flat(const Tensor& t) { return ops::reshape(t, IntList{-1}); }

Tensor take(const Tensor& self, const Tensor& index) {
  check(index.dtype() == Dtype::Int64, "take: expected dtype int64 for argument ",
        "'index', got ", describe(index));
  check(self.numel() > 0 || index.numel() == 0, ErrorKind::Index,
        "take: tried to take from an empty tensor");
  const Tensor at[] = {index};
  return ops::index(flat(self), at);
}
Tensor put_at(const Tensor& self, const Tensor& index, const Tensor& source,
              bool accumulate) {
  check(index.dtype() == Dtype::Int64,
        "put: expected dtype int64 for argument 'index', ", "got ", describe(index));
  check(index.numel() == source.numel(),
        "put: expected as many elements in 'source' as ", "in 'index', got ",
        describe(source), " and ", describe(index));
  const Tensor at[] = {flat(index)};
  return ops::reshape(ops::index_put(flat(self), at, flat(source), accumulate),
                      self.sizes());
}
Tensor take_along_dim(const Tensor& self, const Tensor& indices,
                      std::optional<int64_t> dim) {
  check(indices.dtype() == Dtype::Int64, "take_along_dim: dtype of indices should be ",
        "Long but got ", describe(indices));
  const auto wrapped = [](const Tensor& i, int64_t n) {
    return ops::where(ops::lt(i, 0), ops::add(i, n), i);
  };
  if (!dim) return gather_op(flat(self), 0, wrapped(flat(indices), self.numel()));
  check(self.dim() == indices.dim(),
        "take_along_dim: input and indices should have the ",
        "same number of dimensions, but got ", describe(self), " and ",
        describe(indices));
  const int64_t d = wrap_dim(*dim, self.dim());
  Dims a(self.sizes()), b(indices.sizes());
  a[d] = b[d] = 1;
  const auto common = broadcast_shapes(a, b, "take_along_dim");
  a.assign(common), b.assign(common);
  a[d] = self.sizes()[d], b[d] = indices.sizes()[d];
  return gather_op(ops::expand(self, a), d,
                   wrapped(ops::expand(indices, b), self.sizes()[d]));
}

// ---- masks
// ------------------------------------------------------------------------------
void check_mask(const char* op, const Tensor& mask) {
  check(mask.dtype() == Dtype::Bool, op,
        ": expected dtype bool for argument 'mask', got ", describe(mask));
}
Tensor broadcast(const Tensor& t, IntList sizes) {
  Dims strides;
  strides.n = static_cast<int>(sizes.size());
  broadcast_strides(t, sizes, strides.v);
  return alias(t, sizes, strides, t.offset());
}
int64_t count_true(const Tensor& mask) {
  const Tensor n = empty({}, Dtype::Int64, mask.device());
  if (mask.numel() == 0) return 0;
  KernelCall(mask.device()).out(n).in(mask).run(kernel<"count_nonzero">());
  return item(n).to_int();
}
Tensor masked_select(const Tensor& self, const Tensor& mask) {
  check_mask("masked_select", mask);
  const auto sizes = broadcast_shapes(self.sizes(), mask.sizes(), "masked_select");
  const Tensor m = broadcast(mask, sizes), x = broadcast(self, sizes);
  Tensor out = empty(IntList{count_true(m)}, self.dtype(), self.device());
  if (out.numel() == 0) return out;
  KernelCall call(self.device());
  call.out(out).in(at_least_1d(x)).in(at_least_1d(m));
  if (call.try_run(kernel<"masked_select">())) return out;
  return composed::masked_select(x, m, out.numel());
}
Tensor masked_select_back(Grad& g) {
  const Tensor mask = g.in(1);
  const auto sizes = broadcast_shapes(g.shape(0), mask.sizes(), "masked_select");
  static const OpRef op("masked_scatter(");
  return op(zeros(sizes, g.g.dtype(), g.g.device()), mask, g.g);
}

void masked_scatter(Frame& f) {
  const Tensor self(f.args[0].tensor), mask(f.args[1].tensor), source(f.args[2].tensor);
  check_mask("masked_scatter", mask);
  check_same_dtype("masked_scatter", "self", self, "source", source);
  const auto sizes = broadcast_shapes(self.sizes(), mask.sizes(), "masked_scatter");
  f.out = f.given;
  if (!f.inplace) {
    f.out = empty(sizes, self.dtype(), self.device());
    put_values(f.out, self);
  }
  check(self.sizes().equals(sizes) || !f.inplace, "masked_scatter_: the mask ",
        describe(mask), " does not broadcast to ", describe(self));
  const Tensor m = broadcast(mask, sizes);
  if (f.out.numel() == 0) return;
  if (!f.out.device().is_meta()) {
    const int64_t n = count_true(m);
    check(n <= source.numel(), "masked_scatter: number of elements of source (",
          source.numel(), ") < number of ones in mask (", n, ")");
  }
  const Tensor from = make_contiguous(at_least_1d(source));
  KernelCall call(self.device());
  call.out(at_least_1d(f.out)).in(at_least_1d(m)).in(from);
  if (call.try_run(kernel<"masked_scatter">())) return;
  composed::masked_scatter(f.out, m, from);
}
void masked_scatter_back(Grad& g, std::vector<Tensor>& out) {
  static const OpRef select("masked_select(");
  const Tensor mask = g.in(1);
  if (g.needs(0)) put(g, out, 0, sum_to(ops::masked_fill(g.g, mask, 0), g.shape(0)));
  if (!g.needs(2)) return;
  const Tensor used = select(g.g, mask);
  const int64_t n = count(g.shape(2));
  const Tensor parts[] = {used,
                          zeros(IntList{n - used.numel()}, g.g.dtype(), g.g.device())};
  put(g, out, 2, ops::reshape(ops::cat(parts, 0), g.shape(2)));
}

// ---- nonzero
// ------------------------------------------------------------------------------
void nonzero(Frame& f) {
  const Tensor self(f.args[0].tensor);
  if (!f.args[1].i) {
    f.out = nonzero_rows(self);
    return;
  }
  const Tensor rows = nonzero_rows(at_least_1d(self));
  std::vector<Tensor> columns;
  for (int64_t d = 0; d < std::max<int64_t>(self.dim(), 1); ++d) {
    columns.push_back(alias(rows, IntList{rows.sizes()[0]},
                            IntList{std::max<int64_t>(self.dim(), 1)}, d));
  }
  detail::Store<std::vector<Tensor>>::put(f, std::move(columns));
}
std::vector<Tensor> where_true(const Tensor& condition) {
  static const OpRef op("nonzero(");
  return op.all(condition, true);
}
Tensor argwhere(const Tensor& self) { return nonzero_rows(self); }

const char* const kScatter = "A copy with values written at an index along a dim.";

const Records scattering = {
    Op("scatter(Tensor self, int dim, Tensor index, Operand src) -> Tensor", kScatter)
        .impl<scatter>()
        .inplace()
        .out(kOutExact | kOutApart)
        .derivatives(in(2), scatter_back),
    Op("scatter(Tensor self, int dim, Tensor index, Scalar value) -> Tensor", kScatter)
        .impl<scatter>()
        .inplace()
        .out(kOutExact | kOutApart)
        .derivative("self", in(2),
                    [](Grad& g) { return scatter_op(g.g, g.value(1), g.in(2), 0); }),
    Op("scatter(Tensor self, int dim, Tensor index, Operand src, *, str reduce) "
       "-> Tensor",
       "A copy with values added or multiplied at an index along a dim.")
        .impl<scatter_named>()
        .inplace()
        .out(kOutExact | kOutApart)
        .derivatives(in(2), scatter_named_back),
    Op("scatter(Tensor self, int dim, Tensor index, Scalar value, *, str reduce) "
       "-> Tensor",
       "A copy with a value added or multiplied at an index along a dim.")
        .impl<scatter_named>()
        .inplace()
        .out(kOutExact | kOutApart),
    Op("scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor",
       "A copy with values added at an index along a dim.")
        .impl<scatter_add>()
        .inplace()
        .out(kOutExact | kOutApart)
        .derivatives(in(2), scatter_add_back),
    Op("scatter_reduce(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, "
       "bool include_self=True) -> Tensor",
       "Values that meet at an index along a dim, reduced.")
        .impl<scatter_reduce>()
        .inplace()
        .out(kOutExact | kOutApart)
        .derivatives(in(0, 2, 3) | kOut, scatter_reduce_back),
    Op("index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *, "
       "bool include_self=True) -> Tensor",
       "Positions that meet along a dim, reduced.")
        .impl<index_reduce>()
        .inplace()
        .out(kOutExact | kOutApart),
    Op("take(Tensor self, Tensor index) -> Tensor",
       "Elements by their number in row-major order.")
        .impl<take>()
        .out(kOutExact | kOutApart),
    Op("put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor",
       "A copy with elements written by their number in row-major order.")
        .impl<put_at>()
        .inplace(),
    Op("take_along_dim(Tensor self, Tensor indices, int? dim=None) -> Tensor",
       "gather with the other dimensions broadcast.")
        .impl<take_along_dim>()
        .out(kOutExact | kOutApart),
};

const Records masks = {
    Op("masked_select(Tensor self, Tensor mask) -> Tensor",
       "The elements where a mask is true, on one line.")
        .impl<masked_select>()
        .out(kOutExact | kOutApart)
        .derivative("self", in(1), masked_select_back),
    Op("masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor",
       "A copy with source's elements, in order, where a mask is true.")
        .impl<masked_scatter>()
        .inplace()
        .derivatives(in(1), masked_scatter_back),
    Op("nonzero(Tensor self, *, bool as_tuple=False) -> Tensor",
       "The coordinates of what is not zero, one row each.")
        .impl<nonzero>()
        .not_differentiable()
        .out(kOutExact),
    Op("argwhere(Tensor self) -> Tensor",
       "The coordinates of what is not zero, one row each.")
        .impl<argwhere>()
        .not_differentiable(),
    Op("where(Tensor condition) -> Tensor[]",
       "The coordinates of what is true, one tensor for each dimension.")
        .impl<where_true>()
        .no_method(),
};

}  // namespace
}  // namespace fl
