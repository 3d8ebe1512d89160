// Ops that make tensors of given values: empty, zeros, full, arange, eye and the like.
#include "ops/factory.h"

#include <cmath>

#include "ops/compose.h"

namespace fl {

Tensor empty_in_format(const Tensor& like, Dtype dtype, DeviceRuntime& device,
                       int64_t format) {
  const IntList sizes = like.sizes();
  if (format == kPreserveFormat) {
    if (like.contiguous() || !is_dense(like)) return empty(sizes, dtype, device);
    return empty_strided(sizes, like.strides(), dtype, device);
  }
  if (format == kContiguousFormat) return empty(sizes, dtype, device);
  const int n = format == kChannelsLast ? 4 : 5;
  check(like.dim() == n, "memory_format: expected a ", n,
        "-dimensional tensor for channels_last", n == 5 ? "_3d" : "", ", got ",
        describe(like));
  Dims strides;
  strides.n = n;
  int64_t step = 1;
  for (int d : {1, 4, 3, 2, 0}) {
    if (d >= n) continue;
    strides[d] = step;
    step *= std::max<int64_t>(sizes[d], 1);
  }
  return empty_strided(sizes, strides, dtype, device);
}

namespace {

// ---- constant
// -------------------------------------------------------------------------
void empty_size(Frame& f) {
  const Options o(f, 1, default_dtype());
  o.finish(f, empty(Unbox<IntList>::get(f.args[0]), o.dtype, o.device));
}
template <int value>
void constant(Frame& f) {
  const Options o(f, 1, default_dtype());
  Tensor t = empty(Unbox<IntList>::get(f.args[0]), o.dtype, o.device);
  fill_values(t, Scalar(value));
  o.finish(f, std::move(t));
}
Dtype dtype_of(const Scalar& s) { return s.dtype(); }

void full(Frame& f) {
  const Scalar value = f.args[1].scalar();
  const Options o(f, 2, dtype_of(value));
  Tensor t = empty(Unbox<IntList>::get(f.args[0]), o.dtype, o.device);
  fill_values(t, value);
  o.finish(f, std::move(t));
}
void scalar_tensor(Frame& f) {
  const Options o(f, 1, default_dtype());
  Tensor t = empty({}, o.dtype, o.device);
  fill_values(t, f.args[0].scalar());
  o.finish(f, std::move(t));
}
void empty_strides(Frame& f) {
  const Options o(f, 2, default_dtype());
  o.finish(f, empty_strided(Unbox<IntList>::get(f.args[0]),
                            Unbox<IntList>::get(f.args[1]), o.dtype, o.device));
}

// ---- like another tensor; new_*
// -------------------------------------------------------- value: -1 leaves the memory
// as it is.
template <int value>
void like(Frame& f) {
  const Tensor self(f.args[0].tensor);
  const Options o(f, 1, self.dtype(), &self.device());
  Tensor t = empty_in_format(self, o.dtype, o.device, format_of(f.args[6]));
  if (value >= 0) fill_values(t, Scalar(value));
  o.finish(f, std::move(t));
}
void full_like(Frame& f) {
  const Tensor self(f.args[0].tensor);
  const Options o(f, 2, self.dtype(), &self.device());
  Tensor t = empty_in_format(self, o.dtype, o.device, format_of(f.args[7]));
  fill_values(t, f.args[1].scalar());
  o.finish(f, std::move(t));
}
template <int value>
void new_constant(Frame& f) {
  const Tensor self(f.args[0].tensor);
  const Options o(f, 2, self.dtype(), &self.device());
  Tensor t = empty(Unbox<IntList>::get(f.args[1]), o.dtype, o.device);
  if (value >= 0) fill_values(t, Scalar(value));
  o.finish(f, std::move(t));
}
void new_full(Frame& f) {
  const Tensor self(f.args[0].tensor);
  const Options o(f, 3, self.dtype(), &self.device());
  Tensor t = empty(Unbox<IntList>::get(f.args[1]), o.dtype, o.device);
  fill_values(t, f.args[2].scalar());
  o.finish(f, std::move(t));
}
void new_empty_strided(Frame& f) {
  const Tensor self(f.args[0].tensor);
  const Options o(f, 3, self.dtype(), &self.device());
  o.finish(f, empty_strided(Unbox<IntList>::get(f.args[1]),
                            Unbox<IntList>::get(f.args[2]), o.dtype, o.device));
}

// ---- ranges
// ----------------------------------------------------------------------------
void iota(const Tensor& out, const Scalar& start, const Scalar& step) {
  if (out.numel() == 0) return;
  KernelCall call(out.device());
  call.out(out);
  if (is_integral(out.dtype())) {
    call.attr(start.to_int()).attr(step.to_int());
  } else {
    call.attr(Scalar(start.real())).attr(Scalar(step.real()));
  }
  call.run(kernel<"iota">());
}

int64_t range_length(const Scalar& start, const Scalar& end, const Scalar& step,
                     bool closed) {
  const char* op = closed ? "range" : "arange";
  check(step.real() != 0, op, ": step must be nonzero");
  check(std::isfinite(start.real()) && std::isfinite(end.real()), op,
        ": unsupported range: ", start.real(), " -> ", end.real());
  const double span = end.real() - start.real();
  check(span == 0 || (span > 0) == (step.real() > 0), op,
        ": upper bound and lower bound inconsistent with step sign");
  if (closed) return static_cast<int64_t>(std::floor(span / step.real())) + 1;
  if (start.is_integral() && end.is_integral() && step.is_integral()) {
    const int64_t s = step.to_int(), d = end.to_int() - start.to_int();
    return (d + s - (s > 0 ? 1 : -1)) / s;
  }
  return static_cast<int64_t>(std::ceil(span / step.real()));
}

void make_range(Frame& f, int options, Scalar start, Scalar end, Scalar step,
                bool closed) {
  const bool whole = start.is_integral() && end.is_integral() && step.is_integral();
  const Options o(f, options, whole && !closed ? Dtype::Int64 : default_dtype());
  const auto truncate = [&] {
    start = Scalar(start.to_int()), end = Scalar(end.to_int());
    step = Scalar(step.to_int());
  };
  // As in PyTorch, int64 counts with truncated numbers, other integers do not.
  const bool cut = is_integral(o.dtype) && !whole;
  if (cut && o.dtype == Dtype::Int64) truncate();
  Tensor t = empty(IntList{range_length(start, end, step, closed)}, o.dtype, o.device);
  if (cut) truncate();
  iota(t, start, step);
  o.finish(f, std::move(t));
}
void arange_end(Frame& f) {
  make_range(f, 1, Scalar(0), f.args[0].scalar(), Scalar(1), false);
}
void arange(Frame& f) {
  make_range(f, 3, f.args[0].scalar(), f.args[1].scalar(), f.args[2].scalar(), false);
}
void range(Frame& f) {
  make_range(f, 3, f.args[0].scalar(), f.args[1].scalar(), f.args[2].scalar(), true);
}

Tensor linspace_values(const Scalar& start, const Scalar& end, int64_t steps,
                       Dtype dtype, DeviceRuntime& device) {
  check(steps >= 0, "linspace: number of steps must be non-negative, got ", steps);
  const auto line = [&](double a, double b, Dtype d) {
    Tensor t = empty(IntList{steps}, d, device);
    if (!steps) return t;
    KernelCall call(device);
    if (!call.out(t).attr(a).attr(b).try_run(kernel<"linspace">())) {
      composed::linspace(t, a, b);
    }
    return t;
  };
  if (!is_complex(dtype)) return line(start.real(), end.real(), dtype);
  static const OpRef join("complex(");
  const Dtype real = real_dtype(dtype);
  return join(line(start.real(), end.real(), real),
              line(start.imag(), end.imag(), real));
}
Dtype line_dtype(const Scalar& a, const Scalar& b) {
  const bool complex =
      a.kind == Scalar::Kind::Complex || b.kind == Scalar::Kind::Complex;
  return complex ? complex_dtype(default_dtype()) : default_dtype();
}
void linspace(Frame& f) {
  const Scalar a = f.args[0].scalar(), b = f.args[1].scalar();
  const Options o(f, 3, line_dtype(a, b));
  o.finish(f, linspace_values(a, b, f.args[2].i, o.dtype, o.device));
}
void logspace(Frame& f) {
  const Scalar a = f.args[0].scalar(), b = f.args[1].scalar();
  const Options o(f, 4, line_dtype(a, b));
  check(f.args[2].i >= 0, "logspace: number of steps must be non-negative, got ",
        f.args[2].i);
  const Dtype wide = is_complex(o.dtype) ? Dtype::Complex128 : Dtype::Float64;
  // PyTorch counts the exponents of integers in integers.
  const auto bound = [&](const Scalar& s) {
    return is_integral(o.dtype) ? Scalar(static_cast<int64_t>(s.real())) : s;
  };
  const Tensor e = linspace_values(bound(a), bound(b), f.args[2].i, wide, o.device);
  o.finish(f, cast_to(ops::pow(Unbox<double>::get(f.args[3]), e), o.dtype));
}

// ---- matrices
// --------------------------------------------------------------------------
void make_eye(Frame& f, int options, int64_t n, int64_t m) {
  check(n >= 0 && m >= 0, "eye: n and m must be greater or equal to 0, got ", n, ", ",
        m);
  const Options o(f, options, default_dtype());
  Tensor t = zeros(IntList{n, m}, o.dtype, o.device);
  const int64_t k = std::min(n, m);
  fill_values(alias(t, IntList{k}, IntList{m + 1}, 0), Scalar(1));
  o.finish(f, std::move(t));
}
void eye(Frame& f) { make_eye(f, 1, f.args[0].i, f.args[0].i); }
void eye_nm(Frame& f) { make_eye(f, 2, f.args[0].i, f.args[1].i); }

// Row and column of every element on one side of a diagonal, found on the host.
template <bool lower>
void triangle_indices(Frame& f) {
  const int64_t rows = f.args[0].i, cols = f.args[1].i, k = f.args[2].i;
  check(rows >= 0 && cols >= 0, lower ? "tril_indices" : "triu_indices",
        ": row and col must be non-negative, got ", rows, ", ", cols);
  const Options o(f, 3, Dtype::Int64);
  check(o.dtype == Dtype::Int64 || o.dtype == Dtype::Int32,
        lower ? "tril_indices" : "triu_indices",
        ": expected dtype int32 or int64, got ", short_name(o.dtype));
  std::vector<int64_t> places[2];
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t from = lower ? 0 : std::clamp<int64_t>(i + k, 0, cols);
    const int64_t to = lower ? std::clamp<int64_t>(i + k + 1, 0, cols) : cols;
    for (int64_t j = from; j < to; ++j) {
      places[0].push_back(i);
      places[1].push_back(j);
    }
  }
  const int64_t n = static_cast<int64_t>(places[0].size());
  DeviceRuntime& host = host_runtime();
  const Tensor t = empty(IntList{2, n}, Dtype::Int64, host);
  for (int r = 0; r < 2; ++r) {
    std::copy(places[r].begin(), places[r].end(), t.data<int64_t>() + r * n);
  }
  Tensor out = empty(IntList{2, n}, o.dtype, o.device);
  put_values(out, t);
  o.finish(f, std::move(out));
}

const Records constants = {
    Op(like_options("empty(int[] size, *, "), "A tensor whose values are not set.")
        .impl<empty_size>()
        .out(),
    Op(with_options("zeros(int[] size, *, "), "A tensor of zeros.")
        .impl<constant<0>>()
        .out(),
    Op(with_options("ones(int[] size, *, "), "A tensor of ones.")
        .impl<constant<1>>()
        .out(),
    Op(with_options("full(int[] size, Scalar fill_value, *, "),
       "A tensor of one value.")
        .impl<full>()
        .out(),
    Op(with_options("scalar_tensor(Scalar s, *, "), "A 0-d tensor of a number.")
        .impl<scalar_tensor>(),
    Op(with_options("empty_strided(int[] size, int[] stride, *, "),
       "A tensor of given strides whose values are not set.")
        .impl<empty_strides>(),
    Op(like_options("empty_like(Tensor self, *, "), "Values not set, shaped like self.")
        .impl<like<-1>>()
        .no_method()
        .not_differentiable(),
    Op(like_options("zeros_like(Tensor self, *, "), "Zeros shaped like self.")
        .impl<like<0>>()
        .no_method()
        .not_differentiable(),
    Op(like_options("ones_like(Tensor self, *, "), "Ones shaped like self.")
        .impl<like<1>>()
        .no_method()
        .not_differentiable(),
    Op(like_options("full_like(Tensor self, Scalar fill_value, *, "),
       "One value, shaped like self.")
        .impl<full_like>()
        .no_method()
        .not_differentiable(),
    Op(with_options("new_empty(Tensor self, int[] size, *, "),
       "Values not set, of self's dtype and device.")
        .impl<new_constant<-1>>()
        .method_only()
        .not_differentiable(),
    Op(with_options("new_zeros(Tensor self, int[] size, *, "),
       "Zeros of self's dtype and device.")
        .impl<new_constant<0>>()
        .method_only()
        .not_differentiable(),
    Op(with_options("new_ones(Tensor self, int[] size, *, "),
       "Ones of self's dtype and device.")
        .impl<new_constant<1>>()
        .method_only()
        .not_differentiable(),
    Op(with_options("new_full(Tensor self, int[] size, Scalar fill_value, *, "),
       "One value, of self's dtype and device.")
        .impl<new_full>()
        .method_only()
        .not_differentiable(),
    Op(with_options("new_empty_strided(Tensor self, int[] size, int[] stride, *, "),
       "Values not set, of self's dtype and device.")
        .impl<new_empty_strided>()
        .method_only()
        .not_differentiable(),
};

const Records ranges = {
    Op(with_options("arange(Scalar end, *, "), "0, 1, ... below end.")
        .impl<arange_end>()
        .out(),
    Op(with_options("arange(Scalar start, Scalar end, Scalar step=1, *, "),
       "start, start + step, ... before end.")
        .impl<arange>()
        .out(),
    Op(with_options("range(Scalar start, Scalar end, Scalar step=1, *, "),
       "start, start + step, ... up to end, which is included.")
        .impl<range>()
        .out(),
    Op(with_options("linspace(Scalar start, Scalar end, int steps, *, "),
       "Evenly spaced values, both ends included.")
        .impl<linspace>()
        .out(),
    Op(with_options(
           "logspace(Scalar start, Scalar end, int steps, float base=10.0, *, "),
       "Powers of a base at evenly spaced exponents.")
        .impl<logspace>()
        .out(),
    Op(with_options("eye(int n, *, "), "An identity matrix.").impl<eye>().out(),
    Op(with_options("eye(int n, int m, *, "), "Ones on the diagonal of a matrix.")
        .impl<eye_nm>()
        .out(),
    Op(with_options("tril_indices(int row, int col, int offset=0, *, "),
       "Coordinates of the lower triangle of a matrix.")
        .impl<triangle_indices<true>>(),
    Op(with_options("triu_indices(int row, int col, int offset=0, *, "),
       "Coordinates of the upper triangle of a matrix.")
        .impl<triangle_indices<false>>(),
};

}  // namespace
}  // namespace fl
