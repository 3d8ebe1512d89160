// A device in host memory with one kernel; compiled several times, each with one fault
// that the core must refuse in words.
#include <cstdlib>
#include <cstring>

#include "flambeau/backend_negotiate.h"

namespace {

const fl_host* g_host = nullptr;

fl_status open_device(int32_t, void** device) {
  *device = nullptr;
  return FL_OK;
}
fl_status properties(int32_t index, fl_properties* out) {
  out->flags = FL_HOST_MEMORY;
  out->alignment = 64;
  out->total_memory = 1 << 20;
  std::strcpy(out->name, index == 0 ? "Fake 0" : "Fake 1");
  return FL_OK;
}
const fl_device_table kDevice = {
    sizeof(fl_device_table),
    [] { return int32_t{2}; },
    open_device,
    [](void*) {},
    properties,
    [](void*) { return FL_OK; },
};

// More than a mebibyte at once is refused, so that tests can run out of memory.
fl_status allocate(void*, size_t bytes, void** out) {
  if (bytes > size_t{1} << 20) return FL_OUT_OF_MEMORY;
  *out = std::malloc(bytes);
  return *out ? FL_OK : FL_OUT_OF_MEMORY;
}
fl_status copy(void*, void*, void* dst, const void* src, size_t bytes) {
  std::memcpy(dst, src, bytes);
  return FL_OK;
}
const fl_memory_table kMemory = {
    sizeof(fl_memory_table),
    allocate,
    [](void*, void* data, size_t) { std::free(data); },
    copy,
    copy,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

// double each float of a contiguous input; with an attribute, the status it asks for.
fl_status twice(const fl_call* call) {
  if (call->n_attr > 0) {
    g_host->set_error("as asked");
    return static_cast<fl_status>(call->attr[0].v.i);
  }
  auto* scratch = static_cast<float*>(g_host->workspace(call, 4 * call->in[0].numel));
  if (!scratch) return FL_OUT_OF_MEMORY;
  std::memcpy(scratch, call->in[0].data, 4 * call->in[0].numel);
  auto* out = static_cast<float*>(call->out[0].data);
  for (int64_t i = 0; i < call->out[0].numel; ++i) out[i] = 2 * scratch[i];
  return FL_OK;
}

int asked = 0;
int32_t find(const char* op, fl_kernel_info* info) {
  if (std::strcmp(op, "asked") == 0) return ++asked > 1;  // a second question is a bug
  if (std::strcmp(op, "twice") != 0) return 0;
  info->run = twice;
  info->dtypes = FL_DTYPE_BIT(FL_FLOAT32);
  return 1;
}
const fl_kernel_table kKernels = {sizeof(fl_kernel_table), find};

fl_backend backend() {
  fl_backend b{};
  b.size = sizeof b;
  b.abi_version = FL_ABI_VERSION;
  b.device_type = FAKE_NAME;
  b.name = FAKE_NAME;
  b.build_info = "";
  b.device = &kDevice;
  b.memory = &kMemory;
  b.kernels = &kKernels;
#if defined(FAKE_SHORT_TABLE)
  b.size = offsetof(fl_backend, memory);
#elif defined(FAKE_MISSING_PART)
  b.kernels = nullptr;
#endif
  return b;
}

}  // namespace

extern "C" FL_EXPORT const fl_backend* flambeau_backend_query(const fl_host* host,
                                                              const char** reason) {
  static const fl_backend table = backend();
  fl_host seen = *host;
#if defined(FAKE_OLD_BACKEND)
  seen.abi_oldest = FL_ABI_VERSION + 1;  // as a host of the future would say
#elif defined(FAKE_NEW_BACKEND)
  seen.abi_version = FL_ABI_OLDEST - 1;  // as a host of the past would say
#elif defined(FAKE_REFUSES)
  *reason = "the licence has expired";
  return nullptr;
#endif
  g_host = host;
  return fl_negotiate(&seen, reason) ? &table : nullptr;
}
