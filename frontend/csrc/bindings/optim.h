// What optimizers and autocast ask of the extension.
#pragma once

#include "bindings/python.h"

namespace fl::py {

void init_optim(PyObject* module);     // _C._optim
void init_autocast(PyObject* module);  // _C._get_autocast, _C._set_autocast

}  // namespace fl::py
