// Storage: a counted block of device memory with the version counter that all its
// views share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "flambeau/device.h"
#include "flambeau/ref.h"
#include "flambeau/spares.h"
#include "flambeau/stream.h"

namespace fl {

struct Storage {
  uint32_t refs = 0;
  uint32_t version = 0;  // bumped by every in-place write
  void* data = nullptr;
  size_t nbytes = 0;
  DeviceRuntime* device = nullptr;
  uint8_t size_class = 0;
  uint8_t stream = 0;  // the one on which it was allocated
  bool resizable = true;
  bool pinned = false;   // host memory that a device reaches by itself
  uint32_t used_by = 0;  // bit i: work on stream i uses it too
  // For memory that is not the allocator's: called once with `context`.
  void (*deleter)(void* context) = nullptr;
  void* context = nullptr;

  static void* operator new(size_t) { return spares.take(); }
  static void operator delete(void* p) { spares.give(p); }
  static Ref<Storage> make(DeviceRuntime& device, size_t nbytes);
  static Ref<Storage> wrap(DeviceRuntime& device, void* data, size_t nbytes,
                           void (*deleter)(void*), void* context);
  // Host memory that `for_device` reaches by itself; throws when it offers none.
  static Ref<Storage> make_pinned(DeviceRuntime& for_device, size_t nbytes);
  // Not to be handed out again before the work now on the stream is done.
  void record_stream(int stream);
  // Grows or shrinks in place, keeping the common bytes.
  void resize(size_t nbytes);
  static void destroy(Storage* s) {
    if (s->deleter || s->used_by != 0) [[unlikely]] {
      s->let_go();
    } else {
      s->device->allocator.release(s->data, s->nbytes, s->size_class, s->stream);
    }
    delete s;
  }

 private:
  static Spares<Storage> spares;
  void
  let_go();  // of memory that is not the allocator's, or that streams may still use
};
inline constinit Spares<Storage> Storage::spares;

[[gnu::always_inline]] inline Ref<Storage> Storage::make(DeviceRuntime& device,
                                                         size_t nbytes) {
  uint8_t size_class;
  const int stream = device.streams.size() == 1 ? 0 : current_stream_id(device);
  void* data = device.allocator.allocate(nbytes, &size_class, stream);
  Storage* s = new Storage;
  s->data = data;
  s->nbytes = nbytes;
  s->device = &device;
  s->size_class = size_class;
  s->stream = static_cast<uint8_t>(stream);
  return Ref<Storage>(s);
}

}  // namespace fl
