// Streams and events, and the functions that tests of the device call by ctypes.
#include <cstring>

#include "flambeau/backend.h"
#include "runtime/device.h"

namespace simulated {
namespace {

Device& device_of(void* handle) { return *static_cast<Device*>(handle); }
Event& event_of(void* handle) { return *static_cast<Event*>(handle); }

fl_status refuse(const char* message) {
  host()->set_error(message);
  return FL_ERROR;
}

// All streams have one priority: the order is the worker's, see Note [Order of
// streams].
fl_status create(void* device, int32_t, void** stream) {
  Device& d = device_of(device);
  if (!d.usable()) return d.refuse();
  *stream = d.create_stream();
  return *stream != nullptr ? FL_OK : refuse("the device has no more streams");
}

void destroy(void* device, void* stream) {
  Device& d = device_of(device);
  if (d.usable() && stream != nullptr) d.destroy_stream(d.stream(stream));
}

fl_status synchronize(void* device, void* stream) {
  Device& d = device_of(device);
  if (!d.usable()) return d.refuse();
  d.wait_for(d.stream(stream));
  return d.take_error();
}

int32_t query(void* device, void* stream) {
  Device& d = device_of(device);
  return !d.usable() || d.stream(stream).ring.empty();
}

fl_status event_create(void* device, int32_t timing, void** event) {
  Device& d = device_of(device);
  if (!d.usable()) return d.refuse();
  *event = new Event{timing != 0, {}, nullptr};
  return FL_OK;
}

void event_destroy(void*, void* event) {
  Event* e = &event_of(event);
  if (e->last != nullptr) e->last->drop();
  delete e;
}

// The command takes over a share of the mark.
void enqueue(Device& d, void* stream, Mark* mark, Kind kind) {
  d.add(d.stream(stream), sizeof(MarkCommand), [&](void* at) {
    auto* c = new (at) MarkCommand;
    c->kind = kind;
    c->mark = mark;
    return sizeof(MarkCommand);
  });
}

fl_status event_record(void* device, void* event, void* stream) {
  Device& d = device_of(device);
  if (!d.usable()) return d.refuse();
  Event& e = event_of(event);
  auto* mark = new Mark;
  {
    const std::lock_guard lock(e.mutex);
    if (e.last != nullptr) e.last->drop();
    e.last = mark;
  }
  enqueue(d, stream, mark->share(), Kind::kRecord);
  return FL_OK;
}

fl_status event_wait(void* device, void* event, void* stream) {
  Device& d = device_of(device);
  if (!d.usable()) return d.refuse();
  if (Mark* mark = event_of(event).share()) enqueue(d, stream, mark, Kind::kWait);
  return FL_OK;
}

fl_status event_synchronize(void* device, void* event) {
  Device& d = device_of(device);
  if (!d.usable()) return d.refuse();
  if (Mark* mark = event_of(event).share()) {
    d.wait([&] { return mark->reached.load(); });
    mark->drop();
  }
  return d.take_error();
}

int32_t event_query(void*, void* event) {
  Event& e = event_of(event);
  const std::lock_guard lock(e.mutex);
  return e.last == nullptr || e.last->reached;
}

// When the event was reached; -1 when it was not.
int64_t moment(Event& e) {
  const std::lock_guard lock(e.mutex);
  const bool reached = e.last != nullptr && e.last->reached;
  return reached ? e.last->nanoseconds.load() : -1;
}

fl_status event_elapsed(void*, void* start, void* end, double* ms) {
  Event &a = event_of(start), &b = event_of(end);
  if (!a.timing || !b.timing) return refuse("both events must be made with timing");
  const int64_t from = moment(a), to = moment(b);
  if (from < 0 || to < 0) {
    return refuse("both events must have been recorded and reached");
  }
  *ms = static_cast<double>(to - from) * 1e-6;
  return FL_OK;
}

}  // namespace

extern const fl_stream_table kStreams;
const fl_stream_table kStreams = {sizeof(fl_stream_table),
                                  create,
                                  destroy,
                                  synchronize,
                                  query,
                                  event_create,
                                  event_destroy,
                                  event_record,
                                  event_wait,
                                  event_synchronize,
                                  event_query,
                                  event_elapsed};

}  // namespace simulated

// ---- for tests ------------------------------------------------------------------

using namespace simulated;

// See Injection::set; kind "none" forgets all plans of the device. 0, or -1 when
// device or kind do not exist.
extern "C" FL_EXPORT int flambeau_simulated_inject(int32_t device, const char* kind,
                                                   int64_t after, int64_t times) {
  Fault fault;
  if (device < 0 || device >= kMostDevices) return -1;
  if (std::strcmp(kind, "none") == 0) {
    Injection::of(device).clear();
    return 0;
  }
  if (!Injection::parse(kind, &fault)) return -1;
  Injection::of(device).set(fault, after, times);
  return 0;
}

// Lets all commands of a device wait until flambeau_simulated_resume, or until somebody
// waits for one.
extern "C" FL_EXPORT int flambeau_simulated_hold(int32_t device) {
  Device* d = opened(device);
  if (d != nullptr) d->hold();
  return d != nullptr ? 0 : -1;
}

extern "C" FL_EXPORT int flambeau_simulated_resume(int32_t device) {
  Device* d = opened(device);
  if (d != nullptr) d->resume();
  return d != nullptr ? 0 : -1;
}

// Since the device was opened: kernels launched and run, naps of the worker, calls of
// allocate; or the bytes in use. -1 when device or name do not exist.
extern "C" FL_EXPORT int64_t flambeau_simulated_statistic(int32_t device,
                                                          const char* name) {
  Device* d = opened(device);
  if (d == nullptr) return -1;
  if (std::strcmp(name, "launched") == 0) return d->launched;
  if (std::strcmp(name, "executed") == 0) return d->executed;
  if (std::strcmp(name, "naps") == 0) return d->naps;
  if (std::strcmp(name, "allocations") == 0) return d->allocations;
  if (std::strcmp(name, "memory") == 0) return static_cast<int64_t>(d->memory.used());
  return -1;
}
