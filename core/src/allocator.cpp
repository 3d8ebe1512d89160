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

void CachingAllocator::attach(const fl_backend* api, void* handle, const char* device,
                              bool asynchronous) {
  api_ = api;
  handle_ = handle;
  device_ = device;
  asynchronous_ = asynchronous;
}

CachingAllocator::Pool& CachingAllocator::pool(int id) {
  if (id == 0) [[likely]] {
    return first_;
  }
  const auto at = static_cast<size_t>(id - 1);
  while (others_.size() <= at) others_.push_back(std::make_unique<Pool>());
  return *others_[at];
}

void* CachingAllocator::allocate(size_t bytes, uint8_t* size_class, int from) {
  *size_class = 0;
  if (bytes == 0 || api_ == nullptr) return nullptr;
  int c = bytes > (size_t{1} << 48) ? kClasses : class_of(bytes);
  if (c >= kClasses) {
    ++failures;
    fail(ErrorKind::OutOfMemory, "cannot allocate ", bytes, " bytes on ", device_);
  }
  if (!pending_.empty()) [[unlikely]] {
    reclaim(false);
  }
  std::vector<void*>& list = pool(from)[c];
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
  requested.increase(static_cast<int64_t>(bytes));
  return data;
}

void* CachingAllocator::from_backend(int c) {
  check(!abandoned_, ErrorKind::Accelerator, "device '", device_,
        "' cannot be used any more: ", abandoned_ ? abandoned_ : "");
  size_t bytes = class_bytes(c);
  void* data = nullptr;
  const fl_memory_table* memory = api_->memory;
  fl_status status = memory->allocate(handle_, bytes, &data);
  if (status != FL_OK || data == nullptr) {
    ++retries;
    reclaim(true);
    empty_cache();
    status = memory->allocate(handle_, bytes, &data);
  }
  if (status != FL_OK || data == nullptr) {
    ++failures;
    fail(ErrorKind::OutOfMemory, "out of memory on ", device_, ": tried to allocate ",
         bytes, " bytes; ", allocated.current, " bytes are in use by tensors");
  }
  reserved.increase(static_cast<int64_t>(bytes));
  return data;
}

void CachingAllocator::put(void* data, size_t bytes, uint8_t size_class, int to) {
  pool(to)[size_class].push_back(data);
  allocated.decrease(static_cast<int64_t>(class_bytes(size_class)));
  allocations.decrease(1);
  requested.decrease(static_cast<int64_t>(bytes));
}

void CachingAllocator::release(void* data, size_t bytes, uint8_t size_class, int to) {
  if (data == nullptr) return;
  put(data, bytes, size_class, to);
  if (size_class >= kLargeClass) trim();
}

void CachingAllocator::release_after(void* data, size_t bytes, uint8_t size_class,
                                     int to, std::span<void* const> streams) {
  Pending p{data, bytes, size_class, to, {}};
  const fl_stream_table* table = FL_HAS(api_, stream) ? api_->stream : nullptr;
  for (void* stream : streams) {
    void* event = nullptr;
    if (abandoned_ || !table || table->event_create(handle_, 0, &event) != FL_OK) break;
    table->event_record(handle_, event, stream);
    p.events.push_back(event);
  }
  pending_.push_back(std::move(p));
}

// Takes back the blocks whose streams have passed; with `wait`, all of them.
void CachingAllocator::reclaim(bool wait) {
  if (abandoned_) return;
  const fl_stream_table* table = FL_HAS(api_, stream) ? api_->stream : nullptr;
  auto passed = [&](const Pending& p) {
    for (void* event : p.events) {
      if (wait) {
        table->event_synchronize(handle_, event);
      } else if (!table->event_query(handle_, event)) {
        return false;
      }
    }
    for (void* event : p.events) table->event_destroy(handle_, event);
    put(p.data, p.bytes, p.size_class, p.pool);
    return true;
  };
  std::erase_if(pending_, passed);
}

// A program whose sizes keep changing must not hold many times what it ever used.
void CachingAllocator::trim() {
  int64_t cached = reserved.current - allocated.current;
  if (cached > std::max(kTrimFloor, allocated.peak)) empty_cache();
}

void CachingAllocator::empty_cache() {
  if (abandoned_ || api_ == nullptr) return;
  // Work that was given before a block was freed may still be using it.
  if (asynchronous_ && api_->device->synchronize(handle_) != FL_OK) {
    deferred_error_ = "an earlier call failed while memory was being given back";
  }
  auto give_back = [&](Pool& p) {
    for (int c = 0; c < kClasses; ++c) {
      for (void* data : p[c]) {
        api_->memory->release(handle_, data, class_bytes(c));
        reserved.decrease(static_cast<int64_t>(class_bytes(c)));
      }
      p[c].clear();
    }
  };
  give_back(first_);
  for (auto& p : others_) give_back(*p);
}

void CachingAllocator::reset_peak() {
  for (Counter* c : {&allocated, &reserved, &allocations, &requested}) {
    c->peak = c->current;
  }
}

}  // namespace fl
