// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011):
// the words of any block, computed in vectors of blocks.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace FL_ISA::inline data_kernels {

// One vector holds one 32-bit word of as many blocks as it has 64-bit lanes, in the low
// half of each lane. The upper halves hold rubbish: the multiplication does not look.
// kVectors are computed at once, as many as pay: with four, a Zen 3 takes 0.59 ns for a
// word, with two 0.71, though its 16 registers do not hold them all.
#if defined(__AVX512F__)
struct PhiloxLanes {
  using V = __m512i;
  static constexpr int64_t kBlocks = 8;
  static constexpr int kVectors = 2;
  static V set(uint64_t x) { return _mm512_set1_epi64(static_cast<int64_t>(x)); }
  static V count(uint64_t x) {
    return _mm512_add_epi64(set(x), _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
  }
  // Masked forms: GCC 12 calls the plain ones "maybe uninitialized" (its bug 105593).
  static V mul(V a, V b) { return _mm512_maskz_mul_epu32(0xFF, a, b); }
  static V high(V a) { return _mm512_maskz_srli_epi64(0xFF, a, 32); }
  static V mix(V a, V b, V c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
  static V pair(V low, V high) {
    return _mm512_mask_shuffle_epi32(low, 0xAAAA, high, _MM_PERM_CCAA);
  }
  static void store(void* out, V a) { _mm512_storeu_si512(out, a); }
  static void store(uint32_t* out, V a, V b) {
    const V first = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0);
    const V second = _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4);
    _mm512_storeu_si512(out, _mm512_permutex2var_epi64(a, first, b));
    _mm512_storeu_si512(out + 16, _mm512_permutex2var_epi64(a, second, b));
  }
};
#elif defined(__AVX2__)
struct PhiloxLanes {
  using V = __m256i;
  static constexpr int64_t kBlocks = 4;
  static constexpr int kVectors = 4;
  static V set(uint64_t x) { return _mm256_set1_epi64x(static_cast<int64_t>(x)); }
  static V count(uint64_t x) {
    return _mm256_add_epi64(set(x), _mm256_set_epi64x(3, 2, 1, 0));
  }
  static V mul(V a, V b) { return _mm256_mul_epu32(a, b); }
  static V high(V a) { return _mm256_srli_epi64(a, 32); }
  static V mix(V a, V b, V c) { return _mm256_xor_si256(a, _mm256_xor_si256(b, c)); }
  static V pair(V low, V high) {
    return _mm256_blend_epi32(low, _mm256_slli_epi64(high, 32), 0xAA);
  }
  static void store(void* out, V a) { _mm256_storeu_si256(static_cast<V*>(out), a); }
  static void store(uint32_t* out, V a, V b) {
    const V even = _mm256_unpacklo_epi64(a, b);
    const V odd = _mm256_unpackhi_epi64(a, b);
    auto* to = reinterpret_cast<V*>(out);
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(even, odd, 0x20));
    _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(even, odd, 0x31));
  }
};
#elif defined(__SSE2__)
struct PhiloxLanes {
  using V = __m128i;
  static constexpr int64_t kBlocks = 2;
  static constexpr int kVectors = 2;
  static V set(uint64_t x) { return _mm_set1_epi64x(static_cast<int64_t>(x)); }
  static V count(uint64_t x) { return _mm_add_epi64(set(x), _mm_set_epi64x(1, 0)); }
  static V mul(V a, V b) { return _mm_mul_epu32(a, b); }
  static V high(V a) { return _mm_srli_epi64(a, 32); }
  static V mix(V a, V b, V c) { return _mm_xor_si128(_mm_xor_si128(a, b), c); }
  static V pair(V low, V high) {
    const V mask = _mm_set1_epi64x(0xFFFFFFFF);
    return _mm_or_si128(_mm_and_si128(low, mask), _mm_slli_epi64(high, 32));
  }
  static void store(void* out, V a) { _mm_storeu_si128(static_cast<V*>(out), a); }
  static void store(uint32_t* out, V a, V b) {
    auto* to = reinterpret_cast<V*>(out);
    _mm_storeu_si128(to, _mm_unpacklo_epi64(a, b));
    _mm_storeu_si128(to + 1, _mm_unpackhi_epi64(a, b));
  }
};
#else
struct PhiloxLanes {
  using V = uint64_t;
  static constexpr int64_t kBlocks = 1;
  static constexpr int kVectors = 2;
  static V set(uint64_t x) { return x; }
  static V count(uint64_t x) { return x; }
  static V mul(V a, V b) { return (a & 0xFFFFFFFF) * (b & 0xFFFFFFFF); }
  static V high(V a) { return a >> 32; }
  static V mix(V a, V b, V c) { return a ^ b ^ c; }
  static V pair(V low, V high) { return (low & 0xFFFFFFFF) | (high << 32); }
  static void store(void* out, V a) { std::memcpy(out, &a, sizeof a); }
  static void store(uint32_t* out, V a, V b) {
    out[0] = static_cast<uint32_t>(a);
    out[1] = static_cast<uint32_t>(a >> 32);
    out[2] = static_cast<uint32_t>(b);
    out[3] = static_cast<uint32_t>(b >> 32);
  }
};
#endif

// The stream of words of one (seed, offset).
class Philox {
 public:
  // What `fill` rounds the number of blocks up to.
  static constexpr int64_t kStep = 16;

  Philox(int64_t seed, int64_t offset)
      : seed_(static_cast<uint64_t>(seed)), offset_(static_cast<uint64_t>(offset)) {}

  // Writes the four words of each of `blocks` blocks (a multiple of kStep) from `first`
  // on, all of whose numbers have the same upper 32 bits.
  [[gnu::noinline]] void fill(uint32_t* out, uint64_t first, int64_t blocks) const {
    each(first, blocks, [=](int64_t b, V w0, V w1, V w2, V w3) {
      L::store(out + 4 * b, L::pair(w0, w1), L::pair(w2, w3));
    });
  }

  // Splits the stream for those who need pairs: words 0 and 2 of each block go to
  // `even`, words 1 and 3 to `odd`.
  [[gnu::noinline]] void fill_split(uint32_t* even, uint32_t* odd, uint64_t first,
                                    int64_t blocks) const {
    each(first, blocks, [=](int64_t b, V w0, V w1, V w2, V w3) {
      L::store(even + 2 * b, L::pair(w0, w2));
      L::store(odd + 2 * b, L::pair(w1, w3));
    });
  }

  // The same with the two 64-bit words of each block.
  [[gnu::noinline]] void fill_split(uint64_t* even, uint64_t* odd, uint64_t first,
                                    int64_t blocks) const {
    each(first, blocks, [=](int64_t b, V w0, V w1, V w2, V w3) {
      L::store(even + b, L::pair(w0, w1));
      L::store(odd + b, L::pair(w2, w3));
    });
  }

 private:
  using L = PhiloxLanes;
  using V = L::V;

  template <class F>
  [[gnu::always_inline]] void each(uint64_t first, int64_t blocks, F&& f) const {
    V key0[10], key1[10];
    for (uint32_t r = 0; r < 10; r++) {
      key0[r] = L::set(static_cast<uint32_t>(seed_) + r * 0x9E3779B9u);
      key1[r] = L::set(static_cast<uint32_t>(seed_ >> 32) + r * 0xBB67AE85u);
    }
    const V m0 = L::set(0xD2511F53u), m1 = L::set(0xCD9E8D57u);
    const V c2 = L::set(offset_), c3 = L::set(offset_ >> 32);
    // Of the first two rounds, what does not depend on the low half of the block's
    // number: that alone changes here.
    const V first_product = L::mul(c2, m1);
    const V first_word =
        L::mix(L::high(first_product), L::high(L::set(first)), key0[0]);
    const V second_product = L::mul(first_word, m0);
    const V first_key = L::mix(first_product, key0[1], L::set(0));
    const V second_key = L::mix(L::high(second_product), key1[1], L::set(0));
    // Several vectors in turn: the rounds of one are a chain that leaves the processor
    // idle.
    constexpr int kVectors = L::kVectors;
    static_assert(kStep % (kVectors * L::kBlocks) == 0);
    for (int64_t b = 0; b < blocks; b += kVectors * L::kBlocks) {
      V w0[kVectors], w1[kVectors], w2[kVectors], w3[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; v++) {
        const V number = L::count(first + static_cast<uint64_t>(b + v * L::kBlocks));
        const V product = L::mul(number, m0);
        w1[v] = L::mul(L::mix(L::high(product), c3, key1[0]), m1);
        w0[v] = L::mix(L::high(w1[v]), first_key, L::set(0));
        w2[v] = L::mix(product, second_key, L::set(0));
        w3[v] = second_product;
      }
#pragma GCC unroll 8
      for (int r = 2; r < 10; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; v++) {
          const V a = L::mul(w0[v], m0), c = L::mul(w2[v], m1);
          w0[v] = L::mix(L::high(c), w1[v], key0[r]);
          w2[v] = L::mix(L::high(a), w3[v], key1[r]);
          w1[v] = c;
          w3[v] = a;
        }
      }
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; v++) {
        f(b + v * L::kBlocks, w0[v], w1[v], w2[v], w3[v]);
      }
    }
  }

  uint64_t seed_, offset_;
};

}  // namespace FL_ISA::inline data_kernels
