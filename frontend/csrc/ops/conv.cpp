// Convolutions of one to three dimensions, plain and transposed.
#include "ops/spatial.h"

namespace fl {
namespace {

// Note [Convolution gradients]
// A convolution is linear in its input and in its weight.  So the gradient to the
// input, the gradient to the weight and the convolution itself are each other's
// derivatives, and three records close the circle for any order.
struct Spec {
  Dims stride, padding, dilation, output_padding;
  bool transposed;
  int64_t groups;
};

void add_attrs(KernelCall& call, const Spec& s) {
  call.attr(IntList(s.stride)).attr(IntList(s.padding)).attr(IntList(s.dilation));
  call.attr(s.groups).attr(s.transposed).attr(IntList(s.output_padding));
}

Dims output_size(const Tensor& x, const Tensor& w, const Spec& s) {
  Dims out;
  out.push(x.sizes()[0]);
  out.push(s.transposed ? w.sizes()[1] * s.groups : w.sizes()[0]);
  for (int64_t d = 2; d < x.dim(); ++d) {
    const int64_t i = d - 2, k = s.dilation[i] * (w.sizes()[d] - 1) + 1;
    const int64_t in = x.sizes()[d], pad = 2 * s.padding[i];
    if (s.transposed) {
      out.push((in - 1) * s.stride[i] - pad + k + s.output_padding[i]);
      check(out[d] > 0, "conv_transpose: given ", describe(x), " and weight ",
            describe(w), ", the calculated output size ", to_string(out),
            " is too small");
    } else {
      check(in + pad >= k, "conv: calculated padded input size per channel: (",
            in + pad, ") at dimension ", d, ". Kernel size: (", k,
            "). Kernel size can't be greater than actual input size");
      out.push((in + pad - k) / s.stride[i] + 1);
    }
  }
  return out;
}

void check_bias_dtype(const char* op, const Tensor& x, const Tensor& b) {
  if (!b.defined()) return;
  check(b.dtype() == x.dtype(), op, ": Input type (", type_name(x.dtype()),
        ") and bias type (", type_name(b.dtype()), ") should be the same");
}

void check_conv(const Tensor& x, const Tensor& w, const Tensor& b, const Spec& s) {
  const char* op = s.transposed ? "conv_transpose" : "conv";
  check(w.dim() == x.dim(), op, ": expected weight to have ", x.dim(),
        " dimensions, got ", describe(w), " for input ", describe(x));
  check_same_device(op, "input", x, "weight", w);
  check(x.dtype() == w.dtype(), op, ": Input type (", type_name(x.dtype()),
        ") and weight type (", type_name(w.dtype()), ") should be the same");
  check(s.groups > 0, op, ": expected groups to be positive, got ", s.groups);
  check_positive(op, "stride", s.stride);
  check_positive(op, "dilation", s.dilation);
  check_not_negative(op, "padding", s.padding);
  check_not_negative(op, "output_padding", s.output_padding);
  const int64_t c = x.sizes()[1];
  const int64_t wants = s.transposed ? w.sizes()[0] : w.sizes()[1] * s.groups;
  check(c == wants, op, ": Given groups=", s.groups, ", weight of size ",
        to_string(w.sizes()), ", expected input", to_string(x.sizes()), " to have ",
        wants, " channels, but got ", c, " channels instead");
  check(w.sizes()[0] % s.groups == 0, op, ": given groups=", s.groups,
        ", expected weight to be divisible by it at dimension 0, got ", describe(w));
  const int64_t outs = s.transposed ? w.sizes()[1] * s.groups : w.sizes()[0];
  check(!b.defined() || (b.dim() == 1 && b.sizes()[0] == outs), op,
        ": Given weight of ", "size ", to_string(w.sizes()),
        ", expected bias to be 1-dimensional with ", outs, " elements, but got ",
        describe(b));
  check_bias_dtype(op, x, b);
}

Tensor convolution(const Tensor& x, const Tensor& w, const Tensor& b, IntList stride,
                   IntList padding, IntList dilation, bool transposed,
                   IntList output_padding, int64_t groups) {
  const Spec s{stride, padding, dilation, output_padding, transposed, groups};
  check_conv(x, w, b, s);
  Tensor out = empty(output_size(x, w, s), x.dtype(), x.device());
  if (out.numel() == 0) return out;
  KernelCall call(x.device());
  call.out(out).in(x).in(w).in(b);
  add_attrs(call, s);
  call.run(kernel<"convolution">());
  return out;
}
// Note [Convolution gradients as convolutions]
// The gradient to the input is the convolution with `transposed` turned over.  For the
// gradient to the weight, batch and channels change places and so do stride and
// dilation: with `big` the side of more positions (the input; of a transposed
// convolution the gradient) and `small` the other, channel c of big and channel o of
// small give dw[o, c, k] = sum over n, i of small[n, o, i] big[n, c, i s + k d - p].
// Positions beyond the weight's size, which a stride leaves over, are cut off.
Tensor cut(const Tensor& t, IntList size) {
  Tensor out = t;
  for (int64_t d = 2; d < t.dim(); ++d) out = ops::narrow(out, d, 0, size[d]);
  return make_contiguous(out);
}
Tensor composed_input_grad(const Tensor& g, const Tensor& w, IntList size,
                           const Spec& s) {
  Spec turned = s;
  turned.transposed = !s.transposed;
  for (int i = 0; i < s.stride.n; ++i) {
    const int64_t reach = s.dilation[i] * (w.sizes()[i + 2] - 1) + 1;
    const int64_t least =
        (g.sizes()[i + 2] - 1) * s.stride[i] - 2 * s.padding[i] + reach;
    turned.output_padding[i] = s.transposed ? 0 : size[i + 2] - least;
  }
  return cut(convolution(g, w, Tensor(), turned.stride, turned.padding, turned.dilation,
                         turned.transposed, turned.output_padding, turned.groups),
             size);
}
Tensor composed_weight_grad(const Tensor& g, const Tensor& x, IntList size,
                            const Spec& s) {
  const Tensor &big = s.transposed ? g : x, &small = s.transposed ? x : g;
  const int64_t n = big.sizes()[0], rows = size[0], each = size[1];
  const auto shape = [](const Tensor& t, IntList lead) {
    Dims sizes(lead);
    for (int64_t d = 2; d < t.dim(); ++d) sizes.push(t.sizes()[d]);
    return sizes;
  };
  Dims order{IntList{2, 1, 0}};
  for (int64_t d = 3; d <= big.dim(); ++d) order.push(d);
  const Tensor parts =
      ops::permute(ops::reshape(big, shape(big, IntList{n, s.groups, each})), order);
  const Tensor input = ops::reshape(parts, shape(big, IntList{each, s.groups * n}));
  const Tensor weight = ops::transpose(small, 0, 1);
  Dims none;
  for (int i = 0; i < s.stride.n; ++i) none.push(0);
  const Tensor out = convolution(input, weight, Tensor(), s.dilation, s.padding,
                                 s.stride, false, none, s.groups);
  check(out.sizes()[1] == rows, "convolution: internal: a weight gradient of ",
        describe(out), " for ", to_string(size));
  return cut(ops::transpose(out, 0, 1), size);
}

Tensor input_grad(const Tensor& g, const Tensor& w, IntList size, IntList stride,
                  IntList padding, IntList dilation, bool transposed,
                  IntList output_padding, int64_t groups) {
  const Spec s{stride, padding, dilation, output_padding, transposed, groups};
  Tensor out = empty(size, g.dtype(), g.device());
  if (out.numel() == 0) return out;
  if (g.numel() == 0) return fill_values(out, 0), out;
  KernelCall call(g.device());
  call.out(out).in(g).in(w);
  add_attrs(call, s);
  if (call.try_run(kernel<"convolution_input_grad">())) return out;
  return composed_input_grad(g, w, size, s);
}
Tensor weight_grad(const Tensor& g, const Tensor& x, IntList size, IntList stride,
                   IntList padding, IntList dilation, bool transposed,
                   IntList output_padding, int64_t groups) {
  const Spec s{stride, padding, dilation, output_padding, transposed, groups};
  Tensor out = empty(size, g.dtype(), g.device());
  if (out.numel() == 0) return out;
  if (g.numel() == 0) return fill_values(out, 0), out;
  KernelCall call(g.device());
  call.out(out).in(g).in(x);
  add_attrs(call, s);
  if (call.try_run(kernel<"convolution_weight_grad">())) return out;
  return composed_weight_grad(g, x, size, s);
}

const OpRef conv_op("convolution("), input_op("_convolution_input_grad("),
    weight_op("_convolution_weight_grad(");

// The six last arguments are the same in all three records.
template <class... A>
Tensor with_spec(const OpRef& op, Grad& g, const A&... first) {
  return op(first..., g.value(3), g.value(4), g.value(5), g.value(6), g.value(7),
            g.value(8));
}
void convolution_back(Grad& g, std::vector<Tensor>& out) {
  if (g.needs(0)) put(g, out, 0, with_spec(input_op, g, g.g, g.in(1), g.shape(0)));
  if (g.needs(1)) put(g, out, 1, with_spec(weight_op, g, g.g, g.in(0), g.shape(1)));
  if (!g.needs(2)) return;
  Dims all;
  for (int64_t d = 0; d < g.g.dim(); ++d) {
    if (d != 1) all.push(d);
  }
  put(g, out, 2, ops::sum_dim(g.g, all, false));
}
void input_grad_back(Grad& g, std::vector<Tensor>& out) {
  if (g.needs(0)) put(g, out, 0, with_spec(conv_op, g, g.g, g.in(1), Tensor()));
  if (g.needs(1)) put(g, out, 1, with_spec(weight_op, g, g.in(0), g.g, g.shape(1)));
}
void weight_grad_back(Grad& g, std::vector<Tensor>& out) {
  if (g.needs(0)) put(g, out, 0, with_spec(conv_op, g, g.in(1), g.g, Tensor()));
  if (g.needs(1)) put(g, out, 1, with_spec(input_op, g, g.in(0), g.g, g.shape(1)));
}

// ---- the public forms --------------------------------------------------------------
Tensor run(const Tensor& x, const Tensor& w, const Tensor& b, const Spec& s) {
  const auto real = [&](const Tensor& a, const Tensor& k, const Tensor& c) {
    return conv_op(a, k, c, IntList(s.stride), IntList(s.padding), IntList(s.dilation),
                   s.transposed, IntList(s.output_padding), s.groups);
  };
  const bool exact = is_integer(x.dtype()) && x.dtype() == w.dtype();
  const bool parts = is_complex(x.dtype()) && is_complex(w.dtype());
  if (!exact && !parts) return real(x, w, b);
  check_bias_dtype(s.transposed ? "conv_transpose" : "conv", x, b);
  if (exact) {
    // Exact in double up to 2^53, which sums of products of small integers stay below.
    const auto wide = [](const Tensor& t) {
      return t.defined() ? ops::to_dtype(t, Dtype::Float64) : t;
    };
    return ops::to_dtype(real(wide(x), wide(w), wide(b)), x.dtype());
  }
  static const OpRef join("complex(");
  const Tensor xr = ops::real(x), xi = ops::imag(x), wr = ops::real(w),
               wi = ops::imag(w);
  const Tensor none;
  const Tensor br = b.defined() ? ops::real(b) : none,
               bi = b.defined() ? ops::imag(b) : none;
  return join(ops::sub(real(xr, wr, br), real(xi, wi, none)),
              ops::add(real(xr, wi, bi), real(xi, wr, none)));
}

template <int n>
Tensor conv(const Tensor& input, const Tensor& w, const Tensor& b, IntList stride,
            IntList padding, IntList dilation, int64_t groups) {
  constexpr const char* op = n == 1 ? "conv1d" : n == 2 ? "conv2d" : "conv3d";
  const bool batched = is_batched(op, input, n);
  Spec s{per_dim(op, "stride", stride, n),
         per_dim(op, "padding", padding, n),
         per_dim(op, "dilation", dilation, n),
         {},
         false,
         groups};
  for (int i = 0; i < n; ++i) s.output_padding.push(0);
  return without_batch(run(with_batch(input, batched), w, b, s), batched);
}

// "same": what cannot be split evenly is padded at the end first.
template <int n>
Tensor conv_named(const Tensor& input, const Tensor& w, const Tensor& b, IntList stride,
                  std::string_view padding, IntList dilation, int64_t groups) {
  constexpr const char* op = n == 1 ? "conv1d" : n == 2 ? "conv2d" : "conv3d";
  const int64_t zero = 0;
  if (padding == "valid") {
    return conv<n>(input, w, b, stride, IntList(&zero, 1), dilation, groups);
  }
  check(padding == "same", op, ": padding should be 'same', 'valid' or numbers, got '",
        std::string(padding), "'");
  const Dims step = per_dim(op, "stride", stride, n),
             d = per_dim(op, "dilation", dilation, n);
  check(w.dim() == n + 2, op, ": expected weight to have ", n + 2, " dimensions, got ",
        describe(w));
  Dims left, extra;
  bool uneven = false;
  for (int i = 0; i < n; ++i) {
    check(step[i] == 1, op,
          ": padding='same' is not supported for strided convolutions");
    const int64_t total = d[i] * (w.sizes()[i + 2] - 1);
    left.push(total / 2);
    uneven = uneven || total % 2;
  }
  if (!uneven) return conv<n>(input, w, b, stride, left, dilation, groups);
  for (int i = n - 1; i >= 0; --i) {
    const int64_t total = d[i] * (w.sizes()[i + 2] - 1);
    extra.push(0), extra.push(total % 2);
  }
  static const OpRef pad("constant_pad_nd(");
  return conv<n>(pad(input, IntList(extra), 0), w, b, stride, left, dilation, groups);
}

template <int n>
Tensor conv_transpose(const Tensor& input, const Tensor& w, const Tensor& b,
                      IntList stride, IntList padding, IntList output_padding,
                      int64_t groups, IntList dilation) {
  constexpr const char* op = n == 1   ? "conv_transpose1d"
                             : n == 2 ? "conv_transpose2d"
                                      : "conv_transpose3d";
  const bool batched = is_batched(op, input, n);
  const Spec s{per_dim(op, "stride", stride, n),
               per_dim(op, "padding", padding, n),
               per_dim(op, "dilation", dilation, n),
               per_dim(op, "output_padding", output_padding, n),
               true,
               groups};
  for (int i = 0; i < n; ++i) {
    check(s.output_padding[i] < std::max(s.stride[i], s.dilation[i]), op,
          ": output padding must be smaller than either stride or dilation, but got ",
          to_string(s.output_padding));
  }
  return without_batch(run(with_batch(input, batched), w, b, s), batched);
}

const char* const kConv = "Sums of products of windows with a weight.";
const char* const kTransposed =
    "The gradient of a convolution to its input, as a layer.";

template <int n>
Op conv_record(const char* schema) {
  return Op(schema, kConv).impl<conv<n>>().no_method().autocast(Autocast::Lower);
}
template <int n>
Op named_record(const char* schema) {
  return Op(schema, kConv).impl<conv_named<n>>().no_method().autocast(Autocast::Lower);
}
template <int n>
Op transposed_record(const char* schema) {
  return Op(schema, kTransposed).impl<conv_transpose<n>>().autocast(Autocast::Lower);
}

const Records layers = {
    conv_record<1>("nn.conv1d(Tensor input, Tensor weight, Tensor? bias=None, "
                   "int[1] stride=1, int[1] padding=0, int[1] dilation=1, "
                   "int groups=1) -> Tensor"),
    conv_record<2>("nn.conv2d(Tensor input, Tensor weight, Tensor? bias=None, "
                   "int[2] stride=1, int[2] padding=0, int[2] dilation=1, "
                   "int groups=1) -> Tensor"),
    conv_record<3>("nn.conv3d(Tensor input, Tensor weight, Tensor? bias=None, "
                   "int[3] stride=1, int[3] padding=0, int[3] dilation=1, "
                   "int groups=1) -> Tensor"),
    named_record<1>("nn.conv1d(Tensor input, Tensor weight, Tensor? bias=None, "
                    "int[1] stride=1, str padding='valid', int[1] dilation=1, "
                    "int groups=1) -> Tensor"),
    named_record<2>("nn.conv2d(Tensor input, Tensor weight, Tensor? bias=None, "
                    "int[2] stride=1, str padding='valid', int[2] dilation=1, "
                    "int groups=1) -> Tensor"),
    named_record<3>("nn.conv3d(Tensor input, Tensor weight, Tensor? bias=None, "
                    "int[3] stride=1, str padding='valid', int[3] dilation=1, "
                    "int groups=1) -> Tensor"),
    transposed_record<1>("nn.conv_transpose1d(Tensor input, Tensor weight, "
                         "Tensor? bias=None, int[1] stride=1, int[1] padding=0, "
                         "int[1] output_padding=0, int groups=1, int[1] dilation=1) "
                         "-> Tensor"),
    transposed_record<2>("nn.conv_transpose2d(Tensor input, Tensor weight, "
                         "Tensor? bias=None, int[2] stride=1, int[2] padding=0, "
                         "int[2] output_padding=0, int groups=1, int[2] dilation=1) "
                         "-> Tensor"),
    transposed_record<3>("nn.conv_transpose3d(Tensor input, Tensor weight, "
                         "Tensor? bias=None, int[3] stride=1, int[3] padding=0, "
                         "int[3] output_padding=0, int groups=1, int[3] dilation=1) "
                         "-> Tensor"),
};

const Records parts = {
    Op("convolution(Tensor input, Tensor weight, Tensor? bias, int[] stride, "
       "int[] padding, int[] dilation, bool transposed, int[] output_padding, "
       "int groups) -> Tensor",
       kConv)
        .impl<convolution>()
        .autocast(Autocast::Lower)
        .derivatives(in(0, 1), convolution_back),
    Op("_convolution_input_grad(Tensor grad, Tensor weight, int[] input_size, "
       "int[] stride, int[] padding, int[] dilation, bool transposed, "
       "int[] output_padding, int groups) -> Tensor",
       "The gradient of a convolution to its input.")
        .impl<input_grad>()
        .derivatives(in(0, 1), input_grad_back),
    Op("_convolution_weight_grad(Tensor grad, Tensor input, int[] weight_size, "
       "int[] stride, int[] padding, int[] dilation, bool transposed, "
       "int[] output_padding, int groups) -> Tensor",
       "The gradient of a convolution to its weight.")
        .impl<weight_grad>()
        .derivatives(in(0, 1), weight_grad_back),
};

}  // namespace
}  // namespace fl
