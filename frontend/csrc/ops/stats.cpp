// Reductions with a formula: variance, norms, logsumexp.
#include <cmath>

#include "ops/compose.h"

namespace fl {
namespace {

using OptDtype = std::optional<Dtype>;

// ---- variance
// ------------------------------------------------------------------------- _var takes
// the dims as a list (empty: all), the correction, keepdim, and whether the square root
// is wanted.
Tensor var(const Tensor& self, IntList dims, double correction, bool keepdim,
           bool root) {
  const char* op = root ? "std" : "var";
  check(!is_integral(self.dtype()), op,
        ": only supports floating point and complex dtypes, got ", describe(self));
  const uint64_t mask = reduced_dims(op, self, dims);
  if (is_complex(self.dtype())) {
    static const OpRef each("_var(");
    Dims over;
    for (int64_t i = 0; i < self.dim(); ++i) {
      if (mask >> i & 1) over.push(i);
    }
    if (over.n == 0) over.push(0);  // of a single number
    const Tensor parts = ops::view_as_real(make_contiguous(at_least_1d(self)));
    Tensor v = each(parts, IntList(over), correction, keepdim, false);
    if (self.dim() == 0) v = ops::reshape(v, IntList{2});
    const Tensor total = ops::sum_dim(v, IntList{-1}, false);
    return root ? ops::sqrt(total) : total;
  }
  fl_attr attrs[2] = {};
  attrs[0].v.f = correction;
  attrs[1].v.i = root;
  const Tensor out = try_reduce(kernel<"var">(), self, mask, keepdim, self.dtype(),
                                Scalar(NAN), attrs);
  return out.defined() ? out : composed::var(self, correction, root, mask, keepdim);
}

Tensor var_back(Grad& g) {
  const Tensor x = g.in(0);
  const uint64_t mask = grad_mask(g, 1);
  const bool keep = g.arg<bool>(3), root = g.arg<bool>(4);
  const double n = static_cast<double>(reduced_count(g.shape(0), mask));
  Tensor grad = g.g;
  if (root) {
    const Tensor out = g.out();
    grad = ops::masked_fill(ops::div(grad, ops::mul(out, 2.0)), ops::eq(out, 0), 0);
  }
  grad = restore_dims(grad, mask, x.dim(), keep);
  const double below = std::max(n - g.arg<double>(2), 0.0);
  const Tensor mean = x.dim() ? ops::mean_dim(x, g.arg<IntList>(1), true) : x;
  return ops::mul(ops::mul(grad, 2.0 / below), ops::sub(x, mean));
}

const OpRef var_op("_var(");

template <bool root>
Tensor var_all(const Tensor& self, bool unbiased) {
  return var_op(self, IntList(), unbiased ? 1.0 : 0.0, false, root);
}
template <bool root>
Tensor var_dims(const Tensor& self, OptDims dims, bool unbiased, bool keepdim) {
  return var_op(self, dims.value_or(IntList()), unbiased ? 1.0 : 0.0, keepdim, root);
}
template <bool root>
Tensor var_correction(const Tensor& self, OptDims dims, const Value& correction,
                      bool keepdim) {
  const double c = correction.none() ? 1.0 : correction.scalar().real();
  return var_op(self, dims.value_or(IntList()), c, keepdim, root);
}
Tensor mean_of(const Tensor& self, OptDims dims, bool keepdim) {
  return ops::mean_dim(self, dims.value_or(IntList()), keepdim);
}
using Two = std::array<Tensor, 2>;
template <bool root>
Two var_mean_all(const Tensor& self, bool unbiased) {
  return {var_all<root>(self, unbiased), ops::mean(self)};
}
template <bool root>
Two var_mean_dims(const Tensor& self, OptDims dims, bool unbiased, bool keepdim) {
  return {var_dims<root>(self, dims, unbiased, keepdim), mean_of(self, dims, keepdim)};
}
template <bool root>
Two var_mean_correction(const Tensor& self, OptDims dims, const Value& correction,
                        bool keepdim) {
  return {var_correction<root>(self, dims, correction, keepdim),
          mean_of(self, dims, keepdim)};
}

// ---- norms
// ------------------------------------------------------------------------------
Tensor vector_norm(const Tensor& self, double p, IntList dims, bool keepdim) {
  check(
      !is_integral(self.dtype()),
      "linalg.vector_norm: expected a floating point or complex tensor as input, got ",
      describe(self));
  const uint64_t mask = reduced_dims("linalg.vector_norm", self, dims);
  check(reduced_count(self.sizes(), mask) > 0 || (p >= 0 && !std::isinf(p)),
        "linalg.vector_norm: cannot compute the ", p,
        " norm of an empty dimension: the operation has no identity");
  fl_attr attr = {};
  attr.v.f = p;
  const Tensor out =
      try_reduce(kernel<"norm">(), self, mask, keepdim, real_dtype(self.dtype()),
                 Scalar(0), std::span(&attr, 1));
  return out.defined() ? out : composed::norm(self, p, mask, keepdim);
}

// d|x|_p = sgn(x) |x|^(p-1) / |x|_p^(p-1), with zeros where that is not defined.
Tensor norm_grad(const Tensor& x, const Tensor& out, const Tensor& grad, double p,
                 IntList dims, bool all) {
  if (p == 1) return ops::mul(ops::sgn(x), grad);
  if (p == 2) {
    return ops::mul(x, ops::masked_fill(ops::div(grad, out), ops::eq(out, 0), 0));
  }
  const Tensor size = ops::abs(x);
  if (std::isinf(p)) {
    // The norm's own moduli of complex numbers may differ from these by a rounding.
    static const OpRef amax("amax("), amin("amin(");
    const Tensor top =
        is_complex(x.dtype()) ? (p > 0 ? amax : amin)(size, dims, true) : out;
    const Tensor hit = ops::to_dtype(ops::eq(size, top), out.dtype());
    const Tensor n = all && x.dim() == 0 ? hit : ops::sum_dim(hit, dims, true);
    return ops::mul(ops::mul(ops::sgn(x), hit), ops::div(grad, n));
  }
  const Tensor zero = ops::eq(size, 0);
  const Tensor rise =
      ops::masked_fill(ops::pow(ops::masked_fill(size, zero, 1), p - 1), zero, 0);
  const Tensor flat = ops::eq(out, 0);
  const Tensor scale = ops::masked_fill(
      ops::div(grad, ops::pow(ops::masked_fill(out, flat, 1), p - 1)), flat, 0);
  return ops::mul(ops::mul(ops::sgn(x), rise), scale);
}
Tensor norm_back(Grad& g) {
  const double p = g.arg<double>(1);
  const Tensor x = g.in(0);
  if (p == 0) return ops::zeros_like(x);
  const uint64_t mask = grad_mask(g, 2);
  const bool keep = g.arg<bool>(3);
  return norm_grad(x, restore_dims(g.out(), mask, x.dim(), keep),
                   restore_dims(g.g, mask, x.dim(), keep), p, g.arg<IntList>(2),
                   g.arg<IntList>(2).empty());
}

Tensor norm_dims(const Tensor& self, double p, OptDims dims, bool keepdim,
                 OptDtype dtype) {
  static const OpRef op("_norm(");
  Tensor x = self;
  if (dtype && *dtype != self.dtype()) {
    check(can_cast(self.dtype(), *dtype) && !is_integral(*dtype),
          "linalg.vector_norm: the dtype of the input ", describe(self),
          " should be convertible without narrowing to ", short_name(*dtype));
    x = ops::to_dtype(self, *dtype);
  }
  return op(x, p, dims.value_or(IntList()), keepdim);
}
Tensor linalg_vector_norm(const Tensor& self, double p, OptDims dims, bool keepdim,
                          OptDtype dtype) {
  return norm_dims(self, p, dims, keepdim, dtype);
}
Tensor norm(const Tensor& self, std::optional<double> p, OptDims dims, bool keepdim,
            OptDtype dtype) {
  return norm_dims(self, p.value_or(2.0), dims, keepdim, dtype);
}
Tensor norm_named(const Tensor& self, std::string_view p, OptDims dims, bool keepdim,
                  OptDtype dtype) {
  if (p == "fro") return norm_dims(self, 2.0, dims, keepdim, dtype);
  check(p == "nuc", ErrorKind::Runtime, "norm: expected 'fro', 'nuc' or a number for ",
        "argument 'p', got '", std::string(p), "'");
  static const OpRef nuclear("linalg._nuclear_norm(");
  return nuclear(self, dims, keepdim);
}

// ---- logsumexp
// ----------------------------------------------------------------------------
Tensor logsumexp(const Tensor& self, IntList dims, bool keepdim) {
  const uint64_t mask = reduced_dims("logsumexp", self, dims);
  const Dtype d = float_dtype(self.dtype());
  const Tensor x = self.dtype() == d ? self : cast_to(self, d);
  const Tensor fused =
      try_reduce(kernel<"logsumexp">(), x, mask, keepdim, d, Scalar(-INFINITY));
  if (fused.defined()) return fused;
  Dims over;
  for (int64_t i = 0; i < x.dim(); ++i) {
    if (mask >> i & 1) over.push(i);
  }
  Tensor top = is_complex(d) ? ops::to_dtype(ops::amax(ops::real(x), over, true), d)
                             : ops::amax(x, over, true);
  top = ops::masked_fill(top, ops::isinf(top), 0);
  const Tensor total = ops::sum_dim(ops::exp(ops::sub(x, top)), over, true);
  const Tensor out = ops::add(ops::log(total), top);
  return keepdim ? out : ops::reshape(out, reduced_sizes(x, mask, false));
}
Tensor logsumexp_back(Grad& g) {
  const Tensor x = g.in(0);
  const uint64_t mask = grad_mask(g, 1);
  const bool keep = g.arg<bool>(2);
  const Tensor out = restore_dims(g.out(), mask, x.dim(), keep);
  const Tensor share = ops::exp(ops::sub(x, out));
  return ops::mul(restore_dims(g.g, mask, x.dim(), keep), ops::conj(share));
}

const Records variances = {
    Op("_var(Tensor self, int[] dim, float correction, bool keepdim, bool root) "
       "-> Tensor",
       "The variance, or its root, with a correction to the number of elements.")
        .impl<var>()
        .derivative("self", in(0) | kOut, var_back),
    Op("var(Tensor self, bool unbiased=True) -> Tensor",
       "The variance of all elements.")
        .impl<var_all<false>>(),
    Op("var(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> "
       "Tensor",
       "The variance along dims.")
        .impl<var_dims<false>>()
        .out(),
    Op("var(Tensor self, int[1]? dim=None, *, Scalar? correction=None, "
       "bool keepdim=False) -> Tensor",
       "The variance along dims.")
        .impl<var_correction<false>>()
        .out(),
    Op("std(Tensor self, bool unbiased=True) -> Tensor",
       "The standard deviation of all elements.")
        .impl<var_all<true>>(),
    Op("std(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> "
       "Tensor",
       "The standard deviation along dims.")
        .impl<var_dims<true>>()
        .out(),
    Op("std(Tensor self, int[1]? dim=None, *, Scalar? correction=None, "
       "bool keepdim=False) -> Tensor",
       "The standard deviation along dims.")
        .impl<var_correction<true>>()
        .out(),
    Op("var_mean(Tensor self, bool unbiased=True) -> (Tensor, Tensor)",
       "Variance and mean of all elements.")
        .impl<var_mean_all<false>>()
        .no_method(),
    Op("var_mean(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) "
       "-> (Tensor, Tensor)",
       "Variance and mean along dims.")
        .impl<var_mean_dims<false>>()
        .no_method(),
    Op("var_mean(Tensor self, int[1]? dim=None, *, Scalar? correction=None, "
       "bool keepdim=False) -> (Tensor, Tensor)",
       "Variance and mean along dims.")
        .impl<var_mean_correction<false>>()
        .no_method(),
    Op("std_mean(Tensor self, bool unbiased=True) -> (Tensor, Tensor)",
       "Standard deviation and mean of all elements.")
        .impl<var_mean_all<true>>()
        .no_method(),
    Op("std_mean(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) "
       "-> (Tensor, Tensor)",
       "Standard deviation and mean along dims.")
        .impl<var_mean_dims<true>>()
        .no_method(),
    Op("std_mean(Tensor self, int[1]? dim=None, *, Scalar? correction=None, "
       "bool keepdim=False) -> (Tensor, Tensor)",
       "Standard deviation and mean along dims.")
        .impl<var_mean_correction<true>>()
        .no_method(),
};

const Records norms = {
    Op("_norm(Tensor self, float p, int[] dim, bool keepdim) -> Tensor",
       "The p-norm along dims.")
        .impl<vector_norm>()
        .autocast(Autocast::Float32)
        .derivative("self", in(0) | kOut, norm_back),
    Op("linalg.vector_norm(Tensor self, float ord=2, int[1]? dim=None, "
       "bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
       "The p-norm along dims, of all elements by default.")
        .impl<linalg_vector_norm>()
        .no_method()
        .out(kOutExact),
    Op("norm(Tensor self, float? p=2, int[1]? dim=None, bool keepdim=False, "
       "ScalarType? dtype=None) -> Tensor",
       "The p-norm along dims, of all elements by default.")
        .impl<norm>()
        .out(kOutExact),
    Op("norm(Tensor self, str p, int[]? dim=None, bool keepdim=False, "
       "ScalarType? dtype=None) -> Tensor",
       "The Frobenius ('fro') or the nuclear ('nuc') norm.")
        .impl<norm_named>()
        .out(kOutExact),
    Op("logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor",
       "log(sum(exp(x))) along dims, without overflow.")
        .impl<logsumexp>()
        .autocast(Autocast::Float32)
        .out()
        .derivative("self", in(0) | kOut, logsumexp_back),
};

}  // namespace
}  // namespace fl
