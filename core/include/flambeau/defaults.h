// The default device of the whole process.  The one in device.h, and the index that a
// type without one means, are each thread's own, as with PyTorch.
#pragma once

#include "flambeau/device.h"

namespace fl {

// For threads that choose none themselves; the host's device until it is set.
void set_process_default_device(Device d);

}  // namespace fl
