// Matrix products: mm, bmm, their sums with a matrix, matmul, dot, and the linear
// layer.
#include "ops/common.h"

namespace fl {
namespace {

// A matrix or a batch of them as the kernel sees it.
struct Mats {
  int64_t batch, rows, cols;
  int64_t steps[3];  // strides of batch, row, column
  static Mats of(const Tensor& t) {
    const IntList s = t.sizes(), st = t.strides();
    if (t.dim() == 3) return {s[0], s[1], s[2], {st[0], st[1], st[2]}};
    return {1, s[0], s[1], {0, st[0], st[1]}};
  }
  static Mats column(const Tensor& t) {
    return {1, t.sizes()[0], 1, {0, t.strides()[0], 1}};
  }
};

struct Operand3 {
  Geometry geometry;
  fl_tensor view(const Tensor& t, const Mats& m) {
    const int64_t sizes[] = {m.batch, m.rows, m.cols};
    return geometry.of(t, IntList(sizes, 3), IntList(m.steps, 3));
  }
};

void check_operands(const char* op, const char* a, const Tensor& x, const char* b,
                    const Tensor& y) {
  check_same_device(op, a, x, b, y);
  check_same_dtype(op, a, x, b, y);
  check(x.dtype() != Dtype::Bool, ErrorKind::Runtime, op,
        ": not implemented for bool matrices, got ", describe(x));
}

// out = alpha a b + beta c; c may be undefined.  Strides of c follow out's sizes.
void product(const Tensor& out, const Mats& om, const Tensor& a, const Mats& am,
             const Tensor& b, const Mats& bm, const Tensor& c, const Mats& cm,
             const Scalar& alpha, const Scalar& beta) {
  if (out.numel() == 0 || out.device().is_meta()) return;
  if (am.cols == 0) {
    if (c.defined() && !beta.equals(0)) {
      copy_into(alias(out, IntList{om.batch, om.rows, om.cols}, IntList(om.steps, 3),
                      out.offset()),
                ops::mul(alias(c, IntList{om.batch, om.rows, om.cols},
                               IntList(cm.steps, 3), c.offset()),
                         beta));
    } else {
      fill_with(out, Scalar(0));
    }
    return;
  }
  Operand3 og, ag, bg, cg;
  KernelCall call(out.device());
  call.out(og.view(out, om)).in(ag.view(a, am)).in(bg.view(b, bm));
  call.in(c.defined() && !beta.equals(0) ? cg.view(c, cm) : absent());
  call.attr(alpha).attr(beta).run(kernel<"matmul">());
}

[[gnu::cold]] void bad_shapes(const char* op, const Tensor& a, const Tensor& b) {
  fail(ErrorKind::Runtime, op,
       ": the shapes of 'mat1' and 'mat2' cannot be multiplied, ", "got ", describe(a),
       " and ", describe(b));
}

Tensor mm(const Tensor& self, const Tensor& mat2) {
  check(self.dim() == 2, "mm: expected a matrix for argument 'self', got ",
        describe(self));
  check(mat2.dim() == 2, "mm: expected a matrix for argument 'mat2', got ",
        describe(mat2));
  if (self.sizes()[1] != mat2.sizes()[0]) bad_shapes("mm", self, mat2);
  check_operands("mm", "self", self, "mat2", mat2);
  Tensor out =
      empty(IntList{self.sizes()[0], mat2.sizes()[1]}, self.dtype(), self.device());
  product(out, Mats::of(out), self, Mats::of(self), mat2, Mats::of(mat2), Tensor(), {},
          Scalar(1), Scalar(0));
  return out;
}

Tensor mv(const Tensor& self, const Tensor& vec) {
  check(self.dim() == 2 && vec.dim() == 1, "mv: expected a matrix and a vector, got ",
        describe(self), " and ", describe(vec));
  if (self.sizes()[1] != vec.sizes()[0]) bad_shapes("mv", self, vec);
  check_operands("mv", "self", self, "vec", vec);
  Tensor out = empty(IntList{self.sizes()[0]}, self.dtype(), self.device());
  product(out, Mats::column(out), self, Mats::of(self), vec, Mats::column(vec),
          Tensor(), {}, Scalar(1), Scalar(0));
  return out;
}

void check_batches(const char* op, const Tensor& a, const Tensor& b) {
  check(a.dim() == 3 && b.dim() == 3, op, ": expected batches of matrices (3-D), got ",
        describe(a), " and ", describe(b));
  check(a.sizes()[0] == b.sizes()[0] && a.sizes()[2] == b.sizes()[1], op,
        ": expected batch2 to have size [", a.sizes()[0], ", ", a.sizes()[2],
        ", *], got ", describe(a), " and ", describe(b));
  check_operands(op, "batch1", a, "batch2", b);
}
Tensor bmm(const Tensor& self, const Tensor& mat2) {
  check_batches("bmm", self, mat2);
  Tensor out = empty(IntList{self.sizes()[0], self.sizes()[1], mat2.sizes()[2]},
                     self.dtype(), self.device());
  product(out, Mats::of(out), self, Mats::of(self), mat2, Mats::of(mat2), Tensor(), {},
          Scalar(1), Scalar(0));
  return out;
}

// The strides of an addend that is broadcast to three dimensions.
Mats addend(const char* op, const Tensor& c, const Mats& out, IntList out_sizes) {
  Dims strides;
  const int64_t n = static_cast<int64_t>(out_sizes.size());
  check(c.dim() <= n, op, ": expected argument 'self' to be broadcastable to ",
        to_string(out_sizes), ", got ", describe(c));
  for (int64_t d = 0; d < c.dim(); ++d) {
    const int64_t want = out_sizes[n - c.dim() + d], have = c.sizes()[d];
    check(have == want || have == 1, op, ": expected argument 'self' to be ",
          "broadcastable to ", to_string(out_sizes), ", got ", describe(c));
  }
  broadcast_strides(c, out_sizes, strides.v);
  Mats m = out;
  m.steps[0] = n == 3 ? strides[0] : 0;
  m.steps[1] = strides[n == 3 ? 1 : 0];
  m.steps[2] = n == 1 ? 1 : strides[n - 1];
  return m;
}

Tensor addmm(const Tensor& self, const Tensor& mat1, const Tensor& mat2,
             const Scalar& beta, const Scalar& alpha) {
  check(mat1.dim() == 2 && mat2.dim() == 2, "addmm: expected matrices, got ",
        describe(mat1), " and ", describe(mat2));
  if (mat1.sizes()[1] != mat2.sizes()[0]) bad_shapes("addmm", mat1, mat2);
  check_operands("addmm", "mat1", mat1, "mat2", mat2);
  check_operands("addmm", "self", self, "mat2", mat2);
  Tensor out =
      empty(IntList{mat1.sizes()[0], mat2.sizes()[1]}, self.dtype(), self.device());
  const Mats om = Mats::of(out);
  product(out, om, mat1, Mats::of(mat1), mat2, Mats::of(mat2), self,
          addend("addmm", self, om, out.sizes()), alpha, beta);
  return out;
}
Tensor baddbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2,
               const Scalar& beta, const Scalar& alpha) {
  check_batches("baddbmm", batch1, batch2);
  check_operands("baddbmm", "self", self, "batch2", batch2);
  Tensor out = empty(IntList{batch1.sizes()[0], batch1.sizes()[1], batch2.sizes()[2]},
                     self.dtype(), self.device());
  const Mats om = Mats::of(out);
  product(out, om, batch1, Mats::of(batch1), batch2, Mats::of(batch2), self,
          addend("baddbmm", self, om, out.sizes()), alpha, beta);
  return out;
}
Tensor addmv(const Tensor& self, const Tensor& mat, const Tensor& vec,
             const Scalar& beta, const Scalar& alpha) {
  check(mat.dim() == 2 && vec.dim() == 1 && self.dim() <= 1,
        "addmv: vector + matrix @ vector expected, got ", describe(self), ", ",
        describe(mat), ", ", describe(vec));
  if (mat.sizes()[1] != vec.sizes()[0]) bad_shapes("addmv", mat, vec);
  check_operands("addmv", "mat", mat, "vec", vec);
  check_operands("addmv", "self", self, "vec", vec);
  Tensor out = empty(IntList{mat.sizes()[0]}, self.dtype(), self.device());
  const Mats om = Mats::column(out);
  product(out, om, mat, Mats::of(mat), vec, Mats::column(vec), self,
          addend("addmv", self, om, out.sizes()), alpha, beta);
  return out;
}

Tensor scaled(const Tensor& t, const Scalar& by) {
  return by.equals(1) ? t : ops::mul(t, by);
}
Tensor plus(const Tensor& self, const Tensor& product, const Scalar& beta,
            const Scalar& alpha) {
  if (beta.equals(0)) return scaled(product, alpha);
  return ops::add(scaled(self, beta), scaled(product, alpha));
}
Tensor addbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2,
              const Scalar& beta, const Scalar& alpha) {
  check_batches("addbmm", batch1, batch2);
  const auto factor = [&](const Scalar& s) {  // PyTorch makes it a number of the dtype
    return is_integral(self.dtype()) ? Scalar(s.to_int()) : s;
  };
  const Tensor products = ops::bmm(batch1, batch2);
  const Tensor sum = ops::sum_dim(products, IntList{0}, false);
  return plus(self, ops::to_dtype(sum, products.dtype()), factor(beta), factor(alpha));
}
Tensor outer(const Tensor& self, const Tensor& vec2) {
  check(self.dim() == 1 && vec2.dim() == 1, "outer: expected 1-D tensors, got ",
        describe(self), " and ", describe(vec2));
  return ops::mul(ops::unsqueeze(self, 1), ops::unsqueeze(vec2, 0));
}
Tensor addr(const Tensor& self, const Tensor& vec1, const Tensor& vec2,
            const Scalar& beta, const Scalar& alpha) {
  return plus(self, outer(vec1, vec2), beta, alpha);
}

// ---- dot
// ------------------------------------------------------------------------------
Tensor dot(const Tensor& self, const Tensor& tensor) {
  check(self.dim() == 1 && tensor.dim() == 1, "dot: expected 1-D tensors, got ",
        describe(self), " and ", describe(tensor));
  check(self.numel() == tensor.numel(), "dot: inconsistent tensor size, expected ",
        "tensors of the same number of elements, got ", describe(self), " and ",
        describe(tensor));
  check_operands("dot", "self", self, "tensor", tensor);
  Tensor out = empty({}, self.dtype(), self.device());
  if (self.numel() == 0) {
    fill_values(out, Scalar(0));
    return out;
  }
  KernelCall call(self.device());
  if (call.out(out).in(self).in(tensor).try_run(kernel<"dot">())) return out;
  return ops::sum(ops::mul(self, tensor));
}
Tensor vdot(const Tensor& self, const Tensor& other) {
  static const OpRef op("dot(");
  return op(ops::conj(self), other);
}
Tensor inner(const Tensor& self, const Tensor& other) {
  if (self.dim() == 0 || other.dim() == 0) return ops::mul(self, other);
  check(self.size(-1) == other.size(-1), "inner: the last dimensions must match, got ",
        describe(self), " and ", describe(other));
  Dims sizes;
  for (int64_t d = 0; d + 1 < self.dim(); ++d) sizes.push(self.sizes()[d]);
  for (int64_t d = 0; d + 1 < other.dim(); ++d) sizes.push(other.sizes()[d]);
  const int64_t k = self.size(-1);
  const auto rows = [k](const Tensor& t) {
    return ops::reshape(t, IntList{count(t.sizes().subspan(0, t.dim() - 1)), k});
  };
  const Tensor a = rows(self), b = rows(other);
  return ops::reshape(ops::mm(a, ops::t(b)), sizes);
}

// ---- matmul
// ----------------------------------------------------------------------------
Tensor batched(const Tensor& t, IntList batch) {
  Dims sizes(batch);
  sizes.push(t.size(-2));
  sizes.push(t.size(-1));
  return ops::reshape(ops::expand(t, sizes),
                      IntList{count(batch), t.size(-2), t.size(-1)});
}
Tensor broadcast_matmul(const Tensor& self, const Tensor& other) {
  const Tensor a = self.dim() == 1 ? ops::unsqueeze(self, 0) : self;
  const Tensor b = other.dim() == 1 ? ops::unsqueeze(other, 1) : other;
  const auto batch = broadcast_shapes(a.sizes().subspan(0, a.dim() - 2),
                                      b.sizes().subspan(0, b.dim() - 2), "matmul");
  Dims sizes(batch);
  if (self.dim() > 1) sizes.push(a.size(-2));
  if (other.dim() > 1) sizes.push(b.size(-1));
  if (a.size(-1) != b.size(-2)) bad_shapes("matmul", self, other);
  const Tensor out = ops::bmm(batched(a, batch), batched(b, batch));
  return ops::reshape(out, sizes);
}
// Many rows by one matrix: a single product of all rows.
Tensor folded_matmul(const Tensor& self, const Tensor& other) {
  if (self.size(-1) != other.sizes()[0]) bad_shapes("matmul", self, other);
  Dims sizes(self.sizes());
  const int64_t k = sizes[--sizes.n];
  const Tensor rows = ops::reshape(self, IntList{count(sizes), k});
  if (other.dim() == 1) {
    static const OpRef op("mv(");
    return ops::reshape(op(rows, other), sizes);
  }
  sizes.push(other.sizes()[1]);
  return ops::reshape(ops::mm(rows, other), sizes);
}
Tensor matmul(const Tensor& self, const Tensor& other) {
  static const OpRef dot_op("dot("), mv_op("mv(");
  const int64_t a = self.dim(), b = other.dim();
  if (a == 2 && b == 2) return ops::mm(self, other);
  check(a > 0 && b > 0, "matmul: both arguments need to be at least 1D, but they are ",
        a, "D and ", b, "D");
  if (a == 1 && b == 1) return dot_op(self, other);
  if (a == 2 && b == 1) return mv_op(self, other);
  if (a == 1 && b == 2) {
    return ops::reshape(ops::mm(ops::unsqueeze(self, 0), other),
                        IntList{other.sizes()[1]});
  }
  if (a == 3 && b == 3 && self.sizes()[0] == other.sizes()[0]) {
    return ops::bmm(self, other);
  }
  if (a > 2 && b <= 2) return folded_matmul(self, other);
  return broadcast_matmul(self, other);
}

// ---- the linear layer
// --------------------------------------------------------------------
Tensor linear_2d(const Tensor& x, int64_t rows, const Tensor& w, const Tensor& b,
                 Dims& sizes) {
  Tensor out = empty(sizes, x.dtype(), x.device());
  if (out.numel() == 0 || out.device().is_meta()) return out;
  const int64_t k = w.sizes()[1], n = w.sizes()[0];
  Geometry og, xg;
  const int64_t out_sizes[] = {rows, n}, out_steps[] = {n, 1};
  const int64_t in_sizes[] = {rows, k};
  const int64_t in_steps[] = {x.dim() == 2 ? x.strides()[0] : k,
                              x.dim() == 2 ? x.strides()[1] : 1};
  if (k) {
    KernelCall call(x.device());
    call.out(og.of(out, IntList(out_sizes, 2), IntList(out_steps, 2)))
        .in(xg.of(x, IntList(in_sizes, 2), IntList(in_steps, 2)))
        .in(w)
        .in(b)
        .attr(int64_t{0});
    if (call.try_run(kernel<"linear">())) return out;
  }
  const Mats om{1, rows, n, {0, n, 1}}, xm{1, rows, k, {0, in_steps[0], in_steps[1]}};
  const Mats wm{1, k, n, {0, w.strides()[1], w.strides()[0]}};
  const Mats bm{1, rows, n, {0, 0, b.defined() ? b.strides()[0] : 0}};
  product(out, om, x, xm, w, wm, b, bm, Scalar(1), Scalar(b.defined() ? 1 : 0));
  return out;
}
Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  check(
      weight.dim() == 2 && input.dim() > 0,
      "linear: expected an input of at least one dimension and a matrix for argument ",
      "'weight', got ", describe(input), " and ", describe(weight));
  const int64_t k = input.sizes()[input.dim() - 1];
  check(k == weight.sizes()[1], "linear: the shapes of 'input' and 'weight' cannot be ",
        "multiplied, got ", describe(input), " and ", describe(weight));
  check_operands("linear", "input", input, "weight", weight);
  if (bias.defined()) {
    check_operands("linear", "bias", bias, "weight", weight);
    check(bias.dim() == 1 && bias.sizes()[0] == weight.sizes()[0],
          "linear: expected a vector of ", weight.sizes()[0],
          " elements for argument 'bias', got ", describe(bias));
  }
  Dims sizes(input.sizes());
  sizes[sizes.n - 1] = 1;
  const int64_t rows = count(sizes);
  sizes[sizes.n - 1] = weight.sizes()[0];
  const Tensor x =
      input.dim() == 2 || input.contiguous() ? input : make_contiguous(input);
  return linear_2d(x, rows, weight, bias, sizes);
}
Tensor conj_of(const Tensor& t) { return is_complex(t.dtype()) ? ops::conj(t) : t; }
Tensor dagger(const Tensor& t) { return conj_of(ops::transpose(t, -2, -1)); }

Tensor as_rows(const Tensor& t) {
  if (t.dim() == 2) return t;
  const int64_t k = t.size(-1);
  Dims sizes(t.sizes());
  sizes[sizes.n - 1] = 1;
  return ops::reshape(t, IntList{count(sizes), k});
}
void linear_back(Grad& g, std::vector<Tensor>& out) {
  if (g.needs(0)) put(g, out, 0, ops::matmul(g.g, conj_of(g.in(1))));
  const Tensor rows = as_rows(g.g);
  if (g.needs(1)) {
    put(g, out, 1, ops::mm(ops::t(rows), conj_of(as_rows(g.in(0)))));
  }
  if (g.needs(2)) put(g, out, 2, ops::sum_dim(rows, IntList{0}, false));
}

// ---- derivatives
// ---------------------------------------------------------------------------
Tensor scale_by(Grad& g, const Tensor& t, int arg) {
  Scalar s = g.arg<Scalar>(arg);
  if (s.kind == Scalar::Kind::Complex) s = Scalar(std::complex<double>(s.f, -s.im));
  return scaled(t, s);
}
void addmm_back(Grad& g, std::vector<Tensor>& out) {
  if (g.needs(0)) put(g, out, 0, sum_to(scale_by(g, g.g, 3), g.shape(0)));
  if (g.needs(1)) {
    put(g, out, 1, scale_by(g, ops::matmul(g.g, dagger(g.in(2))), 4));
  }
  if (g.needs(2)) {
    put(g, out, 2, scale_by(g, ops::matmul(dagger(g.in(1)), g.g), 4));
  }
}
void addmv_back(Grad& g, std::vector<Tensor>& out) {
  if (g.needs(0)) put(g, out, 0, sum_to(scale_by(g, g.g, 3), g.shape(0)));
  if (g.needs(1)) put(g, out, 1, scale_by(g, outer(g.g, conj_of(g.in(2))), 4));
  if (g.needs(2)) {
    put(g, out, 2, scale_by(g, ops::matmul(dagger(g.in(1)), g.g), 4));
  }
}

const char* const kAdd = "beta * self + alpha * the product.";

const Records products = {
    Op("mm(Tensor self, Tensor mat2) -> Tensor", "The product of two matrices.")
        .impl<mm>()
        .autocast(Autocast::Lower)
        .out(kOutExact)
        .derivative("self", in(1),
                    [](Grad& g) { return ops::mm(g.g, dagger(g.in(1))); })
        .derivative("mat2", in(0),
                    [](Grad& g) { return ops::mm(dagger(g.in(0)), g.g); }),
    Op("bmm(Tensor self, Tensor mat2) -> Tensor", "Products of matrices in batches.")
        .impl<bmm>()
        .autocast(Autocast::Lower)
        .out(kOutExact)
        .derivative("self", in(1),
                    [](Grad& g) { return ops::bmm(g.g, dagger(g.in(1))); })
        .derivative("mat2", in(0),
                    [](Grad& g) { return ops::bmm(dagger(g.in(0)), g.g); }),
    Op("mv(Tensor self, Tensor vec) -> Tensor", "A matrix times a vector.")
        .impl<mv>()
        .autocast(Autocast::Lower)
        .out(kOutExact)
        .derivative("self", in(1), [](Grad& g) { return outer(g.g, conj_of(g.in(1))); })
        .derivative("vec", in(0),
                    [](Grad& g) { return ops::matmul(dagger(g.in(0)), g.g); }),
    Op("dot(Tensor self, Tensor tensor) -> Tensor",
       "The sum of products of two vectors.")
        .impl<dot>()
        .out(kOutExact)
        .derivative("self", in(1),
                    [](Grad& g) { return ops::mul(g.g, conj_of(g.in(1))); })
        .derivative("tensor", in(0),
                    [](Grad& g) { return ops::mul(g.g, conj_of(g.in(0))); }),
    Op("vdot(Tensor self, Tensor other) -> Tensor",
       "dot with the first one conjugated.")
        .impl<vdot>()
        .out(kOutExact),
    Op("inner(Tensor self, Tensor other) -> Tensor",
       "Sums of products over the last dimensions.")
        .impl<inner>()
        .out(),
    Op("outer(Tensor self, Tensor vec2) -> Tensor", "All products of two vectors.")
        .impl<outer>()
        .out()
        .alias("ger"),
    Op("matmul(Tensor self, Tensor other) -> Tensor",
       "The product of vectors, matrices or broadcast batches of matrices.")
        .impl<matmul>()
        .autocast(Autocast::Lower)
        .out(kOutExact),
    Op("linalg.matmul(Tensor self, Tensor other) -> Tensor",
       "The product of vectors, matrices or broadcast batches of matrices.")
        .impl<matmul>()
        .no_method()
        .out(kOutExact),
    Op("nn.linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor",
       "input times the transposed weight, plus bias.")
        .impl<linear>()
        .out(kOutExact)
        .autocast(Autocast::Lower)
        .derivatives(in(0, 1), linear_back),
};

const Records sums = {
    Op("addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) "
       "-> Tensor",
       kAdd)
        .impl<addmm>()
        .autocast(Autocast::Lower)
        .inplace()
        .out(kOutExact)
        .derivatives(in(1, 2), addmm_back),
    Op("baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, "
       "Scalar alpha=1) -> Tensor",
       kAdd)
        .impl<baddbmm>()
        .autocast(Autocast::Lower)
        .inplace()
        .out(kOutExact)
        .derivatives(in(1, 2), addmm_back),
    Op("addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) "
       "-> Tensor",
       kAdd)
        .impl<addmv>()
        .autocast(Autocast::Lower)
        .inplace()
        .out(kOutExact)
        .derivatives(in(1, 2), addmv_back),
    Op("addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, "
       "Scalar alpha=1) -> Tensor",
       "beta * self + alpha * the sum of all products of the batch.")
        .impl<addbmm>()
        .inplace()
        .out(kOutExact),
    Op("addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) "
       "-> Tensor",
       "beta * self + alpha * the outer product.")
        .impl<addr>()
        .inplace()
        .out(),
};

}  // namespace
}  // namespace fl
