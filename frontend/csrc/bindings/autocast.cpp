// The state of autocast from Python: (enabled, dtype, cache) of a device type.
#include "bindings/keywords.h"
#include "bindings/optim.h"
#include "bindings/types.h"
#include "modes/modes.h"

namespace fl::py {

namespace {

int16_t type_named(PyObject* name) { return parse_device(text_of(name)).type; }

PyObject* state_of(int16_t type) {
  const AutocastState& s = autocast_state(type);
  Handle dtype = own(wrap(s.dtype));
  return PyTuple_Pack(3, s.enabled ? Py_True : Py_False, dtype.get(),
                      s.cache ? Py_True : Py_False);
}

PyObject* get_autocast(PyObject*, PyObject* name) {
  return guard([&] { return state_of(type_named(name)); });
}

// Returns the state before.
PyObject* set_autocast_(PyObject*, PyObject* const* args, Py_ssize_t n) {
  return guard([&] {
    check(n == 4, ErrorKind::Type, "_set_autocast: expected 4 arguments, got ", n);
    const int16_t type = type_named(args[0]);
    AutocastState next;
    next.enabled = truth(args[1], false);
    next.dtype = dtype_of(args[2], "_set_autocast");
    next.cache = truth(args[3], true);
    Handle before = own(state_of(type));
    set_autocast(type, next);
    return before.release();
  });
}

PyMethodDef functions[] = {
    {"_get_autocast", get_autocast, METH_O, nullptr},
    {"_set_autocast", as_function(set_autocast_), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void init_autocast(PyObject* module) { need(PyModule_AddFunctions(module, functions)); }

}  // namespace fl::py
