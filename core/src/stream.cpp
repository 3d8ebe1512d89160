// Streams and events over a backend's optional stream table.
#include "flambeau/stream.h"

#include <span>
#include <utility>

#include "flambeau/error.h"
#include "flambeau/lock.h"

namespace fl {

namespace {

// The current stream of this thread, by the ordinal of the device.
thread_local std::vector<uint8_t> t_current;

// The devices that have more than their default stream.
std::vector<DeviceRuntime*>& several() {
  static auto* devices = new std::vector<DeviceRuntime*>;
  return *devices;
}

const fl_stream_table* table(const DeviceRuntime& d) {
  const fl_backend* api = d.backend ? d.backend->api : nullptr;
  return api && FL_HAS(api, stream) ? api->stream : nullptr;
}

void* handle_of(const DeviceRuntime& d, int id) {
  check(id >= 0 && id < static_cast<int>(d.streams.size()), "stream ", id,
        ": there is no such stream on ", to_string(d.device));
  return d.streams[id];
}

}  // namespace

int create_stream(DeviceRuntime& d, int priority) {
  d.check_usable();
  const fl_stream_table* t = table(d);
  if (!t) return 0;
  static int turn = 0;
  if (d.streams.size() == kMaxStreams) return 1 + turn++ % (kMaxStreams - 1);
  void* stream = nullptr;
  check_status(t->create(d.handle, priority, &stream), d, "Stream");
  if (d.streams.size() == 1) several().push_back(&d);
  d.streams.push_back(stream);
  return static_cast<int>(d.streams.size()) - 1;
}

int current_stream_id(const DeviceRuntime& d) {
  const auto at = static_cast<size_t>(d.ordinal);
  return at < t_current.size() ? t_current[at] : 0;
}

int set_current_stream(DeviceRuntime& d, int id) {
  handle_of(d, id);
  const auto at = static_cast<size_t>(d.ordinal);
  if (at >= t_current.size()) t_current.resize(at + 1, 0);
  return std::exchange(t_current[at], static_cast<uint8_t>(id));
}

void synchronize_stream(DeviceRuntime& d, int id) {
  void* stream = handle_of(d, id);
  const fl_stream_table* t = table(d);
  if (!t) return d.synchronize();
  d.check_usable();
  check_status(Unlocked::run([&] { return t->synchronize(d.handle, stream); }), d,
               "synchronize");
}

bool query_stream(DeviceRuntime& d, int id) {
  void* stream = handle_of(d, id);
  const fl_stream_table* t = table(d);
  return !t || t->query(d.handle, stream) != 0;
}

namespace {

// Work on the streams `later` comes after what the streams `earlier` have now.
void order(DeviceRuntime& d, std::span<const int> earlier, std::span<const int> later) {
  for (int first : earlier) {
    if (query_stream(d, first)) continue;
    void* event = create_event(d, false);
    record_event(d, event, first);
    for (int second : later) wait_event(d, event, second);
    destroy_event(d, event);
  }
}

void order_with_current(bool current_is_first) {
  for (DeviceRuntime* d : several()) {
    if (d->refused) continue;
    const int current[] = {current_stream_id(*d)};
    std::vector<int> others;
    for (int id = 0; id < static_cast<int>(d->streams.size()); ++id) {
      if (id != current[0]) others.push_back(id);
    }
    current_is_first ? order(*d, current, others) : order(*d, others, current);
  }
}

}  // namespace

void current_waits_for_all() { order_with_current(false); }
void all_wait_for_current() { order_with_current(true); }

void* create_event(DeviceRuntime& d, bool timing) {
  d.check_usable();
  void* event = nullptr;
  if (const fl_stream_table* t = table(d)) {
    check_status(t->event_create(d.handle, timing, &event), d, "Event");
  }
  return event;
}

void destroy_event(DeviceRuntime& d, void* event) {
  const fl_stream_table* t = table(d);
  if (t && event && !d.refused) t->event_destroy(d.handle, event);
}

void record_event(DeviceRuntime& d, void* event, int stream) {
  void* handle = handle_of(d, stream);
  if (!event) return d.synchronize();  // reached at once
  d.check_usable();
  check_status(table(d)->event_record(d.handle, event, handle), d, "Event.record");
}

void wait_event(DeviceRuntime& d, void* event, int stream) {
  void* handle = handle_of(d, stream);
  if (!event) return;
  d.check_usable();
  check_status(table(d)->event_wait(d.handle, event, handle), d, "Event.wait");
}

void synchronize_event(DeviceRuntime& d, void* event) {
  if (!event) return;
  d.check_usable();
  const fl_stream_table* t = table(d);
  check_status(Unlocked::run([&] { return t->event_synchronize(d.handle, event); }), d,
               "Event.synchronize");
}

bool query_event(DeviceRuntime& d, void* event) {
  return !event || table(d)->event_query(d.handle, event) != 0;
}

double elapsed_time(DeviceRuntime& d, void* start, void* end) {
  if (!start || !end) return 0.0;
  double ms = 0;
  check_status(table(d)->event_elapsed(d.handle, start, end, &ms), d,
               "Event.elapsed_time");
  return ms;
}

}  // namespace fl
