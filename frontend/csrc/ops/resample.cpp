// Resampling of images, constant padding, embedding and dropout.
#include "flambeau/random.h"
#include "ops/compose.h"
#include "ops/spatial.h"

namespace fl {
namespace {

using Two = std::array<Tensor, 2>;

// ---- upsample: linear in its input, so the gradient's gradient is itself
// --------------
enum Mode : int64_t { kNearest, kLinear, kCubic };

Tensor upsample_run(KernelId kernel, const Tensor& from, IntList size, int64_t mode,
                    bool align, std::span<const double> scales) {
  const Tensor x = make_contiguous(from);
  Tensor out = empty(size, x.dtype(), x.device());
  if (out.numel() == 0) return out;
  KernelCall call(x.device());
  call.out(out).in(x).attr(mode).attr(align);
  for (double s : scales) call.attr(s);
  if (call.try_run(kernel)) return out;
  return composed::upsample(x, size, mode, align, scales,
                            kernel == fl::kernel<"upsample_backward">());
}
Tensor upsample(const Tensor& x, IntList size, int64_t mode, bool align,
                std::span<const double> scales) {
  return upsample_run(kernel<"upsample">(), x, size, mode, align, scales);
}
Tensor upsample_grad(const Tensor& g, IntList size, int64_t mode, bool align,
                     std::span<const double> scales) {
  return upsample_run(kernel<"upsample_backward">(), g, size, mode, align, scales);
}
const OpRef up_op("_upsample("), up_grad_op("_upsample_backward(");
template <const OpRef& other>
Tensor swap_back(Grad& g) {
  return other(g.g, g.shape(0), g.value(2), g.value(3), g.value(4));
}

Tensor resized(const char* op, const Tensor& input, IntList size, int64_t mode,
               bool align, std::span<const std::optional<double>> scales) {
  const int64_t n = static_cast<int64_t>(scales.size());
  check(input.dim() == n + 2, op, ": expected a ", n + 2, "-D input, got ",
        describe(input));
  const Dims to = per_dim(op, "output_size", size, n);
  Dims full(input.sizes());
  double given[3];
  for (int64_t i = 0; i < n; ++i) {
    check(to[i] > 0 && input.sizes()[i + 2] > 0, op,
          ": input and output sizes should be ", "greater than 0, but got ",
          describe(input), " and output size ", to_string(to));
    full[i + 2] = to[i];
    given[i] = scales[i].value_or(0.0);
  }
  check(mode == kNearest || !is_integral(input.dtype()), ErrorKind::NotImplemented,
        "\"", op, "\" not implemented for '", type_name(input.dtype()), "'");
  check(input.sizes()[1] > 0, op,
        ": expected a non-empty input but for the batch, got ", describe(input));
  return up_op(input, IntList(full), mode, align, std::span<const double>(given, n));
}
using Opt = std::optional<double>;
Tensor nearest1d(const Tensor& x, IntList size, Opt a) {
  const Opt s[] = {a};
  return resized("upsample_nearest1d", x, size, kNearest, false, s);
}
Tensor nearest2d(const Tensor& x, IntList size, Opt a, Opt b) {
  const Opt s[] = {a, b};
  return resized("upsample_nearest2d", x, size, kNearest, false, s);
}
Tensor nearest3d(const Tensor& x, IntList size, Opt a, Opt b, Opt c) {
  const Opt s[] = {a, b, c};
  return resized("upsample_nearest3d", x, size, kNearest, false, s);
}
Tensor linear1d(const Tensor& x, IntList size, bool align, Opt a) {
  const Opt s[] = {a};
  return resized("upsample_linear1d", x, size, kLinear, align, s);
}
template <int64_t mode>
Tensor planar(const Tensor& x, IntList size, bool align, Opt a, Opt b) {
  const Opt s[] = {a, b};
  return resized(mode == kLinear ? "upsample_bilinear2d" : "upsample_bicubic2d", x,
                 size, mode, align, s);
}
Tensor trilinear3d(const Tensor& x, IntList size, bool align, Opt a, Opt b, Opt c) {
  const Opt s[] = {a, b, c};
  return resized("upsample_trilinear3d", x, size, kLinear, align, s);
}

// ---- constant_pad_nd ----------------------------------------------------------------
Tensor constant_pad(const Tensor& self, IntList pad, const Scalar& value) {
  check(pad.size() % 2 == 0,
        "constant_pad_nd: Length of pad must be even but instead it ", "equals ",
        pad.size());
  const int64_t pairs = static_cast<int64_t>(pad.size()) / 2, n = self.dim();
  check(pairs <= n, "constant_pad_nd: Length of pad should be no more than twice the ",
        "number of dimensions of the input, got ", to_string(pad), " for ",
        describe(self));
  Dims sizes(self.sizes());
  Tensor from = self;
  int64_t start[kMaxDims] = {};
  for (int64_t i = 0; i < pairs; ++i) {
    const int64_t d = n - 1 - i, before = pad[2 * i], after = pad[2 * i + 1];
    sizes[d] += before + after;
    check(sizes[d] >= 0, "constant_pad_nd: The input size ", self.sizes()[d],
          ", plus negative padding ", before, " and ", after,
          " resulted in a negative output size at dimension ", d);
    const int64_t cut = std::max<int64_t>(-before, 0);
    const int64_t kept =
        std::max<int64_t>(self.sizes()[d] - cut - std::max<int64_t>(-after, 0), 0);
    from = ops::narrow(from, d, std::min(cut, self.sizes()[d]), kept);
    start[d] = std::max<int64_t>(before, 0);
  }
  Tensor out = empty(sizes, self.dtype(), self.device());
  fill_values(out, value);
  int64_t offset = 0;
  for (int64_t d = 0; d < n; ++d) offset += start[d] * out.strides()[d];
  put_values(alias(out, from.sizes(), out.strides(), offset), from);
  return out;
}
Tensor constant_pad_back(Grad& g) {
  static const OpRef op("constant_pad_nd(");
  std::vector<int64_t> back;
  for (int64_t p : g.arg<IntList>(1)) back.push_back(-p);
  return op(g.g, back, 0);
}

// ---- embedding
// ------------------------------------------------------------------------
Tensor as_index(const Tensor& t) {
  check(t.dtype() == Dtype::Int64 || t.dtype() == Dtype::Int32,
        "embedding: Expected tensor for argument 'input' to have one of the following ",
        "scalar types: Long, Int; but got ", describe(t));
  return make_contiguous(cast_to(t, Dtype::Int64));
}
Tensor embedding(const Tensor& input, const Tensor& weight, int64_t, bool, bool) {
  check(weight.dim() == 2, "embedding: 'weight' must be 2-D, got ", describe(weight));
  check_same_device("embedding", "input", input, "weight", weight);
  const Tensor index = as_index(input);
  Dims sizes(index.sizes());
  sizes.push(weight.sizes()[1]);
  Tensor out = empty(sizes, weight.dtype(), weight.device());
  if (out.numel() == 0) return out;
  const Tensor rows = make_contiguous(weight);
  KernelCall call(weight.device());
  if (call.out(out).in(rows).in(index).try_run(kernel<"embedding">())) return out;
  return ops::reshape(ops::index_select(rows, 0, ops::reshape(index, IntList{-1})),
                      sizes);
}
// Rows that stand for padding get no gradient; by frequency, each is divided by how
// often its row was used.
Tensor masked_rows(const Tensor& g, const Tensor& index, int64_t rows, int64_t padding,
                   bool by_frequency) {
  Tensor grad = g;
  if (padding >= 0) {
    grad = ops::masked_fill(grad, ops::unsqueeze(ops::eq(index, padding), -1), 0);
  }
  if (!by_frequency) return grad;
  static const OpRef bincount("bincount(");
  const Tensor flat = ops::reshape(index, IntList{-1});
  const Tensor n = ops::index_select(bincount(flat, std::nullopt, rows), 0, flat);
  Dims sizes(index.sizes());
  sizes.push(1);
  return ops::div(grad, ops::to_dtype(ops::reshape(n, sizes), grad.dtype()));
}
Tensor embedding_parts(const Tensor& g, const Tensor& input, int64_t rows,
                       int64_t padding, bool by_frequency) {
  const Tensor index = as_index(input);
  const int64_t d = g.sizes()[g.dim() - 1];
  const Tensor grad = masked_rows(g, index, rows, padding, by_frequency);
  return ops::index_add(zeros(IntList{rows, d}, g.dtype(), g.device()), 0,
                        ops::reshape(index, IntList{-1}),
                        ops::reshape(grad, IntList{index.numel(), d}));
}
Tensor embedding_grad(const Tensor& g, const Tensor& input, int64_t rows,
                      int64_t padding, bool by_frequency) {
  const Tensor index = as_index(input);
  if (by_frequency || g.numel() == 0) {
    return embedding_parts(g, input, rows, padding, by_frequency);
  }
  Tensor out = empty(IntList{rows, g.sizes()[g.dim() - 1]}, g.dtype(), g.device());
  KernelCall call(g.device());
  call.out(out).in(make_contiguous(g)).in(index).attr(padding);
  if (call.try_run(kernel<"embedding_backward">())) return out;
  return embedding_parts(g, input, rows, padding, by_frequency);
}
Tensor embedding_back(Grad& g) {
  static const OpRef op("_embedding_backward(");
  return op(g.g, g.in(0), g.shape(1)[0], g.value(2), g.value(3));
}

// ---- dropout
// -----------------------------------------------------------------------------
void check_probability(double p) {
  check(p >= 0 && p <= 1,
        "dropout: dropout probability has to be between 0 and 1, but ", "got ", p);
}
// Half precision is scaled in single precision, as kernels do.
Tensor scaled_where(const Tensor& x, const Tensor& mask, double scale) {
  const bool half = x.dtype() == Dtype::Float16 || x.dtype() == Dtype::BFloat16;
  const Tensor wide = half ? cast_to(x, Dtype::Float32) : x;
  return cast_to(ops::where(mask, ops::mul(wide, scale), 0), x.dtype());
}
Two dropout_run(const Tensor& input, double p) {
  const Tensor x = make_contiguous(input);
  Tensor out = empty(x.sizes(), x.dtype(), x.device());
  Tensor mask = empty(x.sizes(), Dtype::Bool, x.device());
  if (out.numel() == 0 || out.device().is_meta()) return {out, mask};
  Generator& gen = default_generator();
  fl_attr attrs[3] = {};
  attrs[0].v.f = p;
  attrs[1].v.i = static_cast<int64_t>(gen.seed);
  attrs[2].v.i = static_cast<int64_t>(gen.next());
  const int64_t n = out.numel(), one = 1;
  const IterOperand operands[] = {{out.data(), &one, out.dtype()},
                                  {mask.data(), &one, Dtype::Bool},
                                  {x.data(), &one, x.dtype()}};
  if (run_iterated(x.device(), kernel<"dropout">(), x.dtype(), 2, operands,
                   IntList(&n, 1), attrs, false)) {
    return {out, mask};
  }
  // The mask is that of the fused kernel: of the words that x's own dtype draws.
  Tensor kept = empty(x.sizes(), x.dtype(), x.device());
  composed::bernoulli(kept, Tensor(), 1 - p, attrs[1].v.i, attrs[2].v.i);
  mask = cast_to(kept, Dtype::Bool);
  return {scaled_where(x, mask, 1 / (1 - p)), mask};
}
const OpRef scale_op("_masked_scale(");
Tensor dropout_back(Grad& g) {
  return scale_op(g.g, g.out(1), 1 / (1 - g.arg<double>(1)));
}
Tensor masked_scale(const Tensor& x, const Tensor& mask, double scale) {
  Tensor out = empty(x.sizes(), x.dtype(), x.device());
  if (out.numel() == 0 || out.device().is_meta()) return out;
  fl_attr attr = {};
  attr.v.f = scale;
  const IterOperand operands[] = {{out.data(), out->strides, out.dtype()},
                                  {x.data(), x->strides, x.dtype()},
                                  {mask.data(), mask->strides, Dtype::Bool}};
  if (run_iterated(x.device(), kernel<"masked_scale">(), x.dtype(), 1, operands,
                   x.sizes(), std::span(&attr, 1), false)) {
    return out;
  }
  return scaled_where(x, mask, scale);
}
Tensor dropout(const Tensor& input, double p, bool train) {
  check_probability(p);
  if (!train || p == 0 || input.numel() == 0) return input;
  if (p == 1) return ops::mul(input, 0);
  static const OpRef op("_dropout(");
  return op(input, p);
}

const char* const kUp = "Images resampled to another size.";

const Records samples = {
    Op("nn.upsample_nearest1d(Tensor input, int[1] output_size, float? scales=None) "
       "-> Tensor",
       kUp)
        .impl<nearest1d>(),
    Op("nn.upsample_nearest2d(Tensor input, int[2] output_size, float? scales_h=None, "
       "float? scales_w=None) -> Tensor",
       kUp)
        .impl<nearest2d>(),
    Op("nn.upsample_nearest3d(Tensor input, int[3] output_size, float? scales_d=None, "
       "float? scales_h=None, float? scales_w=None) -> Tensor",
       kUp)
        .impl<nearest3d>(),
    Op("nn.upsample_linear1d(Tensor input, int[1] output_size, bool align_corners, "
       "float? scales=None) -> Tensor",
       kUp)
        .impl<linear1d>(),
    Op("nn.upsample_bilinear2d(Tensor input, int[2] output_size, bool align_corners, "
       "float? scales_h=None, float? scales_w=None) -> Tensor",
       kUp)
        .impl<planar<kLinear>>(),
    Op("nn.upsample_bicubic2d(Tensor input, int[2] output_size, bool align_corners, "
       "float? scales_h=None, float? scales_w=None) -> Tensor",
       kUp)
        .impl<planar<kCubic>>(),
    Op("nn.upsample_trilinear3d(Tensor input, int[3] output_size, bool align_corners, "
       "float? scales_d=None, float? scales_h=None, float? scales_w=None) -> Tensor",
       kUp)
        .impl<trilinear3d>(),
    Op("_upsample(Tensor input, int[] size, int mode, bool align_corners, "
       "float[] scales) -> Tensor",
       kUp)
        .impl<upsample>()
        .derivative("input", 0, swap_back<up_grad_op>),
    Op("_upsample_backward(Tensor grad, int[] size, int mode, bool align_corners, "
       "float[] scales) -> Tensor",
       "The gradient of resampling.")
        .impl<upsample_grad>()
        .derivative("grad", 0, swap_back<up_op>),
    Op("constant_pad_nd(Tensor self, int[] pad, Scalar value=0) -> Tensor",
       "A constant added around, or positions cut off, from the last dimension on.")
        .impl<constant_pad>()
        .no_method()
        .derivative("self", 0, constant_pad_back),
};

const Records tables = {
    Op("nn.embedding(Tensor input, Tensor weight, int padding_idx=-1, "
       "bool scale_grad_by_freq=False, bool sparse=False) -> Tensor",
       "Rows of a weight at indices.")
        .impl<embedding>()
        .derivative("weight", in(0), embedding_back),
    Op("_embedding_backward(Tensor grad, Tensor input, int rows, int padding_idx, "
       "bool scale_grad_by_freq) -> Tensor",
       "Gradients added up in the rows that were looked up.")
        .impl<embedding_grad>()
        .decomposition<embedding_parts>(),
    Op("dropout(Tensor self, float p, bool train) -> Tensor",
       "Zero with probability p, the rest scaled by 1 / (1 - p).")
        .impl<dropout>()
        .no_method()
        .inplace(),
    Op("_dropout(Tensor self, float p) -> (Tensor, Tensor)",
       "Dropout, with the mask of what was kept.")
        .impl<dropout_run>()
        .nondifferentiable_output(1)
        .derivative("self", kOut1, dropout_back),
    Op("_masked_scale(Tensor self, Tensor mask, float scale) -> Tensor",
       "Scaled where a mask is true, else zero.")
        .impl<masked_scale>()
        .derivative("self", in(1),
                    [](Grad& g) { return scale_op(g.g, g.in(1), g.value(2)); }),
};

}  // namespace
}  // namespace fl
