// Storage: taking memory from the allocator, and giving it back.
#include "flambeau/storage.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "flambeau/error.h"

namespace fl {

namespace {
// Storages are made with nearly every op: keep the small headers on a list.
std::vector<void*>& spare() {
  static auto* list = new std::vector<void*>;
  return *list;
}

Storage* make_header() {
  auto& list = spare();
  if (list.empty()) return new Storage;
  void* p = list.back();
  list.pop_back();
  return new (p) Storage;
}
}  // namespace

Ref<Storage> Storage::make(DeviceRuntime& device, size_t nbytes) {
  uint8_t size_class;
  void* data = device.allocator.allocate(nbytes, &size_class);
  Storage* s = make_header();
  s->data = data;
  s->nbytes = nbytes;
  s->device = &device;
  s->size_class = size_class;
  return Ref<Storage>(s);
}

Ref<Storage> Storage::wrap(DeviceRuntime& device, void* data, size_t nbytes,
                           void (*deleter)(void*), void* context) {
  Storage* s = make_header();
  s->data = data;
  s->nbytes = nbytes;
  s->device = &device;
  s->resizable = false;
  s->deleter = deleter;
  s->context = context;
  return Ref<Storage>(s);
}

void Storage::resize(size_t bytes) {
  check(resizable, "resize: this storage's memory belongs to another library ",
        "(NumPy, DLPack) and cannot be resized");
  uint8_t c;
  void* fresh = device->allocator.allocate(bytes, &c);
  size_t common = std::min(bytes, nbytes);
  if (common > 0 && device->backend) {
    if (device->host_memory) {
      std::memcpy(fresh, data, common);
    } else {
      std::vector<char> host(common);  // rare: through the host is good enough
      const fl_memory_table* m = device->backend->api->memory;
      m->to_host(device->handle, device->stream, host.data(), data, common);
      m->from_host(device->handle, device->stream, fresh, host.data(), common);
    }
  }
  device->allocator.release(data, size_class);
  data = fresh;
  nbytes = bytes;
  size_class = c;
}

void Storage::destroy(Storage* s) {
  if (s->deleter) {
    s->deleter(s->context);
  } else if (s->data) {
    s->device->allocator.release(s->data, s->size_class);
  }
  s->~Storage();
  auto& list = spare();
  if (list.size() < 4096) {
    list.push_back(s);
  } else {
    ::operator delete(s);
  }
}

}  // namespace fl
