// Order: sort, topk, medians, searching in sorted sequences, counting.
#include <cmath>

#include "ops/compose.h"

namespace fl {
namespace {

using Two = std::array<Tensor, 2>;

void check_ordered(const char* op, const Tensor& self) {
  check(!is_complex(self.dtype()), op, ": not supported for complex, got ",
        describe(self));
}

// ---- sort, topk, kthvalue
// ---------------------------------------------------------------
Two sort(const Tensor& self, int64_t dim, bool descending) {
  check_ordered("sort", self);
  const int64_t d = wrap_dim(dim, self.dim());
  Tensor values = empty_like(self), indices = empty_like(self, Dtype::Int64);
  if (self.numel()) {
    KernelCall(self.device())
        .out(at_least_1d(values))
        .out(at_least_1d(indices))
        .in(at_least_1d(self))
        .attr(d)
        .attr(descending)
        .run(kernel<"sort">());
  }
  return {values, indices};
}
Two sort_stable(const Tensor& self, const Value&, int64_t dim, bool descending) {
  static const OpRef op("sort(Tensor self, int dim");
  auto both = op.all(self, dim, descending);
  return {both[0], both[1]};
}
// Values that out(1) tells where along dim they came from.
Tensor moved_back(Grad& g, int dim_arg) {
  if (g.shape(0).empty()) return g.g;
  const Tensor none = zeros(g.shape(0), g.g.dtype(), g.g.device());
  return ops::scatter(none, g.arg<int64_t>(dim_arg), g.out(1), g.g);
}
Tensor argsort(const Tensor& self, int64_t dim, bool descending) {
  return sort(self, dim, descending)[1];
}
Tensor argsort_stable(const Tensor& self, const Value&, int64_t dim, bool descending) {
  return sort(self, dim, descending)[1];
}
Tensor msort(const Tensor& self) {
  static const OpRef op("sort(Tensor self, int dim");
  return op(self, 0, false);
}

Two topk(const Tensor& self, int64_t k, int64_t dim, bool largest, bool sorted) {
  check_ordered("topk", self);
  const int64_t d = wrap_dim(dim, self.dim());
  const Tensor x = at_least_1d(self);
  check(k >= 0 && k <= x.sizes()[d], "topk: selected index k out of range: ", k, " of ",
        describe(self), " along dimension ", dim);
  Dims sizes(x.sizes());
  sizes[d] = k;
  Tensor values = empty(sizes, x.dtype(), x.device());
  Tensor indices = empty(sizes, Dtype::Int64, x.device());
  if (values.numel()) {
    KernelCall call(x.device());
    call.out(values).out(indices).in(x).attr(d).attr(k).attr(largest).attr(sorted);
    if (!call.try_run(kernel<"topk">())) {
      const Two out = composed::topk(x, d, k, largest);
      values = out[0], indices = out[1];
    }
  }
  if (self.dim() == 0) {
    check(k == 1, "topk: expected k to be 1 for a 0-dim tensor, got ", k);
    return {alias(values, {}, {}, 0), alias(indices, {}, {}, 0)};
  }
  return {values, indices};
}

Two kth_of(const char* op, const Tensor& self, int64_t k, int64_t dim, bool keepdim) {
  check_ordered(op, self);
  const int64_t d = wrap_dim(dim, self.dim());
  const Tensor x = at_least_1d(self);
  check(x.sizes()[d] > 0, ErrorKind::Index, op, ": expected reduction dim ", d,
        " to have non-zero size, got ", describe(self));
  check(k >= 1 && k <= x.sizes()[d], op, ": selected number k out of range for ",
        "dimension ", dim, ": ", k, " of ", describe(self));
  Dims sizes(x.sizes());
  sizes[d] = 1;
  Tensor value = empty(sizes, x.dtype(), x.device());
  Tensor index = empty(sizes, Dtype::Int64, x.device());
  if (value.numel()) {
    KernelCall call(x.device());
    call.out(value).out(index).in(x).attr(d).attr(k);
    if (!call.try_run(kernel<"kthvalue">())) {
      const Two out = composed::kthvalue(x, d, k);
      value = out[0], index = out[1];
    }
  }
  if (keepdim && self.dim()) return {value, index};
  Dims s(sizes), vs(value.strides());
  s.erase(d), vs.erase(d);
  return {alias(value, s, vs, 0), alias(index, s, vs, 0)};
}
Two kthvalue(const Tensor& self, int64_t k, int64_t dim, bool keepdim) {
  return kth_of("kthvalue", self, k, dim, keepdim);
}
Tensor picked_back(Grad& g, int dim_arg, int keep_arg) {
  if (g.shape(0).empty()) return ops::reshape(g.g, IntList{});
  const int64_t n = static_cast<int64_t>(g.shape(0).size());
  const int64_t d = wrap_dim(g.arg<int64_t>(dim_arg), n);
  Tensor grad = g.g, index = g.out(1);
  if (!g.arg<bool>(keep_arg)) {
    grad = ops::unsqueeze(grad, d), index = ops::unsqueeze(index, d);
  }
  const Tensor none = zeros(g.shape(0), grad.dtype(), grad.device());
  return ops::scatter(none, d, index, grad);
}

// NaN, where there is one, comes out: it sorts as the largest.
Two median_dim(const Tensor& self, int64_t dim, bool keepdim) {
  const int64_t d = wrap_dim(dim, self.dim());
  const int64_t n = self.dim() ? self.sizes()[d] : 1;
  const Two middle = kth_of("median", self, (n + 1) / 2, dim, keepdim);
  if (!is_floating(self.dtype())) return middle;
  const Two last = kth_of("median", self, n, dim, keepdim);
  const Tensor bad = ops::isnan(last[0]);
  return {ops::where(bad, last[0], middle[0]), ops::where(bad, last[1], middle[1])};
}
// The middle of what is not NaN: those are sorted to the front.
Two nanmedian_dim(const Tensor& self, int64_t dim, bool keepdim) {
  check_ordered("nanmedian", self);
  if (!is_floating(self.dtype())) return median_dim(self, dim, keepdim);
  const int64_t d = wrap_dim(dim, self.dim());
  const Tensor x = at_least_1d(self);
  check(x.sizes()[d] > 0, ErrorKind::Index, "nanmedian: expected reduction dim ", d,
        " to have non-zero size, got ", describe(self));
  const Two sorted = sort(x, d, false);
  const IntList along(&d, 1);
  const Tensor n = ops::sum_dim(ops::logical_not(ops::isnan(x)), along, true);
  const Tensor at = ops::clamp(ops::floor_divide(ops::sub(n, 1), 2), 0, Value());
  static const OpRef gather("gather(");
  Tensor value = gather(sorted[0], d, at), index = gather(sorted[1], d, at);
  if (!keepdim || self.dim() == 0) {
    value = ops::squeeze(value, d), index = ops::squeeze(index, d);
  }
  return {value, index};
}
template <KernelName name>
Tensor median_all(const Tensor& self) {
  static const OpRef plain("median(Tensor self, int"),
      nan("nanmedian(Tensor self, int");
  if (self.numel() == 0) {
    Tensor out = empty({}, self.dtype(), self.device());
    fill_values(out, is_floating(self.dtype()) ? Scalar(NAN) : Scalar(INT64_MIN));
    return out;
  }
  const bool skip = std::string_view(name.text) == "nanmedian";
  return (skip ? nan : plain)(ops::reshape(self, IntList{-1}), 0, false);
}

// ---- searching in sorted sequences
// ----------------------------------------------------
Tensor search(const char* op, const Tensor& sequence, const Tensor& given,
              bool out_int32, bool right) {
  check(sequence.dim() > 0, op, ": boundaries tensor should have at least 1 dimension");
  const Dtype common = promote(sequence.dtype(), given.dtype());
  const Dtype out_dtype = out_int32 ? Dtype::Int32 : Dtype::Int64;
  check(sequence.dim() == 1 || (sequence.dim() == given.dim() &&
                                sequence.sizes().first(sequence.dim() - 1).size() ==
                                    given.sizes().first(given.dim() - 1).size()),
        op, ": boundaries tensor should be 1 dimension or the first N-1 dimensions of ",
        "boundaries tensor and input value tensor must match, got ", describe(sequence),
        " and ", describe(given));
  for (int64_t d = 0; sequence.dim() > 1 && d + 1 < sequence.dim(); ++d) {
    check(sequence.sizes()[d] == given.sizes()[d], op, ": the first N-1 dimensions of ",
          "boundaries tensor and input value tensor must match, got ",
          describe(sequence), " and ", describe(given));
  }
  Tensor out = empty(given.sizes(), out_dtype, given.device());
  if (given.numel() == 0) return out;
  const Tensor s = make_contiguous(cast_to(sequence, common));
  const Tensor v = make_contiguous(cast_to(given, common));
  if (s.numel() == 0) {
    fill_values(out, Scalar(0));
    return out;
  }
  KernelCall call(given.device());
  if (sequence.dim() == 1) {  // all values are one line
    const int64_t m = given.numel();
    call.out(alias(out, IntList{m}, IntList{1}, 0)).in(s);
    call.in(alias(v, IntList{m}, IntList{1}, v.offset()));
  } else {
    call.out(out).in(s).in(v);
  }
  if (call.attr(right).try_run(kernel<"searchsorted">())) return out;
  if (sequence.dim() > 1) return composed::searchsorted(s, v, out_dtype, right);
  const Tensor line = ops::reshape(v, IntList{-1});
  return ops::reshape(composed::searchsorted(s, line, out_dtype, right), v.sizes());
}
bool from_right(bool right, const Value& side) {
  if (side.none()) return right;
  const auto s = Unbox<std::string_view>::get(side);
  check(s == "left" || s == "right",
        "searchsorted: side can only be 'left' or 'right' ", "but got ",
        std::string(s));
  check(!(right && s == "left"),
        "searchsorted: side and right can't be set to opposites, ",
        "got side of left while right was True");
  return s == "right";
}
Tensor in_order(const Tensor& sequence, const Tensor& sorter) {
  if (!sorter.defined()) return sequence;
  check(sorter.dtype() == Dtype::Int64 && sorter.sizes().equals(sequence.sizes()),
        "searchsorted: expected an int64 tensor of the sequence's sizes for argument ",
        "'sorter', got ", describe(sorter));
  static const OpRef gather("gather(");
  return gather(sequence, -1, sorter);
}
Tensor searchsorted(const Tensor& sequence, const Tensor& values, bool out_int32,
                    bool right, const Value& side, const Tensor& sorter) {
  return search("searchsorted", in_order(sequence, sorter), values, out_int32,
                from_right(right, side));
}
Tensor number(const Tensor& like, const Scalar& s) {
  const bool keep = is_floating(like.dtype()) || s.is_integral();
  Tensor t = empty({}, keep ? like.dtype() : s.dtype(), like.device());
  fill_values(t, s);
  return t;
}
Tensor searchsorted_scalar(const Tensor& sequence, const Scalar& value, bool out_int32,
                           bool right, const Value& side, const Tensor& sorter) {
  check(sequence.dim() == 1, "searchsorted: input value can be a scalar only when ",
        "boundaries tensor dimension is 1, got ", describe(sequence));
  return searchsorted(sequence, number(sequence, value), out_int32, right, side,
                      sorter);
}
Tensor bucketize(const Tensor& self, const Tensor& boundaries, bool out_int32,
                 bool right) {
  check(boundaries.dim() == 1, "bucketize: boundaries tensor must be 1 dimension, got ",
        describe(boundaries));
  return search("bucketize", boundaries, self, out_int32, right);
}
Tensor bucketize_scalar(const Scalar& self, const Tensor& boundaries, bool out_int32,
                        bool right) {
  return bucketize(number(boundaries, self), boundaries, out_int32, right);
}

// ---- counting
// ------------------------------------------------------------------------
Tensor bincount(const Tensor& self, const Tensor& weights, int64_t minlength) {
  check(minlength >= 0, "bincount: minlength should be >= 0, got ", minlength);
  check(self.dim() == 1 && is_integer(self.dtype()),
        "bincount: only supports 1-d non-negative integral inputs, got ",
        describe(self));
  check(!weights.defined() || weights.sizes().equals(self.sizes()),
        "bincount: weights should be 1-d and have the same length as input, got ",
        describe(weights), " for ", describe(self));
  const Tensor x = make_contiguous(cast_to(self, Dtype::Int64));
  int64_t n = minlength;
  if (self.numel()) {
    check(item(ops::amin(x, {}, false)).to_int() >= 0,
          "bincount: only supports 1-d non-negative integral inputs.");
    n = std::max(n, item(ops::amax(x, {}, false)).to_int() + 1);
  }
  Dtype d = Dtype::Int64;
  if (weights.defined())
    d = weights.dtype() == Dtype::Float32 ? Dtype::Float32 : Dtype::Float64;
  Tensor out = empty(IntList{n}, d, self.device());
  fill_values(out, Scalar(0));
  if (n == 0 || self.numel() == 0) return out;
  const Tensor w = weights.defined() ? make_contiguous(cast_to(weights, d)) : Tensor();
  KernelCall call(self.device());
  if (call.out(out).in(x).in(w).try_run(kernel<"bincount">())) return out;
  return composed::bincount(x, w, n, d);
}

Tensor histc(const Tensor& self, int64_t bins, const Scalar& min, const Scalar& max) {
  check(bins > 0, "histc: bins must be > 0, got ", bins);
  check(is_floating(self.dtype()),
        "histc: expected a floating point dtype for argument ", "'self', got ",
        describe(self));
  double lo = min.real(), hi = max.real();
  check(lo <= hi, "histc: max must be larger than min, got ", lo, " and ", hi);
  if (lo == hi && self.numel()) {
    lo = item(ops::amin(self, {}, false)).real();
    hi = item(ops::amax(self, {}, false)).real();
  }
  if (lo == hi) lo -= 1, hi += 1;
  check(std::isfinite(lo) && std::isfinite(hi), "histc: range of [", lo, ", ", hi,
        "] is not finite");
  Tensor out = empty(IntList{bins}, self.dtype(), self.device());
  fill_values(out, Scalar(0));
  if (self.numel() == 0) return out;
  const Tensor x = make_contiguous(at_least_1d(self));
  KernelCall call(self.device());
  if (call.out(out).in(x).attr(lo).attr(hi).try_run(kernel<"histc">())) return out;
  return composed::histc(x, bins, lo, hi);
}

const char* const kTwo = "Values along a dim in order, and where they were.";
const char* const kArg = "Where along a dim the values in order are.";

const Records orders = {
    Op("sort(Tensor self, int dim=-1, bool descending=False) "
       "-> (Tensor values, Tensor indices)",
       kTwo)
        .impl<sort>()
        .nondifferentiable_output(1)
        .out(kOutExact)
        .derivative("self", kOut1, [](Grad& g) { return moved_back(g, 1); }),
    Op("sort(Tensor self, *, bool? stable, int dim=-1, bool descending=False) "
       "-> (Tensor values, Tensor indices)",
       kTwo)
        .impl<sort_stable>()
        .out(kOutExact),
    Op("argsort(Tensor self, int dim=-1, bool descending=False) -> Tensor", kArg)
        .impl<argsort>()
        .not_differentiable(),
    Op("argsort(Tensor self, *, bool stable, int dim=-1, bool descending=False) "
       "-> Tensor",
       kArg)
        .impl<argsort_stable>()
        .not_differentiable(),
    Op("msort(Tensor self) -> Tensor", "Values along the first dim in order.")
        .impl<msort>()
        .out(kOutExact),
    Op("topk(Tensor self, int k, int dim=-1, bool largest=True, bool sorted=True) "
       "-> (Tensor values, Tensor indices)",
       "The k largest or smallest values along a dim, and where they are.")
        .impl<topk>()
        .nondifferentiable_output(1)
        .out(kOutExact)
        .derivative("self", kOut1, [](Grad& g) { return moved_back(g, 2); }),
    Op("kthvalue(Tensor self, int k, int dim=-1, bool keepdim=False) "
       "-> (Tensor values, Tensor indices)",
       "The k-th smallest value along a dim, from 1, and where it is.")
        .impl<kthvalue>()
        .nondifferentiable_output(1)
        .out(kOutExact | kOutApart)
        .derivative("self", kOut1, [](Grad& g) { return picked_back(g, 2, 3); }),
    Op("median(Tensor self) -> Tensor", "The lower median of all elements.")
        .impl<median_all<"median">>(),
    Op("median(Tensor self, int dim, bool keepdim=False) "
       "-> (Tensor values, Tensor indices)",
       "The lower median along a dim, and where it is.")
        .impl<median_dim>()
        .nondifferentiable_output(1)
        .out(kOutExact)
        .derivative("self", kOut1, [](Grad& g) { return picked_back(g, 1, 2); }),
    Op("nanmedian(Tensor self) -> Tensor", "The lower median of what is not NaN.")
        .impl<median_all<"nanmedian">>(),
    Op("nanmedian(Tensor self, int dim, bool keepdim=False) "
       "-> (Tensor values, Tensor indices)",
       "The lower median along a dim of what is not NaN, and where it is.")
        .impl<nanmedian_dim>()
        .nondifferentiable_output(1)
        .out(kOutExact)
        .derivative("self", kOut1, [](Grad& g) { return picked_back(g, 1, 2); }),
};

const Records searches = {
    Op("searchsorted(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, "
       "bool right=False, str? side=None, Tensor? sorter=None) -> Tensor",
       "Where values would be inserted to keep a sequence sorted.")
        .impl<searchsorted>()
        .not_differentiable()
        .out(kOutExact),
    Op("searchsorted(Tensor sorted_sequence, Scalar self, *, bool out_int32=False, "
       "bool right=False, str? side=None, Tensor? sorter=None) -> Tensor",
       "Where a value would be inserted to keep a sequence sorted.")
        .impl<searchsorted_scalar>()
        .not_differentiable()
        .out(kOutExact),
    Op("bucketize(Tensor self, Tensor boundaries, *, bool out_int32=False, "
       "bool right=False) -> Tensor",
       "The bucket between boundaries that each value falls into.")
        .impl<bucketize>()
        .no_method()
        .not_differentiable()
        .out(kOutExact),
    Op("bucketize(Scalar self, Tensor boundaries, *, bool out_int32=False, "
       "bool right=False) -> Tensor",
       "The bucket between boundaries that a value falls into.")
        .impl<bucketize_scalar>()
        .no_method()
        .not_differentiable()
        .out(kOutExact),
    Op("bincount(Tensor self, Tensor? weights=None, int minlength=0) -> Tensor",
       "How often (or with what weight) each number from 0 on occurs.")
        .impl<bincount>()
        .not_differentiable(),
    Op("histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0) -> Tensor",
       "How many elements fall into each of equal bins.")
        .impl<histc>()
        .not_differentiable()
        .out(kOutExact),
};

}  // namespace
}  // namespace fl
