// The caching allocator: free lists by size class over a backend's raw memory.
#include "flambeau/allocator.h"

#include <algorithm>
#include <bit>

#include "flambeau/error.h"

namespace fl {

namespace {
constexpr int64_t kTrimFloor = int64_t{512} << 20;
constexpr int kLargeClass = 4 * 14;  // from about 1 MiB
}  // namespace

int CachingAllocator::class_of(size_t bytes) {
  if (bytes <= 64) return 0;
  int e = std::bit_width(bytes - 1) - 1;  // 2^e < bytes <= 2^(e+1)
  size_t base = size_t{1} << e;
  size_t step = base / 4;
  return (e - 6) * 4 + static_cast<int>((bytes - base + step - 1) / step);
}

size_t CachingAllocator::class_bytes(int c) {
  if (c == 0) return 64;
  size_t base = size_t{1} << (6 + (c - 1) / 4);
  return base + static_cast<size_t>((c - 1) % 4 + 1) * (base / 4);
}

void CachingAllocator::attach(const fl_memory_table* memory, void* handle,
                              const char* device) {
  memory_ = memory;
  handle_ = handle;
  device_ = device;
}

void* CachingAllocator::allocate(size_t bytes, uint8_t* size_class) {
  *size_class = 0;
  if (bytes == 0 || memory_ == nullptr) return nullptr;
  int c = bytes > (size_t{1} << 48) ? kClasses : class_of(bytes);
  if (c >= kClasses) {
    ++failures;
    fail(ErrorKind::OutOfMemory, "cannot allocate ", bytes, " bytes on ", device_);
  }
  std::vector<void*>& list = free_[c];
  void* data;
  if (!list.empty()) [[likely]] {
    data = list.back();
    list.pop_back();
  } else {
    data = from_backend(c);
  }
  *size_class = static_cast<uint8_t>(c);
  allocated.increase(static_cast<int64_t>(class_bytes(c)));
  allocations.increase(1);
  return data;
}

void* CachingAllocator::from_backend(int c) {
  size_t bytes = class_bytes(c);
  void* data = nullptr;
  fl_status status = memory_->allocate(handle_, bytes, &data);
  if (status != FL_OK || data == nullptr) {
    ++retries;
    empty_cache();
    status = memory_->allocate(handle_, bytes, &data);
  }
  if (status != FL_OK || data == nullptr) {
    ++failures;
    fail(ErrorKind::OutOfMemory, "out of memory on ", device_, ": tried to allocate ",
         bytes, " bytes; ", allocated.current, " bytes are in use by tensors");
  }
  reserved.increase(static_cast<int64_t>(bytes));
  return data;
}

void CachingAllocator::release(void* data, uint8_t size_class) {
  if (data == nullptr) return;
  free_[size_class].push_back(data);
  allocated.decrease(static_cast<int64_t>(class_bytes(size_class)));
  allocations.decrease(1);
  if (size_class >= kLargeClass) trim();
}

// A program whose sizes keep changing must not hold many times what it ever used.
void CachingAllocator::trim() {
  int64_t cached = reserved.current - allocated.current;
  if (cached > std::max(kTrimFloor, allocated.peak)) empty_cache();
}

void CachingAllocator::empty_cache() {
  for (int c = 0; c < kClasses; ++c) {
    for (void* data : free_[c]) {
      memory_->release(handle_, data, class_bytes(c));
      reserved.decrease(static_cast<int64_t>(class_bytes(c)));
    }
    free_[c].clear();
  }
}

void CachingAllocator::reset_peak() {
  for (Counter* c : {&allocated, &reserved, &allocations, &requested}) {
    c->peak = c->current;
  }
}

}  // namespace fl
