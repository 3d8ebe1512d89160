// Devices, backends, memory and the list of ops, for Python.  These are called now and
// then, not for every op, so they are written with pybind11; what is hot is written
// against CPython itself (docs/design/0003-bindings.md).
#include "bindings/runtime.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings/python_call.h"
#include "bindings/types.h"
#include "flambeau/defaults.h"
#include "flambeau/fallback.h"
#include "ops/op.h"

namespace fl::py {

namespace {

namespace pb = pybind11;

DeviceRuntime& device(const pb::object& d, const char* op) {
  return runtime_of(d.ptr(), op);
}

pb::dict properties(const pb::object& d) {
  DeviceRuntime& r = device(d, "get_device_properties");
  const fl_backend* api = r.backend ? r.backend->api : nullptr;
  pb::dict out;
  out["name"] = r.name;
  out["total_memory"] = r.total_memory;
  out["host_memory"] = r.host_memory;
  out["asynchronous"] = r.asynchronous;
  out["streams"] = api && FL_HAS(api, stream) && api->stream != nullptr;
  return out;
}

// (free, total) bytes, or (0, 0) where the backend does not know.
std::pair<uint64_t, uint64_t> memory_available(const pb::object& d) {
  DeviceRuntime& r = device(d, "mem_get_info");
  r.check_usable();
  uint64_t free = 0, total = 0;
  const fl_memory_table* m = r.backend ? r.backend->api->memory : nullptr;
  if (m && FL_HAS(m, available) && m->available) {
    check_status(m->available(r.handle, &free, &total), r, "mem_get_info");
  }
  return {free, total};
}

void add_devices(pb::module_& m) {
  m.def("_open_backend", &open_backend);
  m.def("_set_device_resolver", [](const pb::object& f) {
    // Kept for the life of the process: the last use may be at its very end.
    PyObject* kept = f.inc_ref().ptr();
    set_device_resolver([kept](const std::string& type) {
      own(PyObject_CallFunction(kept, "s", type.c_str()));  // throws what it raised
    });
  });
  m.def("_get_default_device",
        [] { return pb::reinterpret_steal<pb::object>(wrap(default_device())); });
  m.def("_set_default_device", [](const pb::object& d) {
    set_default_device(d.is_none() ? Device{kHostType}
                                   : device_of(d.ptr(), "set_default_device"));
  });
  m.def("_set_process_default_device", [](const pb::object& d) {
    set_process_default_device(device_of(d.ptr(), "set_default_device"));
  });
  m.def("_device_count",
        [](const std::string& type) { return device_count(parse_device(type).type); });
  m.def("_loaded_backends", [] {
    std::vector<std::string> types;
    for (const Backend* b : loaded_backends()) types.push_back(b->api->device_type);
    return types;
  });
  m.def("_device_properties", &properties);
  m.def("_memory_available", &memory_available);
  m.def("_current_index",
        [](const std::string& type) { return current_index(parse_device(type).type); });
  m.def("_set_current_index", [](const std::string& type, int index) {
    set_current_index(parse_device(type).type, index);
  });
  m.attr("_host_device_type") = kHostDeviceType;
  m.def("_synchronize",
        [](const pb::object& d) { device(d, "synchronize").synchronize(); });
  m.def("_total_memory",
        [](const pb::object& d) { return device(d, "total_memory").total_memory; });
  m.def("_device_name",
        [](const pb::object& d) { return device(d, "device_name").name; });
}

void put(pb::dict& out, const std::string& name, const Counter& c) {
  out[(name + ".all.current").c_str()] = c.current;
  out[(name + ".all.peak").c_str()] = c.peak;
  out[(name + ".all.allocated").c_str()] = c.allocated;
  out[(name + ".all.freed").c_str()] = c.freed();
}

void add_memory(pb::module_& m) {
  m.def("_memory_stats", [](const pb::object& d) {
    const CachingAllocator& a = device(d, "memory_stats").allocator;
    pb::dict out;
    put(out, "allocated_bytes", a.allocated);
    put(out, "reserved_bytes", a.reserved);
    put(out, "allocation", a.allocations);
    put(out, "requested_bytes", a.requested);
    out["num_alloc_retries"] = a.retries;
    out["num_ooms"] = a.failures;
    return out;
  });
  m.def("_empty_cache",
        [](const pb::object& d) { device(d, "empty_cache").allocator.empty_cache(); });
  m.def("_reset_peak_memory_stats", [](const pb::object& d) {
    device(d, "reset_peak_memory_stats").allocator.reset_peak();
  });
}

// The dtypes for which a device has a kernel, in words.
std::string dtypes_of(DeviceRuntime& d, KernelId id) {
  std::string names;
  for (int i = 0; i < kDtypeCount; ++i) {
    const Dtype t = static_cast<Dtype>(i);
    if (d.find(id, t))
      names += (names.empty() ? "" : ", ") + std::string(short_name(t));
  }
  return names;
}

// How an op runs on a device: its kernel, its parts, or not at all.
std::string explain(const std::string& name, const std::string& where) {
  const size_t dot = name.rfind('.');
  const bool spaced = dot != std::string::npos;
  const Overloads* o = find_overloads(spaced ? name.substr(0, dot) : "",
                                      spaced ? name.substr(dot + 1) : name);
  check(o != nullptr, "explain: there is no op '", name, "'");
  DeviceRuntime& d = runtime(parse_device(where));
  const Op& op = *o->ops[0];
  const std::string head = concat(op.schema.text, "\non ", to_string(d.device), ": ");
  if (d.is_meta()) return head + "shapes and dtypes only; nothing is computed";
  const KernelId id = op.is_pointwise ? op.kernel : intern_kernel(op.name());
  const std::string dtypes = dtypes_of(d, id), kernel = kernel_name(id);
  // The order of precedence: the backend's kernel, the composition, the host.
  if (!dtypes.empty()) {
    return concat(head, "the backend's kernel '", kernel, "' (", dtypes,
                  "), which comes first");
  }
  const std::string lacks = concat("the backend has no kernel '", kernel, "': ");
  if (!op.is_pointwise || op.composite) {
    return concat(head, lacks, "composed of other ops and kernels");
  }
  if (d.device.type != kHostType && fallback_policy() != FallbackPolicy::Error &&
      !dtypes_of(host_runtime(), id).empty()) {
    return concat(head, lacks, "falls back on '", kHostDeviceType,
                  "', with copies both ways");
  }
  return concat(head, lacks, "not available");
}

// (module, name, schema, doc, "_" when it has an in-place form, method?, function?)
pb::list schemas() {
  pb::list out;
  for (const Overloads* o : all_overloads()) {
    for (const Op* op : o->ops) {
      out.append(pb::make_tuple(o->space, o->name, op->schema.text,
                                op->doc ? op->doc : "", op->has_inplace ? "_" : "",
                                int{op->has_method}, int{op->has_function}));
    }
  }
  return out;
}

}  // namespace

DeviceRuntime& runtime_of(PyObject* device, const char* op) {
  return runtime(device_of(device, op));
}

void init_runtime(PyObject* module) {
  pb::register_local_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const Error&) {
      set_error();
    }
  });
  auto m = pb::reinterpret_borrow<pb::module_>(module);
  add_devices(m);
  add_memory(m);
  m.def("_explain", &explain);
  m.def("_all_schemas", &schemas);
  init_streams(module);
  init_kernels(module);
  init_python_call(module);
  init_python_backends(module);
}

}  // namespace fl::py
