// Injected faults: keeping count of what is to go wrong.
#include "runtime/inject.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace simulated {
namespace {

constexpr const char* kNames[] = {"out_of_memory", "device_lost", "deferred_error"};

}  // namespace

Injection& Injection::of(int index) {
  static auto* all = new Injection[kMostDevices];  // outlives the workers
  return all[index];
}

bool Injection::parse(const char* name, Fault* fault) {
  for (int i = 0; i < static_cast<int>(Fault::kCount); ++i) {
    if (std::strcmp(name, kNames[i]) != 0) continue;
    *fault = static_cast<Fault>(i);
    return true;
  }
  return false;
}

void Injection::set(Fault fault, int64_t after, int64_t times) {
  const std::lock_guard lock(mutex_);
  plans_[static_cast<int>(fault)] = {after, times};
  armed_ = true;
}

void Injection::clear() {
  const std::lock_guard lock(mutex_);
  for (Plan& p : plans_) p = {};
  armed_ = false;
}

bool Injection::strikes(Fault fault) {
  if (!armed()) return false;
  const std::lock_guard lock(mutex_);
  Plan& p = plans_[static_cast<int>(fault)];
  if (p.times == 0) return false;
  if (p.after > 0) {
    --p.after;
    return false;
  }
  if (p.times > 0) --p.times;
  return true;
}

const char* Injection::read_environment() {
  const char* text = std::getenv("FLAMBEAU_SIMULATED_INJECT");
  if (text == nullptr) return nullptr;
  std::string rest = text;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string one = rest.substr(0, comma);
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    char kind[32];
    int device = 0;
    long long after = 0, times = 1;
    Fault fault;
    const int fields = std::sscanf(one.c_str(), "%31[a-z_]:%d:%lld:%lld", kind, &device,
                                   &after, &times);
    if (fields < 3 || device < 0 || device >= kMostDevices || !parse(kind, &fault)) {
      return "FLAMBEAU_SIMULATED_INJECT: expected kind:device:after[:times], with kind "
             "out_of_memory, device_lost or deferred_error";
    }
    of(device).set(fault, after, times);
  }
  return nullptr;
}

}  // namespace simulated
