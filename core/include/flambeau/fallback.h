// Kernels that a device lacks, run on the host over copies of their operands.
#pragma once

#include <string>
#include <vector>

#include "flambeau/device.h"

namespace fl {

enum class FallbackPolicy : uint8_t { Error, Warn, Allow };

FallbackPolicy fallback_policy();  // Warn, until it is set
void set_fallback_policy(FallbackPolicy policy);

struct FallbackCount {
  Device device;
  KernelId kernel;
  int64_t calls;
};
std::vector<FallbackCount> fallback_counts();
void reset_fallback_counts();

// How a warning reaches the user; the bindings fill this in, and it may throw.
extern void (*warn_hook)(const std::string& message);

// Runs kernel `id`, which `device` lacks for the dtype `main`, on the host.  Returns
// "" when that is done, else why not: the policy forbids it, or the host lacks it too.
std::string fall_back(const fl_call& call, DeviceRuntime& device, KernelId id,
                      Dtype main);

}  // namespace fl
