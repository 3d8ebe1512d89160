// Views of a whole tensor: another geometry, or dtype, over the same memory. Those of a
// part of it are in view_part.cpp.
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
  if (self.contiguous()) return alias(self, sizes);
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
  if (self.contiguous() && holds(shape, self.numel())) {
    if (tls.modes || (tls.grad_enabled && self.requires_grad()))
      return ops::view(self, shape);
    const Tensor v = alias(self, shape);  // what view() comes to when nobody records it
    make_view(v, self.get());
    return v;
  }
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
  const int64_t n = self.dim();
  dim = wrap_dim(dim, n + 1);
  Dims sizes, strides;
  for (int64_t d = 0; d <= n; ++d) {
    const int64_t size = d < n ? self->sizes[d] : 1,
                  step = d < n ? self->strides[d] : 1;
    if (d == dim) sizes.push(1), strides.push(size * step);
    if (d < n) sizes.push(size), strides.push(step);
  }
  return alias(self, sizes, strides, self.offset());
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
