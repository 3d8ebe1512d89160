// Two devices made in the test itself: "cpu", which has the kernel `twice`, and "far",
// whose addresses mean nothing to the host and which has streams that only keep a log.
#pragma once

#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "flambeau/device.h"

namespace far {

using namespace fl;

constexpr uintptr_t kBias = uintptr_t{1} << 62;
inline void* hidden(void* p) {
  return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(p) + kBias);
}
inline void* shown(const void* p) {
  return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(p) - kBias);
}

inline std::vector<std::string> log;        // of streams and events
inline fl_status next_synchronize = FL_OK;  // what it answers, once
inline bool events_reached = true;
inline int64_t limit = 1 << 20, taken = 0;  // bytes

// So that a check for leaks sees what only the host's cache knows.
inline std::set<void*>& live = *new std::set<void*>;

inline fl_status open(int32_t i, void** d) {
  *d = reinterpret_cast<void*>(uintptr_t{1} + static_cast<uintptr_t>(i));
  return FL_OK;
}
inline fl_status properties(int32_t, fl_properties* p) {
  p->flags = FL_ASYNC;
  p->alignment = 64;
  std::strcpy(p->name, "Far");
  return FL_OK;
}
inline fl_status host_properties(int32_t, fl_properties* p) {
  p->flags = FL_HOST_MEMORY;
  p->alignment = 64;
  std::strcpy(p->name, "Host");
  return FL_OK;
}
inline fl_status synchronize(void*) {
  log.push_back("synchronize");
  const fl_status s = next_synchronize;
  next_synchronize = FL_OK;
  if (s != FL_OK) host_table().set_error("twice: an earlier launch failed");
  return s;
}
inline fl_status allocate(void*, size_t bytes, void** out) {
  if (taken + static_cast<int64_t>(bytes) > limit) return FL_OUT_OF_MEMORY;
  taken += static_cast<int64_t>(bytes);
  void* block = std::malloc(bytes);
  live.insert(block);
  *out = hidden(block);
  return FL_OK;
}
inline void release(void*, void* p, size_t bytes) {
  taken -= static_cast<int64_t>(bytes);
  live.erase(shown(p));
  std::free(shown(p));
}
inline fl_status from_host(void*, void*, void* dst, const void* src, size_t n) {
  std::memcpy(shown(dst), src, n);
  return FL_OK;
}
inline fl_status to_host(void*, void*, void* dst, const void* src, size_t n) {
  std::memcpy(dst, shown(src), n);
  return FL_OK;
}
inline fl_status copy(void*, void*, void* dst, const void* src, size_t n) {
  std::memcpy(dst, src, n);
  return FL_OK;
}
inline fl_status host_allocate(void*, size_t bytes, void** out) {
  *out = std::malloc(bytes);
  return FL_OK;
}
inline void host_release(void*, void* p, size_t) { std::free(p); }

inline int32_t no_kernel(const char*, fl_kernel_info*) { return 0; }
// out[i] = 2 in[i] over strides of one dimension.
inline fl_status twice(const fl_call* c) {
  const fl_tensor &o = c->out[0], &a = c->in[0];
  for (int64_t i = 0; i < o.numel; ++i) {
    static_cast<float*>(o.data)[i * o.strides[0]] =
        2 * static_cast<float*>(a.data)[i * a.strides[0]];
  }
  return FL_OK;
}
inline int32_t host_kernel(const char* op, fl_kernel_info* info) {
  if (std::strcmp(op, "twice") != 0) return 0;
  info->run = twice;
  info->dtypes = FL_DTYPE_BIT(FL_FLOAT32);
  return 1;
}

inline fl_status create(void*, int32_t, void** s) {
  static uintptr_t next = 0x100;
  *s = reinterpret_cast<void*>(next++);
  return FL_OK;
}
inline void note(const char* what, const void* who) {
  log.push_back(what + std::to_string(reinterpret_cast<uintptr_t>(who)));
}

inline const fl_stream_table kStreams = {
    sizeof(fl_stream_table),
    create,
    [](void*, void*) {},
    [](void*, void* s) { return note("stream_sync ", s), FL_OK; },
    [](void*, void*) { return int32_t{1}; },
    [](void*, int32_t, void** e) {
      *e = new int;
      return FL_OK;
    },
    [](void*, void* e) { delete static_cast<int*>(e); },
    [](void*, void*, void* s) { return note("record ", s), FL_OK; },
    [](void*, void*, void* s) { return note("wait ", s), FL_OK; },
    [](void*, void*) { return log.push_back("event_sync"), FL_OK; },
    [](void*, void*) { return int32_t{events_reached}; },
    [](void*, void*, void*, double* ms) { return *ms = 1.5, FL_OK; },
};
inline int32_t two() { return 2; }
inline int32_t one() { return 1; }
inline void close(void*) {}
inline const fl_device_table kDevice = {
    sizeof(fl_device_table), two, open, close, properties, synchronize};
inline const fl_device_table kHostDevice = {
    sizeof(fl_device_table), one, open, close, host_properties, synchronize};
inline const fl_memory_table kMemory = {sizeof(fl_memory_table),
                                        allocate,
                                        release,
                                        from_host,
                                        to_host,
                                        nullptr,
                                        nullptr,
                                        nullptr,
                                        nullptr,
                                        nullptr};
inline const fl_memory_table kHostMemory = {sizeof(fl_memory_table),
                                            host_allocate,
                                            host_release,
                                            copy,
                                            copy,
                                            nullptr,
                                            nullptr,
                                            nullptr,
                                            nullptr,
                                            nullptr};
inline const fl_kernel_table kNone = {sizeof(fl_kernel_table), no_kernel};
inline const fl_kernel_table kTwice = {sizeof(fl_kernel_table), host_kernel};
inline const fl_backend kFar = {
    sizeof(fl_backend), FL_ABI_VERSION, "far",  "far",     "",
    &kDevice,           &kMemory,       &kNone, &kStreams, nullptr};
inline const fl_backend kHost = {
    sizeof(fl_backend), FL_ABI_VERSION, "cpu",   "host",  "",
    &kHostDevice,       &kHostMemory,   &kTwice, nullptr, nullptr};

inline DeviceRuntime& device(int16_t index = 0) {
  static bool once = [] {
    register_backend(&kFar, "", "far");
    register_backend(&kHost, "", "host");
    return true;
  }();
  (void)once;
  return runtime({device_type_id("far"), index});
}

}  // namespace far
