// A key packed with its index, for selection.
#pragma once

#include <cstdint>
#include <type_traits>

namespace FL_ISA::inline data_kernels {

// A key above the complement of its index: one number, larger for larger keys and,
// among equal keys, for smaller indices.
template <class U>
using Candidate = std::conditional_t<sizeof(U) == 8, unsigned __int128, uint64_t>;

template <class U>
inline Candidate<U> candidate(U key, int64_t index) {
  constexpr int kShift = sizeof(U) == 8 ? 64 : 32;
  using Index = std::conditional_t<sizeof(U) == 8, uint64_t, uint32_t>;
  return static_cast<Candidate<U>>(key) << kShift |
         static_cast<Index>(~static_cast<Index>(index));
}

template <class U>
inline int64_t index_of(Candidate<U> c) {
  using Index = std::conditional_t<sizeof(U) == 8, uint64_t, uint32_t>;
  return static_cast<int64_t>(static_cast<Index>(~static_cast<Index>(c)));
}

template <class U>
inline U key_of(Candidate<U> c) {
  return static_cast<U>(c >> (sizeof(U) == 8 ? 64 : 32));
}

}  // namespace FL_ISA::inline data_kernels
