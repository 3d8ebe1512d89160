// Ops along one dimension: positions of extremes, running sums, softmax.
#include <cmath>
#include <limits>

#include "ops/compose.h"

namespace fl {
namespace {

using OptDtype = std::optional<Dtype>;
using Two = std::array<Tensor, 2>;

Tensor sized(const Tensor& self, int64_t dim, int64_t size, Dtype dtype) {
  Dims sizes(self.sizes());
  sizes[dim] = size;
  return empty(sizes, dtype, self.device());
}
Tensor drop_dim(const Tensor& t, int64_t dim) {
  Dims sizes(t.sizes()), strides(t.strides());
  sizes.erase(dim);
  strides.erase(dim);
  return alias(t, sizes, strides, t.offset());
}
// What a kernel left as size 1 becomes what the caller asked for.
Tensor finish(const Tensor& out, const Tensor& self, int64_t dim, bool keepdim) {
  if (keepdim && self.dim()) return out;
  return drop_dim(out, dim);
}

// ---- positions of extremes ----------------------------------------------------------
void check_comparable(const char* op, const Tensor& self) {
  check(!is_complex(self.dtype()), op, ": not supported for complex, got ",
        describe(self));
}

template <KernelName name>
Tensor arg_extreme(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  check_comparable(name.text, self);
  if (!dim) {
    check(self.numel() > 0, name.text, ": expected reduction dim to be specified for ",
          "input.numel() == 0. Specify the reduction dim with the 'dim' argument.");
    const Tensor line = ops::reshape(self, IntList{-1});
    Tensor out = empty(IntList{1}, Dtype::Int64, self.device());
    KernelCall(self.device()).out(out).in(line).attr(int64_t{0}).run(kernel<name>());
    Dims sizes;
    if (keepdim) {
      for (int64_t d = 0; d < self.dim(); ++d) sizes.push(1);
    }
    return alias(out, sizes, sizes, 0);
  }
  const int64_t d = wrap_dim(*dim, self.dim());
  const Tensor x = at_least_1d(self);
  check(x.sizes()[d] > 0, ErrorKind::Index, name.text, ": expected reduction dim ", d,
        " to have non-zero size, got ", describe(self));
  Tensor out = sized(x, d, 1, Dtype::Int64);
  if (out.numel()) {
    KernelCall(self.device()).out(out).in(x).attr(d).run(kernel<name>());
  }
  return finish(out, self, d, keepdim);
}

template <KernelName name>
Two extreme_dim(const Tensor& self, int64_t dim, bool keepdim) {
  check_comparable(name.text, self);
  const int64_t d = wrap_dim(dim, self.dim());
  const Tensor x = at_least_1d(self);
  check(x.sizes()[d] > 0, ErrorKind::Index, name.text, ": expected reduction dim ", d,
        " to have non-zero size, got ", describe(self));
  Two out{sized(x, d, 1, x.dtype()), sized(x, d, 1, Dtype::Int64)};
  if (out[0].numel()) {
    KernelCall call(self.device());
    if (!call.out(out[0]).out(out[1]).in(x).attr(d).try_run(kernel<name>())) {
      constexpr bool largest = name.text[1] == 'a';
      out = composed::extreme_dim<largest>(x, d);
    }
  }
  return {finish(out[0], self, d, keepdim), finish(out[1], self, d, keepdim)};
}

// Gradient of values that were picked out along dim by out(1).
Tensor picked_back(Grad& g) {
  if (g.shape(0).empty()) return ops::reshape(g.g, IntList{});
  const int64_t n = static_cast<int64_t>(g.shape(0).size());
  const int64_t d = wrap_dim(g.arg<int64_t>(1), n);
  const bool keep = g.arg<bool>(2);
  Tensor grad = g.g, index = g.out(1);
  if (!keep) grad = ops::unsqueeze(grad, d), index = ops::unsqueeze(index, d);
  const Tensor none = zeros(g.shape(0), grad.dtype(), grad.device());
  return ops::scatter(none, d, index, grad);
}

Tensor larger(const Tensor& self, const Tensor& other) {
  return ops::maximum(self, other);
}
Tensor smaller(const Tensor& self, const Tensor& other) {
  return ops::minimum(self, other);
}

// ---- running sums
// ---------------------------------------------------------------------
template <KernelName name>
Tensor scan(const Tensor& self, int64_t dim, OptDtype dtype) {
  const int64_t d = wrap_dim(dim, self.dim());
  const Dtype t = dtype                       ? *dtype
                  : is_integral(self.dtype()) ? Dtype::Int64
                                              : self.dtype();
  const Tensor x = self.dtype() == t ? self : cast_to(self, t);
  Tensor out = empty(x.sizes(), t, x.device());
  if (out.numel()) {
    KernelCall(x.device())
        .out(at_least_1d(out))
        .in(at_least_1d(x))
        .attr(d)
        .run(kernel<name>());
  }
  return out;
}
Tensor in_dtype(const Tensor& grad, Dtype d) {
  return grad.dtype() == d ? grad : ops::to_dtype(grad, d);
}
// From the end backwards.
Tensor reverse_cumsum(const Tensor& g, int64_t dim) {
  const IntList along(&dim, 1);
  return ops::flip(ops::cumsum(ops::flip(g, along), dim), along);
}
Tensor cumsum_back(Grad& g) {
  return reverse_cumsum(in_dtype(g.g, g.dtype(0)), g.arg<int64_t>(1));
}

// With a zero among the factors the quotient out / x is lost: each element's products
// are formed anew with that element left out.
Tensor cumprod_back_zeros(const Tensor& grad, const Tensor& x, int64_t dim) {
  static const OpRef cumprod("cumprod("), ones("ones_like(");
  const int64_t n = x.size(dim);
  std::vector<Tensor> rows;
  for (int64_t k = 0; k < n; ++k) {
    const Tensor before = ops::narrow(x, dim, 0, k);
    const Tensor after = ops::narrow(x, dim, k + 1, n - k - 1);
    const Tensor parts[] = {before, ones(ops::narrow(x, dim, k, 1)), after};
    const Tensor products = cumprod(ops::cat(parts, dim), dim);
    const Tensor tail = ops::narrow(products, dim, k, n - k);
    rows.push_back(
        ops::sum_dim(ops::mul(ops::narrow(grad, dim, k, n - k), ops::conj(tail)),
                     IntList(&dim, 1), true));
  }
  return ops::cat(rows, dim);
}
Tensor cumprod_back(Grad& g) {
  const Tensor x = g.in(0), grad = in_dtype(g.g, g.dtype(0));
  if (x.dim() == 0 || x.numel() == 0) return grad;
  const int64_t d = wrap_dim(g.arg<int64_t>(1), x.dim());
  static const OpRef all("all(Tensor self)");
  if (!x.device().is_meta() && !item(all(no_grad_of(x))).to_bool()) {
    return cumprod_back_zeros(grad, x, d);
  }
  const Tensor out = in_dtype(g.out(), g.dtype(0));
  const Tensor sums = reverse_cumsum(ops::mul(grad, ops::conj(out)), d);
  return ops::div(sums, ops::conj(x));
}

template <KernelName name>
Two running_extreme(const Tensor& self, int64_t dim) {
  check_comparable(name.text, self);
  const int64_t d = wrap_dim(dim, self.dim());
  Tensor values = empty(self.sizes(), self.dtype(), self.device());
  Tensor indices = empty(self.sizes(), Dtype::Int64, self.device());
  if (values.numel() == 0) return {values, indices};
  const Tensor x = at_least_1d(self);
  KernelCall call(self.device());
  call.out(at_least_1d(values)).out(at_least_1d(indices)).in(x).attr(d);
  if (call.try_run(kernel<name>())) return {values, indices};
  const Two out = composed::running_extreme(x, d, name.text[4] == 'a');
  return {same_shape(out[0], self), same_shape(out[1], self)};
}
Tensor running_extreme_back(Grad& g) {
  if (g.shape(0).empty()) return g.g;
  const Tensor none = zeros(g.shape(0), g.g.dtype(), g.g.device());
  return ops::scatter_add(none, g.arg<int64_t>(1), g.out(1), g.g);
}

Tensor logcumsumexp(const Tensor& self, int64_t dim) {
  const int64_t d = wrap_dim(dim, self.dim());
  const Tensor x = cast_to(self, float_dtype(self.dtype()));
  Tensor out = empty(x.sizes(), x.dtype(), x.device());
  if (out.numel() == 0) return out;
  KernelCall call(x.device());
  call.out(at_least_1d(out)).in(at_least_1d(x)).attr(d);
  if (is_complex(x.dtype())) return call.run(kernel<"logcumsumexp">()), out;
  if (call.try_run(kernel<"logcumsumexp">())) return out;
  return same_shape(composed::logcumsumexp(at_least_1d(x), d), x);
}
// Infinities of either sign as the largest numbers, whose differences are numbers.
Tensor finite(const Tensor& x) {
  const double most = x.dtype() == Dtype::Float64   ? std::numeric_limits<double>::max()
                      : x.dtype() == Dtype::Float16 ? 65504.0
                      : x.dtype() == Dtype::BFloat16
                          ? 0x1.FEp127
                          : std::numeric_limits<float>::max();
  return ops::clamp(x, -most, most);
}
// The gradient is exp(x_k - out_k) h_k, where h_k is the sum over j >= k of
// g_j exp(out_k - out_j): found by doubling the part of each sum that is known.  Since
// out never falls, no power exceeds 1; and it is linear in g, as derivatives must be.
Tensor logcumsumexp_back(Grad& g) {
  const Tensor x = g.in(0);
  if (x.numel() == 0) return g.g;
  const int64_t d = wrap_dim(g.arg<int64_t>(1), x.dim());
  if (is_complex(x.dtype())) {
    const Tensor scaled = ops::mul(g.g, ops::exp(ops::neg(ops::conj(g.out()))));
    return ops::mul(reverse_cumsum(scaled, d), ops::exp(ops::conj(x)));
  }
  const Tensor out = finite(g.out());
  Tensor h = g.g;
  const int64_t n = x.dim() ? x.sizes()[d] : 1;
  for (int64_t s = 1; s < n; s *= 2) {
    const auto first = [&](const Tensor& t) { return ops::narrow(t, d, 0, n - s); };
    const auto later = [&](const Tensor& t) { return ops::narrow(t, d, s, n - s); };
    const Tensor fall = ops::exp(ops::sub(first(out), later(out)));
    const Tensor parts[] = {ops::add(first(h), ops::mul(fall, later(h))),
                            ops::narrow(h, d, n - s, s)};
    h = ops::cat(parts, d);
  }
  return ops::mul(h, ops::exp(ops::sub(x, out)));
}

// ---- softmax
// ----------------------------------------------------------------------------
template <bool log>
Tensor softmax(const Tensor& self, int64_t dim, OptDtype dtype) {
  const int64_t d = wrap_dim(dim, self.dim());
  const Dtype t = dtype ? *dtype : float_dtype(self.dtype());
  check(is_differentiable(t) && (dtype || is_differentiable(self.dtype())),
        ErrorKind::NotImplemented, log ? "log_softmax" : "softmax",
        ": expected a floating point dtype for argument 'self', got ", describe(self));
  const Tensor x = self.dtype() == t ? self : cast_to(self, t);
  Tensor out = empty(x.sizes(), t, x.device());
  if (out.numel() == 0) return out;
  KernelCall call(x.device());
  if (x.dim()) {
    call.out(out).in(x).attr(d);
  } else {
    call.out(at_least_1d(out)).in(at_least_1d(x)).attr(int64_t{0});
  }
  if (call.try_run(log ? kernel<"log_softmax">() : kernel<"softmax">())) return out;
  const IntList along(&d, 1);
  const Tensor low = ops::sub(x, ops::amax(x, along, true));
  if (log) {
    return ops::sub(low, ops::log(ops::sum_dim(ops::exp(low), along, true)));
  }
  const Tensor e = ops::exp(low);
  return ops::div(e, ops::sum_dim(e, along, true));
}

Tensor softmax_parts(const Tensor& g, const Tensor& y, int64_t dim) {
  const IntList along(&dim, 1);
  const Tensor gy = ops::mul(g, y);
  return ops::sub(gy, ops::mul(y, ops::sum_dim(gy, along, true)));
}
Tensor log_softmax_parts(const Tensor& g, const Tensor& y, int64_t dim) {
  const IntList along(&dim, 1);
  return ops::sub(g, ops::mul(ops::exp(y), ops::sum_dim(g, along, true)));
}
template <bool log>
Tensor softmax_grad(const Tensor& g, const Tensor& y, int64_t dim) {
  Tensor out = empty(y.sizes(), y.dtype(), y.device());
  if (out.numel() == 0) return out;
  KernelCall call(y.device());
  if (y.dim()) {
    call.out(out).in(g).in(y).attr(wrap_dim(dim, y.dim()));
  } else {
    call.out(at_least_1d(out)).in(at_least_1d(g)).in(at_least_1d(y)).attr(int64_t{0});
  }
  const KernelId k =
      log ? kernel<"log_softmax_backward">() : kernel<"softmax_backward">();
  if (call.try_run(k)) return out;
  return log ? log_softmax_parts(g, y, dim) : softmax_parts(g, y, dim);
}
template <bool log>
Tensor softmax_back(Grad& g) {
  static const OpRef plain("_softmax_backward("), logs("_log_softmax_backward(");
  return in_dtype((log ? logs : plain)(g.g, g.out(), g.value(1)), g.dtype(0));
}

const char* const kArg = "Where the extreme is; the first of equal ones.";

const Records extremes = {
    // Before those with a dim, which a 0-d tensor of integers could be, too.
    Op("max(Tensor self, Tensor other) -> Tensor", "The larger of each pair.")
        .impl<larger>()
        .out(),
    Op("min(Tensor self, Tensor other) -> Tensor", "The smaller of each pair.")
        .impl<smaller>()
        .out(),
    Op("argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", kArg)
        .impl<arg_extreme<"argmax">>()
        .not_differentiable()
        .out(kOutExact),
    Op("argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", kArg)
        .impl<arg_extreme<"argmin">>()
        .not_differentiable()
        .out(kOutExact),
    Op("max(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor "
       "indices)",
       "The largest elements along a dim and where they are.")
        .impl<extreme_dim<"max_dim">>()
        .nondifferentiable_output(1)
        .out(kOutExact)
        .derivative("self", kOut1, picked_back),
    Op("min(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor "
       "indices)",
       "The smallest elements along a dim and where they are.")
        .impl<extreme_dim<"min_dim">>()
        .nondifferentiable_output(1)
        .out(kOutExact)
        .derivative("self", kOut1, picked_back),
};

const Records scans = {
    Op("cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor",
       "Running sums along a dim.")
        .impl<scan<"cumsum">>()
        .autocast(Autocast::Float32)
        .inplace()
        .out()
        .derivative("self", 0, cumsum_back),
    Op("cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor",
       "Running products along a dim.")
        .impl<scan<"cumprod">>()
        .autocast(Autocast::Float32)
        .inplace()
        .out()
        .derivative("self", in(0) | kOut, cumprod_back),
    Op("cummax(Tensor self, int dim) -> (Tensor values, Tensor indices)",
       "Running maxima along a dim and where they are.")
        .impl<running_extreme<"cummax">>()
        .nondifferentiable_output(1)
        .out(kOutExact)
        .derivative("self", kOut1, running_extreme_back),
    Op("cummin(Tensor self, int dim) -> (Tensor values, Tensor indices)",
       "Running minima along a dim and where they are.")
        .impl<running_extreme<"cummin">>()
        .nondifferentiable_output(1)
        .out(kOutExact)
        .derivative("self", kOut1, running_extreme_back),
    Op("logcumsumexp(Tensor self, int dim) -> Tensor",
       "Logarithms of running sums of exponentials.")
        .impl<logcumsumexp>()
        .out(kOutExact)
        .derivative("self", in(0) | kOut, logcumsumexp_back),
};

const Records softmaxes = {
    Op("softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor",
       "Exponentials along a dim, divided by their sum.")
        .impl<softmax<false>>()
        .autocast(Autocast::Float32)
        .out(kOutExact)
        .derivative("self", kOut, softmax_back<false>),
    Op("log_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor",
       "The logarithm of softmax.")
        .impl<softmax<true>>()
        .autocast(Autocast::Float32)
        .out(kOutExact)
        .derivative("self", kOut, softmax_back<true>),
    Op("_softmax_backward(Tensor grad, Tensor output, int dim) -> Tensor",
       "The gradient of softmax.")
        .impl<softmax_grad<false>>()
        .decomposition<softmax_parts>(),
    Op("_log_softmax_backward(Tensor grad, Tensor output, int dim) -> Tensor",
       "The gradient of log_softmax.")
        .impl<softmax_grad<true>>()
        .decomposition<log_softmax_parts>(),
};

}  // namespace
}  // namespace fl
