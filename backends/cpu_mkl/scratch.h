// Memory that a thread keeps for packing and other intermediate results.
#pragma once

#include <cstddef>

namespace scratch {

// Slots that may be in use at the same time by one thread.
enum Slot { kPackA, kPackB, kRows, kColumns, kWork, kWork2, kWork3, kWork4, kSlots };

// At least `bytes`, aligned to 64, valid until this thread asks for the same slot
// again; null when there is no memory.
void* get(Slot slot, size_t bytes);

template <class T>
T* array(Slot slot, size_t n) {
  return static_cast<T*>(get(slot, n * sizeof(T)));
}

}  // namespace scratch
