// Autograd's Python side: nodes, hooks, modes, the engine.
#pragma once

#include "autograd/node.h"
#include "bindings/object.h"

namespace fl::py {

// The Python object of a node; None for a null one.
PyObject* wrap_node(const Ref<Node>& node);
extern PyTypeObject* NodeType;
struct PyNode {
  PyObject_HEAD Node* node;  // counted, unless weak
  PyObject* dict;
  PyObject* weakrefs;
  bool weak;
};

PyObject* tensor_register_hook(PyObject* self, PyObject* hook);
PyObject* tensor_register_post_hook(PyObject* self, PyObject* hook);
PyObject* tensor_retain_grad(PyObject* self, PyObject*);

// A handle with remove(), and what undoes the registration.
PyObject* make_handle(std::function<void()> remove, int64_t id);
// A Python callable that C++ may hold and drop anywhere.
std::shared_ptr<PyObject> shared_object(PyObject* o);

void init_autograd(PyObject* module);
void init_nodes(PyObject* module);
void init_function(PyObject* module);
void init_saved_hooks(PyObject* module);

}  // namespace fl::py
