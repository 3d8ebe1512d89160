// The tables of the contract, filled in for the simulated device.
#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "flambeau/backend.h"
#include "flambeau/backend_negotiate.h"
#include "kernels/kernel.h"
#include "runtime/device.h"

namespace simulated {
namespace {

const fl_host* the_host = nullptr;
Device* devices[kMostDevices] = {};
std::mutex devices_mutex;

fl_status refuse(const char* message) {
  the_host->set_error(message);
  return FL_ERROR;
}

// ---- device ---------------------------------------------------------------------

int64_t setting(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return otherwise;
  char* end;
  const long long value = std::strtoll(text, &end, 10);
  return *end == '\0' ? value : -1;
}

int32_t count() {
  const int64_t n = setting("FLAMBEAU_SIMULATED_DEVICES", 2);
  return static_cast<int32_t>(n < 0 ? 0 : n > kMostDevices ? kMostDevices : n);
}

size_t capacity() {
  const int64_t bytes = setting("FLAMBEAU_SIMULATED_MEMORY", int64_t{1} << 30);
  return bytes <= 0 ? 0 : static_cast<size_t>(bytes);
}

// false: not an order.
bool read_order(Order* order, uint64_t* seed) {
  const char* text = std::getenv("FLAMBEAU_SIMULATED_ORDER");
  *order = Order::kLatest;
  *seed = 0;
  if (text == nullptr || std::strcmp(text, "latest") == 0) return true;
  *order = Order::kSubmitted;
  if (std::strcmp(text, "submitted") == 0) return true;
  *order = Order::kRandom;
  const int64_t number = setting("FLAMBEAU_SIMULATED_ORDER", -1);
  *seed = static_cast<uint64_t>(number);
  return number >= 0;
}

void after_fork() {
  for (Device* d : devices) {
    if (d != nullptr) d->note_fork();
  }
}

fl_status open_device(int32_t index, void** device) {
  if (index < 0 || index >= count()) return refuse("there is no such device");
  const std::lock_guard lock(devices_mutex);
  if (devices[index] == nullptr) {
    Order order;
    uint64_t seed;
    if (!read_order(&order, &seed)) {
      return refuse("FLAMBEAU_SIMULATED_ORDER: expected latest, submitted or a seed");
    }
    if (capacity() == 0) {
      return refuse("FLAMBEAU_SIMULATED_MEMORY: expected a positive number of bytes");
    }
    static const char* wrong = Injection::read_environment();
    if (wrong != nullptr) return refuse(wrong);
    auto* opened = new Device(index, capacity(), order, seed);
    if (!opened->memory.good() || !opened->streams[0].ring.good()) {
      delete opened;
      return refuse("the system has no address space for the device's memory");
    }
    static const int watching = pthread_atfork(nullptr, nullptr, after_fork);
    if (watching != 0) return refuse("pthread_atfork: the system has no memory for it");
    devices[index] = opened;
  }
  if (!devices[index]->usable()) return devices[index]->refuse();
  *device = devices[index];
  return FL_OK;
}

void close_device(void* device) {
  const std::lock_guard lock(devices_mutex);
  auto* d = static_cast<Device*>(device);
  devices[d->index] = nullptr;
  delete d;
}

fl_status properties(int32_t index, fl_properties* out) {
  if (index < 0 || index >= count()) return refuse("there is no such device");
  out->flags = FL_ASYNC;
  out->total_memory = capacity();
  out->alignment = Memory::kAlignment;
  std::snprintf(out->name, sizeof out->name, "Simulated accelerator %d", index);
  return FL_OK;
}

Device& device_of(void* handle) { return *static_cast<Device*>(handle); }

fl_status synchronize(void* device) {
  Device& d = device_of(device);
  if (!d.usable()) return d.refuse();
  d.drain();
  return d.take_error();
}

// ---- memory ---------------------------------------------------------------------

fl_status allocate(void* device, size_t bytes, void** out) {
  Device& d = device_of(device);
  if (!d.usable()) return d.refuse();
  d.allocations.fetch_add(1, std::memory_order_relaxed);
  *out = nullptr;
  if (!d.injection.strikes(Fault::kOutOfMemory)) *out = d.memory.allocate(bytes);
  if (*out != nullptr) return FL_OK;
  the_host->set_error("the simulated device has no memory left");
  return FL_OUT_OF_MEMORY;
}

void release(void* device, void* data, size_t bytes) {
  Device& d = device_of(device);
  if (d.usable()) d.drain();  // somebody may still be using it
  d.memory.release(data, bytes);
}

constexpr size_t kInline = 4096;  // bytes that travel inside a command

fl_status move(Device& d, void* stream, void* to, const void* from, size_t bytes) {
  d.add(d.stream(stream), sizeof(CopyCommand), [&](void* at) {
    auto* c = new (at) CopyCommand;
    c->kind = Kind::kMove;
    c->to = to;
    c->from = from;
    c->count = bytes;
    return sizeof(CopyCommand);
  });
  return FL_OK;
}

fl_status foreign() {
  return refuse("copy: the address is not in this device's memory");
}

fl_status from_host(void* device, void* stream, void* dst, const void* src,
                    size_t bytes) {
  Device& d = device_of(device);
  if (!d.usable()) return d.refuse();
  if (bytes == 0) return FL_OK;
  if (!d.memory.owns(dst)) return foreign();
  void* to = d.memory.inside(dst);
  if (bytes > kInline) {
    move(d, stream, to, src, bytes);
    d.wait_for(d.stream(stream));
    return d.usable() ? FL_OK : d.refuse();
  }
  d.add(d.stream(stream), sizeof(CopyCommand) + bytes, [&](void* at) {
    auto* c = new (at) CopyCommand;
    c->kind = Kind::kWrite;
    c->to = to;
    c->count = bytes;
    std::memcpy(c + 1, src, bytes);
    return sizeof(CopyCommand) + bytes;
  });
  return FL_OK;
}

fl_status to_host(void* device, void* stream, void* dst, const void* src,
                  size_t bytes) {
  Device& d = device_of(device);
  if (!d.usable()) return d.refuse();
  if (bytes != 0) {
    if (!d.memory.owns(src)) return foreign();
    move(d, stream, dst, d.memory.inside(src), bytes);
  }
  d.wait_for(d.stream(stream));
  return d.take_error();
}

fl_status available(void* device, uint64_t* free, uint64_t* total) {
  Device& d = device_of(device);
  if (!d.usable()) return d.refuse();
  *total = d.memory.capacity();
  *free = *total - d.memory.used();
  return FL_OK;
}

// ---- pinned memory --------------------------------------------------------------

std::mutex pinned_mutex;
std::map<uintptr_t, size_t>& pinned() {
  static auto* blocks = new std::map<uintptr_t, size_t>;
  return *blocks;
}

bool is_pinned(const void* data, size_t bytes) {
  const auto at = reinterpret_cast<uintptr_t>(data);
  const std::lock_guard lock(pinned_mutex);
  auto block = pinned().upper_bound(at);
  if (block == pinned().begin()) return false;
  --block;
  return at + bytes <= block->first + block->second;
}

fl_status allocate_host(void* device, size_t bytes, void** out) {
  if (!device_of(device).usable()) return device_of(device).refuse();
  const size_t size = (bytes + 63) / 64 * 64 + (bytes == 0 ? 64 : 0);
  *out = std::aligned_alloc(64, size);
  if (*out == nullptr) return FL_OUT_OF_MEMORY;
  const std::lock_guard lock(pinned_mutex);
  pinned()[reinterpret_cast<uintptr_t>(*out)] = size;
  return FL_OK;
}

void release_host(void* device, void* data, size_t) {
  Device& d = device_of(device);
  if (d.usable()) d.drain();
  {
    const std::lock_guard lock(pinned_mutex);
    pinned().erase(reinterpret_cast<uintptr_t>(data));
  }
  std::free(data);
}

fl_status from_pinned(void* device, void* stream, void* dst, const void* src,
                      size_t bytes) {
  Device& d = device_of(device);
  if (!d.usable()) return d.refuse();
  if (bytes == 0) return FL_OK;
  if (!d.memory.owns(dst)) return foreign();
  if (!is_pinned(src, bytes)) return refuse("copy: the host's memory is not pinned");
  return move(d, stream, d.memory.inside(dst), src, bytes);
}

fl_status to_pinned(void* device, void* stream, void* dst, const void* src,
                    size_t bytes) {
  Device& d = device_of(device);
  if (!d.usable()) return d.refuse();
  if (bytes == 0) return FL_OK;
  if (!d.memory.owns(src)) return foreign();
  if (!is_pinned(dst, bytes)) return refuse("copy: the host's memory is not pinned");
  return move(d, stream, dst, d.memory.inside(src), bytes);
}

// ---- kernels --------------------------------------------------------------------

int32_t find(const char* op, fl_kernel_info* info) {
  const Kernel* kernel = find_kernel(op);
  if (kernel == nullptr || !FL_HAS(info, context)) return 0;
  info->dtypes = kernel->dtypes;
  info->run = launch;
  info->context = const_cast<Kernel*>(kernel);
  return 1;
}

constexpr fl_device_table kDevice = {
    sizeof(fl_device_table), count, open_device, close_device, properties, synchronize};
constexpr fl_memory_table kMemory = {
    sizeof(fl_memory_table), allocate,     release,     from_host, to_host, available,
    allocate_host,           release_host, from_pinned, to_pinned};
constexpr fl_kernel_table kKernels = {sizeof(fl_kernel_table), find};

}  // namespace

extern const fl_stream_table kStreams;

const fl_host* host() { return the_host; }

Device* opened(int index) {
  const std::lock_guard lock(devices_mutex);
  return index < 0 || index >= kMostDevices ? nullptr : devices[index];
}

constexpr fl_backend kBackend = {sizeof(fl_backend),
                                 FL_ABI_VERSION,
                                 "simulated",
                                 "simulated",
                                 "simulated: kernels in SIMT style on one worker "
                                 "thread per device, g++ " __VERSION__,
                                 &kDevice,
                                 &kMemory,
                                 &kKernels,
                                 &kStreams,
                                 nullptr};

}  // namespace simulated

extern "C" const fl_backend* flambeau_backend_query(const fl_host* host,
                                                    const char** reason) {
  if (!fl_negotiate(host, reason)) return nullptr;
  // The first host is the one that opens devices; who asks later wants to know the
  // answer alone, and may be gone when a device has something to say.
  if (simulated::the_host == nullptr) simulated::the_host = host;
  return &simulated::kBackend;
}
