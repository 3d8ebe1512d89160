// QR, singular values, eigenvalues and least squares on batches of matrices.
#include <cmath>

#include "ops/linalg.h"

namespace fl {
namespace {

using Two = std::array<Tensor, 2>;
using Three = std::array<Tensor, 3>;

Tensor H(const Tensor& t) {
  const Tensor m = ops::transpose(t, -2, -1);
  return is_complex(t.dtype()) ? ops::conj(m) : m;
}
Tensor plus(const Tensor& a, const Tensor& b) {
  return !a.defined() ? b : !b.defined() ? a : ops::add(a, b);
}
Tensor as_dtype(const Tensor& t, Dtype d) {
  return t.dtype() == d ? t : ops::to_dtype(t, d);
}
Tensor row(const Tensor& t) { return ops::unsqueeze(t, -2); }
Tensor column(const Tensor& t) { return ops::unsqueeze(t, -1); }

// ---- QR
// ---------------------------------------------------------------------------------
Two qr_raw(const Tensor& a, bool complete) {
  const Batch b = as_batch(a);
  const int64_t k = std::min(b.rows, b.columns), inner = complete ? b.rows : k;
  Tensor q = b.make(IntList{b.rows, inner}, a.dtype());
  Tensor r = b.make(IntList{inner, b.columns}, a.dtype());
  if (a.numel() == 0) {
    fill_values(r, 0), fill_values(q, 0);
    if (q.numel()) fill_values(ops::diagonal(q, 0, -2, -1), 1);
    return {q, r};
  }
  Geometry gq, gr, ga;
  KernelCall(a.device())
      .out(flat(gq, q, b, IntList{b.rows, inner}))
      .out(flat(gr, r, b, IntList{inner, b.columns}))
      .in(flat(ga, b.data, b, IntList{b.rows, b.columns}))
      .attr(complete)
      .run(kernel<"qr">());
  return {q, r};
}
Two qr(const Tensor& a, std::string_view mode) {
  check(a.dim() >= 2, "linalg.qr: The input tensor A must have at least 2 dimensions, ",
        "got ", describe(a));
  check_linalg_dtype("linalg.qr", a);
  check(mode == "reduced" || mode == "complete" || mode == "r", "linalg.qr received ",
        "unrecognized mode '", std::string(mode), "' but expected one of 'reduced' ",
        "(default), 'r', or 'complete'");
  static const OpRef op("_qr(");
  const auto f = op.all(a, mode == "complete");
  if (mode != "r") return {f[0], f[1]};
  return {empty(IntList{0}, a.dtype(), a.device()), f[1]};
}
Tensor skew(const Tensor& t) { return ops::sub(t, H(t)); }

// The lower triangle mirrored: L + L^H without counting the diagonal twice.
Tensor sym_tril(const Tensor& m) {
  const Tensor low = ops::tril(m, -1);
  static const OpRef embed("diag_embed(");
  const Tensor d = ops::diagonal(m, 0, -2, -1);
  const Tensor real = is_complex(m.dtype()) ? as_dtype(ops::real(d), m.dtype()) : d;
  return ops::add(ops::add(low, H(low)), embed(real, 0, -2, -1));
}
Tensor qr_back(Grad& g) {
  const Tensor q = g.out(0), r = g.out(1), gq = g.gs[0], gr = g.gs[1];
  const int64_t m = g.shape(0)[g.shape(0).size() - 2], n = g.shape(0).back();
  check(!(g.arg<bool>(1) && m > n),
        "linalg.qr: the derivative of mode='complete' is not ",
        "supported for matrices with more rows than columns");
  static const OpRef solve("_solve_triangular(");
  if (m >= n) {
    // (gq + q sym_tril(...)) r^-H, the triangle of r gr^H - gq^H q.
    Tensor s;
    if (gr.defined()) s = ops::matmul(r, H(gr));
    if (gq.defined()) {
      const Tensor t = ops::matmul(H(gq), q);
      s = s.defined() ? ops::sub(s, t) : ops::neg(t);
    }
    const Tensor rhs = plus(ops::matmul(q, sym_tril(s)), gq);
    return H(solve(r, H(rhs), true, false));
  }
  // Wide: the first m columns make a square; the rest follow from q^H a.
  const Tensor r1 = ops::narrow(r, -1, 0, m);
  Tensor s;
  if (gr.defined()) s = ops::matmul(r, H(gr));
  if (gq.defined()) {
    const Tensor t = ops::matmul(H(gq), q);
    s = s.defined() ? ops::sub(s, t) : ops::neg(t);
  }
  // Only the skew part of q^H dq is free to move here.
  const Tensor middle = ops::tril(skew(s), -1);
  const Tensor left = H(solve(r1, H(ops::matmul(q, middle)), true, false));
  Tensor out = gr.defined() ? ops::matmul(q, gr) : Tensor();
  static const OpRef pad("constant_pad_nd(");
  const int64_t widen[] = {0, n - m};
  return plus(out, pad(left, IntList(widen, 2), 0));
}

// ---- singular values
// ------------------------------------------------------------------
Three svd_raw(const Tensor& a, bool full, bool vectors) {
  const Batch b = as_batch(a);
  const int64_t k = std::min(b.rows, b.columns);
  Tensor s = b.make(IntList{k}, real_dtype(a.dtype()));
  const int64_t uc = full ? b.rows : k, vr = full ? b.columns : k;
  Tensor u = b.make(IntList{b.rows, uc}, a.dtype());
  Tensor vh = b.make(IntList{vr, b.columns}, a.dtype());
  if (a.numel() == 0) {
    fill_values(u, 0), fill_values(vh, 0);
    if (u.numel()) fill_values(ops::diagonal(u, 0, -2, -1), 1);
    if (vh.numel()) fill_values(ops::diagonal(vh, 0, -2, -1), 1);
    return {u, s, vh};
  }
  Geometry gu, gs, gv, ga;
  KernelCall(a.device())
      .out(flat(gu, u, b, IntList{b.rows, uc}))
      .out(flat(gs, s, b, IntList{k}))
      .out(flat(gv, vh, b, IntList{vr, b.columns}))
      .in(flat(ga, b.data, b, IntList{b.rows, b.columns}))
      .attr(full)
      .attr(vectors)
      .run(kernel<"svd">());
  return {u, s, vh};
}
void check_svd(const char* op, const Tensor& a) {
  check(a.dim() >= 2, op, ": The input tensor A must have at least 2 dimensions, got ",
        describe(a));
  check_linalg_dtype(op, a);
}
Three svd(const Tensor& a, bool full, const Value&) {
  check_svd("linalg.svd", a);
  static const OpRef op("_svd(");
  const auto f = op.all(a, full, true);
  return {f[0], f[1], f[2]};
}
Tensor svdvals(const Tensor& a, const Value&) {
  check_svd("linalg.svdvals", a);
  static const OpRef op("_svd(");
  // With a gradient the vectors are needed too.
  const bool vectors = tls.grad_enabled && a.requires_grad();
  return op.all(a, false, vectors)[1];
}
// The sum of the singular values of matrices over two dims.
Tensor nuclear_norm(const Tensor& a, std::optional<IntList> dims, bool keepdim) {
  static const OpRef values("linalg.svdvals("), move("movedim(Tensor self, int[");
  const int64_t last[] = {-2, -1};
  const IntList two = dims && dims->size() == 2 ? *dims : IntList(last, 2);
  check(!dims || dims->size() == 2,
        "norm: expected two dims for the nuclear norm, got ", to_string(*dims));
  const Tensor s = values(move(a, two, IntList(last, 2)));
  const Tensor sum = ops::sum_dim(s, IntList{-1}, false);
  if (!keepdim) return sum;
  Dims sizes(a.sizes());
  for (int64_t d : two) sizes[wrap_dim(d, a.dim())] = 1;
  return ops::reshape(sum, sizes);
}
// 1 / (s_j^2 - s_i^2) off the diagonal, 0 on it.
Tensor inverse_gaps(const Tensor& w) {
  const Tensor gap = ops::sub(row(w), column(w));
  static const OpRef eye("eye(int n, *");
  const Tensor mask =
      eye(w.size(-1), Dtype::Bool, std::nullopt, Device(w.device().device));
  return ops::masked_fill(ops::reciprocal(ops::masked_fill(gap, mask, 1)), mask, 0);
}
Tensor svd_back(Grad& g) {
  const int64_t m = g.shape(0)[g.shape(0).size() - 2], n = g.shape(0).back();
  const int64_t k = std::min(m, n);
  Tensor u = g.out(0), s = g.out(1), vh = g.out(2);
  Tensor gu = g.gs[0], gs = g.gs[1], gv = g.gs[2];
  const Dtype d = u.dtype();
  if (g.arg<bool>(1)) {  // of full matrices, what belongs to the singular values
    u = ops::narrow(u, -1, 0, k), vh = ops::narrow(vh, -2, 0, k);
    if (gu.defined()) gu = ops::narrow(gu, -1, 0, k);
    if (gv.defined()) gv = ops::narrow(gv, -2, 0, k);
  }
  if (!gu.defined() && !gv.defined()) {
    if (!gs.defined()) return Tensor();
    return ops::matmul(ops::mul(u, row(as_dtype(gs, d))), vh);
  }
  const Tensor v = H(vh);
  const Tensor gvm = gv.defined() ? H(gv) : Tensor();
  const Tensor e = inverse_gaps(ops::mul(s, s));
  const Tensor sd = as_dtype(s, d);
  Tensor mid;
  if (gu.defined()) {
    mid = ops::mul(ops::mul(skew(ops::matmul(H(u), gu)), e), row(sd));
  }
  if (gvm.defined()) {
    mid = plus(mid, ops::mul(column(sd), ops::mul(skew(ops::matmul(H(v), gvm)), e)));
  }
  static const OpRef embed("diag_embed(");
  if (gs.defined()) mid = plus(mid, embed(as_dtype(gs, d), 0, -2, -1));
  if (is_complex(d) && gu.defined()) {
    // The common phase of a pair of vectors is free: its part goes half-way.
    const Tensor phase = ops::diagonal(skew(ops::matmul(H(u), gu)), 0, -2, -1);
    mid = plus(mid, embed(ops::div(phase, ops::mul(sd, 2.0)), 0, -2, -1));
  }
  Tensor out = ops::matmul(ops::matmul(u, mid), vh);
  const Tensor inv_s = ops::reciprocal(sd);
  if (gu.defined() && m > k) {
    const Tensor rest = ops::sub(gu, ops::matmul(u, ops::matmul(H(u), gu)));
    out = ops::add(out, ops::matmul(ops::mul(rest, row(inv_s)), vh));
  }
  if (gvm.defined() && n > k) {
    const Tensor rest = ops::sub(H(gvm), ops::matmul(ops::matmul(H(gvm), v), vh));
    out = ops::add(out, ops::matmul(ops::mul(u, row(inv_s)), rest));
  }
  return out;
}

// ---- eigenvalues
// ---------------------------------------------------------------------------
Two eigh_raw(const Tensor& a, bool upper, bool vectors) {
  const Batch b = as_batch(a);
  Tensor w = b.make(IntList{b.rows}, real_dtype(a.dtype()));
  Tensor v = b.make(IntList{b.rows, b.rows}, a.dtype());
  if (a.numel() == 0) return {w, v};
  Geometry gw, gv, ga;
  KernelCall(a.device())
      .out(flat(gw, w, b, IntList{b.rows}))
      .out(flat(gv, v, b, IntList{b.rows, b.rows}))
      .in(flat(ga, b.data, b, IntList{b.rows, b.rows}))
      .attr(upper)
      .attr(vectors)
      .run(kernel<"eigh">());
  return {w, v};
}
bool upper_of(const char* op, std::string_view text) {
  check(text == "L" || text == "U" || text == "l" || text == "u", op,
        ": Expected UPLO argument to be 'L' or 'U', but got ", std::string(text));
  return text == "U" || text == "u";
}
Two eigh(const Tensor& a, std::string_view uplo) {
  check_square("linalg.eigh", a);
  check_linalg_dtype("linalg.eigh", a);
  static const OpRef op("_eigh(");
  const auto f = op.all(a, upper_of("linalg.eigh", uplo), true);
  return {f[0], f[1]};
}
Tensor eigvalsh(const Tensor& a, std::string_view uplo) {
  check_square("linalg.eigvalsh", a);
  check_linalg_dtype("linalg.eigvalsh", a);
  static const OpRef op("_eigh(");
  const bool vectors = tls.grad_enabled && a.requires_grad();
  return op.all(a, upper_of("linalg.eigvalsh", uplo), vectors)[0];
}
Tensor eigh_back(Grad& g) {
  const Tensor w = g.out(0), v = g.out(1), gw = g.gs[0], gv = g.gs[1];
  static const OpRef embed("diag_embed(");
  if (!gv.defined()) {
    if (!gw.defined()) return Tensor();
    return ops::matmul(ops::mul(v, row(as_dtype(gw, v.dtype()))), H(v));
  }
  Tensor mid = ops::mul(ops::matmul(H(v), gv), as_dtype(inverse_gaps(w), v.dtype()));
  if (gw.defined()) mid = ops::add(mid, embed(as_dtype(gw, v.dtype()), 0, -2, -1));
  return ops::matmul(v, ops::matmul(mid, H(v)));
}

Two eig_raw(const Tensor& a, bool vectors) {
  const Batch b = as_batch(a);
  const Dtype d = complex_dtype(a.dtype());
  Tensor w = b.make(IntList{b.rows}, d), v = b.make(IntList{b.rows, b.rows}, d);
  if (a.numel() == 0) return {w, v};
  Geometry gw, gv, ga;
  KernelCall(a.device())
      .out(flat(gw, w, b, IntList{b.rows}))
      .out(flat(gv, v, b, IntList{b.rows, b.rows}))
      .in(flat(ga, b.data, b, IntList{b.rows, b.rows}))
      .attr(vectors)
      .run(kernel<"eig">());
  return {w, v};
}
Two eig(const Tensor& a) {
  check_square("linalg.eig", a);
  check_linalg_dtype("linalg.eig", a);
  static const OpRef op("_eig(");
  const auto f = op.all(a, true);
  return {f[0], f[1]};
}
Tensor eigvals(const Tensor& a) {
  check_square("linalg.eigvals", a);
  check_linalg_dtype("linalg.eigvals", a);
  static const OpRef op("_eig(");
  return op.all(a, tls.grad_enabled && a.requires_grad())[0];
}
// Vectors have norm 1, so a gradient along a vector itself is taken out.
Tensor eig_back(Grad& g) {
  const Tensor w = g.out(0), v = g.out(1), gw = g.gs[0], gv = g.gs[1];
  static const OpRef embed("diag_embed("), solve("_solve(");
  Tensor mid;
  if (gv.defined()) {
    const Tensor vh_gv = ops::matmul(H(v), gv);
    const Tensor along = ops::real(ops::diagonal(vh_gv, 0, -2, -1));
    const Tensor gram = ops::matmul(H(v), v);
    const Tensor rest =
        ops::sub(vh_gv, ops::mul(gram, row(as_dtype(along, v.dtype()))));
    mid = ops::mul(rest, ops::conj(inverse_gaps(w)));
  }
  if (gw.defined()) mid = plus(mid, embed(gw, 0, -2, -1));
  if (!mid.defined()) return Tensor();
  const Tensor out = solve(H(v), ops::matmul(mid, H(v)));
  return is_complex(g.dtype(0)) ? out : ops::real(out);
}

// ---- least squares
// -----------------------------------------------------------------------
Three lstsq_raw(const Tensor& a, const Tensor& b, double rcond) {
  const Batch ba = as_batch(a), bb = as_batch(b);
  Tensor x = ba.make(IntList{ba.columns, bb.columns}, a.dtype());
  Tensor rank = ba.make({}, Dtype::Int64);
  Tensor s = ba.make(IntList{std::min(ba.rows, ba.columns)}, real_dtype(a.dtype()));
  if (x.numel() == 0 || a.numel() == 0) {
    fill_values(x, 0), fill_values(rank, 0), fill_values(s, 0);
    return {x, rank, s};
  }
  Geometry gx, gr, gs, ga, gb;
  KernelCall(a.device())
      .out(flat(gx, x, ba, IntList{ba.columns, bb.columns}))
      .out(flat(gr, rank, ba, {}))
      .out(flat(gs, s, ba, IntList{s.size(-1)}))
      .in(flat(ga, ba.data, ba, IntList{ba.rows, ba.columns}))
      .in(flat(gb, bb.data, bb, IntList{bb.rows, bb.columns}))
      .attr(rcond)
      .run(kernel<"lstsq">());
  return {x, rank, s};
}

// ---- results that were computed without a history get one
// ----------------------------- dP = -P dA P + P P^H dA^H (1 - A P) + (1 - P A) dA^H
// P^H P for the pseudo-inverse P.
Tensor pinv_of(const Tensor&, const Tensor& p) { return ops::clone(p); }
Tensor pinv_back(Grad& g) {
  const Tensor a = g.in(0), p = g.out(0), ph = H(p), gh = H(g.g);
  const auto mm = [](const Tensor& x, const Tensor& y) { return ops::matmul(x, y); };
  const Tensor first = mm(mm(ph, g.g), ph);
  const Tensor left = mm(mm(gh, p), ph);   // (1 - A P) of this
  const Tensor right = mm(mm(ph, p), gh);  // this times (1 - P A)
  const Tensor second = ops::sub(left, mm(a, mm(p, left)));
  const Tensor third = ops::sub(right, mm(mm(right, p), a));
  return ops::sub(ops::add(second, third), first);
}
// The packed factors of A = P L U of square A.
Tensor lu_of(const Tensor&, const Tensor& lu, const Tensor&) { return ops::clone(lu); }
Tensor lu_back(Grad& g) {
  static const OpRef solve("_solve_triangular("), eye("eye(int n, *");
  const Tensor lu = g.out(0), p = g.in(2);
  check(lu.size(-1) == lu.size(-2),
        "linalg.lu_factor: the derivative is supported for ",
        "square matrices only, got ", describe(lu));
  const Tensor one =
      eye(lu.size(-1), lu.dtype(), std::nullopt, Device(lu.device().device));
  const Tensor l = ops::add(ops::tril(lu, -1), one), u = ops::triu(lu, 0);
  const Tensor low = ops::tril(ops::matmul(H(l), ops::tril(g.g, -1)), -1);
  const Tensor high = ops::triu(ops::matmul(ops::triu(g.g, 0), H(u)), 0);
  // P L^-H (low + high) U^-H
  const Tensor left = solve(H(l), ops::add(low, high), true, true);
  return ops::matmul(p, H(solve(u, H(left), true, false)));
}

const char* const kSvd = "Singular vectors and values, A = U diag(S) Vh.";

const Records records = {
    Op("linalg.qr(Tensor A, str mode='reduced') -> (Tensor Q, Tensor R)",
       "Orthonormal Q and upper triangular R of A = Q R.")
        .impl<qr>()
        .out(kOutExact),
    Op("_qr(Tensor A, bool complete) -> (Tensor, Tensor)", "A = Q R.")
        .impl<qr_raw>()
        .derivative("A", kOut | kOut1, qr_back),
    Op("linalg.svd(Tensor A, bool full_matrices=True, *, str? driver=None) "
       "-> (Tensor U, Tensor S, Tensor Vh)",
       kSvd)
        .impl<svd>()
        .out(kOutExact),
    Op("linalg.svdvals(Tensor A, *, str? driver=None) -> Tensor", "Singular values.")
        .impl<svdvals>()
        .out(kOutExact),
    Op("linalg._nuclear_norm(Tensor self, int[]? dim, bool keepdim) -> Tensor",
       "The sum of the singular values.")
        .impl<nuclear_norm>(),
    Op("_svd(Tensor A, bool full, bool vectors) -> (Tensor, Tensor, Tensor)", kSvd)
        .impl<svd_raw>()
        .derivative("A", kAllOut, svd_back),
    Op("linalg.eigh(Tensor A, str UPLO='L') -> (Tensor eigenvalues, "
       "Tensor eigenvectors)",
       "Eigenvalues, ascending, and eigenvectors of Hermitian matrices.")
        .impl<eigh>()
        .out(kOutExact),
    Op("linalg.eigvalsh(Tensor A, str UPLO='L') -> Tensor",
       "Eigenvalues, ascending, of Hermitian matrices.")
        .impl<eigvalsh>()
        .out(kOutExact),
    Op("_eigh(Tensor A, bool upper, bool vectors) -> (Tensor, Tensor)",
       "Eigenvalues and eigenvectors of Hermitian matrices.")
        .impl<eigh_raw>()
        .derivative("A", kOut | kOut1, eigh_back),
    Op("linalg.eig(Tensor A) -> (Tensor eigenvalues, Tensor eigenvectors)",
       "Eigenvalues and eigenvectors, complex.")
        .impl<eig>()
        .out(),
    Op("linalg.eigvals(Tensor A) -> Tensor", "Eigenvalues, complex.")
        .impl<eigvals>()
        .out(),
    Op("_eig(Tensor A, bool vectors) -> (Tensor, Tensor)",
       "Eigenvalues and eigenvectors, complex.")
        .impl<eig_raw>()
        .derivative("A", kOut | kOut1, eig_back),
    Op("_pinv(Tensor A, Tensor P) -> Tensor", "P, the pseudo-inverse of A.")
        .impl<pinv_of>()
        .derivative("A", in(0) | kOut, pinv_back),
    Op("_lu_of(Tensor A, Tensor LU, Tensor P) -> Tensor", "LU, the factors of P^T A.")
        .impl<lu_of>()
        .derivative("A", in(2) | kOut, lu_back),
    Op("_lstsq(Tensor A, Tensor B, float rcond) -> (Tensor, Tensor, Tensor)",
       "The shortest x for which |A x - B| is least, the ranks, singular values.")
        .impl<lstsq_raw>()
        .not_differentiable(),
};

}  // namespace
}  // namespace fl
