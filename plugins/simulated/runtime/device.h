// One simulated device: memory, streams, and the worker that runs their commands.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <random>
#include <string>
#include <thread>

#include "runtime/inject.h"
#include "runtime/memory.h"
#include "runtime/ring.h"

namespace simulated {

// One recording of an event. Counted: its event holds a share until it is recorded
// again or destroyed, and so does each queued command.
struct Mark {
  std::atomic<int> shares{1};
  std::atomic<bool> reached{false};
  std::atomic<int64_t> nanoseconds{0};

  Mark* share() {
    shares.fetch_add(1);
    return this;
  }
  void drop() {
    if (shares.fetch_sub(1) == 1) delete this;
  }
};

struct Event {
  const bool timing;
  std::mutex mutex;
  Mark* last = nullptr;  // nullptr: never recorded, which counts as reached

  Mark* share() {
    const std::lock_guard lock(mutex);
    return last == nullptr ? nullptr : last->share();
  }
};

struct Stream {
  Ring ring;
  std::atomic<bool> in_use{false};
};

// What the order of streams is when several could go on.
enum class Order { kLatest, kSubmitted, kRandom };

// A lock that is almost never contended: whoever adds a command holds it for the time
// of writing some hundred bytes.
class SpinLock {
 public:
  void lock() {
    while (taken_.exchange(true, std::memory_order_acquire)) std::this_thread::yield();
  }
  void unlock() { taken_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> taken_{false};
};

// Note [Order of streams]
// Streams are ordered by events alone, and a device that ran its commands as they come
// would hide every missing one. So the worker lets commands wait while the host goes on
// adding to several streams, and then starts with the stream whose next command came
// last (FLAMBEAU_SIMULATED_ORDER=submitted or a seed choose otherwise). Somebody who
// waits, or a queue that is half full, gets it going at once.
class Device {
 public:
  static constexpr int kStreams = 64;

  Device(int index, size_t capacity, Order order, uint64_t seed);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const int index;
  Memory memory;
  // What the host's threads write with every command lies on other cache lines than
  // what the worker writes: a line that both write travels between them each time.
  alignas(Ring::kUnit) SpinLock adding;  // guards the adding side of all rings
  std::atomic<uint64_t> sequence{0};     // and this
  std::atomic<int64_t> launched{0}, allocations{0};
  alignas(Ring::kUnit) std::atomic<int64_t> executed{0}, naps{0};
  alignas(Ring::kUnit) std::array<Stream, kStreams> streams;  // the first: the default
  Injection& injection;

  bool usable() const { return refusal_.load(std::memory_order_relaxed) == nullptr; }
  fl_status refuse() const;    // sets the message
  void lose(const char* why);  // FL_DEVICE_LOST from now on
  void note_fork() { refusal_ = kForked; }

  Stream& stream(void* handle) {
    return handle == nullptr ? streams[0] : *static_cast<Stream*>(handle);
  }
  Stream* create_stream();
  void destroy_stream(Stream& s);

  // Adds a command of at most `bytes` that `write(void*)` fills in; it returns the
  // length, or 0 to give up. Waits while the stream is full.
  template <class Write>
  bool add(Stream& s, size_t bytes, Write&& write);

  template <class Done>
  void wait(Done&& done);  // until done(), with the worker in a hurry
  void wait_for(Stream& s);
  void drain();

  void fail(fl_status status, std::string message);  // keeps the first
  fl_status take_error();                            // and forgets it

  void hold() { held_ = true; }
  void resume();

 private:
  static constexpr const char* kForked =
      "it was opened before fork(); the child has no worker for it";

  void work();
  Stream* pick();
  bool may_start();
  bool is_empty() const;
  void run_front(Stream& s, Command* command);
  void run(const KernelCommand& command);
  void idle(int times);
  void nap(std::chrono::microseconds limit);
  void wake();

  std::atomic<const char*> refusal_{nullptr};
  Order order_;
  std::minstd_rand random_;
  std::atomic<int> highest_stream_{1}, live_streams_{1};

  std::mutex mutex_;  // of sleeping and waiting
  std::condition_variable worker_, waiters_;
  std::atomic<int> waiting_{0};
  std::atomic<bool> deep_{false}, held_{false}, stop_{false};
  uint64_t quiet_sequence_ = 0;
  std::chrono::steady_clock::time_point quiet_since_;
  bool started_ = false;

  std::mutex error_mutex_;
  std::atomic<bool> has_error_{false};
  fl_status error_ = FL_OK;
  std::string message_;

  std::thread thread_;
};

template <class Write>
bool Device::add(Stream& s, size_t bytes, Write&& write) {
  for (;;) {
    adding.lock();
    if (void* room = s.ring.reserve(bytes)) [[likely]] {
      const size_t written = write(room);
      if (written != 0) [[likely]] {
        auto* command = static_cast<Command*>(room);
        const uint64_t next = sequence.load(std::memory_order_relaxed) + 1;
        command->sequence = next;
        sequence.store(next, std::memory_order_relaxed);
        s.ring.commit(command, written);
      }
      adding.unlock();
      // A worker that is fast asleep looks by itself, but only after a while.
      if (deep_.load(std::memory_order_relaxed)) [[unlikely]] {
        wake();
      }
      return written != 0;
    }
    adding.unlock();
    wait([&] { return !s.ring.crowded(); });
  }
}

template <class Done>
void Device::wait(Done&& done) {
  if (done()) return;
  ++waiting_;
  held_ = false;
  wake();
  const auto patience =
      std::chrono::steady_clock::now() + std::chrono::microseconds(10);
  while (!done()) {
    if (std::chrono::steady_clock::now() < patience) continue;
    std::unique_lock lock(mutex_);
    if (!done()) waiters_.wait_for(lock, std::chrono::milliseconds(10));
  }
  --waiting_;
}

const fl_host* host();  // what the backend was given at its query
Device* opened(int index);

}  // namespace simulated
