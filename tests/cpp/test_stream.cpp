// Streams and the memory that they share: whose blocks go where, and when.
#include "check.h"
#include "far_device.h"
#include "flambeau/storage.h"
#include "flambeau/stream.h"

#include <thread>

using namespace fl;

namespace {
struct OnStream {
  DeviceRuntime& d;
  int before;
  OnStream(DeviceRuntime& d, int id) : d(d), before(set_current_stream(d, id)) {}
  ~OnStream() { set_current_stream(d, before); }
};
}  // namespace

TEST(the_current_stream_is_the_threads_own) {
  DeviceRuntime& d = far::device();
  const int s = create_stream(d, 0);
  CHECK(s > 0);
  OnStream on(d, s);
  CHECK_EQ(current_stream_id(d), s);
  CHECK_EQ(current_stream(d), d.streams[s]);
  int elsewhere = -1;
  std::thread([&] { elsewhere = current_stream_id(d); }).join();
  CHECK_EQ(elsewhere, 0);
  CHECK_EQ(current_stream_id(far::device(1)), 0);
  CHECK_THROWS(set_current_stream(d, 77), "there is no such stream");
}

TEST(a_block_goes_back_to_its_stream) {
  DeviceRuntime& d = far::device();
  const int s = create_stream(d, 0);
  void* block;
  {
    OnStream on(d, s);
    Ref<Storage> a = Storage::make(d, 1000);
    block = a->data;
  }
  CHECK(Storage::make(d, 1000)->data != block);  // not to the default stream
  OnStream on(d, s);
  CHECK_EQ(Storage::make(d, 1000)->data, block);
}

TEST(a_recorded_block_waits_for_the_other_stream) {
  DeviceRuntime& d = far::device();
  d.allocator.empty_cache();
  const int s = create_stream(d, 0);
  far::log.clear();
  far::events_reached = false;
  void* block;
  {
    Ref<Storage> a = Storage::make(d, 3000);
    a->record_stream(s);
    block = a->data;
  }
  CHECK_EQ(far::log.size(), size_t{1});
  CHECK(test::contains(far::log.back(), "record "));
  Ref<Storage> other = Storage::make(d, 3000);
  CHECK(other->data != block);
  far::events_reached = true;
  Storage::make(d, 3000);  // the point has passed: it is taken back
  CHECK_EQ(Storage::make(d, 3000)->data, block);
}

TEST(out_of_memory_waits_for_recorded_blocks) {
  DeviceRuntime& d = far::device();
  d.allocator.empty_cache();
  const int s = create_stream(d, 0);
  far::events_reached = false;
  {
    Ref<Storage> a = Storage::make(d, 700000);
    a->record_stream(s);
  }
  far::log.clear();
  Ref<Storage> b = Storage::make(d, 700000);  // only fits when the first is given back
  CHECK(b->data != nullptr);
  CHECK_EQ(far::log[0], "event_sync");
  far::events_reached = true;
}

TEST(streams_are_handed_out_again_when_all_are_made) {
  DeviceRuntime& d = far::device(1);
  for (int i = 0; i < 3 * kMaxStreams; ++i) {
    const int s = create_stream(d, 0);
    CHECK(s > 0 && s < kMaxStreams);
  }
  CHECK_EQ(d.streams.size(), static_cast<size_t>(kMaxStreams));
}

TEST(events_pass_through) {
  DeviceRuntime& d = far::device();
  void *a = create_event(d, true), *b = create_event(d, true);
  far::log.clear();
  record_event(d, a, 0);
  wait_event(d, a, 0);
  CHECK_EQ(far::log.size(), size_t{2});
  CHECK_EQ(elapsed_time(d, a, b), 1.5);
  CHECK(query_event(d, a));
  destroy_event(d, a);
  destroy_event(d, b);
}

TEST(a_device_without_streams_has_one) {
  far::device();
  DeviceRuntime& host = host_runtime();
  CHECK_EQ(create_stream(host, 0), 0);
  void* e = create_event(host, true);
  CHECK(e == nullptr);
  record_event(host, e, 0);
  CHECK(query_event(host, e));
  CHECK(query_stream(host, 0));
  synchronize_stream(host, 0);
}
