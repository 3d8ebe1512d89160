// Python's exception types that Flambeau adds.
#pragma once

#include "bindings/python.h"

namespace fl::py {

extern PyObject* OutOfMemoryError;
extern PyObject* LinAlgError;
void init_errors(PyObject* module);

}  // namespace fl::py
