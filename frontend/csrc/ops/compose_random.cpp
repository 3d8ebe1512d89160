// Distributions out of the primitive `uniform`: the same words of the same seed and
// offset, so the same numbers as the kernels' but for the rounding of logarithms.
#include <cmath>

#include "ops/compose.h"
#include "ops/formula.h"

namespace fl::composed {
namespace {

// Elements of more than 32 bits draw two words each.
Dtype drawn_as(Dtype d) { return item_size(d) > 4 ? Dtype::Float64 : Dtype::Float32; }
double unit(Dtype d) { return d == Dtype::Float64 ? 0x1p-53 : 0x1p-24; }

}  // namespace

Tensor uniform(const Tensor& like, int64_t seed, int64_t offset) {
  const Tensor u = empty(like.sizes(), drawn_as(like.dtype()), like.device());
  KernelCall(u.device())
      .out(u)
      .attr(0.0)
      .attr(1.0)
      .attr(seed)
      .attr(offset)
      .run(kernel<"uniform">());
  return u;
}

// u < p holds for the same u with p rounded up to a multiple of u's unit, which u's
// dtype represents.
void bernoulli(const Tensor& out, const Tensor& p, double number, int64_t seed,
               int64_t offset) {
  const Tensor u = uniform(out, seed, offset);
  if (p.defined()) return copy_into(out, ops::lt(u, p));
  const double step = unit(u.dtype());
  copy_into(out, ops::lt(u, std::ceil(number / step) * step));
}
void exponential(const Tensor& out, double rate, int64_t seed, int64_t offset) {
  const Tensor u = uniform(out, seed, offset);
  const Tensor x = ops::maximum(-ops::log1p(-u), unit(u.dtype()) / 2);
  copy_into(out, x * (1 / rate));
}
void geometric(const Tensor& out, double p, int64_t seed, int64_t offset) {
  const Tensor x = ops::log1p(-uniform(out, seed, offset)) * (1 / std::log1p(-p));
  copy_into(out, ops::maximum(ops::ceil(x), 1.0));
}
// a + b tan(π(u - ½)), with u in the middle of its unit so that it stays finite.
void cauchy(const Tensor& out, double median, double sigma, int64_t seed,
            int64_t offset) {
  const Tensor u = uniform(out, seed, offset);
  const Tensor turn = (u - 0.5 + unit(u.dtype()) / 2) * M_PI;
  copy_into(out, ops::tan(turn) * sigma + median);
}
void log_normal(const Tensor& out, double mean, double std, int64_t seed,
                int64_t offset) {
  const Tensor z = empty(out.sizes(), drawn_as(out.dtype()), out.device());
  KernelCall(z.device())
      .out(z)
      .attr(mean)
      .attr(std)
      .attr(seed)
      .attr(offset)
      .run(kernel<"normal">());
  copy_into(out, ops::exp(z));
}

// Fisher–Yates is a chain, so the host walks it over 64-bit words that the device drew:
// all integers but one are values of `randint`, each as likely as the others.
void randperm(const Tensor& out, int64_t seed, int64_t offset) {
  const Tensor draws = empty(out.sizes(), Dtype::Int64, out.device());
  KernelCall(out.device())
      .out(draws)
      .attr(INT64_MIN)
      .attr(INT64_MAX)
      .attr(seed)
      .attr(offset)
      .run(kernel<"randint">());
  const std::vector<int64_t> words = host_ints(draws);
  const auto n = static_cast<int64_t>(words.size());
  std::vector<int64_t> order(words.size());
  for (int64_t i = 0; i < n; ++i) order[static_cast<size_t>(i)] = i;
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t w =
        static_cast<uint64_t>(words[static_cast<size_t>(i)]) + (uint64_t{1} << 63);
    const auto left = static_cast<unsigned __int128>(n - i);
    const auto step = static_cast<int64_t>((w * left) >> 64);
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(i + step)]);
  }
  copy_into(out, from_host(order, out.sizes(), out.device()));
}

}  // namespace fl::composed
