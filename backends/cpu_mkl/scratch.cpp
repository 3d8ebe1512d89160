// Keeps each thread's scratch memory, grown when needed and freed with the thread.
#include "scratch.h"

#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace scratch {
namespace {

constexpr size_t kAlign = 64;
constexpr size_t kRound = size_t{1} << 16;

struct Store {
  void* data[kSlots] = {};
  size_t bytes[kSlots] = {};
  ~Store() {
    for (void* p : data) std::free(p);
  }
};
thread_local Store store;

}  // namespace

void* get(Slot slot, size_t bytes) {
  Store& s = store;
  if (s.bytes[slot] < bytes || !s.data[slot]) {
    const size_t wanted = (bytes + kRound) / kRound * kRound;
    std::free(s.data[slot]);
    s.data[slot] = std::aligned_alloc(kAlign, wanted);
    s.bytes[slot] = s.data[slot] ? wanted : 0;
  }
#if defined(__SANITIZE_ADDRESS__)
  // What lies behind the bytes that were asked for is nobody's.
  if (char* p = static_cast<char*>(s.data[slot])) {
    ASAN_UNPOISON_MEMORY_REGION(p, bytes);
    ASAN_POISON_MEMORY_REGION(p + bytes, s.bytes[slot] - bytes);
  }
#endif
  return s.data[slot];
}

}  // namespace scratch
