// The C base of `flambeau.nn.Module`.
#pragma once

#include "bindings/python.h"

namespace fl::py {

// Adds the type `_ModuleBase` to the extension module.
void add_module_base(PyObject* module);

}  // namespace fl::py
