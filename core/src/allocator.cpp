// The caching allocator: free lists by size class over a backend's raw memory.
#include "flambeau/allocator.h"

#include <algorithm>

#include "flambeau/error.h"

namespace fl {

namespace {
constexpr int64_t kTrimFloor = int64_t{512} << 20;
}  // namespace

void CachingAllocator::attach(const fl_backend* api, void* handle, const char* device,
                              bool asynchronous, bool host_memory) {
  api_ = api;
  handle_ = handle;
  device_ = device;
  asynchronous_ = asynchronous;
  marked_ = host_memory && !asynchronous;
}

CachingAllocator::Pool& CachingAllocator::other_pool(int id) {
  const auto at = static_cast<size_t>(id - 1);
  while (others_.size() <= at) others_.push_back(std::make_unique<Pool>());
  return *others_[at];
}

void CachingAllocator::refuse(size_t bytes) {
  ++failures;
  fail(ErrorKind::OutOfMemory, "cannot allocate ", bytes, " bytes on ", device_);
}

// Sees to it that the list has a block.
void CachingAllocator::fill(std::vector<void*>& list, int c) {
  if (!pending_.empty()) reclaim(false);
  if (list.empty()) list.push_back(from_backend(c));
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
        mark(data, class_bytes(c), class_bytes(c));
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
