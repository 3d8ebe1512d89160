// Storage: a counted block of device memory with the version counter that all its
// views share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flambeau/device.h"
#include "flambeau/ref.h"

namespace fl {

struct Storage {
  uint32_t refs = 0;
  uint32_t version = 0;  // bumped by every in-place write
  void* data = nullptr;
  size_t nbytes = 0;
  DeviceRuntime* device = nullptr;
  uint8_t size_class = 0;
  bool resizable = true;
  // For memory that is not the allocator's: called once with `context`.
  void (*deleter)(void* context) = nullptr;
  void* context = nullptr;

  static Ref<Storage> make(DeviceRuntime& device, size_t nbytes);
  static Ref<Storage> wrap(DeviceRuntime& device, void* data, size_t nbytes,
                           void (*deleter)(void*), void* context);
  // Grows or shrinks in place, keeping the common bytes.
  void resize(size_t nbytes);
  static void destroy(Storage* s);
};

}  // namespace fl
