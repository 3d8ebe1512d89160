// Ops that join, repeat, turn and mask tensors: cat, stack, repeat, roll, flip, tril.
#include "ops/compose.h"

namespace fl {
namespace {

// ---- cat, stack --------------------------------------------------------------------
// PyTorch lets 1-D tensors of no elements join anything.
bool skipped(const Tensor& t) { return t.dim() == 1 && t.numel() == 0; }

void join(const Tensor& out, TensorList tensors, int64_t dim) {
  if (out.numel() == 0 || out.device().is_meta()) return;
  constexpr size_t kMost = 16;
  if (tensors.size() <= kMost) {
    KernelCall call(out.device());
    call.out(out);
    for (const Tensor& t : tensors) {
      if (t.numel()) call.in(cast_to(t, out.dtype()));
    }
    if (call.attr(dim).try_run(kernel<"cat">())) return;
  }
  int64_t at = 0;
  for (const Tensor& t : tensors) {
    if (t.numel() == 0) continue;
    copy_into(
        alias(out, t.sizes(), out.strides(), out.offset() + at * out.strides()[dim]),
        t);
    at += t.sizes()[dim];
  }
}

void check_devices(const char* op, TensorList tensors) {
  for (const Tensor& t : tensors) {
    check_same_device(op, "tensors[0]", tensors[0], "tensors[i]", t);
  }
}
Dtype common_dtype(TensorList tensors) {
  Dtype d = tensors[0].dtype();
  for (const Tensor& t : tensors) d = promote(d, t.dtype());
  return d;
}

Tensor cat(TensorList tensors, int64_t dim) {
  check(!tensors.empty(), ErrorKind::Value,
        "cat: expected a non-empty list of Tensors");
  const Tensor* first = nullptr;
  for (const Tensor& t : tensors) {
    check(t.dim() > 0, "cat: zero-dimensional tensor cannot be concatenated");
    if (!first && !skipped(t)) first = &t;
  }
  check_devices("cat", tensors);
  const Dtype dtype = common_dtype(tensors);
  if (!first) first = &tensors[0];
  dim = wrap_dim(dim, first->dim());
  Dims sizes(first->sizes());
  sizes[dim] = 0;
  for (const Tensor& t : tensors) {
    if (skipped(t)) continue;
    check(t.dim() == first->dim(),
          "cat: tensors must have same number of dimensions: ", "got ",
          describe(*first), " and ", describe(t));
    for (int64_t d = 0; d < t.dim(); ++d) {
      check(d == dim || t.sizes()[d] == sizes[d], "cat: sizes of tensors must match ",
            "except in dimension ", dim, ", got ", describe(*first), " and ",
            describe(t));
    }
    sizes[dim] += t.sizes()[dim];
  }
  Tensor out = empty(sizes, dtype, tensors[0].device());
  join(out, tensors, dim);
  return out;
}

Tensor as_input(const OpNode::Input& in, Tensor grad) {
  if (grad.dtype() == in.meta.dtype) return grad;
  return ops::to_dtype(grad, in.meta.dtype);
}

void cat_back(Grad& g, std::vector<Tensor>& out) {
  const auto& inputs = g.node.inputs;
  out.resize(inputs.size());
  int64_t at = 0;
  const int64_t dim = wrap_dim(g.arg<int64_t>(1), g.g.dim());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto& sizes = inputs[i].meta.sizes;
    if (sizes.size() == 1 && sizes[0] == 0 && g.g.dim() != 1) continue;
    if (inputs[i].needs) {
      out[i] = as_input(inputs[i], ops::narrow(g.g, dim, at, sizes[dim]));
    }
    at += sizes[dim];
  }
}

Tensor stack(TensorList tensors, int64_t dim) {
  check(!tensors.empty(), "stack: expected a non-empty TensorList");
  check_devices("stack", tensors);
  const IntList size = tensors[0].sizes();
  dim = wrap_dim(dim, tensors[0].dim() + 1);
  for (size_t i = 0; i < tensors.size(); ++i) {
    check(tensors[i].sizes().equals(size), "stack: expects each tensor to be equal ",
          "size, but got ", to_string(size), " at entry 0 and ",
          to_string(tensors[i].sizes()), " at entry ", i);
  }
  Dims sizes(size);
  sizes.insert(dim, static_cast<int64_t>(tensors.size()));
  Tensor out = empty(sizes, common_dtype(tensors), tensors[0].device());
  if (out.numel() == 0) return out;
  std::vector<Tensor> rows;
  rows.reserve(tensors.size());
  for (const Tensor& t : tensors) {
    Dims s(t.sizes()), st(t.strides());
    s.insert(dim, 1);
    st.insert(dim, 1);
    rows.push_back(alias(t, s, st, t.offset()));
  }
  join(out, rows, dim);
  return out;
}

void stack_back(Grad& g, std::vector<Tensor>& out) {
  const auto& inputs = g.node.inputs;
  out.resize(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].needs) continue;
    out[i] = as_input(inputs[i],
                      ops::select(g.g, g.arg<int64_t>(1), static_cast<int64_t>(i)));
  }
}

// ---- hstack and its kin: dimensions are added first
// ------------------------------------
Tensor at_least(const Tensor& t, int64_t n) {
  if (t.dim() >= n) return t;
  if (n == 1) return ops::reshape(t, IntList{1});
  if (n == 2) return ops::unsqueeze(at_least(t, 1), 0);
  return ops::unsqueeze(at_least(t, 2), -1);
}
Tensor joined(const char* op, TensorList tensors, int64_t least, int64_t dim) {
  check(!tensors.empty(), op, ": expected a non-empty TensorList");
  std::vector<Tensor> grown;
  for (const Tensor& t : tensors) grown.push_back(at_least(t, least));
  return ops::cat(grown, dim);
}
Tensor hstack(TensorList tensors) {
  const bool lines = !tensors.empty() && tensors[0].dim() <= 1;
  return joined("hstack", tensors, 1, lines ? 0 : 1);
}
Tensor vstack(TensorList tensors) { return joined("vstack", tensors, 2, 0); }
Tensor dstack(TensorList tensors) { return joined("dstack", tensors, 3, 2); }
Tensor column_stack(TensorList tensors) {
  std::vector<Tensor> columns;
  for (const Tensor& t : tensors) {
    columns.push_back(t.dim() <= 1 ? ops::reshape(t, IntList{t.numel(), 1}) : t);
  }
  return joined("column_stack", columns, 2, 1);
}

// ---- repeat ------------------------------------------------------------------------
// Sizes r0, s0, r1, s1, ...: a repeated dimension is an expanded one before it.
Tensor repeat(const Tensor& self, IntList repeats) {
  const int64_t extra = static_cast<int64_t>(repeats.size()) - self.dim();
  check(extra >= 0, "repeat: number of dimensions of repeat dims (", repeats.size(),
        ") can not be smaller than number of dimensions of ", describe(self));
  Dims sizes, pairs, strides;
  for (size_t d = 0; d < repeats.size(); ++d) {
    check(repeats[d] >= 0, "repeat: negative repeats in ", to_string(repeats));
    const int64_t k = static_cast<int64_t>(d) - extra;
    const int64_t have = k < 0 ? 1 : self.sizes()[k];
    sizes.push(repeats[d] * have);
    pairs.push(repeats[d]), pairs.push(have);
    strides.push(0), strides.push(k < 0 ? 0 : self.strides()[k]);
  }
  Tensor out = empty(sizes, self.dtype(), self.device());
  if (out.numel() == 0) return out;
  Dims rows;
  rows.n = pairs.n;
  contiguous_strides(pairs, rows.v);
  put_values(alias(out, pairs, rows, 0), alias(self, pairs, strides, self.offset()));
  return out;
}
Tensor repeat_back(Grad& g) {
  const auto repeats = g.arg<IntList>(1), shape = g.shape(0);
  const int64_t extra = static_cast<int64_t>(repeats.size() - shape.size());
  if (g.g.numel() == 0) return Tensor();
  Dims pairs, over;
  for (size_t d = 0; d < repeats.size(); ++d) {
    const int64_t k = static_cast<int64_t>(d) - extra;
    over.push(pairs.n);
    pairs.push(repeats[d]);
    if (k >= 0) pairs.push(shape[k]);
  }
  if (over.n == 0) return g.g;
  return ops::sum_dim(ops::reshape(g.g, pairs), over, false);
}
Tensor tile(const Tensor& self, IntList dims) {
  Dims repeats(dims);
  while (repeats.n < self.dim()) repeats.insert(0, 1);
  static const OpRef op("repeat(");
  return op(self, IntList(repeats));
}

Tensor from_host(const std::vector<int64_t>& values, DeviceRuntime& device) {
  DeviceRuntime& host = host_runtime();
  const int64_t n = static_cast<int64_t>(values.size());
  const Tensor t = empty(IntList{n}, Dtype::Int64, host);
  std::copy(values.begin(), values.end(), t.data<int64_t>());
  if (&device == &host) return t;
  const Tensor out = empty(IntList{n}, Dtype::Int64, device);
  put_values(out, t);
  return out;
}
// The position i, as often as repeats[i] says.
Tensor positions(const Tensor& repeats, int64_t n) {
  check(repeats.dim() <= 1 &&
            (repeats.dtype() == Dtype::Int64 || repeats.dtype() == Dtype::Int32),
        "repeat_interleave: expected a 0-D or 1-D tensor of int32 or int64 for ",
        "argument 'repeats', got ", describe(repeats));
  const auto counts = host_ints(repeats);
  const int64_t m = static_cast<int64_t>(counts.size());
  check(m == n || m == 1,
        "repeat_interleave: repeats must have the same size as input ",
        "along dim, got ", m, " and ", n);
  std::vector<int64_t> out;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t c = counts[m == 1 ? 0 : i];
    check(c >= 0, "repeat_interleave: repeats can not be negative, got ", c);
    out.insert(out.end(), c, i);
  }
  return from_host(out, repeats.device());
}
Tensor interleave_only(const Tensor& repeats, std::optional<int64_t>) {
  check(repeats.dim() == 1, "repeat_interleave: only accepts 1D vector as repeat, got ",
        describe(repeats));
  return positions(repeats, repeats.numel());
}
Tensor interleave(const Tensor& self, const Tensor& repeats, std::optional<int64_t> dim,
                  std::optional<int64_t>) {
  const Tensor from = dim ? self : ops::reshape(self, IntList{-1});
  const int64_t d = wrap_dim(dim.value_or(0), from.dim());
  const int64_t n = from.dim() ? from.sizes()[d] : 1;
  return ops::index_select(from, d, positions(repeats, n));
}
Tensor interleave_int(const Tensor& self, int64_t repeats, std::optional<int64_t> dim,
                      std::optional<int64_t>) {
  check(repeats >= 0, "repeat_interleave: repeats must be non-negative, got ", repeats);
  const Tensor from = dim && self.dim() ? self : ops::reshape(self, IntList{-1});
  const int64_t d = wrap_dim(dim.value_or(0), from.dim());
  Dims wide(from.sizes()), sizes(from.sizes());
  wide.insert(d + 1, repeats);
  sizes[d] *= repeats;
  const Tensor spread = ops::expand(ops::unsqueeze(from, d + 1), wide);
  return ops::reshape(ops::clone(spread), sizes);
}

// ---- roll, flip, rot90 -------------------------------------------------------------
Tensor roll_dims(const Tensor& self, IntList shifts, IntList dims) {
  Dims by, along;
  check(self.dim() > 0 || dims.empty(), ErrorKind::Index,
        "roll: Dimension specified as 0 but tensor has no dimensions");
  for (size_t i = 0; i < dims.size(); ++i) {
    const int64_t d = wrap_dim(dims[i], self.dim());
    const int64_t n = self.dim() ? self.sizes()[d] : 1;
    along.push(d);
    by.push(n ? ((shifts[i] % n) + n) % n : 0);
  }
  Tensor out = empty(self.sizes(), self.dtype(), self.device());
  if (out.numel() == 0) return out;
  if (self.dim() == 0) return put_values(out, self), out;
  KernelCall call(self.device());
  if (call.out(out)
          .in(self)
          .attr(IntList(along))
          .attr(IntList(by))
          .try_run(kernel<"roll">())) {
    return out;
  }
  Tensor from = self;
  for (int i = 0; i < along.n; ++i) {
    const int64_t d = along[i], n = self.sizes()[d];
    const Tensor parts[] = {ops::narrow(from, d, n - by[i], by[i]),
                            ops::narrow(from, d, 0, n - by[i])};
    from = ops::cat(parts, d);
  }
  return from;
}
Tensor roll_dims_back(Grad& g) {
  const auto shifts = g.arg<IntList>(1);
  std::vector<int64_t> back;
  for (int64_t s : shifts) back.push_back(-s);
  static const OpRef op("_roll(");
  return op(g.g, back, g.value(2));
}
Tensor roll(const Tensor& self, IntList shifts, IntList dims) {
  static const OpRef op("_roll(");
  check(!shifts.empty(), "roll: `shifts` required");
  if (dims.empty() && shifts.size() == 1) {
    const int64_t zero = 0;
    const Tensor line = op(ops::reshape(self, IntList{-1}), shifts, IntList(&zero, 1));
    return ops::view(line, self.sizes());
  }
  check(shifts.size() == dims.size(), "roll: shifts and dimensions must align, got ",
        to_string(shifts), " and ", to_string(dims));
  return op(self, shifts, dims);
}

Tensor flip(const Tensor& self, IntList dims) {
  Dims along;
  uint64_t seen = 0;
  for (int64_t raw : dims) {
    const int64_t d = wrap_dim(raw, self.dim());
    check(!(seen >> d & 1), "flip: dim ", d,
          " appears multiple times in the list of dims");
    seen |= 1ull << d;
    if (self.dim()) along.push(d);
  }
  Tensor out = empty_like(self);
  if (out.numel() == 0) return out;
  if (along.n == 0) return put_values(out, self), out;
  KernelCall call(self.device());
  call.out(out).in(self).attr(IntList(along));
  if (call.try_run(kernel<"flip">())) return out;
  return composed::flip(self, along);
}
Tensor fliplr(const Tensor& self) {
  check(self.dim() >= 2, "fliplr: input must be >= 2-d, got ", describe(self));
  return ops::flip(self, IntList{1});
}
Tensor flipud(const Tensor& self) {
  check(self.dim() >= 1, "flipud: input must be >= 1-d, got ", describe(self));
  return ops::flip(self, IntList{0});
}
Tensor rot90(const Tensor& self, int64_t k, IntList dims) {
  check(dims.size() == 2, "rot90: expected total rotation dims == 2, got ",
        dims.size());
  check(self.dim() >= 2, "rot90: expected total dims >= 2, got ", describe(self));
  const int64_t a = wrap_dim(dims[0], self.dim()), b = wrap_dim(dims[1], self.dim());
  check(a != b, "rot90: expected rotation dims to be different, got ", to_string(dims));
  switch (((k % 4) + 4) % 4) {
    case 1:
      return ops::transpose(ops::flip(self, IntList{b}), a, b);
    case 2:
      return ops::flip(self, IntList{a, b});
    case 3:
      return ops::transpose(ops::flip(self, IntList{a}), a, b);
    default:
      return ops::clone(self);
  }
}

// ---- triangles and diagonals
// -----------------------------------------------------------
template <KernelName name>
void triangle(Frame& f) {
  const Tensor self(f.args[0].tensor);
  const int64_t k = f.args[1].i;
  check(self.dim() >= 2, name.text,
        ": input tensor must have at least 2 dimensions, got ", describe(self));
  f.out = empty(self.sizes(), self.dtype(), self.device());
  if (f.out.numel() == 0) return;
  KernelCall call(self.device());
  if (call.out(f.out).in(self).attr(k).try_run(kernel<name>())) return;
  f.out = composed::triangle(self, k, std::string_view(name.text) == "tril");
}

Tensor diag_embed(const Tensor& self, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t n = self.dim() + 1;
  check(self.dim() > 0, "diag_embed: expected at least a 1-dimensional tensor");
  const int64_t a = wrap_dim(dim1, n), b = wrap_dim(dim2, n);
  check(a != b, "diag_embed: diagonal dimensions cannot be identical ", dim1, ", ",
        dim2);
  const int64_t length = self.sizes()[self.dim() - 1];
  const int64_t side = length + std::abs(offset);
  Dims sizes, batch(self.sizes());
  for (int64_t d = 0, from = 0; d < n; ++d) {
    sizes.push(d == a || d == b ? side : batch[from++]);
  }
  Dims strides, shown;
  strides.n = sizes.n;
  contiguous_strides(sizes, strides.v);
  for (int64_t d = 0; d < n; ++d) {
    if (d != a && d != b) shown.push(strides[d]);
  }
  shown.push(strides[a] + strides[b]);
  const int64_t start = offset >= 0 ? offset * strides[b] : -offset * strides[a];
  static const OpRef embed("_embed_view(");
  return embed(self, IntList(sizes), self.sizes(), IntList(shown), start);
}
Tensor diag(const Tensor& self, int64_t diagonal) {
  check(self.dim() == 1 || self.dim() == 2, "diag: supports 1D or 2D tensors, got ",
        describe(self));
  if (self.dim() == 1) return diag_embed(self, diagonal, 0, 1);
  return ops::clone(ops::diagonal(self, diagonal, 0, 1));
}
Tensor diagflat(const Tensor& self, int64_t offset) {
  return diag_embed(ops::reshape(self, IntList{-1}), offset, 0, 1);
}

// ---- a copy in which a view is overwritten
// ----------------------------------------------
Tensor overwrite(const char* op, const Tensor& copy, const Tensor& view,
                 const Tensor& src) {
  check(src.sizes().equals(view.sizes()), op, ": expected src to have a size equal to ",
        "the slice of self, got ", describe(src), " for a slice of ",
        to_string(view.sizes()));
  static const OpRef put("copy(");
  put.inplace(view, src);
  return copy;
}
Tensor select_scatter(const Tensor& self, const Tensor& src, int64_t dim,
                      int64_t index) {
  const Tensor c = ops::clone(self);
  return overwrite("select_scatter", c, ops::select(c, dim, index), src);
}
Tensor slice_scatter(const Tensor& self, const Tensor& src, int64_t dim,
                     const Value& start, const Value& end, int64_t step) {
  static const OpRef slice("slice(");
  const Tensor c = ops::clone(self);
  return overwrite("slice_scatter", c, slice(c, dim, start, end, step), src);
}
Tensor diagonal_scatter(const Tensor& self, const Tensor& src, int64_t offset,
                        int64_t dim1, int64_t dim2) {
  const Tensor c = ops::clone(self);
  return overwrite("diagonal_scatter", c, ops::diagonal(c, offset, dim1, dim2), src);
}
Tensor as_strided_scatter(const Tensor& self, const Tensor& src, IntList size,
                          IntList stride, std::optional<int64_t> offset) {
  const Tensor c = ops::clone(self);
  return overwrite("as_strided_scatter", c,
                   ops::as_strided(c, size, stride, offset.value_or(c.offset())), src);
}

template <KernelName name>
Tensor triangle_back(Grad& g) {
  static const OpRef tril("tril("), triu("triu(");
  return (name.text[3] == 'l' ? tril : triu)(g.g, g.value(1));
}

const Records joins = {
    Op("cat(Tensor[] tensors, int dim=0) -> Tensor", "Tensors one after another.")
        .impl<cat>()
        .out(kOutApart)
        .alias("concat")
        .alias("concatenate")
        .autocast(Autocast::Widest)
        .derivatives(0, cat_back),
    Op("stack(Tensor[] tensors, int dim=0) -> Tensor", "Tensors along a new dimension.")
        .impl<stack>()
        .out(kOutApart)
        .autocast(Autocast::Widest)
        .derivatives(0, stack_back),
    Op("hstack(Tensor[] tensors) -> Tensor", "Tensors side by side.")
        .impl<hstack>()
        .out(kOutApart),
    Op("vstack(Tensor[] tensors) -> Tensor", "Tensors as rows.")
        .impl<vstack>()
        .out(kOutApart)
        .alias("row_stack"),
    Op("dstack(Tensor[] tensors) -> Tensor", "Tensors in depth.")
        .impl<dstack>()
        .out(kOutApart),
    Op("column_stack(Tensor[] tensors) -> Tensor", "Tensors as columns.")
        .impl<column_stack>()
        .out(kOutApart),
};

const char* const kTurnDoc = "The tensor rotated by multiples of 90 degrees.";

const Records turns = {
    Op("repeat(Tensor self, int[] repeats) -> Tensor", "The tensor several times over.")
        .impl<repeat>()
        .method_only()
        .derivative("self", 0, repeat_back),
    Op("tile(Tensor self, int[] dims) -> Tensor", "The tensor several times over.")
        .impl<tile>(),
    Op("repeat_interleave(Tensor self, int repeats, int? dim=None, *, "
       "int? output_size=None) -> Tensor",
       "Each element several times.")
        .impl<interleave_int>(),
    Op("repeat_interleave(Tensor self, Tensor repeats, int? dim=None, *, "
       "int? output_size=None) -> Tensor",
       "Each element as often as `repeats` says.")
        .impl<interleave>(),
    Op("repeat_interleave(Tensor repeats, *, int? output_size=None) -> Tensor",
       "Each position as often as `repeats` says.")
        .impl<interleave_only>()
        .not_differentiable(),
    Op("_roll(Tensor self, int[] shifts, int[] dims) -> Tensor", "roll along dims.")
        .impl<roll_dims>()
        .derivative("self", 0, roll_dims_back),
    Op("roll(Tensor self, int[1] shifts, int[1] dims=[]) -> Tensor",
       "Elements shifted along dims; what leaves at the end comes in at the start.")
        .impl<roll>(),
    Op("flip(Tensor self, int[] dims) -> Tensor", "The order along dims reversed.")
        .impl<flip>()
        .derivative("self", 0,
                    [](Grad& g) { return ops::flip(g.g, g.arg<IntList>(1)); }),
    Op("fliplr(Tensor self) -> Tensor", "Columns reversed.").impl<fliplr>(),
    Op("flipud(Tensor self) -> Tensor", "Rows reversed.").impl<flipud>(),
    Op("rot90(Tensor self, int k=1, int[] dims=[0, 1]) -> Tensor", kTurnDoc)
        .impl<rot90>(),
    Op("tril(Tensor self, int diagonal=0) -> Tensor",
       "Zero above a diagonal of the last two dimensions.")
        .impl<triangle<"tril">>()
        .inplace()
        .out(kOutExact)
        .derivative("self", 0, triangle_back<"tril">),
    Op("triu(Tensor self, int diagonal=0) -> Tensor",
       "Zero below a diagonal of the last two dimensions.")
        .impl<triangle<"triu">>()
        .inplace()
        .out(kOutExact)
        .derivative("self", 0, triangle_back<"triu">),
    Op("diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1) -> Tensor",
       "Zeros with the last dimension on a diagonal.")
        .impl<diag_embed>(),
    Op("diag(Tensor self, int diagonal=0) -> Tensor",
       "The diagonal of a matrix, or a matrix of a diagonal.")
        .impl<diag>()
        .out(kOutExact),
    Op("diagflat(Tensor self, int offset=0) -> Tensor",
       "A matrix with all elements on its diagonal.")
        .impl<diagflat>(),
    Op("select_scatter(Tensor self, Tensor src, int dim, int index) -> Tensor",
       "A copy in which one position along a dimension is overwritten.")
        .impl<select_scatter>()
        .out(kOutExact),
    Op("slice_scatter(Tensor self, Tensor src, int dim=0, int? start=None, "
       "int? end=None, int step=1) -> Tensor",
       "A copy in which a slice is overwritten.")
        .impl<slice_scatter>()
        .out(kOutExact),
    Op("diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, "
       "int dim2=1) -> Tensor",
       "A copy in which a diagonal is overwritten.")
        .impl<diagonal_scatter>()
        .out(kOutExact),
    Op("as_strided_scatter(Tensor self, Tensor src, int[] size, int[] stride, "
       "int? storage_offset=None) -> Tensor",
       "A copy in which a strided part is overwritten.")
        .impl<as_strided_scatter>()
        .out(kOutExact),
};

}  // namespace
}  // namespace fl
