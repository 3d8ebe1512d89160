// Reserving a device's two mappings, and first-fit allocation in them.
#include "runtime/memory.h"

#include <sys/mman.h>

#include <iterator>

namespace simulated {
namespace {

constexpr size_t kPage = 4096;

size_t rounded(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

// A block's share of the capacity; 0 when the sum overflows.
size_t share(size_t bytes) {
  const size_t size = rounded(bytes == 0 ? 1 : bytes, Memory::kAlignment);
  return size < bytes ? 0 : size;
}

}  // namespace

Memory::Memory(size_t capacity) : capacity_(rounded(capacity, kPage)) {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* seen = mmap(nullptr, capacity_, PROT_NONE, kFlags, -1, 0);
  void* real = mmap(nullptr, capacity_, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (seen == MAP_FAILED || real == MAP_FAILED) {
    if (seen != MAP_FAILED) munmap(seen, capacity_);
    if (real != MAP_FAILED) munmap(real, capacity_);
    return;
  }
  base_ = reinterpret_cast<uintptr_t>(seen);
  bytes_ = static_cast<char*>(real);
  holes_[0] = capacity_;
}

Memory::~Memory() {
  if (!good()) return;
  munmap(reinterpret_cast<void*>(base_), capacity_);
  munmap(bytes_, capacity_);
}

size_t Memory::used() const {
  const std::lock_guard lock(mutex_);
  return used_;
}

void* Memory::allocate(size_t bytes) {
  const size_t size = share(bytes);
  const std::lock_guard lock(mutex_);
  for (auto hole = holes_.begin(); size != 0 && hole != holes_.end(); ++hole) {
    const auto [offset, room] = *hole;
    if (room < size) continue;
    holes_.erase(hole);
    if (room > size) holes_[offset + size] = room - size;
    used_ += size;
    return reinterpret_cast<void*>(base_ + offset);
  }
  return nullptr;
}

void Memory::release(void* data, size_t bytes) {
  if (data == nullptr) return;
  const size_t size = share(bytes);
  const size_t offset = reinterpret_cast<uintptr_t>(data) - base_;
  // Whole pages go back to the system.
  const size_t first = rounded(offset, kPage), end = (offset + size) / kPage * kPage;
  if (first < end) madvise(bytes_ + first, end - first, MADV_DONTNEED);
  const std::lock_guard lock(mutex_);
  used_ -= size;
  auto hole = holes_.emplace(offset, size).first;
  const auto next = std::next(hole);
  if (next != holes_.end() && offset + hole->second == next->first) {
    hole->second += next->second;
    holes_.erase(next);
  }
  if (hole == holes_.begin()) return;
  const auto before = std::prev(hole);
  if (before->first + before->second == offset) {
    before->second += hole->second;
    holes_.erase(hole);
  }
}

}  // namespace simulated
