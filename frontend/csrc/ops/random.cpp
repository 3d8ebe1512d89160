// Random ops.  Every call of a kernel draws one offset from the generator, so a seed
// gives the same numbers on every device.
#include "flambeau/random.h"

#include <cmath>

#include "ops/compose.h"
#include "ops/factory.h"

namespace fl {
namespace {

using Gen = Generator*;

Generator& generator_of(const Value& v) {
  return v.none() ? default_generator() : *v.generator;
}

// Runs a kernel that fills `out`, by way of a contiguous tensor where it must;
// `composed` draws the same numbers where the device lacks the kernel.
using Composed = void (*)(const Tensor& out, double a, double b, int64_t seed,
                          int64_t offset);
template <Composed composed = nullptr, class... A>
void draw(KernelId kernel, const Tensor& out, Generator& gen, const A&... attrs) {
  const int64_t seed = static_cast<int64_t>(gen.seed);
  const int64_t offset = static_cast<int64_t>(gen.next());
  if (out.numel() == 0 || out.device().is_meta()) return;
  const Tensor to =
      out.contiguous() ? out : empty(out.sizes(), out.dtype(), out.device());
  KernelCall call(out.device());
  call.out(to);
  (call.attr(attrs), ...);
  call.attr(seed).attr(offset);
  if constexpr (composed == nullptr) {
    call.run(kernel);
  } else if (!call.try_run(kernel)) {
    const double given[] = {static_cast<double>(attrs)..., 0, 0};
    composed(to, given[0], given[1], seed, offset);
  }
  if (!to.same(out)) copy_into(out, to);
}
void exponential_of(const Tensor& out, double rate, double, int64_t s, int64_t o) {
  composed::exponential(out, rate, s, o);
}
void geometric_of(const Tensor& out, double p, double, int64_t s, int64_t o) {
  composed::geometric(out, p, s, o);
}
void bernoulli_of(const Tensor& out, double p, double, int64_t s, int64_t o) {
  composed::bernoulli(out, Tensor(), p, s, o);
}
void randperm_of(const Tensor& out, double, double, int64_t s, int64_t o) {
  composed::randperm(out, s, o);
}

// Complex numbers are drawn as pairs.
Tensor parts(const Tensor& t) {
  if (!is_complex(t.dtype())) return t;
  static const OpRef op("view_as_real(");
  return op(t);
}
void draw_uniform(const Tensor& out, Generator& gen, double lo, double hi) {
  draw(kernel<"uniform">(), parts(out), gen, lo, hi);
}
void draw_normal(const Tensor& out, Generator& gen, double mean, double std) {
  const bool complex = is_complex(out.dtype());
  draw(kernel<"normal">(), parts(out), gen, mean, complex ? std / std::sqrt(2.0) : std);
}

void check_float(const char* op, Dtype d) {
  check(is_differentiable(d), ErrorKind::Runtime, op,
        ": expected a floating point or complex dtype, got ", short_name(d));
}

// ---- makers
// ----------------------------------------------------------------------------
template <bool normal>
void draw_unit(const Tensor& t, Generator& gen) {
  normal ? draw_normal(t, gen, 0, 1) : draw_uniform(t, gen, 0, 1);
}
template <bool normal>
void unit(Frame& f) {  // size, generator, options
  const Options o(f, 2, default_dtype());
  check_float(normal ? "randn" : "rand", o.dtype);
  Tensor t = empty(Unbox<IntList>::get(f.args[0]), o.dtype, o.device);
  draw_unit<normal>(t, generator_of(f.args[1]));
  o.finish(f, std::move(t));
}
template <bool normal>
void unit_like(Frame& f) {
  const Tensor self(f.args[0].tensor);
  const Options o(f, 1, self.dtype(), &self.device());
  check_float(normal ? "randn_like" : "rand_like", o.dtype);
  Tensor t = empty_in_format(self, o.dtype, o.device, format_of(f.args[6]));
  draw_unit<normal>(t, default_generator());
  o.finish(f, std::move(t));
}

void draw_integers(const Tensor& t, Generator& gen, int64_t low, int64_t high) {
  check(low < high, "random: expects 'from' to be less than 'to', got from=", low,
        " >= to=", high);
  draw(kernel<"randint">(), t, gen, low, high);
}
void randint_between(Frame& f, int at, int64_t low, int64_t high) {
  const Options o(f, at + 2, Dtype::Int64);
  Tensor t = empty(Unbox<IntList>::get(f.args[at]), o.dtype, o.device);
  draw_integers(t, generator_of(f.args[at + 1]), low, high);
  o.finish(f, std::move(t));
}
void randint(Frame& f) { randint_between(f, 1, 0, f.args[0].i); }
void randint_low(Frame& f) { randint_between(f, 2, f.args[0].i, f.args[1].i); }

void integers_like(Frame& f, int at, int64_t low, int64_t high) {
  const Tensor self(f.args[0].tensor);
  const Options o(f, at, self.dtype(), &self.device());
  Tensor t = empty_in_format(self, o.dtype, o.device, format_of(f.args[at + 5]));
  draw_integers(t, default_generator(), low, high);
  o.finish(f, std::move(t));
}
void randint_like(Frame& f) { integers_like(f, 2, 0, f.args[1].i); }
void randint_like_low(Frame& f) { integers_like(f, 3, f.args[1].i, f.args[2].i); }

void randperm(Frame& f) {
  const int64_t n = f.args[0].i;
  check(n >= 0, "randperm: n must be non-negative, got ", n);
  const Options o(f, 2, Dtype::Int64);
  Tensor t = empty(IntList{n}, Dtype::Int64, o.device);
  draw<randperm_of>(kernel<"randperm">(), t, generator_of(f.args[1]));
  o.finish(f, cast_to(t, o.dtype));
}

// ---- in place
// ---------------------------------------------------------------------------- Where to
// write: the tensor itself in place, else a new one like it.
Tensor target(const Frame& f) {
  if (f.given.defined()) return f.given;
  return empty_like(Tensor(f.args[0].tensor));
}
double number(const Value& v) { return Unbox<double>::get(v); }

void uniform(Frame& f) {
  f.out = target(f);
  check_float("uniform_", f.out.dtype());
  const double from = number(f.args[1]), to = number(f.args[2]);
  check(from <= to,
        "uniform_ expects to return a [from, to) range, but found from=", from,
        " > to=", to);
  draw_uniform(f.out, generator_of(f.args[3]), from, to);
}
void normal(Frame& f) {
  f.out = target(f);
  check_float("normal_", f.out.dtype());
  const double std = number(f.args[2]);
  check(std >= 0, "normal_ expects std >= 0.0, but found std ", std);
  draw_normal(f.out, generator_of(f.args[3]), number(f.args[1]), std);
}
void exponential(Frame& f) {
  f.out = target(f);
  const double lambda = number(f.args[1]);
  check(is_floating(f.out.dtype()),
        "exponential_: expected a floating point dtype, got ", describe(f.out));
  check(lambda > 0, "exponential_ expects lambda > 0.0, but found lambda=", lambda);
  draw<exponential_of>(kernel<"exponential">(), f.out, generator_of(f.args[2]), lambda,
                       0.0);
}
void geometric(Frame& f) {
  f.out = target(f);
  const double p = number(f.args[1]);
  check(p > 0 && p < 1, "geometric_ expects p to be in (0, 1), but got p=", p);
  draw<geometric_of>(kernel<"geometric">(), f.out, generator_of(f.args[2]), p, 0.0);
}
void cauchy(Frame& f) {
  f.out = target(f);
  check(is_floating(f.out.dtype()), "cauchy_: expected a floating point dtype, got ",
        describe(f.out));
  check(number(f.args[2]) > 0,
        "cauchy_ expects sigma > 0.0, but found sigma=", number(f.args[2]));
  draw<composed::cauchy>(kernel<"cauchy">(), f.out, generator_of(f.args[3]),
                         number(f.args[1]), number(f.args[2]));
}
void log_normal(Frame& f) {
  f.out = target(f);
  check(is_floating(f.out.dtype()),
        "log_normal_: expected a floating point dtype, got ", describe(f.out));
  check(number(f.args[2]) > 0,
        "log_normal_ expects std > 0.0, but found std=", number(f.args[2]));
  draw<composed::log_normal>(kernel<"log_normal">(), f.out, generator_of(f.args[3]),
                             number(f.args[1]), number(f.args[2]));
}

// Without an end: all integers that the dtype holds exactly.
int64_t exact_end(Dtype d) {
  switch (d) {
    case Dtype::Bool:
      return 2;
    case Dtype::UInt8:
      return 256;
    case Dtype::Int8:
      return 128;
    case Dtype::Int16:
      return 1 << 15;
    case Dtype::Int32:
      return int64_t{1} << 31;
    case Dtype::Float16:
      return (1 << 11) + 1;
    case Dtype::BFloat16:
      return (1 << 8) + 1;
    case Dtype::Float32:
      return (1 << 24) + 1;
    case Dtype::Float64:
      return (int64_t{1} << 53) + 1;
    default:
      return INT64_MAX;
  }
}
void random_any(Frame& f) {
  f.out = target(f);
  draw_integers(f.out, generator_of(f.args[1]), 0, exact_end(f.out.dtype()));
}
void random_to(Frame& f) {
  f.out = target(f);
  draw_integers(f.out, generator_of(f.args[2]), 0, f.args[1].i);
}
void random_from(Frame& f) {
  f.out = target(f);
  const int64_t to = f.args[2].none() ? exact_end(f.out.dtype()) : f.args[2].i;
  draw_integers(f.out, generator_of(f.args[3]), f.args[1].i, to);
}

// ---- bernoulli
// -----------------------------------------------------------------------------
void check_probability(double p) {
  check(p >= 0 && p <= 1, "bernoulli: expected p to be in [0, 1], got ", p);
}
void bernoulli_number(Frame& f) {
  f.out = target(f);
  check_probability(number(f.args[1]));
  draw<bernoulli_of>(kernel<"bernoulli">(), f.out, generator_of(f.args[2]),
                     number(f.args[1]));
}
void draw_bernoulli(const Tensor& out, const Tensor& p, Generator& gen) {
  const int64_t seed = static_cast<int64_t>(gen.seed);
  const int64_t offset = static_cast<int64_t>(gen.next());
  if (out.numel() == 0) return;
  const Dtype wide = p.dtype() == Dtype::Float64 ? Dtype::Float64 : Dtype::Float32;
  Dims strides;
  strides.n = static_cast<int>(out.dim());
  broadcast_strides(p, out.sizes(), strides.v);
  const Tensor each =
      make_contiguous(cast_to(alias(p, out.sizes(), strides, p.offset()), wide));
  const Tensor to = empty(out.sizes(), out.dtype(), out.device());
  KernelCall call(out.device());
  call.out(to).in(each).attr(0.0).attr(seed).attr(offset);
  if (!call.try_run(kernel<"bernoulli">())) {
    composed::bernoulli(to, each, 0, seed, offset);
  }
  put_values(out, to);
}
void bernoulli_tensor(Frame& f) {
  f.out = target(f);
  const Tensor p(f.args[1].tensor);
  check(is_floating(p.dtype()), "bernoulli_: expected a floating point dtype for ",
        "argument 'p', got ", describe(p));
  draw_bernoulli(f.out, p, generator_of(f.args[2]));
}
void bernoulli_self(Frame& f) {
  const Tensor self(f.args[0].tensor);
  check(is_floating(self.dtype()), "bernoulli: expected a floating point dtype for ",
        "argument 'self', got ", describe(self));
  f.out = empty_like(self);
  draw_bernoulli(f.out, self, generator_of(f.args[1]));
}

// ---- by parameters that are tensors
// -----------------------------------------------------
Tensor standard(IntList sizes, Dtype dtype, DeviceRuntime& device, Gen gen) {
  Tensor t = empty(sizes, dtype, device);
  draw_normal(t, gen ? *gen : default_generator(), 0, 1);
  return t;
}
Tensor normal_tensors(const Tensor& mean, const Tensor& std, Gen gen) {
  const auto sizes = broadcast_shapes(mean.sizes(), std.sizes(), "normal");
  const Dtype d = promote(float_dtype(mean.dtype()), float_dtype(std.dtype()));
  return ops::add(ops::mul(standard(sizes, d, mean.device(), gen), std), mean);
}
Tensor normal_mean(const Tensor& mean, double std, Gen gen) {
  check(std >= 0, "normal expects std >= 0.0, but found std ", std);
  const Tensor z =
      standard(mean.sizes(), float_dtype(mean.dtype()), mean.device(), gen);
  return ops::add(ops::mul(z, std), mean);
}
Tensor normal_std(double mean, const Tensor& std, Gen gen) {
  const Tensor z = standard(std.sizes(), float_dtype(std.dtype()), std.device(), gen);
  return ops::add(ops::mul(z, std), mean);
}
void normal_size(Frame& f) {  // mean, std, size, generator, options
  const Options o(f, 4, default_dtype());
  check_float("normal", o.dtype);
  check(number(f.args[1]) >= 0, "normal expects std >= 0.0, but found std ",
        number(f.args[1]));
  Tensor t = empty(Unbox<IntList>::get(f.args[2]), o.dtype, o.device);
  draw_normal(t, generator_of(f.args[3]), number(f.args[0]), number(f.args[1]));
  o.finish(f, std::move(t));
}

// Without replacement: the largest of p / e for exponential e come in the order of
// draws.  With it: a uniform number is looked up among the running sums.
Tensor multinomial(const Tensor& self, int64_t samples, bool replacement, Gen gen) {
  check(self.dim() == 1 || self.dim() == 2,
        "multinomial: prob_dist must be 1 or 2 dim, got ", describe(self));
  check(is_floating(self.dtype()), "multinomial: expected a floating point dtype for ",
        "argument 'self', got ", describe(self));
  check(samples > 0, "multinomial: cannot sample n_sample <= 0 samples, got ", samples);
  const int64_t n = self.size(-1);
  check(replacement || samples <= n, "multinomial: cannot sample n_sample > ",
        "prob_dist.size(-1) samples without replacement");
  if (!self.device().is_meta() && self.numel()) {
    static const OpRef all("all(Tensor self)");
    const Tensor fine = ops::logical_and(ops::isfinite(self), ops::ge(self, 0));
    check(item(all(fine)).to_bool(), "multinomial: probability tensor contains ",
          "either `inf`, `nan` or element < 0");
    const Tensor positive = ops::gt(ops::sum_dim(self, IntList{-1}, false), 0);
    check(item(all(positive)).to_bool(),
          "multinomial: invalid multinomial distribution (sum of probabilities <= 0)");
  }
  Generator& g = gen ? *gen : default_generator();
  const Tensor p = cast_to(self, Dtype::Float64);
  if (!replacement) {
    const Tensor e = empty(p.sizes(), p.dtype(), p.device());
    draw<exponential_of>(kernel<"exponential">(), e, g, 1.0, 0.0);
    static const OpRef topk("topk(");
    return topk.all(ops::div(p, e), samples, int64_t{-1}, true, true)[1];
  }
  const Tensor sums = ops::cumsum(p, -1);
  Dims sizes(p.sizes());
  sizes[sizes.n - 1] = samples;
  const Tensor u = empty(sizes, p.dtype(), p.device());
  draw_uniform(u, g, 0, 1);
  static const OpRef search("searchsorted(Tensor sorted_sequence, Tensor");
  const Tensor total = ops::narrow(sums, -1, n - 1, 1);
  return search(sums, ops::mul(u, total), false, true);
}

Tensor nothing(Grad&) { return Tensor(); }

// Only `name_` exists.
Op filled(const char* schema, const char* doc, void (*run)(Frame&)) {
  Op op(schema, doc);
  op.run = run;
  op.inplace();
  op.has_function = op.has_method = false;
  op.derivative("self", 0, nothing);
  return op;
}

const Records makers = {
    Op(with_options("rand(int[] size, *, Generator? generator=None, "),
       "Uniform numbers in [0, 1).")
        .impl<unit<false>>()
        .out(),
    Op(with_options("randn(int[] size, *, Generator? generator=None, "),
       "Numbers of the standard normal distribution.")
        .impl<unit<true>>()
        .out(),
    Op(like_options("rand_like(Tensor self, *, "), "Uniform numbers in [0, 1).")
        .impl<unit_like<false>>()
        .no_method()
        .not_differentiable(),
    Op(like_options("randn_like(Tensor self, *, "),
       "Numbers of the standard normal distribution.")
        .impl<unit_like<true>>()
        .no_method()
        .not_differentiable(),
    Op(with_options("randint(int high, int[] size, *, Generator? generator=None, "),
       "Integers from 0 to below high.")
        .impl<randint>()
        .out(),
    Op(with_options(
           "randint(int low, int high, int[] size, *, Generator? generator=None, "),
       "Integers from low to below high.")
        .impl<randint_low>()
        .out(),
    Op(like_options("randint_like(Tensor self, int high, *, "),
       "Integers from 0 to below high.")
        .impl<randint_like>()
        .no_method()
        .not_differentiable(),
    Op(like_options("randint_like(Tensor self, int low, int high, *, "),
       "Integers from low to below high.")
        .impl<randint_like_low>()
        .no_method()
        .not_differentiable(),
    Op(with_options("randperm(int n, *, Generator? generator=None, "),
       "The numbers 0 to n - 1 in random order.")
        .impl<randperm>()
        .out(),
    Op(with_options("normal(float mean, float std, int[] size, *, "
                    "Generator? generator=None, "),
       "Numbers of a normal distribution.")
        .impl<normal_size>()
        .out(),
    Op("normal(Tensor mean, Tensor std, *, Generator? generator=None) -> Tensor",
       "Numbers of a normal distribution each.")
        .impl<normal_tensors>()
        .not_differentiable()
        .out(),
    Op("normal(Tensor mean, float std=1, *, Generator? generator=None) -> Tensor",
       "Numbers of a normal distribution each.")
        .impl<normal_mean>()
        .not_differentiable()
        .out(),
    Op("normal(float mean, Tensor std, *, Generator? generator=None) -> Tensor",
       "Numbers of a normal distribution each.")
        .impl<normal_std>()
        .not_differentiable()
        .out(),
    Op("multinomial(Tensor self, int num_samples, bool replacement=False, *, "
       "Generator? generator=None) -> Tensor",
       "Indices drawn by the probabilities (up to a factor) of each row.")
        .impl<multinomial>()
        .not_differentiable()
        .out(kOutExact),
    Op("bernoulli(Tensor self, *, Generator? generator=None) -> Tensor",
       "1 with the probability that each element is, else 0.")
        .impl<bernoulli_self>()
        .out()
        .derivative("self", 0, nothing),
    Op("bernoulli(Tensor self, float p, *, Generator? generator=None) -> Tensor",
       "1 with probability p, else 0.")
        .impl<bernoulli_number>()
        .derivative("self", 0, nothing),
};

const Records fillers = {
    filled("bernoulli(Tensor self, Tensor p, *, Generator? generator=None) -> Tensor",
           "1 with the probabilities p, else 0.", bernoulli_tensor),
    filled(
        "bernoulli(Tensor self, float p=0.5, *, Generator? generator=None) -> Tensor",
        "1 with probability p, else 0.", bernoulli_number),
    filled("uniform(Tensor self, float from=0, float to=1, *, "
           "Generator? generator=None) -> Tensor",
           "Uniform numbers in [from, to).", uniform),
    filled("normal(Tensor self, float mean=0, float std=1, *, "
           "Generator? generator=None) -> Tensor",
           "Numbers of a normal distribution.", normal),
    filled("exponential(Tensor self, float lambd=1, *, Generator? generator=None) "
           "-> Tensor",
           "Numbers of an exponential distribution.", exponential),
    filled("geometric(Tensor self, float p, *, Generator? generator=None) -> Tensor",
           "Numbers of trials until the first success.", geometric),
    filled("cauchy(Tensor self, float median=0, float sigma=1, *, "
           "Generator? generator=None) -> Tensor",
           "Numbers of a Cauchy distribution.", cauchy),
    filled("log_normal(Tensor self, float mean=1, float std=2, *, "
           "Generator? generator=None) -> Tensor",
           "Numbers whose logarithm has a normal distribution.", log_normal),
    filled("random(Tensor self, *, Generator? generator=None) -> Tensor",
           "Integers from 0 on, as many as the dtype holds exactly.", random_any),
    filled("random(Tensor self, int to, *, Generator? generator=None) -> Tensor",
           "Integers from 0 to below an end.", random_to),
    filled("random(Tensor self, int from, int? to, *, Generator? generator=None) "
           "-> Tensor",
           "Integers from a start to below an end.", random_from),
};

}  // namespace
}  // namespace fl
