// Views: ops that give a tensor another geometry over the same memory.
#include "ops/common.h"

namespace fl {

// The one unknown size (-1) of a shape is worked out from the number of elements.
Dims infer_sizes(IntList shape, int64_t numel, const char* op) {
  Dims sizes(shape);
  int64_t known = 1;
  int unknown = -1;
  for (int i = 0; i < sizes.n; ++i) {
    if (sizes[i] == -1) {
      check(unknown < 0, op, ": only one dimension can be inferred, got shape ",
            to_string(shape));
      unknown = i;
    } else {
      check(sizes[i] >= 0, op, ": invalid shape dimension ", sizes[i], " in ",
            to_string(shape));
      known *= sizes[i];
    }
  }
  if (unknown >= 0) {
    check(known != 0, op, ": cannot infer a dimension of shape ", to_string(shape),
          " for ", numel, " elements: it could be any value");
    sizes[unknown] = known == 1 ? numel : numel / known;
    known *= sizes[unknown];
  }
  check(known == numel, op, ": shape '", to_string(shape),
        "' is invalid for input of size ", numel);
  return sizes;
}

// Strides that show `t` in another shape without a copy; false when there are none.
// Runs of dimensions that lie evenly in memory are cut into the new dimensions.
bool view_strides(const Tensor& t, IntList shape, int64_t* strides) {
  if (t.contiguous() || t.numel() == 0) {
    contiguous_strides(shape, strides);
    return true;
  }
  const IntList size = t.sizes(), stride = t.strides();
  int64_t next = static_cast<int64_t>(shape.size()) - 1;
  int64_t d = t.dim() - 1;
  while (d >= 0) {
    const int64_t step = stride[d];
    int64_t run = size[d--];
    while (d >= 0 && (size[d] == 1 || stride[d] == run * step)) run *= size[d--];
    int64_t filled = 1;
    while (next >= 0 && (filled < run || shape[next] == 1)) {
      strides[next] = filled * step;
      filled *= shape[next--];
    }
    if (filled != run) return false;
  }
  for (; next >= 0; --next) strides[next] = 1;
  return true;
}

namespace {

Tensor view_sizes(const Tensor& self, IntList size) {
  const Dims sizes = infer_sizes(size, self.numel(), "view");
  Dims strides;
  strides.n = sizes.n;
  check(view_strides(self, sizes, strides.v), "view: size ", to_string(size),
        " is not compatible with ", describe(self), " of strides ",
        to_string(self.strides()),
        ": at least one dimension spans across two contiguous subspaces. ",
        "Use .reshape(...) instead.");
  return alias(self, sizes, strides, self.offset());
}

// Whether `shape`, in which nothing is unknown, has numel elements.
bool holds(IntList shape, int64_t numel) {
  int64_t n = 1;
  for (int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(n, size, &n)) return false;
  return n == numel;
}

Tensor reshape(const Tensor& self, IntList shape) {
  if (self.contiguous() && holds(shape, self.numel())) return ops::view(self, shape);
  const Dims sizes = infer_sizes(shape, self.numel(), "reshape");
  Dims strides;
  if (view_strides(self, sizes, strides.v)) return ops::view(self, sizes);
  return ops::view(ops::contiguous(self), sizes);
}

Tensor expand(const Tensor& self, IntList size, bool) {
  const int64_t extra = static_cast<int64_t>(size.size()) - self.dim();
  check(extra >= 0, "expand: the number of sizes provided (", size.size(),
        ") must be at least the number of dimensions of ", describe(self));
  Dims sizes(size), strides;
  strides.n = sizes.n;
  for (int64_t i = 0; i < sizes.n; ++i) {
    const int64_t have = i < extra ? 1 : self.sizes()[i - extra];
    const int64_t step = i < extra ? 0 : self.strides()[i - extra];
    if (sizes[i] == -1) {
      check(i >= extra, "expand: -1 is not allowed in a leading, non-existing ",
            "dimension ", i, " of ", to_string(size));
      sizes[i] = have;
    }
    check(sizes[i] == have || (have == 1 && sizes[i] >= 0),
          "expand: the expanded size (", sizes[i], ") must match the existing size (",
          have, ") at dimension ", i, ". Target sizes: ", to_string(size),
          ". Tensor: ", describe(self));
    strides[i] = sizes[i] == have ? step : 0;
  }
  return alias(self, sizes, strides, self.offset());
}

Tensor permute(const Tensor& self, IntList dims) {
  const int64_t n = self.dim();
  check(static_cast<int64_t>(dims.size()) == n, "permute: expected ", n, " dims for ",
        describe(self), ", got ", to_string(dims));
  Dims sizes, strides;
  uint64_t seen = 0;
  for (int64_t raw : dims) {
    const int64_t d = wrap_dim(raw, n);
    check(!(seen >> d & 1),
          "permute: duplicate dims are not allowed: ", to_string(dims));
    seen |= 1ull << d;
    sizes.push(self.sizes()[d]);
    strides.push(self.strides()[d]);
  }
  return alias(self, sizes, strides, self.offset());
}

Tensor permute_back(Grad& g) {
  const auto dims = g.arg<IntList>(1);
  const int64_t n = static_cast<int64_t>(dims.size());
  Dims inverse;
  inverse.n = static_cast<int>(n);
  for (int64_t i = 0; i < n; ++i) inverse[wrap_dim(dims[i], n)] = i;
  return ops::permute(g.g, inverse);
}

Tensor transpose(const Tensor& self, int64_t dim0, int64_t dim1) {
  const int64_t n = self.dim();
  dim0 = wrap_dim(dim0, n), dim1 = wrap_dim(dim1, n);
  Dims sizes(self.sizes()), strides(self.strides());
  if (n) {
    std::swap(sizes[dim0], sizes[dim1]);
    std::swap(strides[dim0], strides[dim1]);
  }
  return alias(self, sizes, strides, self.offset());
}

Tensor transpose_back(Grad& g) {
  return ops::transpose(g.g, g.arg<int64_t>(1), g.arg<int64_t>(2));
}

Tensor t(const Tensor& self) {
  check(self.dim() <= 2, "t: expected a tensor with <= 2 dimensions, got ",
        describe(self));
  if (self.dim() < 2) return alias(self, self.sizes(), self.strides(), self.offset());
  return transpose(self, 0, 1);
}

Tensor squeeze_mask(const Tensor& self, uint64_t mask) {
  Dims sizes, strides;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (self.sizes()[d] == 1 && (mask >> d & 1)) continue;
    sizes.push(self.sizes()[d]);
    strides.push(self.strides()[d]);
  }
  return alias(self, sizes, strides, self.offset());
}
Tensor squeeze_all(const Tensor& self) { return squeeze_mask(self, ~0ull); }
Tensor squeeze_dim(const Tensor& self, int64_t dim) {
  return squeeze_mask(self, 1ull << wrap_dim(dim, self.dim()));
}
Tensor squeeze_dims(const Tensor& self, IntList dims) {
  uint64_t mask = 0;
  for (int64_t d : dims) {
    const uint64_t bit = 1ull << wrap_dim(d, self.dim());
    check(!(mask & bit), "squeeze: dim ", d,
          " appears multiple times in the list of dims");
    mask |= bit;
  }
  return squeeze_mask(self, mask);
}

Tensor unsqueeze(const Tensor& self, int64_t dim) {
  dim = wrap_dim(dim, self.dim() + 1);
  Dims sizes(self.sizes()), strides(self.strides());
  const int64_t step = dim < self.dim() ? sizes[dim] * strides[dim] : 1;
  sizes.insert(dim, 1);
  strides.insert(dim, step);
  return alias(self, sizes, strides, self.offset());
}

Tensor select(const Tensor& self, int64_t dim, int64_t index) {
  const int64_t n = self.dim();
  check(n > 0, ErrorKind::Index, "select: cannot be applied to a 0-dim tensor");
  dim = wrap_dim(dim, n);
  const int64_t size = self.sizes()[dim];
  check(index >= -size && index < size, ErrorKind::Index, "select: index ", index,
        " is out of range for dimension ", dim, " of ", describe(self));
  if (index < 0) index += size;
  const int64_t offset = self.offset() + index * self.strides()[dim];
  Dims sizes(self.sizes()), strides(self.strides());
  sizes.erase(dim);
  strides.erase(dim);
  return alias(self, sizes, strides, offset);
}

struct Range {
  int64_t start, length;
};
Range slice_range(int64_t size, std::optional<int64_t> start,
                  std::optional<int64_t> end, int64_t step) {
  int64_t a = start.value_or(0), b = end.value_or(size);
  if (a < 0) a += size;
  if (b < 0) b += size;
  a = std::clamp<int64_t>(a, 0, size);
  b = std::clamp<int64_t>(b, a, size);
  return {a, (b - a + step - 1) / step};
}

Tensor slice(const Tensor& self, int64_t dim, std::optional<int64_t> start,
             std::optional<int64_t> end, int64_t step) {
  check(self.dim() > 0, "slice: cannot be applied to a 0-dim tensor");
  check(step > 0, ErrorKind::Value, "slice: step must be greater than zero, got ",
        step);
  dim = wrap_dim(dim, self.dim());
  const Range r = slice_range(self.sizes()[dim], start, end, step);
  Dims sizes(self.sizes()), strides(self.strides());
  const int64_t offset = self.offset() + r.start * strides[dim];
  sizes[dim] = r.length;
  strides[dim] *= step;
  return alias(self, sizes, strides, offset);
}

Tensor narrow(const Tensor& self, int64_t dim, int64_t start, int64_t length) {
  check(self.dim() > 0, "narrow: cannot be applied to a 0-dim tensor");
  check(length >= 0, "narrow: length must be non-negative, got ", length);
  dim = wrap_dim(dim, self.dim());
  const int64_t size = self.sizes()[dim];
  check(start >= -size && start <= size, ErrorKind::Index,
        "narrow: expected start in [", -size, ", ", size, "], got ", start);
  if (start < 0) start += size;
  check(start <= size - length, "narrow: start (", start, ") + length (", length,
        ") exceeds dimension size (", size, ")");
  Dims sizes(self.sizes());
  sizes[dim] = length;
  return alias(self, sizes, self.strides(),
               self.offset() + start * self.strides()[dim]);
}
Tensor narrow_tensor(const Tensor& self, int64_t dim, const Tensor& start,
                     int64_t length) {
  check(start.dim() == 0 && is_integral(start.dtype()),
        "narrow: expected a 0-dim integral tensor for argument 'start', got ",
        describe(start));
  return ops::narrow(self, dim, item(start).to_int(), length);
}

Tensor diagonal(const Tensor& self, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t n = self.dim();
  const int64_t a = wrap_dim(dim1, n), b = wrap_dim(dim2, n);
  check(a != b, "diagonal: dimensions cannot be identical: ", dim1, ", ", dim2);
  const int64_t sa = self.strides()[a], sb = self.strides()[b];
  const int64_t rows = self.sizes()[a] - std::max<int64_t>(-offset, 0);
  const int64_t cols = self.sizes()[b] - std::max<int64_t>(offset, 0);
  const int64_t length = std::max<int64_t>(std::min(rows, cols), 0);
  int64_t start = self.offset();
  if (length) start += offset >= 0 ? offset * sb : -offset * sa;
  Dims sizes, strides;
  for (int64_t d = 0; d < n; ++d) {
    if (d == a || d == b) continue;
    sizes.push(self.sizes()[d]);
    strides.push(self.strides()[d]);
  }
  sizes.push(length);
  strides.push(sa + sb);
  return alias(self, sizes, strides, start);
}

Tensor unfold(const Tensor& self, int64_t dimension, int64_t size, int64_t step) {
  const int64_t d = wrap_dim(dimension, self.dim());
  const int64_t have = self.dim() ? self.sizes()[d] : 1;
  check(size >= 0 && size <= have, "unfold: maximum size for ", describe(self),
        " at dimension ", dimension, " is ", have, " but size is ", size);
  check(step > 0, "unfold: step is ", step, " but must be > 0");
  Dims sizes(self.sizes()), strides(self.strides());
  const int64_t old = self.dim() ? strides[d] : 1;
  if (self.dim()) {
    sizes[d] = (have - size) / step + 1;
    strides[d] = step * old;
  }
  sizes.push(size);
  strides.push(old);
  return alias(self, sizes, strides, self.offset());
}

// ---- gradients of the views that leave something out
// ---------------------------------- Zeros of the input's shape in which the view's
// elements hold the gradient.
Tensor embed(const Tensor& grad, IntList input, IntList size, IntList stride,
             int64_t offset) {
  Tensor out = zeros(input, grad.dtype(), grad.device());
  put_values(alias(out, size, stride, offset), grad);
  return out;
}
// The inverse: what the view would show of a tensor in row-major order.
Tensor extract(const Tensor& self, IntList size, IntList stride, int64_t offset) {
  const Tensor c = make_contiguous(self);
  return make_contiguous(alias(c, size, stride, c.offset() + offset));
}

const OpRef embed_op("_embed_view("), extract_op("_extract_view(");

// A tensor without data that stands for the input, to work out the view's geometry.
Tensor model(Grad& g) {
  static DeviceRuntime& meta = runtime(parse_device("meta"));
  return empty(g.shape(0), g.g.dtype(), meta);
}
Tensor embed_like(Grad& g, const Tensor& view) {
  return embed_op(g.g, g.shape(0), view.sizes(), view.strides(), view.offset());
}

Tensor select_back(Grad& g) {
  return embed_like(g, select(model(g), g.arg<int64_t>(1), g.arg<int64_t>(2)));
}
Tensor slice_back(Grad& g) {
  using Opt = std::optional<int64_t>;
  return embed_like(g, slice(model(g), g.arg<int64_t>(1), g.arg<Opt>(2), g.arg<Opt>(3),
                             g.arg<int64_t>(4)));
}
Tensor narrow_back(Grad& g) {
  return embed_like(
      g, narrow(model(g), g.arg<int64_t>(1), g.arg<int64_t>(2), g.arg<int64_t>(3)));
}
Tensor diagonal_back(Grad& g) {
  return embed_like(
      g, diagonal(model(g), g.arg<int64_t>(1), g.arg<int64_t>(2), g.arg<int64_t>(3)));
}

// Elements may be shown several times: their gradients add up.
Tensor add_up(const Tensor& grad, int64_t elements, IntList size, IntList stride,
              int64_t offset) {
  static const OpRef arange("arange(Scalar end");
  const Tensor places = make_contiguous(
      alias(arange(elements, std::nullopt, std::nullopt, Device(grad.device().device)),
            size, stride, offset));
  const Tensor flat = zeros(IntList{elements}, grad.dtype(), grad.device());
  return ops::index_add(flat, 0, ops::reshape(places, IntList{-1}),
                        ops::reshape(grad, IntList{-1}));
}

Tensor unfold_back(Grad& g) {
  const int64_t size = g.arg<int64_t>(2), step = g.arg<int64_t>(3);
  const Tensor view = unfold(model(g), g.arg<int64_t>(1), size, step);
  if (step >= size) return embed_like(g, view);
  return ops::view(add_up(g.g, count(g.shape(0)), view.sizes(), view.strides(), 0),
                   g.shape(0));
}

// ---- as_strided
// -------------------------------------------------------------------------
Tensor strided_view(const Tensor& self, IntList size, IntList stride, int64_t offset,
                    IntList, int64_t) {
  check(size.size() == stride.size(),
        "as_strided: mismatch in length of size and stride: ", to_string(size), ", ",
        to_string(stride));
  int64_t last = offset;
  for (size_t i = 0; i < size.size(); ++i) {
    check(size[i] >= 0, "as_strided: negative size in ", to_string(size));
    check(stride[i] >= 0, "as_strided: negative strides are not supported, got ",
          to_string(stride));
    last += (size[i] - 1) * stride[i];
  }
  check(offset >= 0, "as_strided: storage_offset must be non-negative, got ", offset);
  const int64_t bytes = (last + 1) * item_size(self.dtype());
  check(count(size) == 0 || self.device().is_meta() ||
            bytes <= static_cast<int64_t>(self->storage->nbytes),
        "as_strided: sizes ", to_string(size), ", strides ", to_string(stride),
        " and storage offset ", offset, " need a storage of ", bytes,
        " bytes, which is out of bounds for storage of size ",
        self->storage ? self->storage->nbytes : 0);
  return alias(self, size, stride, offset);
}

Tensor as_strided(const Tensor& self, IntList size, IntList stride,
                  std::optional<int64_t> offset) {
  static const OpRef op("_as_strided(");
  return op(self, size, stride, offset.value_or(self.offset()), self.strides(),
            self.offset());
}

// Gradients are gathered on a line as long as both views reach, then shown as the
// input.
Tensor as_strided_back(Grad& g) {
  const auto size = g.arg<IntList>(1), stride = g.arg<IntList>(2);
  const auto in_stride = g.arg<IntList>(4), in_size = g.shape(0);
  const int64_t offset = g.arg<int64_t>(3), in_offset = g.arg<int64_t>(5);
  int64_t end = offset, in_end = in_offset;
  for (size_t i = 0; i < size.size(); ++i) end += (size[i] - 1) * stride[i];
  for (size_t i = 0; i < in_size.size(); ++i) {
    in_end += (in_size[i] - 1) * in_stride[i];
  }
  const int64_t first = std::min(offset, in_offset);
  const int64_t length = std::max(end, in_end) - first + 1;
  if (g.g.numel() == 0 || count(in_size) == 0) return Tensor();
  const Tensor line = add_up(g.g, length, size, stride, offset - first);
  Tensor grad = ops::as_strided(line, in_size, in_stride, in_offset - first);
  if (!self_overlaps(static_cast<int>(in_size.size()), in_size.data(),
                     in_stride.data())) {
    return grad;
  }
  // Every copy of an expanded element takes an equal share.
  static const OpRef ones("ones_like(");
  const Tensor seen = add_up(ones(grad), length, in_size, in_stride, in_offset - first);
  return ops::div(grad, ops::as_strided(seen, in_size, in_stride, in_offset - first));
}

Tensor view_dtype(const Tensor& self, Dtype dtype) {
  const int64_t from = item_size(self.dtype()), to = item_size(dtype);
  Dims sizes(self.sizes()), strides(self.strides());
  int64_t offset = self.offset();
  if (from != to) {
    check(self.dim() > 0, "view: self.dim() cannot be 0 to view ", describe(self),
          " as ", short_name(dtype), " (different element sizes)");
    const int last = sizes.n - 1;
    check(strides[last] == 1 || sizes[last] == 1 || self.numel() == 0,
          "view: self.stride(-1) must be 1 to view ", describe(self), " as ",
          short_name(dtype), ", got ", strides[last]);
    if (from > to) {
      const int64_t k = from / to;
      sizes[last] *= k;
      for (int i = 0; i < last; ++i) strides[i] *= k;
      offset *= k;
    } else {
      const int64_t k = to / from;
      check(sizes[last] % k == 0, "view: self.size(-1) must be divisible by ", k,
            " to view ", describe(self), " as ", short_name(dtype));
      check(offset % k == 0, "view: self.storage_offset() must be divisible by ", k);
      sizes[last] /= k;
      for (int i = 0; i < last; ++i) {
        check(strides[i] % k == 0 || sizes[i] == 1, "view: self.stride(", i,
              ") must be divisible by ", k, " to view ", describe(self), " as ",
              short_name(dtype));
        strides[i] /= k;
      }
      offset /= k;
    }
    strides[last] = 1;
  }
  Tensor out = alias(self, sizes, strides, offset);
  out->dtype = dtype;
  return out;
}

Tensor view_as_real(const Tensor& self) {
  check(is_complex(self.dtype()), "view_as_real: only supported for complex tensors, ",
        "got ", describe(self));
  Dims sizes(self.sizes()), strides(self.strides());
  for (int i = 0; i < strides.n; ++i) strides[i] *= 2;
  sizes.push(2);
  strides.push(1);
  Tensor out = alias(self, sizes, strides, self.offset() * 2);
  out->dtype = real_dtype(self.dtype());
  return out;
}

Tensor view_as_complex(const Tensor& self) {
  check(self.dtype() == Dtype::Float32 || self.dtype() == Dtype::Float64,
        "view_as_complex: only supported for half, float and double tensors, got ",
        describe(self));
  check(self.dim() > 0 && self.size(-1) == 2,
        "view_as_complex: expected a last dimension of size 2, got ", describe(self));
  check(self.stride(-1) == 1,
        "view_as_complex: expected a last dimension of stride 1, got ",
        to_string(self.strides()));
  Dims sizes(self.sizes()), strides(self.strides());
  --sizes.n, --strides.n;
  for (int i = 0; i < strides.n; ++i) {
    check(strides[i] % 2 == 0 || sizes[i] == 1,
          "view_as_complex: expected strides divisible by 2 but for the last, got ",
          to_string(self.strides()));
    strides[i] /= 2;
  }
  check(self.offset() % 2 == 0,
        "view_as_complex: expected a storage_offset divisible by 2, got ",
        self.offset());
  Tensor out = alias(self, sizes, strides, self.offset() / 2);
  out->dtype = complex_dtype(self.dtype());
  return out;
}

Tensor detach(const Tensor& self) { return detach_alias(self); }

const Records records = {
    Op("view(Tensor self, int[] size) -> Tensor", "The same elements in another shape.")
        .view<view_sizes>()
        .method_only()
        .derivative("self", 0, [](Grad& g) { return ops::reshape(g.g, g.shape(0)); }),
    Op("view(Tensor self, ScalarType dtype) -> Tensor",
       "The same bytes read as another dtype.")
        .view<view_dtype>()
        .method_only()
        .not_differentiable(),
    Op("reshape(Tensor self, int[] shape) -> Tensor",
       "The same elements in another shape: a view where that is possible.")
        .impl<reshape>(),
    Op("expand(Tensor self, int[] size, *, bool implicit=False) -> Tensor",
       "Dimensions of size 1 are repeated without a copy.")
        .view<expand>()
        .method_only()
        .derivative("self", 0, [](Grad& g) { return sum_to(g.g, g.shape(0)); }),
    Op("permute(Tensor self, int[] dims) -> Tensor", "Dimensions in another order.")
        .view<permute>()
        .derivative("self", 0, permute_back),
    Op("transpose(Tensor self, int dim0, int dim1) -> Tensor", "Swaps two dimensions.")
        .view<transpose>()
        .derivative("self", 0, transpose_back),
    Op("swapaxes(Tensor self, int axis0, int axis1) -> Tensor", "Swaps two dimensions.")
        .view<transpose>()
        .derivative("self", 0, transpose_back),
    Op("swapdims(Tensor self, int dim0, int dim1) -> Tensor", "Swaps two dimensions.")
        .view<transpose>()
        .derivative("self", 0, transpose_back),
    Op("t(Tensor self) -> Tensor", "The transpose of a matrix.")
        .view<t>()
        .derivative("self", 0, [](Grad& g) { return ops::t(g.g); }),
    Op("squeeze(Tensor self) -> Tensor", "Drops dimensions of size 1.")
        .view<squeeze_all>()
        .derivative("self", 0, [](Grad& g) { return ops::reshape(g.g, g.shape(0)); }),
    Op("squeeze(Tensor self, int dim) -> Tensor", "Drops a dimension of size 1.")
        .view<squeeze_dim>()
        .derivative("self", 0, [](Grad& g) { return ops::reshape(g.g, g.shape(0)); }),
    Op("squeeze(Tensor self, int[] dim) -> Tensor", "Drops dimensions of size 1.")
        .view<squeeze_dims>()
        .derivative("self", 0, [](Grad& g) { return ops::reshape(g.g, g.shape(0)); }),
    Op("unsqueeze(Tensor self, int dim) -> Tensor", "Adds a dimension of size 1.")
        .view<unsqueeze>()
        .derivative("self", 0, [](Grad& g) { return ops::reshape(g.g, g.shape(0)); }),
    Op("select(Tensor self, int dim, int index) -> Tensor",
       "One position along a dimension, which is dropped.")
        .view<select>()
        .derivative("self", 0, select_back),
    Op("slice(Tensor self, int dim=0, int? start=None, int? end=None, int step=1) "
       "-> Tensor",
       "Every step-th position of a range along a dimension.")
        .view<slice>()
        .no_method()
        .derivative("self", 0, slice_back),
    Op("narrow(Tensor self, int dim, int start, int length) -> Tensor",
       "A range along a dimension.")
        .view<narrow>()
        .derivative("self", 0, narrow_back),
    Op("narrow(Tensor self, int dim, Tensor start, int length) -> Tensor",
       "A range along a dimension.")
        .impl<narrow_tensor>(),
    Op("diagonal(Tensor self, int offset=0, int dim1=0, int dim2=1) -> Tensor",
       "A diagonal of two dimensions, appended as the last one.")
        .view<diagonal>()
        .derivative("self", 0, diagonal_back),
    Op("unfold(Tensor self, int dimension, int size, int step) -> Tensor",
       "Windows along a dimension, appended as the last one.")
        .view<unfold>()
        .method_only()
        .derivative("self", 0, unfold_back),
    Op("as_strided(Tensor self, int[] size, int[] stride, int? storage_offset=None) "
       "-> Tensor",
       "Any geometry over the same storage.")
        .impl<as_strided>(),
    Op("_as_strided(Tensor self, int[] size, int[] stride, int storage_offset, "
       "int[] input_stride, int input_offset) -> Tensor",
       "as_strided with the geometry of its input, which its gradient needs.")
        .view<strided_view>()
        .no_method()
        .derivative("self", 0, as_strided_back),
    Op("_embed_view(Tensor grad, int[] input_size, int[] size, int[] stride, "
       "int offset) -> Tensor",
       "Zeros in which a strided part holds a gradient.")
        .impl<embed>()
        .no_method()
        .derivative("grad", 0,
                    [](Grad& g) {
                      return extract_op(g.g, g.value(2), g.value(3), g.value(4));
                    }),
    Op("_extract_view(Tensor self, int[] size, int[] stride, int offset) -> Tensor",
       "A strided part of a tensor in row-major order, copied.")
        .impl<extract>()
        .no_method()
        .derivative("self", 0,
                    [](Grad& g) {
                      return embed_op(g.g, g.shape(0), g.value(1), g.value(2),
                                      g.value(3));
                    }),
    Op("view_as_real(Tensor self) -> Tensor",
       "A complex tensor as pairs of real and imaginary parts.")
        .view<view_as_real>()
        .no_method()
        .derivative("self", 0,
                    [](Grad& g) { return ops::view_as_complex(ops::contiguous(g.g)); }),
    Op("view_as_complex(Tensor self) -> Tensor", "Pairs of numbers as complex ones.")
        .view<view_as_complex>()
        .no_method()
        .derivative("self", 0,
                    [](Grad& g) { return ops::view_as_real(ops::contiguous(g.g)); }),
    Op("detach(Tensor self) -> Tensor", "The same memory without history.")
        .view<detach>()
        .not_differentiable(),
};

}  // namespace
}  // namespace fl
