// Backends written in Python: a table of C functions around an object of the protocol
// that flambeau/backends/python.py describes.
//
// The functions of a table take no context, so each Python backend of the process gets
// one of a few sets of them (Entry<0>, Entry<1>, ...). Devices and kernels do have one:
// the handle of the device, and fl_kernel_info.context.
#include <pybind11/numpy.h>

#include <array>
#include <cstdlib>

#include "bindings/python_call.h"
#include "bindings/runtime.h"
#include "flambeau/backend_negotiate.h"
#include "flambeau/error.h"

namespace fl::py {

namespace {

namespace pb = pybind11;

struct PyBackend {
  PyObject* object = nullptr;  // these live as long as the process
  std::string name, device_type, build_info;
  fl_backend api{};
};
constexpr int kMost = 16;
std::array<PyBackend*, kMost> backends{};
int used = 0;

struct Locked {
  PyGILState_STATE state = PyGILState_Ensure();
  Locked() = default;
  Locked(const Locked&) = delete;
  ~Locked() { PyGILState_Release(state); }
};

// Runs what may raise; an exception becomes a status and its message.
template <class F>
fl_status answer(F&& f) noexcept {
  Locked lock;
  try {
    f();
    return FL_OK;
  } catch (pb::error_already_set& e) {
    e.restore();
  } catch (...) {
    set_error();
  }
  return status_of_exception();
}

PyObject* device_object(void* device) {
  return static_cast<PyDeviceHandle*>(device)->object;
}
pb::object method(void* device, const char* name) {
  return pb::handle(static_cast<PyDeviceHandle*>(device)->backend).attr(name);
}
pb::handle as_arg(void* device) { return device_object(device); }
pb::int_ address_of(const void* p) { return pb::int_(reinterpret_cast<uintptr_t>(p)); }

// ---- what needs no slot
// ---------------------------------------------------------------
void close_device(void*) {}
fl_status synchronize(void* device) {
  return answer([&] { method(device, "synchronize")(as_arg(device)); });
}
fl_status allocate_host(void*, size_t bytes, void** out) {
  const size_t alignment = 64;
  *out = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  return *out ? FL_OK : FL_OUT_OF_MEMORY;
}
void release_host(void*, void* data, size_t) { std::free(data); }
fl_status copy_host(void*, void*, void* dst, const void* src, size_t bytes) {
  std::memcpy(dst, src, bytes);
  return FL_OK;
}
fl_status allocate(void* device, size_t bytes, void** out) {
  return answer([&] {
    const auto at = method(device, "allocate")(as_arg(device), bytes).cast<uintptr_t>();
    *out = reinterpret_cast<void*>(at);
  });
}
void release(void* device, void* data, size_t bytes) {
  const fl_status s = answer(
      [&] { method(device, "release")(as_arg(device), address_of(data), bytes); });
  if (s != FL_OK) {
    Locked lock;
    report_cause("release");
  }
}
fl_status from_host(void* device, void*, void* dst, const void* src, size_t bytes) {
  return answer([&] {
    const auto view = pb::memoryview::from_memory(src, static_cast<pb::ssize_t>(bytes));
    method(device, "from_host")(as_arg(device), address_of(dst), view);
  });
}
fl_status to_host(void* device, void*, void* dst, const void* src, size_t bytes) {
  return answer([&] {
    const auto view = pb::memoryview::from_memory(dst, static_cast<pb::ssize_t>(bytes));
    method(device, "to_host")(as_arg(device), view, address_of(src));
  });
}
fl_status available(void* device, uint64_t* free, uint64_t* total) {
  return answer([&] {
    const pb::tuple both = method(device, "available")(as_arg(device));
    *free = both[0].cast<uint64_t>();
    *total = both[1].cast<uint64_t>();
  });
}
const fl_memory_table kHostMemory = {sizeof(fl_memory_table),
                                     allocate_host,
                                     release_host,
                                     copy_host,
                                     copy_host,
                                     available,
                                     nullptr,
                                     nullptr,
                                     nullptr,
                                     nullptr};
const fl_memory_table kOwnMemory = {sizeof(fl_memory_table),
                                    allocate,
                                    release,
                                    from_host,
                                    to_host,
                                    available,
                                    nullptr,
                                    nullptr,
                                    nullptr,
                                    nullptr};

// ---- what does
// --------------------------------------------------------------------------
uint32_t flags_of(pb::handle object) {
  return (object.attr("host_memory").cast<bool>() ? FL_HOST_MEMORY : 0) |
         (object.attr("asynchronous").cast<bool>() ? FL_ASYNC : 0);
}

int32_t count_of(PyBackend& b) {
  int32_t n = 0;
  const fl_status s =
      answer([&] { n = pb::handle(b.object).attr("count")().cast<int32_t>(); });
  return s == FL_OK ? n : 0;
}
fl_status open_device(PyBackend& b, int32_t index, void** device) {
  return answer([&] {
    pb::object opened = pb::handle(b.object).attr("open")(index);
    const bool host = flags_of(b.object) & FL_HOST_MEMORY;
    *device = new PyDeviceHandle{b.object, opened.release().ptr(), host};
  });
}
fl_status properties_of(PyBackend& b, int32_t index, fl_properties* out) {
  return answer([&] {
    const pb::handle o(b.object);
    out->flags = flags_of(o);
    out->total_memory = o.attr("total_memory")(index).cast<uint64_t>();
    out->alignment = o.attr("alignment").cast<uint64_t>();
    const auto name = o.attr("device_name")(index).cast<std::string>();
    std::snprintf(out->name, sizeof out->name, "%s", name.c_str());
  });
}
int32_t find_kernel(PyBackend& b, const char* op, fl_kernel_info* info) {
  const fl_status s = answer([&] {
    const pb::object found = pb::handle(b.object).attr("kernel")(op);
    if (found.is_none()) return;
    const auto both = found.cast<pb::tuple>();
    uint32_t dtypes = 0;
    for (pb::handle d : both[1]) dtypes |= FL_DTYPE_BIT(dtype_number(d.ptr()));
    pb::object function = both[0];
    info->context = new PyKernel{function.release().ptr(), pb::str(op).release().ptr()};
    info->run = run_python_kernel;
    info->dtypes = dtypes;
  });
  if (s != FL_OK) {
    Locked lock;
    report_cause(op);
  }
  return s == FL_OK && info->run != nullptr;
}

template <int S>
struct Entry {
  static int32_t count() { return count_of(*backends[S]); }
  static fl_status open(int32_t i, void** d) { return open_device(*backends[S], i, d); }
  static fl_status properties(int32_t i, fl_properties* p) {
    return properties_of(*backends[S], i, p);
  }
  static int32_t find(const char* op, fl_kernel_info* info) {
    return find_kernel(*backends[S], op, info);
  }
  static constexpr fl_device_table device = {
      sizeof(fl_device_table), count, open, close_device, properties, synchronize};
  static constexpr fl_kernel_table kernels = {sizeof(fl_kernel_table), find};
};

using Tables = std::pair<const fl_device_table*, const fl_kernel_table*>;
template <int... S>
Tables tables(int slot, std::integer_sequence<int, S...>) {
  static const Tables all[] = {{&Entry<S>::device, &Entry<S>::kernels}...};
  return all[slot];
}

void open_python_backend(const pb::object& object, const std::string& name) {
  check(used < kMost, "backend '", name, "': there are ", kMost,
        " Python backends in this process already");
  auto* b = new PyBackend;
  b->name = object.attr("name").cast<std::string>();
  b->device_type = object.attr("device_type").cast<std::string>();
  b->build_info = object.attr("build_info").cast<std::string>();
  b->object = pb::object(object).release().ptr();
  const int slot = used++;
  backends[slot] = b;
  const auto [device, kernels] = tables(slot, std::make_integer_sequence<int, kMost>());
  b->api.size = sizeof(fl_backend);
  b->api.abi_version = FL_ABI_VERSION;
  b->api.device_type = b->device_type.c_str();
  b->api.name = b->name.c_str();
  b->api.build_info = b->build_info.c_str();
  b->api.device = device;
  b->api.memory = flags_of(object) & FL_HOST_MEMORY ? &kHostMemory : &kOwnMemory;
  b->api.kernels = kernels;
  register_backend(&b->api, "", name);
}

}  // namespace

void init_python_backends(PyObject* module) {
  auto m = pb::reinterpret_borrow<pb::module_>(module);
  m.def("_open_python_backend", &open_python_backend);
}

}  // namespace fl::py
