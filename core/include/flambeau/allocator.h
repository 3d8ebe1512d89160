// The caching allocator of every device: size classes with free lists over the raw
// memory that a backend supplies, with PyTorch's statistics.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "flambeau/backend.h"

namespace fl {

struct Counter {  // one of memory_stats' quantities
  int64_t current = 0, peak = 0, allocated = 0, freed = 0;
  void increase(int64_t n) {
    current += n;
    allocated += n;
    if (current > peak) peak = current;
  }
  void decrease(int64_t n) {
    current -= n;
    freed += n;
  }
};

// Block sizes are powers of two in four steps each (64, 80, 96, 112, 128, 160, ...),
// so at most a fifth of a block is unused.  A freed block goes to the list of its class
// and is handed out again without a word to the backend.
class CachingAllocator {
 public:
  static constexpr int kClasses = 4 * 44;

  void attach(const fl_memory_table* memory, void* handle, const char* device);
  // At least `bytes`; never nullptr (0 bytes give nullptr).  `size_class` is to be
  // handed back to `release`.  Throws OutOfMemory after the cache was emptied in vain.
  void* allocate(size_t bytes, uint8_t* size_class);
  void release(void* data, uint8_t size_class);
  void empty_cache();

  Counter allocated, reserved, allocations, requested;
  int64_t retries = 0, failures = 0;
  void reset_peak();
  static size_t class_bytes(int size_class);
  static int class_of(size_t bytes);

 private:
  void* from_backend(int size_class);
  void trim();
  const fl_memory_table* memory_ = nullptr;
  void* handle_ = nullptr;
  const char* device_ = "";
  std::array<std::vector<void*>, kClasses> free_;
};

}  // namespace fl
