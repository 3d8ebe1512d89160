// Storage: taking memory from the allocator, and giving it back.
#include "flambeau/storage.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "flambeau/error.h"

namespace fl {

Ref<Storage> Storage::wrap(DeviceRuntime& device, void* data, size_t nbytes,
                           void (*deleter)(void*), void* context) {
  Storage* s = new Storage;
  s->data = data;
  s->nbytes = nbytes;
  s->device = &device;
  s->resizable = false;
  s->deleter = deleter;
  s->context = context;
  return Ref<Storage>(s);
}

namespace {
struct Pinned {
  DeviceRuntime* device;
  void* data;
  size_t nbytes;
};
void release_pinned(void* context) {
  auto* p = static_cast<Pinned*>(context);
  const fl_backend* api = p->device->backend->api;
  if (!p->device->refused) {
    // A transfer that was started from here may still be under way.
    api->device->synchronize(p->device->handle);
    api->memory->release_host(p->device->handle, p->data, p->nbytes);
  }
  delete p;
}
}  // namespace

Ref<Storage> Storage::make_pinned(DeviceRuntime& for_device, size_t nbytes) {
  const fl_backend* api = for_device.backend ? for_device.backend->api : nullptr;
  check(api && FL_HAS(api->memory, release_host) && api->memory->allocate_host,
        "pin_memory: device '", to_string(for_device.device), "' has no pinned memory");
  for_device.check_usable();
  void* data = nullptr;
  const size_t bytes = std::max<size_t>(nbytes, 1);
  check_status(api->memory->allocate_host(for_device.handle, bytes, &data), for_device,
               "pin_memory");
  Ref<Storage> s = wrap(host_runtime(), data, nbytes, release_pinned,
                        new Pinned{&for_device, data, bytes});
  s->pinned = true;
  return s;
}

void Storage::record_stream(int id) {
  if (id != stream) used_by |= 1u << id;
}

void Storage::resize(size_t bytes) {
  check(resizable, "resize: this storage's memory belongs to another library ",
        "(NumPy, DLPack) and cannot be resized");
  Ref<Storage> fresh = make(*device, bytes);
  const size_t common = std::min(bytes, nbytes);
  if (common > 0 && device->backend) {
    if (device->host_memory) {
      if (device->asynchronous) device->synchronize();
      std::memcpy(fresh->data, data, common);
    } else {
      std::vector<char> host(common);  // rare: through the host is good enough
      device->to_host(host.data(), data, common, "resize_");
      device->from_host(fresh->data, host.data(), common, "resize_");
    }
  }
  std::swap(data, fresh->data);
  std::swap(size_class, fresh->size_class);
  std::swap(stream, fresh->stream);
  std::swap(used_by, fresh->used_by);
  std::swap(nbytes, fresh->nbytes);
}

namespace {
void release_when_passed(const Storage& s) {
  std::vector<void*> streams;
  for (int id = 0; id < static_cast<int>(s.device->streams.size()); ++id) {
    if (s.used_by >> id & 1u) streams.push_back(s.device->streams[id]);
  }
  s.device->allocator.release_after(s.data, s.nbytes, s.size_class, s.stream, streams);
}
}  // namespace

void Storage::let_go() {
  if (deleter) {
    deleter(context);
  } else if (data) {
    release_when_passed(*this);
  }
}

}  // namespace fl
