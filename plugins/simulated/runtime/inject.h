// Faults that tests ask for: by flambeau_simulated_inject() or the environment.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

namespace simulated {

enum class Fault { kOutOfMemory, kDeviceLost, kDeferredError, kCount };

// What is to go wrong on one device.
class Injection {
 public:
  // Spares the next `after` chances, then strikes `times` times; -1: for ever.
  void set(Fault fault, int64_t after, int64_t times);
  void clear();
  bool armed() const { return armed_.load(std::memory_order_relaxed); }
  // Counts one chance; true when the fault strikes.
  bool strikes(Fault fault);

  static Injection& of(int index);
  // FLAMBEAU_SIMULATED_INJECT="kind:device:after[:times],..."; returns what is wrong
  // with it, or nullptr.
  static const char* read_environment();
  static bool parse(const char* name, Fault* fault);

 private:
  struct Plan {
    int64_t after = 0, times = 0;
  };
  std::mutex mutex_;
  std::atomic<bool> armed_{false};
  Plan plans_[static_cast<int>(Fault::kCount)];
};

inline constexpr int kMostDevices = 16;

}  // namespace simulated
