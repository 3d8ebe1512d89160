// Normal and other continuous distributions: transforms of Philox words by polynomials
// in loops that the compiler vectorises.

#include <bit>
#include <cmath>
#include <functional>

#include "elements.h"
#include "random_words.h"
#include "registry.h"

namespace FL_ISA {
namespace {

// Note [Uniforms as integers]
// A uniform is t·2⁻²⁴ (float64: t·2⁻⁵³) with an integer t. Its logarithm and its angle
// are computed from t, so range reduction is integer arithmetic and exact: log(1−u) is
// that of the integer 2²⁴−t in [1, 2²⁴], and the quadrant of 2πu is in the two top bits
// of t. Polynomials: Chebyshev interpolation on the reduced ranges, errors below 1 ulp.

// log(n·2⁻²⁴) for n in [1, 2²⁴].
inline float log_unit(uint32_t n) {
  const auto bits =
      std::bit_cast<uint32_t>(static_cast<float>(static_cast<int32_t>(n)));
  // Splits into m·2ᵉ with m in [√½, √2).
  const uint32_t shifted = bits - 0x3F3504F3u;
  const auto e = static_cast<float>(static_cast<int32_t>(shifted) >> 23);
  const float f = std::bit_cast<float>((shifted & 0x007FFFFFu) + 0x3F3504F3u) - 1.0f;
  float p = 0.09048784427f;
  p = p * f - 0.140308922f;
  p = p * f + 0.1470389917f;
  p = p * f - 0.1660271885f;
  p = p * f + 0.1998422325f;
  p = p * f - 0.2500070255f;
  p = p * f + 0.333334154f;
  p = p * f - 0.5f;
  return (e - 24) * 0.693147180559945f + (f * f * p + f);
}

// log(n·2⁻⁵³) for n in [1, 2⁵³].
inline double log_unit(uint64_t n) {
  const uint64_t bits =
      std::bit_cast<uint64_t>(static_cast<double>(static_cast<int64_t>(n)));
  const uint64_t shifted = bits - 0x3FE6A09E667F3BCDull;
  const auto e = static_cast<double>((static_cast<int64_t>(shifted) >> 52) - 53);
  const double m =
      std::bit_cast<double>((shifted & 0x000FFFFFFFFFFFFFull) + 0x3FE6A09E667F3BCDull);
  const double s = (m - 1) / (m + 1), z = s * s;
  double p = 0.146168789190753214;
  p = p * z + 0.1533168686383407602;
  p = p * z + 0.18182890170314130313;
  p = p * z + 0.22222211120449295659;
  p = p * z + 0.28571428626063380388;
  p = p * z + 0.39999999999899310681;
  p = p * z + 0.66666666666666696929;
  return e * 0.6931471805599453094 + (2 * s + s * z * p);
}

template <class W>
struct SinCos {
  W sin, cos;
};

// Of 2π·w·2⁻³², w a multiple of 2⁸. The two top bits of w + 2²⁹ are the nearest
// quadrant, and what is left is w without its two top bits, as a signed number.
inline SinCos<float> turn(uint32_t w) {
  const float y = static_cast<float>(static_cast<int32_t>(w << 2)) * 0x1p-31f,
              z = y * y;
  const float s =
      y * (0.785398161f +
           z * (-0.08074543471f + z * (0.002490006801f + z * -3.595429073e-5f)));
  const float c =
      1.0f + z * (-0.3084251373f +
                  z * (0.01585433815f + z * (-0.0003259613803f + z * 3.541952728e-6f)));
  const uint32_t q = w + (1u << 29), sign = 1u << 31;
  const bool swap = (q & (1u << 30)) != 0;
  const uint32_t sin = std::bit_cast<uint32_t>(swap ? c : s) ^ (q & sign);
  const uint32_t cos =
      std::bit_cast<uint32_t>(swap ? s : c) ^ ((q + (1u << 30)) & sign);
  return {std::bit_cast<float>(sin), std::bit_cast<float>(cos)};
}

// Of 2π·t·2⁻⁵³.
inline SinCos<double> turn(uint64_t t) {
  const auto quadrant = static_cast<int64_t>((t + (uint64_t{1} << 50)) >> 51);
  const int64_t rest = static_cast<int64_t>(t) - (quadrant << 51);
  const double x = static_cast<double>(rest) * (6.283185307179586477 * 0x1p-53);
  const double z = x * x;
  double a = 1.5918129294843835656e-10;
  a = a * z - 2.505113184500323809e-8;
  a = a * z + 2.7557316102552437736e-6;
  a = a * z - 0.00019841269836758574317;
  a = a * z + 0.0083333333333309484855;
  a = a * z - 0.16666666666666664624;
  double b = -1.1382632425507473208e-11;
  b = b * z + 2.0876146268402956242e-9;
  b = b * z - 2.7557317271729791391e-7;
  b = b * z + 0.000024801587298765687923;
  b = b * z - 0.0013888888888887397237;
  b = b * z + 0.041666666666666665389;
  const double s = x + x * z * a, c = 1 - 0.5 * z + z * z * b;
  const bool swap = (quadrant & 1) != 0;
  const uint64_t flip_sin = static_cast<uint64_t>(quadrant & 2) << 62;
  const uint64_t flip_cos = static_cast<uint64_t>((quadrant + 1) & 2) << 62;
  return {std::bit_cast<double>(std::bit_cast<uint64_t>(swap ? c : s) ^ flip_sin),
          std::bit_cast<double>(std::bit_cast<uint64_t>(swap ? s : c) ^ flip_cos)};
}

// The integer t behind the uniform of element i, and their number.
template <class W>
using Integer = std::conditional_t<std::is_same_v<W, double>, uint64_t, uint32_t>;
template <class W>
inline constexpr Integer<W> kUnits =
    Integer<W>{1} << (std::is_same_v<W, double> ? 53 : 24);

template <class W>
inline Integer<W> integer(const uint32_t* words, int64_t i) {
  if constexpr (std::is_same_v<W, double>) {
    return word64(words, i) >> 11;
  } else {
    return words[i] >> 8;
  }
}

// log(1 − u) of element i.
template <class W>
inline W log_complement(const uint32_t* words, int64_t i) {
  return log_unit(static_cast<Integer<W>>(kUnits<W> - integer<W>(words, i)));
}

// Box–Muller: two normals of each pair of words.
inline void normal_pairs(float* out, const uint32_t* even, const uint32_t* odd,
                         int64_t pairs, float mean, float std) {
  for (int64_t i = 0; i < pairs; i++) {
    const float radius = std * std::sqrt(-2 * log_unit((1u << 24) - (even[i] >> 8)));
    const SinCos<float> at = turn(odd[i] & ~0xFFu);
    out[2 * i] = mean + radius * at.cos;
    out[2 * i + 1] = mean + radius * at.sin;
  }
}

inline void normal_pairs(double* out, const uint64_t* even, const uint64_t* odd,
                         int64_t pairs, double mean, double std) {
  for (int64_t i = 0; i < pairs; i++) {
    const double radius =
        std * std::sqrt(-2 * log_unit((uint64_t{1} << 53) - (even[i] >> 11)));
    const SinCos<double> at = turn(odd[i] >> 11);
    out[2 * i] = mean + radius * at.cos;
    out[2 * i + 1] = mean + radius * at.sin;
  }
}

// Writes after(z) for the normals z of all elements.
template <class T, class F>
void normals(const fl_call* call, F after) {
  using W = std::conditional_t<std::is_same_v<T, double>, double, float>;
  constexpr int kWords = words_of<W>;
  const auto mean = static_cast<W>(call->attr[0].v.f);
  const auto std = static_cast<W>(call->attr[1].v.f);
  const Philox philox(call->attr[2].v.i, call->attr[3].v.i);
  T* out = data_of<T>(*call->out);
  for_chunks<kWords>(call->out->numel, [=](int64_t start, int64_t n) {
    alignas(64) Integer<W> even[kWordsAtOnce / 2 / kWords],
        odd[kWordsAtOnce / 2 / kWords];
    const int64_t blocks = blocks_for<kWords>(n), pairs = blocks * 2 / kWords;
    philox.fill_split(even, odd, static_cast<uint64_t>(start * kWords / 4), blocks);
    if constexpr (std::is_same_v<T, W> && std::is_same_v<F, std::identity>) {
      if (n == 2 * pairs) return normal_pairs(out + start, even, odd, pairs, mean, std);
    }
    alignas(64) W values[kWordsAtOnce / kWords];
    normal_pairs(values, even, odd, pairs, mean, std);
    for (int64_t i = 0; i < n; i++) out[start + i] = element<T>(after(values[i]));
  });
}

fl_status normal(const fl_call* call) {
  return for_dtype<kFloats>(call->out->dtype, [&]<class T>(Type<T>) {
    normals<T>(call, std::identity());
    return FL_OK;
  });
}

fl_status log_normal(const fl_call* call) {
  return for_dtype<kFloats>(call->out->dtype, [&]<class T>(Type<T>) {
    normals<T>(call, [](auto x) { return std::exp(x); });
    return FL_OK;
  });
}

// Runs `block(values, words, n)` and stores the values.
template <class T, class F>
void generate(const fl_call* call, const Philox& philox, F block) {
  using W = std::conditional_t<words_of<T> == 2, double, float>;
  T* out = data_of<T>(*call->out);
  for_words<words_of<W>>(philox, call->out->numel,
                         [=](int64_t start, int64_t n, const uint32_t* words) {
                           if constexpr (std::is_same_v<T, W>) {
                             block(out + start, words, n);
                           } else {
                             W values[kWordsAtOnce];
                             block(values, words, n);
                             for (int64_t i = 0; i < n; i++)
                               out[start + i] = element<T>(values[i]);
                           }
                         });
}

// −log(1−u)/a; never 0, as the distribution promises: half a unit stands for u = 0.
fl_status exponential(const fl_call* call) {
  const double rate = call->attr[0].v.f;
  const Philox philox(call->attr[2].v.i, call->attr[3].v.i);
  return for_dtype<kFloats>(call->out->dtype, [&]<class T>(Type<T>) {
    generate<T>(call, philox, [=]<class W>(W* out, const uint32_t* words, int64_t n) {
      const W scale = static_cast<W>(1 / rate), least = W(0.5) / W(kUnits<W>);
      for (int64_t i = 0; i < n; i++) {
        const W x = -log_complement<W>(words, i);
        out[i] = scale * (x > least ? x : least);
      }
    });
    return FL_OK;
  });
}

// a + b·tan(π(u − ½)), with u in the middle of its unit so that it stays finite.
fl_status cauchy(const fl_call* call) {
  const double median = call->attr[0].v.f, sigma = call->attr[1].v.f;
  const Philox philox(call->attr[2].v.i, call->attr[3].v.i);
  return for_dtype<kFloats>(call->out->dtype, [&]<class T>(Type<T>) {
    generate<T>(call, philox, [=]<class W>(W* out, const uint32_t* words, int64_t n) {
      for (int64_t i = 0; i < n; i++) {
        // πu = 2π·(2t + 1)/4 in units of u: float64 has no bits left for the quarter.
        const uint64_t t = 2 * uint64_t{integer<W>(words, i)} + 1;
        const SinCos<double> at =
            turn(std::is_same_v<W, double> ? (t >> 2) | 1 : t << 27);
        out[i] = static_cast<W>(median - sigma * (at.cos / at.sin));
      }
    });
    return FL_OK;
  });
}

// ⌈log(1−u)/log(1−p)⌉, at least 1.
fl_status geometric(const fl_call* call) {
  const double scale = 1 / std::log1p(-call->attr[0].v.f);
  const Philox philox(call->attr[2].v.i, call->attr[3].v.i);
  return for_dtype<kOrdered>(call->out->dtype, [&]<class T>(Type<T>) {
    generate<T>(call, philox, [=]<class W>(W* out, const uint32_t* words, int64_t n) {
      for (int64_t i = 0; i < n; i++) {
        const W x = std::ceil(log_complement<W>(words, i) * static_cast<W>(scale));
        out[i] = x > 1 ? x : W(1);
      }
    });
    return FL_OK;
  });
}

}  // namespace

FL_FAMILY(distributions, {"normal", normal, kFloats},
          {"log_normal", log_normal, kFloats}, {"exponential", exponential, kFloats},
          {"cauchy", cauchy, kFloats}, {"geometric", geometric, kOrdered});

}  // namespace FL_ISA
