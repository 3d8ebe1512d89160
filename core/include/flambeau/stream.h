// Streams and events of devices: which stream work goes to is a matter of the thread.
// A device without a stream table has its default stream alone, and events that are
// reached when they are recorded.
#pragma once

#include "flambeau/device.h"

namespace fl {

// At most this many streams per device, the default one included; when all are made,
// they are handed out again in turn, as other frameworks do with their pools.
inline constexpr int kMaxStreams = 32;

int create_stream(DeviceRuntime& d, int priority);  // its id
int current_stream_id(const DeviceRuntime& d);      // of this thread; 0: the default
int set_current_stream(DeviceRuntime& d, int id);   // returns the one before
void synchronize_stream(DeviceRuntime& d, int id);
bool query_stream(DeviceRuntime& d, int id);  // is all its work done?

// What backends are given for the current stream.
inline void* current_stream(const DeviceRuntime& d) {
  return d.streams.size() == 1 ? nullptr : d.streams[current_stream_id(d)];
}

// For work that meets what other streams have done, as a backward pass: on each device
// that has several streams, the current one waits for what the others have so far, or
// the others wait for what the current one has.
void current_waits_for_all();
void all_wait_for_current();

// Events; nullptr stands for one of a device without a stream table.
void* create_event(DeviceRuntime& d, bool timing);
void destroy_event(DeviceRuntime& d, void* event);
void record_event(DeviceRuntime& d, void* event, int stream);
void wait_event(DeviceRuntime& d, void* event, int stream);
void synchronize_event(DeviceRuntime& d, void* event);
bool query_event(DeviceRuntime& d, void* event);
double elapsed_time(DeviceRuntime& d, void* start, void* end);  // milliseconds

}  // namespace fl
