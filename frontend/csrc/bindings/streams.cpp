// Streams, events and pinned memory for Python; the classes that users see are in
// flambeau/_streams.py.
#include "flambeau/stream.h"

#include <pybind11/pybind11.h>

#include "bindings/object.h"
#include "bindings/runtime.h"
#include "ops/op.h"

namespace fl::py {

namespace {

namespace pb = pybind11;

void* event_of(uintptr_t handle) { return reinterpret_cast<void*>(handle); }

DeviceRuntime& at(const pb::object& device, const char* op) {
  return runtime_of(device.ptr(), op);
}

void add_streams(pb::module_& m) {
  m.def("_stream_create", [](const pb::object& d, int priority) {
    return create_stream(at(d, "Stream"), priority);
  });
  m.def("_stream_set", [](const pb::object& d, int id) {
    return set_current_stream(at(d, "set_stream"), id);
  });
  m.def("_stream_get",
        [](const pb::object& d) { return current_stream_id(at(d, "current_stream")); });
  m.def("_stream_synchronize", [](const pb::object& d, int id) {
    synchronize_stream(at(d, "Stream.synchronize"), id);
  });
  m.def("_stream_query", [](const pb::object& d, int id) {
    return query_stream(at(d, "Stream.query"), id);
  });
  m.def("_record_stream", [](const pb::object& tensor, int id) {
    unwrap_checked(tensor.ptr(), "record_stream")->storage->record_stream(id);
  });
}

void add_events(pb::module_& m) {
  m.def("_event_create", [](const pb::object& d, bool timing) {
    return reinterpret_cast<uintptr_t>(create_event(at(d, "Event"), timing));
  });
  m.def("_event_destroy", [](const pb::object& d, uintptr_t e) {
    destroy_event(at(d, "Event"), event_of(e));
  });
  m.def("_event_record", [](const pb::object& d, uintptr_t e, int stream) {
    record_event(at(d, "Event.record"), event_of(e), stream);
  });
  m.def("_event_wait", [](const pb::object& d, uintptr_t e, int stream) {
    wait_event(at(d, "Event.wait"), event_of(e), stream);
  });
  m.def("_event_synchronize", [](const pb::object& d, uintptr_t e) {
    synchronize_event(at(d, "Event.synchronize"), event_of(e));
  });
  m.def("_event_query", [](const pb::object& d, uintptr_t e) {
    return query_event(at(d, "Event.query"), event_of(e));
  });
  m.def("_event_elapsed", [](const pb::object& d, uintptr_t start, uintptr_t end) {
    return elapsed_time(at(d, "Event.elapsed_time"), event_of(start), event_of(end));
  });
}

PyObject* pin(const Tensor& t, DeviceRuntime& device) {
  check(t.device().host_memory, "pin_memory: cannot pin '", describe(t),
        "': only dense tensors in host memory can be pinned");
  if (t->storage->pinned) return wrap(t);
  const size_t bytes = static_cast<size_t>(t.numel() * item_size(t.dtype()));
  std::vector<int64_t> strides(static_cast<size_t>(t.dim()));
  contiguous_strides(t.sizes(), strides.data());
  Tensor out = wrap_storage(Storage::make_pinned(device, bytes), t.sizes(), strides, 0,
                            t.dtype());
  copy_into(out, t);
  return wrap(out);
}

void add_pinned(pb::module_& m) {
  m.def("_pin", [](const pb::object& tensor, const pb::object& device) {
    return pb::reinterpret_steal<pb::object>(
        pin(unwrap_checked(tensor.ptr(), "pin_memory"), at(device, "pin_memory")));
  });
  m.def("_is_pinned", [](const pb::object& tensor) {
    const Tensor t = unwrap_checked(tensor.ptr(), "is_pinned");
    return t->storage && t->storage->pinned;
  });
}

}  // namespace

void init_streams(PyObject* module) {
  auto m = pb::reinterpret_borrow<pb::module_>(module);
  add_streams(m);
  add_events(m);
  add_pinned(m);
}

}  // namespace fl::py
