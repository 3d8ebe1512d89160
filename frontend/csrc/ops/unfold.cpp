// unfold and fold: windows of images as columns, and columns added up into images.
#include "ops/compose.h"
#include "ops/spatial.h"

namespace fl {
namespace {

int64_t blocks(const char* op, const Dims& size, const Dims& kernel,
               const Dims& dilation, const Dims& padding, const Dims& stride) {
  int64_t n = 1;
  check_positive(op, "kernel_size", kernel);
  check_positive(op, "dilation", dilation);
  check_positive(op, "stride", stride);
  check_not_negative(op, "padding", padding);
  for (int i = 0; i < 2; ++i) {
    const int64_t span = size[i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1;
    check(span >= 0, op, ": given spatial size ", to_string(size), ", kernel_size ",
          to_string(kernel), ", the array of sliding blocks would be empty");
    n *= span / stride[i] + 1;
  }
  return n;
}
Tensor im2col(const Tensor& x, IntList kernel, IntList dilation, IntList padding,
              IntList stride) {
  const Dims size(x.sizes().last(2));
  const int64_t l = blocks("unfold", size, kernel, dilation, padding, stride);
  Tensor out = empty(IntList{x.sizes()[0], x.sizes()[1] * kernel[0] * kernel[1], l},
                     x.dtype(), x.device());
  if (out.numel() == 0) return out;
  KernelCall call(x.device());
  call.out(out).in(make_contiguous(x));
  call.attr(kernel).attr(dilation).attr(padding).attr(stride);
  if (call.try_run(fl::kernel<"im2col">())) return out;
  return composed::im2col(x, {kernel, stride, padding, dilation});
}
Tensor col2im(const Tensor& x, IntList size, IntList kernel, IntList dilation,
              IntList padding, IntList stride) {
  const int64_t l = blocks("fold", size, kernel, dilation, padding, stride);
  const int64_t area = kernel[0] * kernel[1];
  check(x.sizes()[1] % area == 0, "fold: expected size of input's dimension 1 to be ",
        "divisible by the product of kernel_size ", to_string(kernel), ", got ",
        describe(x));
  check(x.sizes()[2] == l, "fold: expected size of input's dimension 2 to match the ",
        "calculated number of sliding blocks ", l, ", got ", describe(x));
  Tensor out = empty(IntList{x.sizes()[0], x.sizes()[1] / area, size[0], size[1]},
                     x.dtype(), x.device());
  if (out.numel() == 0) return out;
  KernelCall call(x.device());
  call.out(out).in(make_contiguous(x));
  call.attr(kernel).attr(dilation).attr(padding).attr(stride);
  if (call.try_run(fl::kernel<"col2im">())) return out;
  return composed::col2im(x, out.sizes(), {kernel, stride, padding, dilation});
}
const OpRef im2col_op("_im2col("), col2im_op("_col2im(");

Tensor unfold(const Tensor& input, IntList kernel, IntList dilation, IntList padding,
              IntList stride) {
  const bool batched = is_batched("unfold", input, 2);
  const Dims k = per_dim("unfold", "kernel_size", kernel, 2);
  const Dims d = per_dim("unfold", "dilation", dilation, 2);
  const Dims p = per_dim("unfold", "padding", padding, 2);
  const Dims s = per_dim("unfold", "stride", stride, 2);
  return without_batch(im2col_op(with_batch(input, batched), IntList(k), IntList(d),
                                 IntList(p), IntList(s)),
                       batched);
}
Tensor fold(const Tensor& input, IntList size, IntList kernel, IntList dilation,
            IntList padding, IntList stride) {
  check(input.dim() == 2 || input.dim() == 3,
        "fold: expected 2D or 3D (batch mode) tensor for input, got ", describe(input));
  const bool batched = input.dim() == 3;
  const Dims o = per_dim("fold", "output_size", size, 2);
  const Dims k = per_dim("fold", "kernel_size", kernel, 2);
  const Dims d = per_dim("fold", "dilation", dilation, 2);
  const Dims p = per_dim("fold", "padding", padding, 2);
  const Dims s = per_dim("fold", "stride", stride, 2);
  return without_batch(col2im_op(with_batch(input, batched), IntList(o), IntList(k),
                                 IntList(d), IntList(p), IntList(s)),
                       batched);
}

const Records records = {
    Op("nn.unfold(Tensor input, int[2] kernel_size, int[2] dilation=1, "
       "int[2] padding=0, int[2] stride=1) -> Tensor",
       "Windows of images as columns.")
        .impl<unfold>(),
    Op("nn.fold(Tensor input, int[2] output_size, int[2] kernel_size, "
       "int[2] dilation=1, int[2] padding=0, int[2] stride=1) -> Tensor",
       "Columns added up into images.")
        .impl<fold>(),
    Op("_im2col(Tensor self, int[] kernel_size, int[] dilation, int[] padding, "
       "int[] stride) -> Tensor",
       "Windows of images as columns.")
        .impl<im2col>()
        .derivative("self", 0,
                    [](Grad& g) {
                      return col2im_op(g.g, IntList(g.shape(0).last(2)), g.value(1),
                                       g.value(2), g.value(3), g.value(4));
                    }),
    Op("_col2im(Tensor self, int[] output_size, int[] kernel_size, int[] dilation, "
       "int[] padding, int[] stride) -> Tensor",
       "Columns added up into images.")
        .impl<col2im>()
        .derivative("self", 0,
                    [](Grad& g) {
                      return im2col_op(g.g, g.value(2), g.value(3), g.value(4),
                                       g.value(5));
                    }),
};

}  // namespace
}  // namespace fl
