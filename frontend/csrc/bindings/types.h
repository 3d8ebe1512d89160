// The small Python objects that describe tensors: dtype, device, Size, layout,
// memory_format, Generator.
#pragma once

#include "bindings/python.h"
#include "flambeau/random.h"

namespace fl::py {

// ---- dtype --------------------------------------------------------------------------
struct PyDtype {
  PyObject_HEAD Dtype value;
};
extern PyTypeObject* DtypeType;
extern PyObject* dtype_objects[kDtypeCount];
inline bool is_dtype(PyObject* o) { return Py_TYPE(o) == DtypeType; }
inline PyObject* wrap(Dtype d) { return Py_NewRef(dtype_objects[static_cast<int>(d)]); }
// A dtype object, or one of Python's number types (float, int, bool, complex).
bool as_dtype(PyObject* o, Dtype& out);
Dtype dtype_of(PyObject* o, const char* what);

// ---- device -------------------------------------------------------------------------
struct PyDevice {
  PyObject_HEAD Device value;
};
extern PyTypeObject* DeviceType;
inline bool is_device(PyObject* o) { return Py_TYPE(o) == DeviceType; }
PyObject* wrap(Device d);
// The device of a tensor as Python shows it: without an index where there is only one.
PyObject* wrap_device(DeviceRuntime& r);
Device shown_device(DeviceRuntime& r);
bool as_device(PyObject* o, Device& out);
Device device_of(PyObject* o, const char* what);

// ---- Size ---------------------------------------------------------------------------
extern PyTypeObject* SizeType;
PyObject* wrap_size(IntList sizes);
PyObject* wrap_ints(IntList values);  // a plain tuple

// ---- layout, memory format ----------------------------------------------------------
enum class MemoryFormat : int64_t {
  Contiguous,
  Preserve,
  ChannelsLast,
  ChannelsLast3d
};
struct PyNamed {
  PyObject_HEAD int64_t value;
  const char* name;
};
extern PyTypeObject* LayoutType;
extern PyTypeObject* MemoryFormatType;
extern PyObject* strided_layout;
bool as_memory_format(PyObject* o, MemoryFormat& out);

// ---- Generator ----------------------------------------------------------------------
struct PyGenerator {
  PyObject_HEAD Generator* value;
};
extern PyTypeObject* GeneratorType;
inline bool is_generator(PyObject* o) { return PyObject_TypeCheck(o, GeneratorType); }

void init_dtype(PyObject* module);
void init_device(PyObject* module);
void init_size(PyObject* module);
void init_layout(PyObject* module);
void init_generator(PyObject* module);

}  // namespace fl::py
