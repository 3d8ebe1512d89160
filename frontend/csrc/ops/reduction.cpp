// Reductions: sum, mean, prod, extremes, truth, and the plan they share.
#include "ops/reduction.h"

#include <cmath>

#include "ops/compose.h"

namespace fl {

uint64_t reduced_dims(const char* op, const Tensor& t, OptDims dims) {
  const int64_t n = t.dim();
  if (!dims || dims->empty()) return n >= 64 ? ~0ull : (1ull << n) - 1;
  uint64_t mask = 0;
  for (int64_t raw : *dims) {
    const int64_t d = wrap_dim(raw, n);
    check(!(mask >> d & 1), op, ": dim ", d,
          " appears multiple times in the list of dims ", to_string(*dims));
    mask |= 1ull << d;
  }
  return n ? mask : 0;
}

Dims reduced_sizes(const Tensor& t, uint64_t mask, bool keepdim) {
  Dims sizes;
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (!(mask >> d & 1)) {
      sizes.push(t.sizes()[d]);
    } else if (keepdim) {
      sizes.push(1);
    }
  }
  return sizes;
}

int64_t reduced_count(IntList sizes, uint64_t mask) {
  int64_t n = 1;
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (mask >> d & 1) n *= sizes[d];
  }
  return n;
}

Tensor reduce(KernelId kernel, const Tensor& self, uint64_t mask, bool keepdim,
              Dtype dtype, const Scalar& neutral, std::span<const fl_attr> attrs,
              bool must) {
  Tensor out = empty(reduced_sizes(self, mask, keepdim), dtype, self.device());
  if (self.numel() == 0) {
    fill_values(out, neutral);
    return out;
  }
  if (self.device().is_meta()) return out;
  int64_t strides[kMaxDims];
  for (int64_t d = 0, at = 0; d < self.dim(); ++d) {
    const bool gone = mask >> d & 1;
    strides[d] = gone ? 0 : out.strides()[at];
    if (!gone || keepdim) ++at;
  }
  const IterOperand operands[] = {
      {out.data(), strides, out.dtype()},
      {self.data(), self->strides, self.dtype()},
  };
  const bool done = run_iterated(self.device(), kernel, self.dtype(), 1, operands,
                                 self.sizes(), attrs, must);
  return done ? out : Tensor();
}

Tensor restore_dims(const Tensor& reduced, uint64_t mask, int64_t ndim, bool keepdim) {
  if (keepdim || ndim == 0 || !mask) return reduced;
  Dims sizes;
  for (int64_t d = 0, at = 0; d < ndim; ++d) {
    sizes.push(mask >> d & 1 ? 1 : reduced.sizes()[at++]);
  }
  return ops::reshape(reduced, sizes);
}

uint64_t grad_mask(Grad& g, int dims_arg) {
  const int64_t n = static_cast<int64_t>(g.shape(0).size());
  const auto dims = dims_arg < 0 ? OptDims() : g.arg<OptDims>(dims_arg);
  if (!dims || dims->empty()) return n >= 64 ? ~0ull : (1ull << n) - 1;
  uint64_t mask = 0;
  for (int64_t d : *dims) mask |= 1ull << wrap_dim(d, n);
  return n ? mask : 0;
}

namespace {

using OptDtype = std::optional<Dtype>;

// The gradient of a reduction, spread over what was reduced.
Tensor spread(Grad& g, const Tensor& grad, int dims_arg, int keep_arg) {
  const bool keep = keep_arg >= 0 && g.arg<bool>(keep_arg);
  const int64_t n = static_cast<int64_t>(g.shape(0).size());
  const Tensor wide = restore_dims(grad, grad_mask(g, dims_arg), n, keep);
  return ops::expand(wide, g.shape(0));
}
Tensor in_dtype(const Tensor& grad, Dtype d) {
  return grad.dtype() == d ? grad : ops::to_dtype(grad, d);
}

// ---- sum, mean, prod ---------------------------------------------------------------
Dtype sum_dtype(const Tensor& self, OptDtype dtype) {
  if (dtype) return *dtype;
  return is_integral(self.dtype()) ? Dtype::Int64 : self.dtype();
}
template <KernelName name, int neutral>
Tensor accumulate(const Tensor& self, OptDims dims, bool keepdim, OptDtype dtype) {
  const uint64_t mask = reduced_dims(name.text, self, dims);
  const Dtype d = sum_dtype(self, dtype);
  return reduce(kernel<name>(), self.dtype() == d ? self : cast_to(self, d), mask,
                keepdim, d, Scalar(neutral));
}
Tensor sum_dims(const Tensor& self, OptDims dims, bool keepdim, OptDtype dtype) {
  return accumulate<"sum", 0>(self, dims, keepdim, dtype);
}
Tensor sum_all(const Tensor& self, OptDtype dtype) {
  return accumulate<"sum", 0>(self, {}, false, dtype);
}
Tensor sum_all_back(Grad& g) {
  return ops::expand(in_dtype(g.g, g.dtype(0)), g.shape(0));
}
Tensor sum_dims_back(Grad& g) { return spread(g, in_dtype(g.g, g.dtype(0)), 1, 2); }

Tensor mean_dims(const Tensor& self, OptDims dims, bool keepdim, OptDtype dtype) {
  const uint64_t mask = reduced_dims("mean", self, dims);
  const Dtype d = dtype.value_or(self.dtype());
  check(!is_integral(d), "mean: could not infer output dtype. Input dtype must be ",
        "either a floating point or complex dtype. Got: ", type_name(d));
  const Tensor x = self.dtype() == d ? self : cast_to(self, d);
  const Tensor out = try_reduce(kernel<"mean">(), x, mask, keepdim, d, Scalar(NAN));
  return out.defined() ? out : composed::mean(x, mask, keepdim);
}
Tensor mean_all(const Tensor& self, OptDtype dtype) {
  return mean_dims(self, {}, false, dtype);
}
Tensor divided(Grad& g, int64_t n) { return in_dtype(ops::div(g.g, n), g.dtype(0)); }
Tensor mean_all_back(Grad& g) {
  return ops::expand(divided(g, count(g.shape(0))), g.shape(0));
}
Tensor mean_dims_back(Grad& g) {
  return spread(g, divided(g, reduced_count(g.shape(0), grad_mask(g, 1))), 1, 2);
}

Tensor prod_all(const Tensor& self, OptDtype dtype) {
  return accumulate<"prod", 1>(self, {}, false, dtype);
}
Tensor prod_dim(const Tensor& self, int64_t dim, bool keepdim, OptDtype dtype) {
  return accumulate<"prod", 1>(self, IntList(&dim, 1), keepdim, dtype);
}

// The products of all other elements along dim: of those before times of those after.
Tensor product_of_others(const Tensor& x, int64_t dim) {
  static const OpRef ones("ones_like("), cumprod("cumprod(");
  const int64_t n = x.size(dim);
  if (n == 1) return ones(x);
  const auto before = [&](const Tensor& t) {
    const Tensor head = ops::narrow(t, dim, 0, n - 1);
    const Tensor parts[] = {ones(ops::narrow(t, dim, 0, 1)), cumprod(head, dim)};
    return ops::cat(parts, dim);
  };
  const IntList along(&dim, 1);
  return ops::mul(before(x), ops::flip(before(ops::flip(x, along)), along));
}
bool has_zero(const Tensor& x) {
  static const OpRef all("all(Tensor self)");
  return !x.device().is_meta() && !item(all(no_grad_of(x))).to_bool();
}
Tensor prod_back(const Tensor& grad, const Tensor& x, const Tensor& out, int64_t dim) {
  if (x.numel() == 0) return Tensor();
  if (!has_zero(x)) return ops::mul(grad, ops::conj(ops::div(out, x)));
  return ops::mul(grad, ops::conj(product_of_others(x, dim)));
}
Tensor prod_all_back(Grad& g) {
  const Tensor x = g.in(0), line = ops::reshape(x, IntList{-1});
  const Tensor grad =
      prod_back(in_dtype(g.g, g.dtype(0)), line, in_dtype(g.out(), g.dtype(0)), 0);
  return grad.defined() ? ops::reshape(grad, x.sizes()) : grad;
}
Tensor prod_dim_back(Grad& g) {
  const Tensor x = g.in(0);
  const uint64_t mask = grad_mask(g, 1);
  const bool keep = g.arg<bool>(2);
  const auto wide = [&](const Tensor& t) {
    return restore_dims(in_dtype(t, g.dtype(0)), mask, x.dim(), keep);
  };
  if (x.dim() == 0) return in_dtype(g.g, g.dtype(0));
  return prod_back(wide(g.g), x, wide(g.out()), wrap_dim(g.arg<int64_t>(1), x.dim()));
}

// ---- extremes
// ------------------------------------------------------------------------
template <KernelName name>
Tensor extreme(const Tensor& self, IntList dims, bool keepdim) {
  const uint64_t mask = reduced_dims(name.text, self, dims);
  check(!is_complex(self.dtype()), name.text, ": not supported for complex, got ",
        describe(self));
  check(reduced_count(self.sizes(), mask) > 0,
        dims.empty() ? ErrorKind::Runtime : ErrorKind::Index, name.text,
        ": expected reduction dim to be specified for, or to have elements in, ",
        describe(self), ": the operation has no identity");
  return reduce(kernel<name>(), self, mask, keepdim, self.dtype(), Scalar(0));
}
template <KernelName name>
Tensor extreme_all(const Tensor& self) {
  check(self.numel() > 0, "max/min: expected reduction dim to be specified for ",
        "input.numel() == 0. Specify the reduction dim with the 'dim' argument.");
  return extreme<name>(self, {}, false);
}
// Equal extremes share the gradient.
Tensor shared(const Tensor& x, const Tensor& wide_out, const Tensor& wide_grad,
              uint64_t mask) {
  const Tensor hit = ops::to_dtype(ops::eq(x, wide_out), x.dtype());
  Dims over;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (mask >> d & 1) over.push(d);
  }
  const Tensor count = over.n ? ops::sum_dim(hit, over, true) : hit;
  return ops::mul(ops::div(hit, count), wide_grad);
}
Tensor extreme_back(Grad& g) {
  const Tensor x = g.in(0);
  const uint64_t mask = grad_mask(g, 1);
  const bool keep = g.arg<bool>(2);
  return shared(x, restore_dims(g.out(), mask, x.dim(), keep),
                restore_dims(g.g, mask, x.dim(), keep), mask);
}
Tensor extreme_all_back(Grad& g) {
  return shared(g.in(0), g.out(), g.g, grad_mask(g, -1));
}
std::array<Tensor, 2> aminmax(const Tensor& self, std::optional<int64_t> dim,
                              bool keepdim) {
  const IntList dims = dim ? IntList(&*dim, 1) : IntList();
  check(dim || self.numel(), "aminmax: cannot compute aminmax over an empty dimension ",
        "as the operation has no identity.");
  if (!dim && keepdim && self.dim()) {
    return {ops::amin(self, {}, true), ops::amax(self, {}, true)};
  }
  return {ops::amin(self, dims, keepdim), ops::amax(self, dims, keepdim)};
}

// ---- truth --------------------------------------------------------------------------
template <KernelName name, int neutral>
Tensor truth(const Tensor& self, OptDims dims, bool keepdim) {
  const uint64_t mask = reduced_dims(name.text, self, dims);
  const Tensor out =
      reduce(kernel<name>(), self, mask, keepdim, Dtype::Bool, Scalar(neutral != 0));
  return self.dtype() == Dtype::UInt8 ? cast_to(out, Dtype::UInt8) : out;
}
template <KernelName name, int neutral>
Tensor truth_all(const Tensor& self) {
  return truth<name, neutral>(self, {}, false);
}
template <KernelName name, int neutral>
Tensor truth_dim(const Tensor& self, int64_t dim, bool keepdim) {
  return truth<name, neutral>(self, IntList(&dim, 1), keepdim);
}

// ---- composed
// ------------------------------------------------------------------------
Tensor count_nonzero(const Tensor& self, OptDims dims) {
  static const OpRef sum("sum(Tensor self, int[");
  return sum(ops::ne(self, 0), dims, false);
}
Tensor nansum(const Tensor& self, OptDims dims, bool keepdim, OptDtype dtype) {
  static const OpRef sum("sum(Tensor self, int[");
  check(!is_complex(self.dtype()), "nansum: does not support complex inputs, got ",
        describe(self));
  if (is_integral(self.dtype())) return sum(self, dims, keepdim, dtype);
  return sum(ops::masked_fill(self, ops::isnan(self), 0), dims, keepdim, dtype);
}
Tensor nanmean(const Tensor& self, OptDims dims, bool keepdim, OptDtype dtype) {
  static const OpRef sum("sum(Tensor self, int[");
  check(!is_integral(self.dtype()),
        "nanmean: expected input to have floating point or complex dtype, got ",
        describe(self));
  const Tensor bad = ops::isnan(self);
  const Tensor n = sum(ops::logical_not(bad), dims, keepdim);
  return ops::div(sum(ops::masked_fill(self, bad, 0), dims, keepdim, dtype), n);
}

const char* const kAmax = "The largest element along dims; equal ones share gradients.";
const char* const kAmin =
    "The smallest element along dims; equal ones share gradients.";

const Records sums = {
    Op("sum(Tensor self, *, ScalarType? dtype=None) -> Tensor",
       "The sum of all elements.")
        .impl<sum_all>()
        .autocast(Autocast::Float32)
        .out()
        .derivative("self", 0, sum_all_back),
    Op("sum(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) "
       "-> Tensor",
       "The sum along dims.")
        .impl<sum_dims>()
        .autocast(Autocast::Float32)
        .out()
        .derivative("self", 0, sum_dims_back),
    Op("mean(Tensor self, *, ScalarType? dtype=None) -> Tensor",
       "The mean of all elements.")
        .impl<mean_all>()
        .out()
        .derivative("self", 0, mean_all_back),
    Op("mean(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) "
       "-> Tensor",
       "The mean along dims.")
        .impl<mean_dims>()
        .out()
        .derivative("self", 0, mean_dims_back),
    Op("prod(Tensor self, *, ScalarType? dtype=None) -> Tensor",
       "The product of all elements.")
        .impl<prod_all>()
        .autocast(Autocast::Float32)
        .out()
        .derivative("self", in(0) | kOut, prod_all_back),
    Op("prod(Tensor self, int dim, bool keepdim=False, *, ScalarType? dtype=None) "
       "-> Tensor",
       "The product along a dim.")
        .impl<prod_dim>()
        .autocast(Autocast::Float32)
        .out()
        .derivative("self", in(0) | kOut, prod_dim_back),
    Op("count_nonzero(Tensor self, int[1]? dim=None) -> Tensor",
       "How many elements are not zero.")
        .impl<count_nonzero>(),
    Op("nansum(Tensor self, int[1]? dim=None, bool keepdim=False, *, "
       "ScalarType? dtype=None) -> Tensor",
       "The sum in which NaN counts as zero.")
        .impl<nansum>()
        .out(),
    Op("nanmean(Tensor self, int[1]? dim=None, bool keepdim=False, *, "
       "ScalarType? dtype=None) -> Tensor",
       "The mean of what is not NaN.")
        .impl<nanmean>()
        .out(),
};

const Records extremes = {
    Op("amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor", kAmax)
        .impl<extreme<"amax">>()
        .out(kOutExact)
        .derivative("self", in(0) | kOut, extreme_back),
    Op("amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor", kAmin)
        .impl<extreme<"amin">>()
        .out(kOutExact)
        .derivative("self", in(0) | kOut, extreme_back),
    Op("max(Tensor self) -> Tensor", "The largest element.")
        .impl<extreme_all<"amax">>()
        .out()
        .derivative("self", in(0) | kOut, extreme_all_back),
    Op("min(Tensor self) -> Tensor", "The smallest element.")
        .impl<extreme_all<"amin">>()
        .out()
        .derivative("self", in(0) | kOut, extreme_all_back),
    Op("aminmax(Tensor self, *, int? dim=None, bool keepdim=False) "
       "-> (Tensor min, Tensor max)",
       "The smallest and the largest element.")
        .impl<aminmax>()
        .out(kOutExact),
};

const Records truths = {
    Op("any(Tensor self) -> Tensor", "Whether any element is true.")
        .impl<truth_all<"any", 0>>()
        .not_differentiable()
        .out(),
    Op("any(Tensor self, int dim, bool keepdim=False) -> Tensor",
       "Whether any element along a dim is true.")
        .impl<truth_dim<"any", 0>>()
        .not_differentiable()
        .out(),
    Op("any(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor",
       "Whether any element along dims is true.")
        .impl<truth<"any", 0>>()
        .not_differentiable()
        .out(),
    Op("all(Tensor self) -> Tensor", "Whether all elements are true.")
        .impl<truth_all<"all", 1>>()
        .not_differentiable()
        .out(),
    Op("all(Tensor self, int dim, bool keepdim=False) -> Tensor",
       "Whether all elements along a dim are true.")
        .impl<truth_dim<"all", 1>>()
        .not_differentiable()
        .out(),
    Op("all(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor",
       "Whether all elements along dims are true.")
        .impl<truth<"all", 1>>()
        .not_differentiable()
        .out(),
};

}  // namespace
}  // namespace fl
