// Modes: what may step between a call and its op.  One flag word is tested per call
// (AutogradState::modes); each bit has its place here.
#pragma once

#include "ops/op.h"

namespace fl {

enum Mode : uint32_t { kAutocastMode = 1 };

struct AutocastState {
  bool enabled = false;
  Dtype dtype = Dtype::BFloat16;
  bool cache = true;
};
// Per thread and device type.
AutocastState& autocast_state(int16_t device_type);
// Sets it and the mode's bit; clears the cache of cast weights.
void set_autocast(int16_t device_type, const AutocastState& state);

}  // namespace fl
