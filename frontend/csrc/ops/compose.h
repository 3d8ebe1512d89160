// Compositions of primitive kernels for the families whose kernel a device may leave
// out: index tables, selection, order, windows, distributions.
//
// Note [Fused or composed]
// A record asks the device for its fused kernel.  Where there is none, or where it
// declines, the record calls the function of this header that does the same with
// primitives, and what the device lacks of those runs on the host.  None of these is
// recorded by autograd: each record has derivatives of its own.  Pointwise records name
// their composition themselves, by Op::decomposition.
#pragma once

#include <array>
#include <vector>

#include "ops/reduction.h"

namespace fl::composed {

using Two = std::array<Tensor, 2>;

// ---- tables -------------------------------------------------------------------------
Tensor from_host(std::span<const int64_t> values, IntList sizes, DeviceRuntime& device);
Tensor from_host(std::span<const double> values, IntList sizes, Dtype dtype,
                 DeviceRuntime& device);
// start, start + step, ...: int64[n].
Tensor counting(int64_t n, DeviceRuntime& device, int64_t start = 0, int64_t step = 1);
// n numbers with both ends.
void linspace(const Tensor& out, double start, double end);

// ---- selection (compose_select.cpp) -------------------------------------------------
Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index);
void index_add(const Tensor& out, int64_t dim, const Tensor& index, const Tensor& src,
               const Scalar& alpha);
Tensor flip(const Tensor& x, IntList dims);
Tensor triangle(const Tensor& x, int64_t k, bool lower);
// Coordinates of the `rows` elements that are not zero, into out [rows, ndim].
void nonzero(const Tensor& out, const Tensor& x);
Tensor masked_select(const Tensor& x, const Tensor& mask, int64_t n);
void masked_scatter(const Tensor& out, const Tensor& mask, const Tensor& source);

// ---- order (compose_order.cpp) ------------------------------------------------------
template <bool largest>
Two extreme_dim(const Tensor& x, int64_t dim);
Two topk(const Tensor& x, int64_t dim, int64_t k, bool largest);
Two kthvalue(const Tensor& x, int64_t dim, int64_t k);
Two running_extreme(const Tensor& x, int64_t dim, bool largest);
Tensor logcumsumexp(const Tensor& x, int64_t dim);
Tensor searchsorted(const Tensor& sequence, const Tensor& values, Dtype dtype,
                    bool right);
Tensor bincount(const Tensor& x, const Tensor& weights, int64_t n, Dtype dtype);
Tensor histc(const Tensor& x, int64_t bins, double lo, double hi);

// ---- pointwise (compose_pointwise.cpp): what records name as their decomposition
// Of tensors of any real dtype, broadcast and promoted as by the op of that name.
Tensor clamp(const Tensor& x, const Value& lo, const Value& hi);
Tensor lerp(const Tensor& a, const Tensor& b, const Operand& w);
Tensor addcmul(const Tensor& a, const Tensor& b, const Tensor& c, const Scalar& value);
Tensor addcdiv(const Tensor& a, const Tensor& b, const Tensor& c, const Scalar& value);
Tensor fmax(const Tensor& a, const Tensor& b);
Tensor fmin(const Tensor& a, const Tensor& b);
Tensor hypot(const Tensor& a, const Tensor& b);
Tensor copysign(const Tensor& a, const Operand& b);
Tensor nextafter(const Tensor& a, const Tensor& b);
Tensor logaddexp(const Tensor& a, const Tensor& b);
Tensor logaddexp2(const Tensor& a, const Tensor& b);
Tensor heaviside(const Tensor& a, const Tensor& at_zero);
Tensor xlogy(const Operand& a, const Operand& b);
Tensor xlog1py(const Operand& a, const Operand& b);
Tensor gcd(const Tensor& a, const Tensor& b);
Tensor lcm(const Tensor& a, const Tensor& b);
Tensor sinc(const Tensor& x);
Tensor angle(const Tensor& x);
// Complex numbers from parts, into out.
void rectangular(const Tensor& out, const Tensor& real, const Tensor& imag);
void polar(const Tensor& out, const Tensor& abs, const Tensor& angle);

// ---- reductions (compose_reduce.cpp) ------------------------------------------------
Tensor mean(const Tensor& x, uint64_t mask, bool keepdim);
Tensor norm(const Tensor& x, double p, uint64_t mask, bool keepdim);
Tensor var(const Tensor& x, double correction, bool root, uint64_t mask, bool keepdim);

// ---- windows and resampling: [n, c, *spatial] (compose_windows.cpp) -----------------
struct Windows {
  IntList kernel, stride, padding, dilation;
};
Two max_pool(const Tensor& x, IntList size, const Windows& w);
Two adaptive_max_pool(const Tensor& x, IntList size);
// `back`: the transposed map, from the gradient to the input of sizes `size`.
Tensor avg_pool(const Tensor& x, IntList size, const Windows& w, bool include,
                int64_t divisor, bool back);
Tensor adaptive_avg_pool(const Tensor& x, IntList size, bool back);
Tensor upsample(const Tensor& x, IntList size, int64_t mode, bool align,
                std::span<const double> scales, bool back);
Tensor im2col(const Tensor& x, const Windows& w);
Tensor col2im(const Tensor& columns, IntList size, const Windows& w);

// ---- distributions (compose_random.cpp) ---------------------------------------------
// Each draws the numbers of seed and offset, as the kernel of that name does.
Tensor uniform(const Tensor& like, int64_t seed, int64_t offset);
void bernoulli(const Tensor& out, const Tensor& p, double number, int64_t seed,
               int64_t offset);
void exponential(const Tensor& out, double rate, int64_t seed, int64_t offset);
void geometric(const Tensor& out, double p, int64_t seed, int64_t offset);
void cauchy(const Tensor& out, double median, double sigma, int64_t seed,
            int64_t offset);
void log_normal(const Tensor& out, double mean, double std, int64_t seed,
                int64_t offset);
void randperm(const Tensor& out, int64_t seed, int64_t offset);

}  // namespace fl::composed
