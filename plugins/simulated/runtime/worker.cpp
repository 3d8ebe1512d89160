// The worker of a device: which command runs next, running it, and sleeping.
#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <cstring>

#include "kernels/kernel.h"
#include "runtime/device.h"

namespace simulated {
namespace {

using std::chrono::microseconds;
using Clock = std::chrono::steady_clock;

// How long the worker leaves several streams alone after the last command came.
constexpr microseconds kGrace{5000};
// Spinning, while the next command is probably near; then short naps, from which the
// host need not wake the worker; then long ones, from which it does.
constexpr microseconds kSpin{20}, kNap{200}, kLongNap{20000};
constexpr int kShortNaps = 50;
constexpr int kPauses = 40;  // of the processor between two looks, about 1 us

int64_t nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             Clock::now().time_since_epoch())
      .count();
}

bool is_blocked(const Command* command) {
  if (command->kind != Kind::kWait) return false;
  return !static_cast<const MarkCommand*>(command)->mark->reached;
}

}  // namespace

Device::Device(int index, size_t capacity, Order order, uint64_t seed)
    : index(index),
      memory(capacity),
      injection(Injection::of(index)),
      order_(order),
      random_(static_cast<unsigned>(seed)) {
  streams[0].in_use = true;
  // Signals are for the host's threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Device::~Device() {
  if (refusal_.load() == kForked) {  // the thread is the parent's
    thread_.detach();
    return;
  }
  drain();
  stop_ = true;
  wake();
  thread_.join();
}

void Device::work() {
  int times = 0;
  bool busy = true;
  Clock::time_point since;
  while (!stop_.load(std::memory_order_relaxed)) {
    if (Stream* s = pick()) {
      run_front(*s, s->ring.front());
      times = 0;
      busy = true;
      continue;
    }
    if (busy) since = Clock::now();
    busy = false;
    if (Clock::now() - since < kSpin) {
      // Seldom enough that the line of the ring's tail stays with the host.
      for (int i = 0; i < kPauses && waiting_.load(std::memory_order_relaxed) == 0;
           ++i) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
      }
      continue;
    }
    idle(times++);
  }
}

// Whether commands may run at all now; see Note [Order of streams].
bool Device::may_start() {
  if (waiting_.load(std::memory_order_relaxed) > 0) return true;
  if (held_.load(std::memory_order_relaxed)) return false;
  if (live_streams_.load(std::memory_order_relaxed) == 1 || started_) return true;
  const uint64_t now = sequence.load(std::memory_order_relaxed);
  if (now != quiet_sequence_) {
    quiet_sequence_ = now;
    quiet_since_ = Clock::now();
  }
  for (int i = 0; i < highest_stream_; ++i) {
    if (streams[i].ring.crowded()) return true;
  }
  started_ = Clock::now() - quiet_since_ > kGrace;
  return started_;
}

Stream* Device::pick() {
  if (!may_start()) return nullptr;
  Stream* best = nullptr;
  uint64_t best_rank = 0;
  for (int i = 0; i < highest_stream_; ++i) {
    const Command* command = streams[i].ring.front();
    if (command == nullptr || is_blocked(command)) continue;
    const uint64_t rank = order_ == Order::kLatest      ? command->sequence
                          : order_ == Order::kSubmitted ? ~command->sequence
                                                        : random_();
    if (best != nullptr && rank < best_rank) continue;
    best = &streams[i];
    best_rank = rank;
  }
  if (best == nullptr) started_ = false;  // all has run: be patient again
  return best;
}

void Device::run_front(Stream& s, Command* command) {
  switch (command->kind) {
    case Kind::kKernel:
      run(*static_cast<KernelCommand*>(command));
      break;
    case Kind::kWrite: {
      auto* c = static_cast<CopyCommand*>(command);
      std::memcpy(c->to, c + 1, c->count);
      break;
    }
    case Kind::kMove: {
      auto* c = static_cast<CopyCommand*>(command);
      std::memcpy(c->to, c->from, c->count);
      break;
    }
    case Kind::kRecord: {
      Mark* mark = static_cast<MarkCommand*>(command)->mark;
      mark->nanoseconds = nanoseconds();
      mark->reached = true;
      mark->drop();
      break;
    }
    case Kind::kWait:
      static_cast<MarkCommand*>(command)->mark->drop();
      break;
    case Kind::kWrap:
      break;  // front() never gives one
  }
  s.ring.pop(command);
  if (waiting_.load() == 0) return;
  {
    const std::lock_guard lock(mutex_);
  }
  waiters_.notify_all();
}

void Device::run(const KernelCommand& command) {
  if (command.poisoned) {
    fail(FL_ERROR, std::string(command.kernel->name) + ": injected fault");
  } else if (usable()) {
    run_kernel(command, *this);
  }
  executed.store(executed.load(std::memory_order_relaxed) + 1,
                 std::memory_order_relaxed);  // nobody else counts
}

void Device::idle(int times) {
  if (waiting_.load() > 0) return nap(microseconds(50));  // for another device's event
  if (times < kShortNaps || !is_empty()) return nap(kNap);
  deep_ = true;
  nap(kLongNap);
  deep_ = false;
}

bool Device::is_empty() const {
  for (int i = 0; i < highest_stream_; ++i) {
    if (!streams[i].ring.empty()) return false;
  }
  return true;
}

void Device::nap(microseconds limit) {
  naps.fetch_add(1, std::memory_order_relaxed);
  std::unique_lock lock(mutex_);
  if (!stop_ && (waiting_.load() == 0 || limit < kNap)) worker_.wait_for(lock, limit);
}

void Device::wake() {
  {
    const std::lock_guard lock(mutex_);
  }
  worker_.notify_all();
}

void Device::wait_for(Stream& s) {
  const uint64_t end = s.ring.tail();
  wait([&] { return s.ring.head() >= end; });
}

void Device::drain() {
  for (int i = 0; i < highest_stream_; ++i) wait_for(streams[i]);
}

void Device::resume() {
  held_ = false;
  wake();
}

Stream* Device::create_stream() {
  adding.lock();
  Stream* found = nullptr;
  for (int i = 1; i < kStreams && found == nullptr; ++i) {
    if (streams[i].in_use || !streams[i].ring.good()) continue;
    found = &streams[i];
    found->in_use = true;
    if (i >= highest_stream_) highest_stream_ = i + 1;
    ++live_streams_;
  }
  adding.unlock();
  return found;
}

void Device::destroy_stream(Stream& s) {
  wait_for(s);
  adding.lock();
  s.in_use = false;
  --live_streams_;
  adding.unlock();
}

fl_status Device::refuse() const {
  const char* why = refusal_.load();
  const std::string text = "device 'simulated:" + std::to_string(index) + "': " + why;
  host()->set_error(text.c_str());
  return why == kForked ? FL_ERROR : FL_DEVICE_LOST;
}

void Device::lose(const char* why) { refusal_ = why; }

void Device::fail(fl_status status, std::string message) {
  const std::lock_guard lock(error_mutex_);
  if (has_error_) return;
  error_ = status;
  message_ = std::move(message);
  has_error_ = true;
}

fl_status Device::take_error() {
  if (!usable()) return refuse();
  if (!has_error_.load()) return FL_OK;
  const std::lock_guard lock(error_mutex_);
  if (!has_error_) return FL_OK;
  has_error_ = false;
  host()->set_error(message_.c_str());
  return error_;
}

}  // namespace simulated
