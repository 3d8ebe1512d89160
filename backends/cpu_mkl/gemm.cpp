// Chooses by processor and shape who computes a product: a library, or our own kernels.
// The thresholds are measured (one thread, GFLOP/s, m = n = k):
//
//   Intel Sapphire Rapids, float32     64   256   1024      peak 200
//     own kernels                      140   139   125
//     MKL                              148   152   151
//   AMD Zen 5, float32                                       peak 254
//     MKL (takes its 256-bit path)     90    99    99
//     oneDNN                           208   241   207
//   AMD Zen 3 (AVX2), float32                                peak 100
//     own kernels                      87    91    86        (float64, of 50: 43)
//     MKL                              80    86    75        (40)
//     oneDNN                           86    93    88
//     and with few rows, 32x784x256: own 79, MKL 68, oneDNN 73; with a transposed a,
//     1024x2048x256: own 82, MKL 83, oneDNN 38
//   the same, bfloat16 without instructions for it   32    256   1024
//     own kernels, which widen as they pack          28     67     72
//     oneDNN                                        1.4     36     59
#include "gemm.h"

#include <cstdlib>
#include <string_view>

#include "libs/libs.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace gemm {
namespace {

enum class Choice { own, mkl, onednn };

struct Row {
  Choice float32, float64;
  int64_t least;  // the smallest m * n * k that is worth a library's call
};

[[maybe_unused]] bool made_by_intel() {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  return __get_cpuid(0, &a, &b, &c, &d) && b == signature_INTEL_ebx;
#else
  return false;
#endif
}

[[maybe_unused]] bool has_avx512() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f");
#else
  return false;
#endif
}

// Whether a library multiplies halves faster than our own kernels. Before AVX-512 it
// does not, and bfloat16 needs its own instructions; float16 was not measured without.
[[maybe_unused]] bool has_products_of(Half half) {
#if defined(__x86_64__)
  static const bool avx512 = has_avx512();
  static const bool bfloat16 = avx512 && [] {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 5);
  }();
  return half == Half::bfloat16 ? bfloat16 : avx512;
#else
  return true;
#endif
}

Row choose() {
  constexpr int64_t kSmall = 64 * 64 * 64;
  Row row = {Choice::own, Choice::own, kSmall};
#ifdef USE_MKLDNN
  if (has_avx512()) row.float32 = Choice::onednn;
#endif
#ifdef USE_MKL
  if (made_by_intel()) {
    row.float32 = row.float64 = Choice::mkl;
  }
#endif
  // For measuring: FLAMBEAU_GEMM=own, mkl or onednn overrides the table.
  const char* wanted = std::getenv("FLAMBEAU_GEMM");
  const std::string_view name = wanted == nullptr ? "" : wanted;
  if (name == "own") row.float32 = row.float64 = Choice::own;
#ifdef USE_MKL
  if (name == "mkl") row.float32 = row.float64 = Choice::mkl;
#endif
#ifdef USE_MKLDNN
  if (name == "onednn") row.float32 = Choice::onednn;
#endif
  return row;
}

const Row& table() {
  static const Row row = choose();
  return row;
}

// The libraries count with 32 bits.
bool fits(const Problem& p) {
  constexpr int64_t most = INT32_MAX;
  return p.m <= most && p.n <= most && p.k <= most && p.lda <= most && p.ldb <= most &&
         p.ldc <= most;
}

bool large(int64_t m, int64_t n, int64_t k) {
  return m >= 4 && n >= 4 && k >= 4 && m * n * k >= table().least;
}

}  // namespace

bool float_is_worth(int64_t m, int64_t n, int64_t k) {
  return large(m, n, k) && table().float32 != Choice::own;
}

bool half_is_worth([[maybe_unused]] Half half, [[maybe_unused]] int64_t m,
                   [[maybe_unused]] int64_t n, [[maybe_unused]] int64_t k) {
#ifdef USE_MKLDNN
  return m * n * k >= 32 * 32 * 32 && has_products_of(half);
#else
  return false;
#endif
}

bool run_float(const Problem& p) {
  if (!large(p.m, p.n, p.k) || !fits(p)) return false;
#ifdef USE_MKL
  if (table().float32 == Choice::mkl) {
    mkl::gemm_float(p);
    return true;
  }
#endif
#ifdef USE_MKLDNN
  if (table().float32 == Choice::onednn) return onednn::gemm_float(p);
#endif
  return false;
}

bool run_double([[maybe_unused]] const Problem& p) {
#ifdef USE_MKL
  if (table().float64 == Choice::mkl && large(p.m, p.n, p.k) && fits(p)) {
    mkl::gemm_double(p);
    return true;
  }
#endif
  return false;
}

bool run_bfloat16([[maybe_unused]] const Problem& p) {
#ifdef USE_MKLDNN
  if (half_is_worth(Half::bfloat16, p.m, p.n, p.k))
    return onednn::gemm_half(Half::bfloat16, p);
#endif
  return false;
}

bool run_float16([[maybe_unused]] const Problem& p) {
#ifdef USE_MKLDNN
  if (half_is_worth(Half::float16, p.m, p.n, p.k))
    return onednn::gemm_half(Half::float16, p);
#endif
  return false;
}

bool run_complex64([[maybe_unused]] const Problem& p) {
#ifdef USE_MKL
  if (!fits(p)) return false;
  mkl::gemm_complex64(p);
  return true;
#else
  return false;
#endif
}

bool run_complex128([[maybe_unused]] const Problem& p) {
#ifdef USE_MKL
  if (!fits(p)) return false;
  mkl::gemm_complex128(p);
  return true;
#else
  return false;
#endif
}

}  // namespace gemm
