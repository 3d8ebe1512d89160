// Hands the words of a Philox stream to a loop over elements, buffer by buffer and on
// all threads, and turns words into uniforms.
#pragma once

#include <algorithm>
#include <cstdint>

#include "elements.h"
#include "philox.h"
#include "threads.h"

namespace FL_ISA::inline data_kernels {

// Of the stream's words, how many an element of T takes.
template <class T>
inline constexpr int words_of = sizeof(T) > 4 ? 2 : 1;

constexpr int64_t kWordsAtOnce = 1024;

inline uint64_t word64(const uint32_t* words, int64_t i) {
  return words[2 * i] | static_cast<uint64_t>(words[2 * i + 1]) << 32;
}

// The uniform of element i in [0, 1).
template <class W>
inline W unit(const uint32_t* words, int64_t i) {
  if constexpr (std::is_same_v<W, double>) {
    return static_cast<double>(static_cast<int64_t>(word64(words, i) >> 11)) * 0x1p-53;
  } else {
    return static_cast<float>(static_cast<int32_t>(words[i] >> 8)) * 0x1p-24f;
  }
}

// Calls f(start, n) on all threads for runs of at most kWordsAtOnce / Words elements
// that together cover [0, numel).
template <int Words, class F>
void for_chunks(int64_t numel, F&& f) {
  constexpr int64_t kElements = kWordsAtOnce / Words;
  constexpr int64_t kGrain = 32;  // 32,768 words take about 20 microseconds
  const int64_t chunks = (numel + kElements - 1) / kElements;
  parallel_for(chunks, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; c++) {
      f(c * kElements, std::min(kElements, numel - c * kElements));
    }
  });
}

// How many blocks to fill for n elements.
template <int Words>
int64_t blocks_for(int64_t n) {
  constexpr int64_t step = 4 * Philox::kStep;
  return (n * Words + step - 1) / step * Philox::kStep;
}

// The same as f(start, n, words), where `words` begins with the words of element
// `start`.
template <int Words, class F>
void for_words(const Philox& philox, int64_t numel, F&& f) {
  for_chunks<Words>(numel, [&](int64_t start, int64_t n) {
    alignas(64) uint32_t words[kWordsAtOnce];
    philox.fill(words, static_cast<uint64_t>(start * Words / 4), blocks_for<Words>(n));
    f(start, n, words);
  });
}

}  // namespace FL_ISA::inline data_kernels
