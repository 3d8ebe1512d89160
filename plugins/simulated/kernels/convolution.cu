// Convolution of one to three spatial dimensions, plain and transposed: one thread for
// each element of the output.
#include "kernels/dot.h"

namespace simulated {
namespace {

constexpr int kSpatial = 3;

// Missing spatial dimensions come first, with size 1.
struct Window {
  int64_t in[kSpatial], out[kSpatial], kernel[kSpatial];
  int64_t stride[kSpatial], padding[kSpatial], dilation[kSpatial];
  int64_t n, inputs, outputs, groups;  // channels: of one group
  View x, w, y, bias;
  bool has_bias, transposed;
};

// Strides as [n, c, d, h, w].
View spread(const fl_tensor& t) {
  View v = view_of(t);
  const int missing = kSpatial + 2 - t.ndim;
  for (int d = kSpatial + 1; d >= 2; --d) {
    v.strides[d] = d - missing >= 2 ? t.strides[d - missing] : 0;
  }
  return v;
}

// Which element of the input tap k of the output's place p meets; -1: none.
__device__ int64_t place(const Window& s, int d, int64_t p, int64_t k) {
  int64_t at;
  if (s.transposed) {
    at = p + s.padding[d] - k * s.dilation[d];
    if (at < 0 || at % s.stride[d] != 0) return -1;
    at /= s.stride[d];
  } else {
    at = p * s.stride[d] - s.padding[d] + k * s.dilation[d];
  }
  return at >= 0 && at < s.in[d] ? at : -1;
}

// The sum over all taps, and for each over the channels of the input.
template <class C>
__device__ double taps(const Window& s, const int64_t* at, int64_t x, int64_t w) {
  double sum = 0;
  for (int64_t i = 0; i < s.kernel[0]; ++i) {
    const int64_t d = place(s, 0, at[0], i);
    for (int64_t j = 0; d >= 0 && j < s.kernel[1]; ++j) {
      const int64_t h = place(s, 1, at[1], j);
      for (int64_t k = 0; h >= 0 && k < s.kernel[2]; ++k) {
        const int64_t v = place(s, 2, at[2], k);
        if (v < 0) continue;
        const Row from = {
            x + d * s.x.strides[2] + h * s.x.strides[3] + v * s.x.strides[4],
            s.x.strides[1]};
        const Row tap = {
            w + i * s.w.strides[2] + j * s.w.strides[3] + k * s.w.strides[4],
            s.w.strides[s.transposed ? 0 : 1]};
        sum += dot_rows<C>(s.x, from, s.w, tap, s.inputs);
      }
    }
  }
  return sum;
}

template <class C>
__global__ void convolution_kernel(Param<Window> s) {
  const int64_t plane = s.out[0] * s.out[1] * s.out[2];
  const int64_t channels = s.groups * s.outputs;
  SIMT_GRID_LOOP(i, s.n * channels * plane) {
    const int64_t n = i / (channels * plane), o = i / plane % channels;
    const int64_t at[] = {i / (s.out[1] * s.out[2]) % s.out[0], i / s.out[2] % s.out[1],
                          i % s.out[2]};
    const int64_t group = o / s.outputs;
    const int64_t channel = group * s.inputs;
    // w is [o, c, ...], or transposed [c, o, ...], with one of them within the group.
    const int64_t w = s.transposed
                          ? channel * s.w.strides[0] + o % s.outputs * s.w.strides[1]
                          : o * s.w.strides[0];
    double sum = taps<C>(s, at, n * s.x.strides[0] + channel * s.x.strides[1], w);
    if (s.has_bias) sum += s.bias.get<C>(o * s.bias.strides[0]);
    s.y.put(n * s.y.strides[0] + o * s.y.strides[1] + at[0] * s.y.strides[2] +
                at[1] * s.y.strides[3] + at[2] * s.y.strides[4],
            sum);
  }
}

void convolution(const Launch& l) {
  const fl_tensor &x = l.in(0), &w = l.in(1), &y = l.out();
  Window s;
  const int dims = x.ndim - 2;
  for (int d = 0; d < kSpatial; ++d) {
    const int k = d - (kSpatial - dims);
    s.in[d] = k < 0 ? 1 : x.sizes[2 + k];
    s.out[d] = k < 0 ? 1 : y.sizes[2 + k];
    s.kernel[d] = k < 0 ? 1 : w.sizes[2 + k];
    s.stride[d] = k < 0 ? 1 : l.attr(0).v.ints[k];
    s.padding[d] = k < 0 ? 0 : l.attr(1).v.ints[k];
    s.dilation[d] = k < 0 ? 1 : l.attr(2).v.ints[k];
  }
  s.groups = l.attr(3).v.i;
  s.transposed = l.attr(4).v.i != 0;
  s.n = x.sizes[0];
  s.inputs = x.sizes[1] / s.groups;
  s.outputs = y.sizes[1] / s.groups;
  s.x = spread(x);
  s.w = spread(w);
  s.y = spread(y);
  s.has_bias = l.call.n_in > 2 && !is_absent(l.in(2));
  if (s.has_bias) s.bias = view_of(l.in(2));
  for_type<kFloats>(x.dtype, [&]<class C>(Type<C>) {
    SIMT_LAUNCH((convolution_kernel<C>), y.numel, s);
  });
}

bool accepts(const fl_call& call) {
  return call.in[0].ndim >= 3 && call.in[0].ndim <= kSpatial + 2;
}

// Stride, padding, dilation and output padding are lists.
constexpr uint32_t kLists = 0b100111;

}  // namespace

SIMULATED_FAMILY(convolution,
                 {"convolution", kFloats, convolution, kLists, nullptr, accepts});

}  // namespace simulated
