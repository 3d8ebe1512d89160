// saved_tensors_hooks: what autograd keeps goes through pack and comes back by unpack.
#include "bindings/autograd.h"
#include "bindings/keywords.h"

namespace fl::py {

namespace {

struct Pair {
  PyObject* pack;
  PyObject* unpack;
};
std::vector<Pair>& stack() {
  static auto* s = new std::vector<Pair>;
  return *s;
}

void pack(SavedTensor& saved) {
  const Pair p = stack().back();
  saved_hooks.active = false;  // what pack itself does is not packed
  Handle t = own(wrap(saved.tensor));
  PyObject* packed = PyObject_CallOneArg(p.pack, t.get());
  saved_hooks.active = true;
  saved.packed = need(packed);
  saved.unpack = Py_NewRef(p.unpack);
}

Tensor unpack(const SavedTensor& saved) {
  Handle t = own(PyObject_CallOneArg(saved.unpack, saved.packed));
  check(is_tensor(t.get()), ErrorKind::Type,
        "Output of saved tensor unpack_hook expected to be a Tensor but got result of ",
        "type ", type_of(t.get()));
  return unwrap(t.get());
}

void drop(PyObject* o) {
  const PyGILState_STATE state = PyGILState_Ensure();
  Py_DECREF(o);
  PyGILState_Release(state);
}

PyObject* push(PyObject*, PyObject* const* args, Py_ssize_t n) {
  return guard([&] {
    check(n == 2, ErrorKind::Type, "saved_tensors_hooks: expected pack and unpack");
    stack().push_back({Py_NewRef(args[0]), Py_NewRef(args[1])});
    saved_hooks.active = true;
    return none();
  });
}

PyObject* pop(PyObject*, PyObject*) {
  if (!stack().empty()) {
    const Pair p = stack().back();
    stack().pop_back();
    Py_DECREF(p.pack);
    Py_DECREF(p.unpack);
  }
  saved_hooks.active = !stack().empty();
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"_push_saved_hooks", as_function(push), METH_FASTCALL, nullptr},
    {"_pop_saved_hooks", pop, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void init_saved_hooks(PyObject* module) {
  saved_hooks.pack = pack;
  saved_hooks.unpack = unpack;
  saved_hooks.drop = drop;
  need(PyModule_AddFunctions(module, functions));
}

}  // namespace fl::py
