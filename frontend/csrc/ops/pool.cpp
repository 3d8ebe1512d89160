// Pooling: maxima and means of windows or of equal parts, and resampling.
#include <cmath>

#include "ops/compose.h"
#include "ops/spatial.h"

namespace fl {
namespace {

using Two = std::array<Tensor, 2>;

// ---- windows -----------------------------------------------------------------------
struct Window {
  Dims kernel, stride, padding, dilation;
};

Window window(const char* op, int64_t n, IntList kernel,
              const std::optional<IntList>& stride, IntList padding, IntList dilation) {
  Window w;
  w.kernel = per_dim(op, "kernel_size", kernel, n);
  w.stride = stride && !stride->empty() ? per_dim(op, "stride", *stride, n) : w.kernel;
  w.padding = per_dim(op, "padding", padding, n);
  w.dilation = per_dim(op, "dilation", dilation, n);
  check_positive(op, "kernel_size", w.kernel);
  check_positive(op, "stride", w.stride);
  check_positive(op, "dilation", w.dilation);
  for (int i = 0; i < n; ++i) {
    check(w.padding[i] >= 0 && 2 * w.padding[i] <= w.kernel[i], op,
          ": pad should be at ",
          "most half of effective kernel size and not negative, but got pad=",
          w.padding[i], " and kernel_size=", w.kernel[i]);
  }
  return w;
}

// The last window may begin inside, and end outside, when sizes are rounded up.
Dims pooled_size(const char* op, const Tensor& x, const Window& w, bool ceil_mode) {
  Dims out(x.sizes());
  for (int i = 0; i < w.kernel.n; ++i) {
    const int64_t in = x.sizes()[i + 2];
    const int64_t span = in + 2 * w.padding[i] - w.dilation[i] * (w.kernel[i] - 1) - 1;
    int64_t n = span < 0 ? (ceil_mode && span + w.stride[i] > 0 ? 1 : 0)
                         : span / w.stride[i] + 1;
    if (ceil_mode && span >= 0 && span % w.stride[i]) ++n;
    if (ceil_mode && (n - 1) * w.stride[i] >= in + w.padding[i]) --n;
    check(n >= 1, op, ": given input size ", to_string(x.sizes()), ", the calculated ",
          "output size is too small: ", n, " at spatial dimension ", i);
    out[i + 2] = n;
  }
  return out;
}
void check_pooled(const char* op, const Tensor& x, bool batched) {
  for (int64_t d = batched ? 1 : 0; d < x.dim(); ++d) {
    check(x.sizes()[d] > 0, op,
          ": expected input with non-zero sizes but for the batch, ", "got ",
          describe(x));
  }
}

// PyTorch has no such means of integers, but for those below.
void check_not_whole(const char* op, const Tensor& x) {
  check(!is_integral(x.dtype()), ErrorKind::NotImplemented, "\"", op,
        "\" not implemented for '", type_name(x.dtype()), "'");
}

Two max_pool(const Tensor& input, IntList kernel, IntList stride, IntList padding,
             IntList dilation, IntList size) {
  const Tensor x = make_contiguous(input);
  Tensor y = empty(size, x.dtype(), x.device());
  Tensor indices = empty(size, Dtype::Int64, x.device());
  if (y.numel() == 0) return {y, indices};
  KernelCall call(x.device());
  call.out(y).out(indices).in(x).attr(kernel).attr(stride).attr(padding).attr(dilation);
  if (call.try_run(fl::kernel<"max_pool">())) return {y, indices};
  return composed::max_pool(x, size, {kernel, stride, padding, dilation});
}
Tensor max_pool_parts(const Tensor& g, const Tensor& indices, IntList input, IntList,
                      IntList, IntList, IntList) {
  const int64_t n = input[0], c = input[1];
  const Tensor plane =
      zeros(IntList{n, c, count(input.subspan(2))}, g.dtype(), g.device());
  const auto flat = [&](const Tensor& t) { return ops::reshape(t, IntList{n, c, -1}); };
  return ops::reshape(ops::scatter_add(plane, 2, flat(indices), flat(g)), input);
}
Tensor max_pool_grad(const Tensor& grad, const Tensor& indices, IntList input,
                     IntList kernel, IntList stride, IntList padding,
                     IntList dilation) {
  const Tensor g = make_contiguous(grad);
  Tensor dx = empty(input, g.dtype(), g.device());
  if (dx.numel() == 0) return dx;
  KernelCall call(g.device());
  call.out(dx).in(g).in(indices);
  call.attr(kernel).attr(stride).attr(padding).attr(dilation);
  if (call.try_run(fl::kernel<"max_pool_backward">())) return dx;
  return max_pool_parts(g, indices, input, kernel, stride, padding, dilation);
}
Tensor max_pool_back(Grad& g) {
  static const OpRef op("_max_pool_backward(");
  return op(g.g, g.out(1), g.shape(0), g.value(1), g.value(2), g.value(3), g.value(4));
}

template <int n>
Two max_pool_both(const Tensor& input, IntList kernel, std::optional<IntList> stride,
                  IntList padding, IntList dilation, bool ceil_mode) {
  constexpr const char* op = n == 1   ? "max_pool1d"
                             : n == 2 ? "max_pool2d"
                                      : "max_pool3d";
  const bool batched = is_batched(op, input, n);
  check_pooled(op, input, batched);
  const Window w = window(op, n, kernel, stride, padding, dilation);
  const Tensor x = with_batch(input, batched);
  const Dims size = pooled_size(op, x, w, ceil_mode);
  static const OpRef pool("_max_pool(");
  const auto both = pool.all(x, IntList(w.kernel), IntList(w.stride),
                             IntList(w.padding), IntList(w.dilation), IntList(size));
  return {without_batch(both[0], batched), without_batch(both[1], batched)};
}
template <int n>
Tensor max_pool_values(const Tensor& input, IntList kernel,
                       std::optional<IntList> stride, IntList padding, IntList dilation,
                       bool ceil_mode) {
  return max_pool_both<n>(input, kernel, stride, padding, dilation, ceil_mode)[0];
}

// ---- means of windows
// ----------------------------------------------------------------
Tensor avg_pool_run(KernelId kernel, const Tensor& from, IntList size, IntList k,
                    IntList stride, IntList padding, bool include, int64_t divisor) {
  const Tensor x = make_contiguous(from);
  Tensor out = empty(size, x.dtype(), x.device());
  if (out.numel() == 0) return out;
  KernelCall call(x.device());
  call.out(out).in(x).attr(k).attr(stride).attr(padding).attr(include).attr(divisor);
  if (call.try_run(kernel)) return out;
  return composed::avg_pool(x, size, {k, stride, padding, {}}, include, divisor,
                            kernel == fl::kernel<"avg_pool_backward">());
}
Tensor avg_pool(const Tensor& x, IntList size, IntList k, IntList stride,
                IntList padding, bool include, int64_t divisor) {
  return avg_pool_run(kernel<"avg_pool">(), x, size, k, stride, padding, include,
                      divisor);
}
Tensor avg_pool_grad(const Tensor& g, IntList size, IntList k, IntList stride,
                     IntList padding, bool include, int64_t divisor) {
  return avg_pool_run(kernel<"avg_pool_backward">(), g, size, k, stride, padding,
                      include, divisor);
}
const OpRef avg_op("_avg_pool("), avg_grad_op("_avg_pool_backward(");

// Each is the other's derivative; sizes are those of what comes out.
template <const OpRef& other>
Tensor swap_back(Grad& g) {
  return other(g.g, g.shape(0), g.value(2), g.value(3), g.value(4), g.value(5),
               g.value(6));
}

// int64 is divided as C does it: the sum of each window by what it would be divided by.
Tensor whole_means(const Tensor& x, IntList size, const Window& w, bool include,
                   int64_t divisor) {
  const auto means = [&](const Tensor& t, int64_t by) {
    return avg_op(t, size, IntList(w.kernel), IntList(w.stride), IntList(w.padding),
                  include, by);
  };
  const Tensor wide = ops::to_dtype(x, Dtype::Float64), one = ops::ones_like(wide);
  const Tensor by = ops::round(ops::div(means(one, 1), means(one, divisor)));
  return ops::to_dtype(ops::trunc(ops::div(means(wide, 1), by)), x.dtype());
}

template <int n>
Tensor avg_pool_nd(const Tensor& input, IntList kernel, std::optional<IntList> stride,
                   IntList padding, bool ceil_mode, bool include,
                   std::optional<int64_t> divisor) {
  constexpr const char* op = n == 1   ? "avg_pool1d"
                             : n == 2 ? "avg_pool2d"
                                      : "avg_pool3d";
  const bool batched = is_batched(op, input, n);
  check_pooled(op, input, batched);
  check(!divisor || *divisor != 0, op, ": divisor must be not zero");
  const int64_t one = 1;
  const Window w = window(op, n, kernel, stride, padding, IntList(&one, 1));
  const Tensor x = with_batch(input, batched);
  const Dims size = pooled_size(op, x, w, ceil_mode);
  if (x.dtype() == Dtype::Int64) {
    return without_batch(whole_means(x, size, w, include, divisor.value_or(0)),
                         batched);
  }
  check_not_whole(op, x);
  return without_batch(avg_op(x, IntList(size), IntList(w.kernel), IntList(w.stride),
                              IntList(w.padding), include, divisor.value_or(0)),
                       batched);
}
template <int n>
Tensor avg_pool_plain(const Tensor& input, IntList kernel,
                      std::optional<IntList> stride, IntList padding, bool ceil_mode,
                      bool include) {
  return avg_pool_nd<n>(input, kernel, stride, padding, ceil_mode, include, {});
}

// ---- equal parts
// ------------------------------------------------------------------------
Tensor adaptive_run(KernelId kernel, const Tensor& from, IntList size) {
  const Tensor x = make_contiguous(from);
  Tensor out = empty(size, x.dtype(), x.device());
  if (out.numel() == 0) return out;
  if (x.numel() == 0) return fill_values(out, 0), out;
  KernelCall call(x.device());
  if (call.out(out).in(x).try_run(kernel)) return out;
  return composed::adaptive_avg_pool(
      x, size, kernel == fl::kernel<"adaptive_avg_pool_backward">());
}
Tensor adaptive_avg(const Tensor& x, IntList size) {
  return adaptive_run(kernel<"adaptive_avg_pool">(), x, size);
}
Tensor adaptive_avg_grad(const Tensor& g, IntList size) {
  return adaptive_run(kernel<"adaptive_avg_pool_backward">(), g, size);
}
Two adaptive_max(const Tensor& input, IntList size) {
  const Tensor x = make_contiguous(input);
  Tensor y = empty(size, x.dtype(), x.device());
  Tensor indices = empty(size, Dtype::Int64, x.device());
  if (y.numel() == 0) return {y, indices};
  KernelCall call(x.device());
  if (call.out(y).out(indices).in(x).try_run(kernel<"adaptive_max_pool">())) {
    return {y, indices};
  }
  return composed::adaptive_max_pool(x, size);
}
Tensor adaptive_max_back(Grad& g) {
  static const OpRef op("_max_pool_backward(");
  Dims ones, none;
  for (size_t i = 2; i < g.shape(0).size(); ++i) ones.push(1), none.push(0);
  return op(g.g, g.out(1), g.shape(0), IntList(ones), IntList(ones), IntList(none),
            IntList(ones));
}
Dims adaptive_size(const char* op, const Tensor& x, IntList given, int64_t n) {
  const Dims parts = per_dim(op, "output_size", given, n);
  Dims size(x.sizes());
  for (int i = 0; i < n; ++i) {
    check(parts[i] >= 0, op, ": elements of output_size must be greater than or equal ",
          "to 0, but got ", to_string(parts));
    size[i + 2] = parts[i];
  }
  return size;
}
template <int n>
Tensor adaptive_avg_nd(const Tensor& input, IntList parts) {
  constexpr const char* op = n == 1   ? "adaptive_avg_pool1d"
                             : n == 2 ? "adaptive_avg_pool2d"
                                      : "adaptive_avg_pool3d";
  static const OpRef pool("_adaptive_avg_pool(");
  const bool batched = is_batched(op, input, n);
  check_pooled(op, input, batched);
  check_not_whole(op, input);
  const Tensor x = with_batch(input, batched);
  return without_batch(pool(x, IntList(adaptive_size(op, x, parts, n))), batched);
}
template <int n>
Two adaptive_max_nd(const Tensor& input, IntList parts) {
  constexpr const char* op = n == 1   ? "adaptive_max_pool1d"
                             : n == 2 ? "adaptive_max_pool2d"
                                      : "adaptive_max_pool3d";
  static const OpRef pool("_adaptive_max_pool(");
  const bool batched = is_batched(op, input, n);
  check_pooled(op, input, batched);
  const Tensor x = with_batch(input, batched);
  const auto both = pool.all(x, IntList(adaptive_size(op, x, parts, n)));
  return {without_batch(both[0], batched), without_batch(both[1], batched)};
}

template <int n>
Op max_record(const char* schema) {
  return Op(schema, "The maxima of windows, and where in the plane they are.")
      .impl<max_pool_both<n>>();
}
template <int n>
Op max_values_record(const char* schema) {
  return Op(schema, "The maxima of windows.").impl<max_pool_values<n>>();
}
template <int n>
Op adaptive_avg_record(const char* schema) {
  return Op(schema, "The means of equal parts.").impl<adaptive_avg_nd<n>>();
}
template <int n>
Op adaptive_max_record(const char* schema) {
  return Op(schema, "The maxima of equal parts, and where in the plane they are.")
      .impl<adaptive_max_nd<n>>();
}
const char* const kAvg = "The means of windows.";

const Records maxima = {
    max_values_record<1>("nn.max_pool1d(Tensor input, int[1] kernel_size, "
                         "int[1]? stride=None, int[1] padding=0, int[1] dilation=1, "
                         "bool ceil_mode=False) -> Tensor"),
    max_values_record<2>("nn.max_pool2d(Tensor input, int[2] kernel_size, "
                         "int[2]? stride=None, int[2] padding=0, int[2] dilation=1, "
                         "bool ceil_mode=False) -> Tensor"),
    max_values_record<3>("nn.max_pool3d(Tensor input, int[3] kernel_size, "
                         "int[3]? stride=None, int[3] padding=0, int[3] dilation=1, "
                         "bool ceil_mode=False) -> Tensor"),
    max_record<1>("nn.max_pool1d_with_indices(Tensor input, int[1] kernel_size, "
                  "int[1]? stride=None, int[1] padding=0, int[1] dilation=1, "
                  "bool ceil_mode=False) -> (Tensor, Tensor)"),
    max_record<2>("nn.max_pool2d_with_indices(Tensor input, int[2] kernel_size, "
                  "int[2]? stride=None, int[2] padding=0, int[2] dilation=1, "
                  "bool ceil_mode=False) -> (Tensor, Tensor)"),
    max_record<3>("nn.max_pool3d_with_indices(Tensor input, int[3] kernel_size, "
                  "int[3]? stride=None, int[3] padding=0, int[3] dilation=1, "
                  "bool ceil_mode=False) -> (Tensor, Tensor)"),
    adaptive_max_record<1>("nn.adaptive_max_pool1d_with_indices(Tensor input, "
                           "int[1] output_size) -> (Tensor, Tensor)"),
    adaptive_max_record<2>("nn.adaptive_max_pool2d_with_indices(Tensor input, "
                           "int[2] output_size) -> (Tensor, Tensor)"),
    adaptive_max_record<3>("nn.adaptive_max_pool3d_with_indices(Tensor input, "
                           "int[3] output_size) -> (Tensor, Tensor)"),
    Op("_max_pool(Tensor input, int[] kernel_size, int[] stride, int[] padding, "
       "int[] dilation, int[] size) -> (Tensor, Tensor)",
       "The maxima of windows, and where in the plane they are.")
        .impl<max_pool>()
        .nondifferentiable_output(1)
        .derivative("input", kOut1 | kLinked, max_pool_back),
    Op("_adaptive_max_pool(Tensor input, int[] size) -> (Tensor, Tensor)",
       "The maxima of equal parts, and where in the plane they are.")
        .impl<adaptive_max>()
        .nondifferentiable_output(1)
        .derivative("input", kOut1 | kLinked, adaptive_max_back),
    Op("_max_pool_backward(Tensor grad, Tensor indices, int[] input_size, "
       "int[] kernel_size, int[] stride, int[] padding, int[] dilation) -> Tensor",
       "Gradients added up where the maxima were.")
        .impl<max_pool_grad>()
        .decomposition<max_pool_parts>(),
};

const Records means = {
    Op("nn.avg_pool1d(Tensor input, int[1] kernel_size, int[1]? stride=None, "
       "int[1] padding=0, bool ceil_mode=False, bool count_include_pad=True) -> Tensor",
       kAvg)
        .impl<avg_pool_plain<1>>(),
    Op("nn.avg_pool2d(Tensor input, int[2] kernel_size, int[2]? stride=None, "
       "int[2] padding=0, bool ceil_mode=False, bool count_include_pad=True, "
       "int? divisor_override=None) -> Tensor",
       kAvg)
        .impl<avg_pool_nd<2>>()
        .out(kOutExact),
    Op("nn.avg_pool3d(Tensor input, int[3] kernel_size, int[3]? stride=None, "
       "int[3] padding=0, bool ceil_mode=False, bool count_include_pad=True, "
       "int? divisor_override=None) -> Tensor",
       kAvg)
        .impl<avg_pool_nd<3>>()
        .out(kOutExact),
    Op("_avg_pool(Tensor input, int[] size, int[] kernel_size, int[] stride, "
       "int[] padding, bool count_include_pad, int divisor) -> Tensor",
       kAvg)
        .impl<avg_pool>()
        .derivative("input", kLinked, swap_back<avg_grad_op>),
    Op("_avg_pool_backward(Tensor grad, int[] size, int[] kernel_size, int[] stride, "
       "int[] padding, bool count_include_pad, int divisor) -> Tensor",
       "The gradient of the means of windows.")
        .impl<avg_pool_grad>()
        .derivative("grad", 0, swap_back<avg_op>),
    adaptive_avg_record<1>("nn.adaptive_avg_pool1d(Tensor input, int[1] output_size) "
                           "-> Tensor"),
    adaptive_avg_record<2>("nn.adaptive_avg_pool2d(Tensor input, int[2] output_size) "
                           "-> Tensor"),
    adaptive_avg_record<3>("nn.adaptive_avg_pool3d(Tensor input, int[3] output_size) "
                           "-> Tensor"),
    Op("_adaptive_avg_pool(Tensor input, int[] size) -> Tensor",
       "Means of equal parts.")
        .impl<adaptive_avg>()
        .derivative("input", kLinked,
                    [](Grad& g) {
                      static const OpRef op("_adaptive_avg_pool_backward(");
                      return op(g.g, g.shape(0));
                    }),
    Op("_adaptive_avg_pool_backward(Tensor grad, int[] size) -> Tensor",
       "The gradient of the means of equal parts.")
        .impl<adaptive_avg_grad>()
        .derivative("grad", 0,
                    [](Grad& g) {
                      static const OpRef op("_adaptive_avg_pool(");
                      return op(g.g, g.shape(0));
                    }),
};

}  // namespace
}  // namespace fl
