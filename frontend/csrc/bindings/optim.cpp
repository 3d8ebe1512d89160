// `_C._optim`: whole parameter groups stepped in one call, gradients dropped in one
// call.
#include "bindings/optim.h"
#include "autograd/node.h"
#include "bindings/keywords.h"
#include "bindings/object.h"
#include "ops/common.h"

namespace fl::py {

namespace {

PyObject* list_of(PyObject* o, const char* what) {
  check(PyList_Check(o), ErrorKind::Type, "_optim: expected a list for argument '",
        what, "', got ", type_of(o));
  return o;
}

// ---- gather
// ----------------------------------------------------------------------------
// state[param][key]; nullptr, with no error set, where there is none.
PyObject* state_entry(PyObject* state, PyObject* param, PyObject* key) {
  PyObject* entry = PyDict_GetItemWithError(state, param);
  if (!entry || !PyDict_Check(entry)) return nullptr;
  PyObject* value = PyDict_GetItemWithError(entry, key);
  return value && value != Py_None ? value : nullptr;
}

// Appends, sharing the value.
void push(PyObject* list, PyObject* value) { need(PyList_Append(list, value)); }

PyObject* gather_(PyObject*, PyObject* const* args, Py_ssize_t n) {
  return guard([&]() -> PyObject* {
    check(n == 3 && PyDict_Check(args[1]) && PyTuple_Check(args[2]), ErrorKind::Type,
          "_optim.gather: expected a list, a dict and a tuple");
    PyObject *params = list_of(args[0], "params"), *state = args[1], *keys = args[2];
    const Py_ssize_t k = PyTuple_GET_SIZE(keys);
    Handle out = own(PyTuple_New(k + 2));
    for (Py_ssize_t j = 0; j < k + 2; ++j) {
      PyTuple_SET_ITEM(out.get(), j, need(PyList_New(0)));
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(params); ++i) {
      PyObject* param = PyList_GET_ITEM(params, i);
      const Tensor t = unwrap_checked(param, "_optim.gather");
      if (!t->autograd || !t->autograd->grad.defined()) continue;
      Handle grad = own(wrap(t->autograd->grad));
      push(PyTuple_GET_ITEM(out.get(), 0), param);
      push(PyTuple_GET_ITEM(out.get(), 1), grad.get());
      for (Py_ssize_t j = 0; j < k; ++j) {
        PyObject* value = state_entry(state, param, PyTuple_GET_ITEM(keys, j));
        if (!value) {
          if (PyErr_Occurred()) throw_python();
          return none();
        }
        push(PyTuple_GET_ITEM(out.get(), j + 2), value);
      }
    }
    return out.release();
  });
}

PyObject* zero_grads_(PyObject*, PyObject* const* args, Py_ssize_t n) {
  return guard([&] {
    check(n == 2, ErrorKind::Type, "_optim.zero_grads: expected a list and a bool");
    PyObject* params = list_of(args[0], "params");
    const bool drop = truth(args[1], true);
    const GradGuard off(false);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(params); ++i) {
      const Tensor t = unwrap_checked(PyList_GET_ITEM(params, i), "_optim.zero_grads");
      if (!t->autograd || !t->autograd->grad.defined()) continue;
      Tensor& grad = t->autograd->grad;
      if (drop) {
        grad = Tensor();
        continue;
      }
      if (grad.requires_grad()) grad = detach_alias(grad);
      fill_values(grad, Scalar(0));
      bump_version(grad);
    }
    return none();
  });
}

// ---- steps
// ------------------------------------------------------------------------------- The
// tensors of a call, group after group, while they are checked.
class Step {
 public:
  // False when the list is not of tensors that a kernel can walk side by side with the
  // parameters: of one dtype and device, dense, with the same strides.
  bool add(PyObject* list) {
    const Py_ssize_t n = PyList_GET_SIZE(list);
    if (groups_++ == 0) count_ = n;
    check(n == count_, "_optim: expected lists of ", count_, " tensors, got one of ",
          n);
    for (Py_ssize_t i = 0; i < n; ++i) {
      PyObject* o = PyList_GET_ITEM(list, i);
      if (!is_tensor(o)) return false;
      const TensorImpl* t = impl_of(o);
      const TensorImpl* param = groups_ == 1 ? t : tensors_[static_cast<size_t>(i)];
      if (!fits(t, param)) return false;
      if (groups_ == kGradients && !same_layout(t, param)) t = laid_out_as(param, o);
      if (!same_layout(t, param)) return false;
      tensors_.push_back(t);
    }
    return true;
  }
  // Step counts: in host memory, unless the options ask for them on the device, where
  // reading one waits for it.
  bool add_steps(PyObject* list) {
    check(PyList_GET_SIZE(list) == count_, "_optim: expected ", count_, " step counts");
    for (Py_ssize_t i = 0; i < count_; ++i) {
      PyObject* o = PyList_GET_ITEM(list, i);
      if (!is_tensor(o)) return false;
      TensorImpl* t = impl_of(o);
      if (t->dtype != Dtype::Float32 || t->numel != 1 || t->device->is_meta()) {
        return false;
      }
      const double now =
          is_at_hand(t) ? *static_cast<float*>(t->data()) : item(Tensor(t)).real();
      const double value = now + 1.0;
      int64_t bits;
      std::memcpy(&bits, &value, sizeof bits);
      steps_.push_back(t);
      counts_.push_back(bits);
    }
    return true;
  }
  void attr(int64_t v) { attrs_[n_attr_++].v.i = v; }
  void attr(double v) { attrs_[n_attr_++].v.f = v; }
  void attr_steps() {
    attrs_[n_attr_].v.ints = counts_.data();
    attrs_[n_attr_++].count = static_cast<int64_t>(counts_.size());
  }
  int64_t count() const { return count_; }

  bool run(KernelId id) {
    if (count_ == 0) return true;
    DeviceRuntime& device = *tensors_[0]->device;
    fl_kernel kernel = device.find(id, tensors_[0]->dtype);
    if (!kernel) return false;
    views_.clear();
    for (const TensorImpl* t : tensors_) views_.push_back(view(t));
    fl_call call{};
    call.n_out = static_cast<int32_t>(views_.size());
    call.n_attr = n_attr_;
    call.out = views_.data();
    call.attr = attrs_;
    if (!try_kernel(kernel, call, device, id)) return false;
    written();
    return true;
  }

 private:
  static constexpr int kGradients = 2;  // the second list

  bool fits(const TensorImpl* t, const TensorImpl* param) const {
    const TensorImpl* lead = tensors_.empty() ? t : tensors_[0];
    return t->dtype == lead->dtype && t->device == lead->device &&
           !t->device->is_meta() && sizes(t).equals(sizes(param));
  }
  // Whether Python's own thread may read and write the memory at once.
  static bool is_at_hand(const TensorImpl* t) {
    return t->device->host_memory && !t->device->asynchronous;
  }
  static IntList sizes(const TensorImpl* t) { return IntList(t->sizes, t->ndim); }
  // Dense, and element k of the one beside element k of the other in memory.
  static bool same_layout(const TensorImpl* t, const TensorImpl* param) {
    if (t->has(kContiguous) && param->has(kContiguous)) return true;
    return IntList(t->strides, t->ndim).equals(IntList(param->strides, param->ndim)) &&
           is_dense(Tensor(const_cast<TensorImpl*>(param)));
  }
  // A copy of a gradient (an expanded one, say) in the layout of its parameter.
  const TensorImpl* laid_out_as(const TensorImpl* param, PyObject* grad) {
    const GradGuard off(false);
    copies_.push_back(empty_like(Tensor(const_cast<TensorImpl*>(param))));
    copy_into(copies_.back(), unwrap(grad));
    return copies_.back().get();
  }
  static fl_tensor view(const TensorImpl* t) {
    fl_tensor v;
    v.data = t->data();
    v.sizes = t->sizes;
    v.strides = t->strides;
    v.numel = t->numel;
    v.ndim = t->ndim;
    v.dtype = static_cast<uint16_t>(t->dtype);
    v.flags = 0;
    return v;
  }
  // Counts the changes, so that autograd notices where an old value was wanted.
  void written() {
    const auto n = static_cast<size_t>(count_);
    for (size_t i = 0; i < tensors_.size(); ++i) {
      const bool is_grad = i / n == 1;
      if (!is_grad && !tensors_[i]->has(kUnversioned)) ++tensors_[i]->storage->version;
    }
    for (size_t i = 0; i < steps_.size(); ++i) {
      double value;
      std::memcpy(&value, &counts_[i], sizeof value);
      if (is_at_hand(steps_[i])) {
        *static_cast<float*>(steps_[i]->data()) = static_cast<float>(value);
      } else {
        fill_values(Tensor(steps_[i]), Scalar(value));
      }
      ++steps_[i]->storage->version;
    }
  }

  Py_ssize_t count_ = 0;
  int groups_ = 0;
  std::vector<const TensorImpl*> tensors_;
  std::vector<Tensor> copies_;
  std::vector<TensorImpl*> steps_;
  std::vector<int64_t> counts_;
  std::vector<fl_tensor> views_;
  fl_attr attrs_[12] = {};
  int n_attr_ = 0;
};

double as_number(PyObject* o) {
  const double v = PyFloat_AsDouble(o);
  if (v == -1.0 && PyErr_Occurred()) throw_python();
  return v;
}
int64_t as_flag(PyObject* o) { return truth(o, false) ? 1 : 0; }

// Adds the lists in order; empty ones belong to options that are off.
bool add_all(Step& step, std::initializer_list<PyObject*> lists) {
  bool first = true;
  for (PyObject* list : lists) {
    list_of(list, "tensors");
    if (!first && PyList_GET_SIZE(list) == 0) continue;
    if (!step.add(list)) return false;
    first = false;
  }
  return true;
}

PyObject* sgd_(PyObject*, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
  return guard([&] {
    const auto a = keywords<10>(
        "sgd_",
        {"params", "grads", "momentum_buffers", "lr", "momentum", "dampening",
         "weight_decay", "nesterov", "maximize", "first_step"},
        args, n, kwnames, 10);
    Step step;
    if (!add_all(step, {a[0], a[1], a[2]})) return boolean(false);
    step.attr(step.count());
    for (int i = 3; i < 7; ++i) step.attr(as_number(a[i]));
    for (int i = 7; i < 10; ++i) step.attr(as_flag(a[i]));
    return boolean(step.run(kernel<"sgd">()));
  });
}

PyObject* adam_(PyObject*, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
  return guard([&] {
    const auto a = keywords<14>(
        "adam_",
        {"params", "grads", "exp_avgs", "exp_avg_sqs", "max_exp_avg_sqs", "steps", "lr",
         "beta1", "beta2", "eps", "weight_decay", "amsgrad", "maximize", "decoupled"},
        args, n, kwnames, 14);
    Step step;
    if (!add_all(step, {a[0], a[1], a[2], a[3], a[4]})) return boolean(false);
    if (!step.add_steps(list_of(a[5], "steps"))) return boolean(false);
    step.attr(step.count());
    for (int i = 6; i < 11; ++i) step.attr(as_number(a[i]));
    for (int i = 11; i < 14; ++i) step.attr(as_flag(a[i]));
    step.attr_steps();
    return boolean(step.run(kernel<"adam">()));
  });
}

PyObject* adadelta_(PyObject*, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
  return guard([&] {
    const auto a =
        keywords<10>("adadelta_",
                     {"params", "grads", "square_avgs", "acc_deltas", "steps", "lr",
                      "rho", "eps", "weight_decay", "maximize"},
                     args, n, kwnames, 10);
    Step step;
    if (!add_all(step, {a[0], a[1], a[2], a[3]})) return boolean(false);
    if (!step.add_steps(list_of(a[4], "steps"))) return boolean(false);
    step.attr(step.count());
    for (int i = 5; i < 9; ++i) step.attr(as_number(a[i]));
    step.attr(as_flag(a[9]));
    return boolean(step.run(kernel<"adadelta">()));
  });
}

PyObject* rmsprop_(PyObject*, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
  return guard([&] {
    const auto a = keywords<13>(
        "rmsprop_",
        {"params", "grads", "square_avgs", "grad_avgs", "momentum_buffers", "steps",
         "lr", "alpha", "eps", "weight_decay", "momentum", "centered", "maximize"},
        args, n, kwnames, 13);
    Step step;
    if (!add_all(step, {a[0], a[1], a[2], a[4], a[3]})) return boolean(false);
    if (!step.add_steps(list_of(a[5], "steps"))) return boolean(false);
    step.attr(step.count());
    for (int i = 6; i < 11; ++i) step.attr(as_number(a[i]));
    for (int i = 11; i < 13; ++i) step.attr(as_flag(a[i]));
    return boolean(step.run(kernel<"rmsprop">()));
  });
}

PyObject* adagrad_(PyObject*, PyObject* const* args, Py_ssize_t n, PyObject* kwnames) {
  return guard([&] {
    const auto a = keywords<9>("adagrad_",
                               {"params", "grads", "state_sums", "steps", "lr",
                                "lr_decay", "weight_decay", "eps", "maximize"},
                               args, n, kwnames, 9);
    Step step;
    if (!add_all(step, {a[0], a[1], a[2]})) return boolean(false);
    if (!step.add_steps(list_of(a[3], "steps"))) return boolean(false);
    step.attr(step.count());
    for (int i : {4, 5, 7, 6}) step.attr(as_number(a[i]));  // eps before the decay
    step.attr(as_flag(a[8]));
    step.attr_steps();
    return boolean(step.run(kernel<"adagrad">()));
  });
}

PyMethodDef functions[] = {
    {"gather", as_function(gather_), METH_FASTCALL, nullptr},
    {"zero_grads", as_function(zero_grads_), METH_FASTCALL, nullptr},
    {"sgd_", as_function(sgd_), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"adam_", as_function(adam_), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"adadelta_", as_function(adadelta_), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"rmsprop_", as_function(rmsprop_), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"adagrad_", as_function(adagrad_), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void init_optim(PyObject* module) {
  Handle space = own(PyModule_New("flambeau._C._optim"));
  need(PyModule_AddFunctions(space.get(), functions));
  add_object(module, "_optim", space.release());
}

}  // namespace fl::py
