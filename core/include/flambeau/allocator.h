// The caching allocator of every device: size classes with free lists over the raw
// memory that a backend supplies, aware of streams, with PyTorch's statistics.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "flambeau/backend.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace fl {

struct Counter {  // one of memory_stats' quantities
  int64_t current = 0, peak = 0, allocated = 0;
  void increase(int64_t n) {
    current += n;
    allocated += n;
    if (current > peak) peak = current;
  }
  void decrease(int64_t n) { current -= n; }
  int64_t freed() const { return allocated - current; }
};

// Block sizes are powers of two in four steps each (64, 80, 96, 112, 128, 160, ...),
// so at most a fifth of a block is unused.  A freed block goes to the list of its class
// and is handed out again without a word to the backend.
//
// Streams: a block belongs to the stream on which it was allocated (a pool of free
// lists each), and goes back there, since work on one stream runs in order.  One that
// other streams used too waits until they have passed the point where it was freed.
class CachingAllocator {
 public:
  static constexpr int kClasses = 4 * 44;

  void attach(const fl_backend* api, void* handle, const char* device,
              bool asynchronous, bool host_memory);
  // At least `bytes`; never nullptr (0 bytes give nullptr).  All of these
  // (`pool` is the id of the stream) are to be handed back to `release`.  Throws
  // OutOfMemory after the cache was emptied in vain.
  void* allocate(size_t bytes, uint8_t* size_class, int pool = 0);
  void release(void* data, size_t bytes, uint8_t size_class, int pool = 0);
  // The same for a block that work on these streams may still use.
  void release_after(void* data, size_t bytes, uint8_t size_class, int pool,
                     std::span<void* const> streams);
  void empty_cache();
  // Never speaks to the backend again: the device is lost, or another process's.  `why`
  // is a static text.
  void abandon(const char* why = "it was given up") { abandoned_ = why; }
  // What went wrong on the device while the cache was emptied, once.
  std::string take_deferred_error() { return std::exchange(deferred_error_, {}); }

  Counter allocated, reserved, allocations, requested;
  int64_t retries = 0, failures = 0;
  void reset_peak();
  static size_t class_bytes(int size_class) { return kClassBytes[size_class]; }
  static int class_of(size_t bytes);

 private:
  static constexpr std::array<size_t, kClasses> kClassBytes = [] {
    std::array<size_t, kClasses> sizes{64};
    for (size_t c = 1; c < sizes.size(); ++c) {
      const size_t base = size_t{1} << (6 + (c - 1) / 4);
      sizes[c] = base + ((c - 1) % 4 + 1) * (base / 4);
    }
    return sizes;
  }();
  using Pool = std::array<std::vector<void*>, kClasses>;
  struct Pending {
    void* data;
    size_t bytes;
    uint8_t size_class;
    int pool;
    std::vector<void*> events;
  };
  static constexpr size_t kMostBytes = size_t{1} << 48;
  static constexpr int kLargeClass = 4 * 14;  // from about 1 MiB
  [[noreturn]] void refuse(size_t bytes);
  void fill(std::vector<void*>& list, int size_class);
  void* from_backend(int size_class);
  Pool& pool(int id) { return id == 0 ? first_ : other_pool(id); }
  Pool& other_pool(int id);
  void mark(void* data, size_t used, size_t whole) const;
  void put(void* data, size_t bytes, uint8_t size_class, int pool);
  void reclaim(bool wait);
  void trim();
  const fl_backend* api_ = nullptr;
  void* handle_ = nullptr;
  const char* device_ = "";
  bool asynchronous_ = false;
  bool marked_ = false;  // memory that the address sanitizer knows
  const char* abandoned_ = nullptr;
  std::string deferred_error_;
  Pool first_;                                 // of the default stream
  std::vector<std::unique_ptr<Pool>> others_;  // of streams 1, 2, ...
  std::vector<Pending> pending_;
};

// ---- what every op comes by
// -----------------------------------------------------------

inline int CachingAllocator::class_of(size_t bytes) {
  if (bytes <= 64) return 0;
  const int e = std::bit_width(bytes - 1) - 1;  // 2^e < bytes <= 2^(e+1)
  const size_t base = size_t{1} << e, step = base / 4;
  return (e - 6) * 4 + static_cast<int>((bytes - base + step - 1) / step);
}

// Under the address sanitizer, what a block has over what was asked for is nobody's,
// and so is a block in the cache.
inline void CachingAllocator::mark([[maybe_unused]] void* data,
                                   [[maybe_unused]] size_t used,
                                   [[maybe_unused]] size_t whole) const {
#if defined(__SANITIZE_ADDRESS__)
  if (!marked_) return;
  ASAN_UNPOISON_MEMORY_REGION(data, used);
  ASAN_POISON_MEMORY_REGION(static_cast<char*>(data) + used, whole - used);
#endif
}

inline void* CachingAllocator::allocate(size_t bytes, uint8_t* size_class, int from) {
  *size_class = 0;
  if (bytes == 0 || api_ == nullptr) return nullptr;
  if (bytes > kMostBytes) [[unlikely]] {
    refuse(bytes);
  }
  const int c = class_of(bytes);
  std::vector<void*>& list = pool(from)[c];
  if (list.empty() || !pending_.empty()) [[unlikely]] {
    fill(list, c);
  }
  void* data = list.back();
  list.pop_back();
  mark(data, bytes, class_bytes(c));
  *size_class = static_cast<uint8_t>(c);
  allocated.increase(static_cast<int64_t>(class_bytes(c)));
  allocations.increase(1);
  requested.increase(static_cast<int64_t>(bytes));
  return data;
}

inline void CachingAllocator::put(void* data, size_t bytes, uint8_t size_class,
                                  int to) {
  mark(data, 0, class_bytes(size_class));
  pool(to)[size_class].push_back(data);
  allocated.decrease(static_cast<int64_t>(class_bytes(size_class)));
  allocations.decrease(1);
  requested.decrease(static_cast<int64_t>(bytes));
}

inline void CachingAllocator::release(void* data, size_t bytes, uint8_t size_class,
                                      int to) {
  if (data == nullptr) return;
  put(data, bytes, size_class, to);
  if (size_class >= kLargeClass) [[unlikely]] {
    trim();
  }
}

}  // namespace fl
