// The memory of one device: addresses for the host that nobody can read, and the same
// bytes at other addresses for kernels and copies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

namespace simulated {

// Note [Two mappings]
// The host is given addresses in a region that is PROT_NONE for ever, so that reading
// device memory from the host faults as it does with a real accelerator. The bytes lie
// in a second region of the same size, a constant distance away; whatever runs on the
// device adds that distance. Nothing is protected or unprotected while it runs.
class Memory {
 public:
  explicit Memory(size_t capacity);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  bool good() const { return bytes_ != nullptr; }
  size_t capacity() const { return capacity_; }
  size_t used() const;

  // nullptr when there is no hole that is large enough.
  void* allocate(size_t bytes);
  void release(void* data, size_t bytes);

  // Whether an address that the host holds is one of this device's.
  bool owns(const void* data) const {
    return reinterpret_cast<uintptr_t>(data) - base_ < capacity_;
  }
  // Where the device finds the bytes of such an address.
  void* inside(const void* data) const {
    return bytes_ + (reinterpret_cast<uintptr_t>(data) - base_);
  }

  static constexpr size_t kAlignment = 256;

 private:
  uintptr_t base_ = 0;  // what the host sees
  char* bytes_ = nullptr;
  size_t capacity_;
  mutable std::mutex mutex_;
  std::map<size_t, size_t> holes_;  // offset → size
  size_t used_ = 0;
};

}  // namespace simulated
