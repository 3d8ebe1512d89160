// Linear algebra on batches of matrices: factorisations, solvers, eigenvalues.
#include "ops/linalg.h"

#include <cmath>

namespace fl {

void check_square(const char* op, const Tensor& a) {
  check(a.dim() >= 2, op, ": The input tensor A must have at least 2 dimensions, got ",
        describe(a));
  check(a.size(-1) == a.size(-2), op,
        ": A must be batches of square matrices, but they ", "are ", a.size(-2), " by ",
        a.size(-1), " matrices");
}
void check_linalg_dtype(const char* op, const Tensor& a) {
  check(is_differentiable(a.dtype()), op,
        ": Expected a floating point or complex tensor ", "as input. Got ",
        describe(a));
  check(a.dtype() != Dtype::Float16 && a.dtype() != Dtype::BFloat16, ErrorKind::Runtime,
        op, ": Low precision dtypes not supported. Got ", type_name(a.dtype()));
}
Batch as_batch(const Tensor& a) {
  Batch b{make_contiguous(a), Dims(IntList(a.sizes().first(a.dim() - 2))), 1,
          a.size(-2), a.size(-1)};
  b.n = count(b.lead);
  return b;
}
Tensor Batch::make(IntList tail, Dtype dtype) const {
  Dims sizes(lead);
  for (int64_t s : tail) sizes.push(s);
  return empty(sizes, dtype, data.device());
}
fl_tensor flat(Geometry& g, const Tensor& t, const Batch& b, IntList tail) {
  Dims sizes;
  sizes.push(b.n);
  for (int64_t s : tail) sizes.push(s);
  return g.rows(t, sizes);
}

// Raises LinAlgError for the first matrix of the batch that went wrong.
void check_info(const char* op, const Tensor& info, const char* what) {
  if (info.device().is_meta() || info.numel() == 0) return;
  const auto codes = host_ints(info);
  for (size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] == 0) continue;
    const std::string which =
        info.dim() ? concat("(Batch element ", i, "): ") : std::string();
    fail(ErrorKind::LinAlg, op, ": ", which, what, " (error code: ", codes[i], ").");
  }
}

namespace {

using Two = std::array<Tensor, 2>;
using Three = std::array<Tensor, 3>;

Tensor H(const Tensor& t) {
  const Tensor m = ops::transpose(t, -2, -1);
  return is_complex(t.dtype()) ? ops::conj(m) : m;
}

// ---- Cholesky
// ------------------------------------------------------------------------
Two cholesky_ex(const Tensor& a, bool upper, bool check_errors) {
  check_square("linalg.cholesky", a);
  check_linalg_dtype("linalg.cholesky", a);
  const Batch b = as_batch(a);
  Tensor l = b.make(IntList{b.rows, b.columns}, a.dtype());
  Tensor info = b.make({}, Dtype::Int32);
  fill_values(info, 0);
  if (l.numel()) {
    Geometry gl, gi, ga;
    KernelCall(a.device())
        .out(flat(gl, l, b, IntList{b.rows, b.columns}))
        .out(flat(gi, info, b, {}))
        .in(flat(ga, b.data, b, IntList{b.rows, b.columns}))
        .attr(upper)
        .run(kernel<"cholesky">());
  }
  if (check_errors) {
    check_info("linalg.cholesky", info,
               "The factorization could not be completed because the input is not "
               "positive-definite");
  }
  return {l, info};
}
// Half of the diagonal, all of what is below.
Tensor half_lower(const Tensor& t) {
  const Tensor low = ops::tril(t, 0);
  static const OpRef embed("diag_embed(");
  return ops::sub(low, ops::mul(embed(ops::diagonal(low, 0, -2, -1), 0, -2, -1), 0.5));
}
const OpRef triangular("_solve_triangular(");
// x of a x = b, a triangular.
Tensor solve_lower(const Tensor& l, const Tensor& b, bool adjoint) {
  const Tensor a = adjoint ? H(l) : l;
  return triangular(a, b, adjoint, false);
}
Tensor cholesky_back(Grad& g) {
  const bool upper = g.arg<bool>(1);
  const Tensor l = upper ? H(g.out(0)) : g.out(0), gl = upper ? H(g.g) : g.g;
  const Tensor phi = half_lower(ops::matmul(H(l), gl));
  // l^-H phi l^-1, made Hermitian.
  const Tensor left = solve_lower(l, phi, true);
  const Tensor s = H(solve_lower(l, H(left), true));
  return ops::mul(ops::add(s, H(s)), 0.5);
}
Tensor cholesky(const Tensor& a, bool upper) {
  static const OpRef op("linalg.cholesky_ex(");
  return op(a, upper, true);
}

// ---- triangular systems
// ---------------------------------------------------------------
Tensor solve_triangular_left(const Tensor& a, const Tensor& rhs, bool upper,
                             bool unit) {
  const Batch ba = as_batch(a), bb = as_batch(rhs);
  Tensor x = empty(rhs.sizes(), rhs.dtype(), rhs.device());
  if (x.numel() == 0) return x;
  Geometry gx, ga, gb;
  KernelCall(a.device())
      .out(flat(gx, x, bb, IntList{bb.rows, bb.columns}))
      .in(flat(ga, ba.data, ba, IntList{ba.rows, ba.columns}))
      .in(flat(gb, bb.data, bb, IntList{bb.rows, bb.columns}))
      .attr(upper)
      .attr(unit)
      .attr(int64_t{0})
      .run(kernel<"triangular_solve">());
  return x;
}
Tensor triangle_of(const Tensor& t, bool upper, bool unit) {
  return upper ? ops::triu(t, unit ? 1 : 0) : ops::tril(t, unit ? -1 : 0);
}
void solve_triangular_back(Grad& g, std::vector<Tensor>& out) {
  const bool upper = g.arg<bool>(2), unit = g.arg<bool>(3);
  const Tensor gb = triangular(H(g.in(0)), g.g, !upper, unit);
  if (g.needs(1)) put(g, out, 1, gb);
  if (g.needs(0)) {
    put(g, out, 0, triangle_of(ops::neg(ops::matmul(gb, H(g.out(0)))), upper, unit));
  }
}

Two broadcast_batches(const char* op, const Tensor& a, const Tensor& b) {
  const auto lead =
      broadcast_shapes(a.sizes().first(a.dim() - 2), b.sizes().first(b.dim() - 2), op);
  const auto wide = [&](const Tensor& t) {
    Dims sizes(lead);
    sizes.push(t.size(-2)), sizes.push(t.size(-1));
    return t.sizes().equals(sizes) ? t : ops::expand(t, sizes);
  };
  return {wide(a), wide(b)};
}
Tensor solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left,
                        bool unit) {
  check_square("linalg.solve_triangular", a);
  check_linalg_dtype("linalg.solve_triangular", a);
  check(b.dim() >= 2,
        "linalg.solve_triangular: The input tensor B must have at least 2 ",
        "dimensions, got ", describe(b));
  check_same_dtype("linalg.solve_triangular", "A", a, "B", b);
  check(b.size(left ? -2 : -1) == a.size(-1), "linalg.solve_triangular: Incompatible ",
        "shapes of A and B for the equation ", left ? "AX = B" : "XA = B", " (",
        describe(a), " and ", describe(b), ")");
  const Two both = broadcast_batches("linalg.solve_triangular", a, b);
  if (left) return triangular(both[0], both[1], upper, unit);
  return H(triangular(H(both[0]), H(both[1]), !upper, unit));
}

// ---- LU
// -----------------------------------------------------------------------------------
Three lu_factor_ex(const Tensor& a, bool, bool check_errors) {
  check(a.dim() >= 2, "linalg.lu_factor: The input tensor A must have at least 2 ",
        "dimensions, got ", describe(a));
  check_linalg_dtype("linalg.lu_factor", a);
  const Batch b = as_batch(a);
  const int64_t k = std::min(b.rows, b.columns);
  Tensor lu = b.make(IntList{b.rows, b.columns}, a.dtype());
  Tensor pivots = b.make(IntList{k}, Dtype::Int32), info = b.make({}, Dtype::Int32);
  fill_values(info, 0);
  if (lu.numel()) {
    Geometry gl, gp, gi, ga;
    KernelCall(a.device())
        .out(flat(gl, lu, b, IntList{b.rows, b.columns}))
        .out(flat(gp, pivots, b, IntList{k}))
        .out(flat(gi, info, b, {}))
        .in(flat(ga, b.data, b, IntList{b.rows, b.columns}))
        .run(kernel<"lu_factor">());
  }
  if (check_errors) check_info("linalg.lu_factor", info, "U is exactly singular");
  return {lu, pivots, info};
}
Tensor lu_solve_raw(const Tensor& lu, const Tensor& pivots, const Tensor& rhs,
                    int64_t adjoint) {
  const Batch bl = as_batch(lu), bb = as_batch(rhs);
  Tensor x = empty(rhs.sizes(), rhs.dtype(), rhs.device());
  if (x.numel() == 0) return x;
  Geometry gx, gl, gp, gb;
  KernelCall(lu.device())
      .out(flat(gx, x, bb, IntList{bb.rows, bb.columns}))
      .in(flat(gl, bl.data, bl, IntList{bl.rows, bl.columns}))
      .in(flat(gp, make_contiguous(pivots), bl, IntList{bl.rows}))
      .in(flat(gb, bb.data, bb, IntList{bb.rows, bb.columns}))
      .attr(adjoint)
      .run(kernel<"lu_solve">());
  return x;
}

// ---- solve, inverse, determinant
// ------------------------------------------------------------ x of a x = b for batches
// of the same sizes.
Two solve_square(const Tensor& a, const Tensor& b) {
  const Three f = lu_factor_ex(a, true, false);
  return {lu_solve_raw(f[0], f[1], b, 0), f[2]};
}
const OpRef solve_op("_solve(");
void solve_back(Grad& g, std::vector<Tensor>& out) {
  const Tensor gb = solve_op(H(g.in(0)), g.g);
  if (g.needs(1)) put(g, out, 1, gb);
  if (g.needs(0)) put(g, out, 0, ops::neg(ops::matmul(gb, H(g.out(0)))));
}
Two solve_ex(const Tensor& a, const Tensor& b, bool left, bool check_errors) {
  check_square("linalg.solve", a);
  check_linalg_dtype("linalg.solve", a);
  check_same_dtype("linalg.solve", "A", a, "B", b);
  // One vector for each matrix, or one vector for all.
  const bool vector = b.dim() == 1 || (b.dim() + 1 == a.dim() &&
                                       b.sizes().equals(a.sizes().first(a.dim() - 1)));
  const Tensor rhs = vector ? ops::unsqueeze(b, -1) : b;
  check(rhs.dim() >= 2 && rhs.size(left || vector ? -2 : -1) == a.size(-1),
        "linalg.solve: Incompatible shapes of A and B for the equation ",
        left ? "AX = B" : "XA = B", " (", describe(a), " and ", describe(b), ")");
  const Two both = broadcast_batches("linalg.solve", a, rhs);
  std::vector<Tensor> all;
  Tensor x;
  if (left || vector) {
    all = solve_op.all(both[0], both[1]);
    x = vector ? ops::squeeze(all[0], -1) : all[0];
  } else {
    all = solve_op.all(H(both[0]), H(both[1]));
    x = H(all[0]);
  }
  if (check_errors) {
    check_info("linalg.solve", all[1],
               "The solver failed because the input matrix is singular");
  }
  return {x, all[1]};
}
Tensor solve(const Tensor& a, const Tensor& b, bool left) {
  return solve_ex(a, b, left, true)[0];
}

Two inv_ex(const Tensor& a, bool check_errors) {
  check_square("linalg.inv", a);
  check_linalg_dtype("linalg.inv", a);
  const Batch b = as_batch(a);
  Tensor out = b.make(IntList{b.rows, b.columns}, a.dtype());
  Tensor info = b.make({}, Dtype::Int32);
  fill_values(info, 0);
  if (out.numel()) {
    Geometry go, gi, ga;
    KernelCall(a.device())
        .out(flat(go, out, b, IntList{b.rows, b.columns}))
        .out(flat(gi, info, b, {}))
        .in(flat(ga, b.data, b, IntList{b.rows, b.columns}))
        .run(kernel<"inv">());
  }
  if (check_errors) {
    check_info("linalg.inv", info,
               "The diagonal element is zero, the inversion could not be completed "
               "because the input matrix is singular");
  }
  return {out, info};
}
Tensor inv_back(Grad& g) {
  const Tensor h = H(g.out(0));
  return ops::neg(ops::matmul(h, ops::matmul(g.g, h)));
}
Tensor inv(const Tensor& a) {
  static const OpRef op("linalg.inv_ex(");
  return op(a, true);
}

// Rows were exchanged where a pivot names another row than its own (from 1).
Tensor permutation_sign(const Tensor& pivots, Dtype dtype) {
  static const OpRef arange("arange(Scalar start");
  const Tensor own = arange(1, pivots.size(-1) + 1, 1, Dtype::Int32, std::nullopt,
                            Device(pivots.device().device));
  const Tensor moved = ops::sum_dim(ops::ne(pivots, own), IntList{-1}, false);
  const Tensor odd = ops::remainder(moved, 2);
  return ops::to_dtype(ops::sub(1, ops::mul(odd, 2)), dtype);
}
Tensor det_raw(const Tensor& a) {
  check_square("linalg.det", a);
  check_linalg_dtype("linalg.det", a);
  const Three f = lu_factor_ex(a, true, false);
  const Tensor d = ops::diagonal(f[0], 0, -2, -1);
  static const OpRef prod("prod(Tensor self, int");
  return ops::mul(prod(d, -1, false), permutation_sign(f[1], a.dtype()));
}
Tensor wide(const Tensor& t) { return ops::unsqueeze(ops::unsqueeze(t, -1), -1); }
Tensor eye_like(const Tensor& a) {
  static const OpRef eye("eye(int n, *");
  return eye(a.size(-1), a.dtype(), std::nullopt, Device(a.device().device));
}
// d det = tr(adj(A) dA); the adjugate by the singular values, which may be zero.
Tensor adjugate_h(const Tensor& a) {
  static const OpRef svd("linalg.svd(");
  const auto f = svd.all(a, true);
  const Tensor u = f[0], s = f[1], vh = f[2];
  const int64_t n = a.size(-1);
  const Tensor mask = ops::to_dtype(eye_like(s), Dtype::Bool);
  static const OpRef prod("prod(Tensor self, int"), det("linalg.det(");
  Dims square(s.sizes());
  square.push(n);
  const Tensor rows = ops::expand(ops::unsqueeze(s, -2), square);
  const Tensor others = prod(ops::masked_fill(rows, mask, 1), -1, false);
  const Tensor turn = ops::mul(det(u), det(vh));
  const Tensor middle =
      ops::mul(u, ops::to_dtype(ops::unsqueeze(others, -2), a.dtype()));
  const Tensor adj = ops::matmul(middle, vh);
  return ops::mul(adj, wide(is_complex(a.dtype()) ? ops::conj(turn) : turn));
}
Tensor det_back(Grad& g) {
  const Tensor a = g.in(0), out = g.out();
  if (a.numel() == 0) return ops::zeros_like(a);
  static const OpRef all("all(Tensor self)"), inv("linalg.inv_ex(");
  const bool regular =
      a.device().is_meta() || item(all(ops::ne(no_grad_of(out), 0))).to_bool();
  const auto conj_of = [](const Tensor& t) {
    return is_complex(t.dtype()) ? ops::conj(t) : t;
  };
  if (!regular) return ops::mul(wide(g.g), adjugate_h(a));
  return ops::mul(wide(ops::mul(g.g, conj_of(out))), H(inv(a, false)));
}
Two slogdet_raw(const Tensor& a) {
  check_square("linalg.slogdet", a);
  check_linalg_dtype("linalg.slogdet", a);
  const Three f = lu_factor_ex(a, true, false);
  const Tensor d = ops::diagonal(f[0], 0, -2, -1);
  static const OpRef prod("prod(Tensor self, int");
  const Tensor sign =
      ops::mul(prod(ops::sgn(d), -1, false), permutation_sign(f[1], a.dtype()));
  return {sign, ops::sum_dim(ops::log(ops::abs(d)), IntList{-1}, false)};
}
Tensor slogdet_back(Grad& g) {
  const Tensor a = g.in(0);
  if (a.numel() == 0) return ops::zeros_like(a);
  static const OpRef inv("linalg.inv_ex(");
  const Tensor back = H(inv(a, false));
  Tensor total;
  if (g.gs[1].defined()) total = ops::mul(back, wide(g.gs[1]));
  if (is_complex(a.dtype()) && g.gs[0].defined()) {
    // The sign turns with the imaginary part of tr(A^-1 dA).
    const Tensor sign = g.out(0);
    const Tensor turn = ops::imag(ops::mul(ops::conj(sign), g.gs[0]));
    static const OpRef complex("complex(");
    const Tensor i = complex(ops::zeros_like(turn), turn);
    const Tensor part = ops::mul(back, wide(i));
    total = total.defined() ? ops::add(total, part) : part;
  }
  return total.defined() ? total : ops::zeros_like(a);
}

const char* const kSolve = "x of A x = B.";

const Records factors = {
    Op("linalg.cholesky(Tensor A, *, bool upper=False) -> Tensor",
       "The triangular L of A = L L^H.")
        .impl<cholesky>()
        .out(kOutExact),
    Op("linalg.cholesky_ex(Tensor A, *, bool upper=False, bool check_errors=False) "
       "-> (Tensor L, Tensor info)",
       "The triangular L of A = L L^H, and where that failed.")
        .impl<cholesky_ex>()
        .out(kOutExact)
        .nondifferentiable_output(1)
        .derivative("A", kOut, cholesky_back),
    Op("linalg.solve_triangular(Tensor A, Tensor B, *, bool upper, bool left=True, "
       "bool unitriangular=False) -> Tensor",
       "x of A x = B for triangular A.")
        .impl<solve_triangular>()
        .out(kOutExact),
    Op("_solve_triangular(Tensor a, Tensor b, bool upper, bool unit) -> Tensor",
       "x of a x = b for triangular a of the same batch.")
        .impl<solve_triangular_left>()
        .derivatives(in(0) | kOut, solve_triangular_back),
    Op("_lu_factor(Tensor A, bool pivot, bool check_errors) -> (Tensor, Tensor, "
       "Tensor)",
       "The packed factors of P A = L U, the row exchanges, and where that failed.")
        .impl<lu_factor_ex>()
        .not_differentiable(),
    Op("_lu_solve(Tensor LU, Tensor pivots, Tensor B, int adjoint) -> Tensor",
       "x of A x = B by the packed factors of A.")
        .impl<lu_solve_raw>()
        .not_differentiable(),
};

const Records solvers = {
    Op("linalg.solve(Tensor A, Tensor B, *, bool left=True) -> Tensor", kSolve)
        .impl<solve>()
        .out(kOutExact),
    Op("linalg.solve_ex(Tensor A, Tensor B, *, bool left=True, "
       "bool check_errors=False) -> (Tensor result, Tensor info)",
       kSolve)
        .impl<solve_ex>()
        .out(kOutExact),
    Op("_solve(Tensor a, Tensor b) -> (Tensor, Tensor)", kSolve)
        .impl<solve_square>()
        .nondifferentiable_output(1)
        .derivatives(in(0) | kOut, solve_back),
    Op("linalg.inv(Tensor A) -> Tensor", "The inverse.").impl<inv>().out(kOutExact),
    Op("linalg.inv_ex(Tensor A, *, bool check_errors=False) "
       "-> (Tensor inverse, Tensor info)",
       "The inverse, and where there is none.")
        .impl<inv_ex>()
        .out(kOutExact)
        .nondifferentiable_output(1)
        .derivative("A", kOut, inv_back),
    Op("linalg.det(Tensor A) -> Tensor", "The determinant.")
        .impl<det_raw>()
        .out(kOutExact)
        .derivative("A", in(0) | kOut, det_back),
    Op("linalg.slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet)",
       "The sign of the determinant, and the logarithm of its size.")
        .impl<slogdet_raw>()
        .out(kOutExact)
        .derivative("A", in(0) | kOut, slogdet_back),
};

}  // namespace
}  // namespace fl
