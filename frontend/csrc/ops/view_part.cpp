// Views of a part of a tensor: select, slice, narrow, diagonal, unfold, as_strided, and
// their gradients.
#include "ops/common.h"

namespace fl {
namespace {

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
  const int64_t rows = self.sizes()[a] + std::min<int64_t>(offset, 0);
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

// ---- gradients: what the view leaves out gets none
// ----------------------------------
// Zeros of the input's shape in which the view's elements hold the gradient.
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

const Records records = {
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
};

}  // namespace
}  // namespace fl
