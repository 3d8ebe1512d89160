// Devices, backends, memory and the list of ops, added to the module.
#pragma once

#include "bindings/python.h"

namespace fl::py {

void init_runtime(PyObject* module);

}  // namespace fl::py
