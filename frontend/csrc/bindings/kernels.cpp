// Kernels by name, for tests and for the conformance kit; and the fallback's policy and
// counters.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/object.h"
#include "bindings/parse.h"
#include "bindings/runtime.h"
#include "flambeau/fallback.h"
#include "flambeau/iter.h"
#include "ops/op.h"

namespace fl::py {

namespace {

namespace pb = pybind11;

// The operands of a call as Python gives them; numbers become host scalars.
struct Operands {
  std::vector<Tensor> tensors;
  std::vector<fl_tensor> views;
  std::vector<std::array<char, 16>> numbers;
  int n_out = 0;
};

void add_number(Operands& o, PyObject* number) {
  check(o.n_out > 0, "a number among the inputs takes the dtype of the first output");
  const Dtype d = o.tensors[0].dtype();
  static constexpr int64_t kOne = 1;
  o.numbers.emplace_back();
  scalar_of(number, "kernel call").store(d, o.numbers.back().data());
  fl_tensor t{o.numbers.back().data(),  &kOne,         &kOne, 1, 1,
              static_cast<uint16_t>(d), FL_HOST_SCALAR};
  o.tensors.emplace_back();
  o.views.push_back(t);
}

Operands operands_of(const pb::sequence& outputs, const pb::sequence& inputs) {
  Operands o;
  o.numbers.reserve(pb::len(inputs));  // they must not move
  auto add = [&](pb::handle h) {
    if (h.is_none()) {
      o.tensors.emplace_back();
      o.views.push_back(absent());
    } else if (is_tensor(h.ptr())) {
      o.tensors.push_back(unwrap(h.ptr()));
      o.views.push_back(view_of(o.tensors.back()));
    } else {
      add_number(o, h.ptr());
    }
  };
  for (pb::handle h : outputs) add(h);
  o.n_out = static_cast<int>(o.tensors.size());
  check(o.n_out > 0 && o.tensors[0].defined(), "expected an output first");
  for (pb::handle h : inputs) add(h);
  return o;
}

struct Attributes {
  std::vector<fl_attr> values;
  std::vector<std::vector<int64_t>> lists;
  std::vector<std::string> texts;
};

Attributes attributes_of(const pb::sequence& given) {
  Attributes a;
  a.lists.reserve(pb::len(given));
  a.texts.reserve(pb::len(given));
  for (pb::handle h : given) {
    fl_attr v{};
    if (PyBool_Check(h.ptr()) || PyLong_Check(h.ptr())) {
      // Seeds use all 64 bits.
      v.v.i = static_cast<int64_t>(PyLong_AsUnsignedLongLongMask(h.ptr()));
    } else if (PyFloat_Check(h.ptr())) {
      v.v.f = PyFloat_AS_DOUBLE(h.ptr());
    } else if (PyComplex_Check(h.ptr())) {
      v.v.c[0] = PyComplex_RealAsDouble(h.ptr());
      v.v.c[1] = PyComplex_ImagAsDouble(h.ptr());
    } else if (PyUnicode_Check(h.ptr())) {
      a.texts.push_back(text_of(h.ptr()));
      v.v.str = a.texts.back().c_str();
    } else {
      a.lists.push_back(h.cast<std::vector<int64_t>>());
      v.v.ints = a.lists.back().data();
      v.count = static_cast<int64_t>(a.lists.back().size());
    }
    a.values.push_back(v);
  }
  return a;
}

Dtype main_dtype(const Operands& o) {
  const size_t first = static_cast<size_t>(o.n_out);
  const bool has_input = o.views.size() > first && o.views[first].ndim >= 0;
  return static_cast<Dtype>(o.views[has_input ? first : 0].dtype);
}

fl_kernel need_kernel(DeviceRuntime& d, KernelId id, Dtype dtype) {
  fl_kernel k = d.find(id, dtype);
  check(k != nullptr, ErrorKind::NotImplemented, "device '", to_string(d.device),
        "' has no kernel '", kernel_name(id), "' for ", type_name(dtype));
  return k;
}

void run_by_name(const std::string& name, const pb::sequence& outputs,
                 const pb::sequence& inputs, const pb::sequence& attrs) {
  Operands o = operands_of(outputs, inputs);
  const Attributes a = attributes_of(attrs);
  DeviceRuntime& d = o.tensors[0].device();
  const KernelId id = intern_kernel(name.c_str());
  fl_call call{};
  call.n_out = o.n_out;
  call.n_in = static_cast<int32_t>(o.views.size()) - o.n_out;
  call.n_attr = static_cast<int32_t>(a.values.size());
  call.out = o.views.data();
  call.in = o.views.data() + o.n_out;
  call.attr = a.values.data();
  run_kernel(need_kernel(d, id, main_dtype(o)), call, d, id);
}

// As the host calls iterated families: broadcast to one shape, reordered and merged.
void iterate_by_name(const std::string& name, const pb::sequence& outputs,
                     const pb::sequence& inputs, const pb::sequence& attrs) {
  const Operands o = operands_of(outputs, inputs);
  const Attributes a = attributes_of(attrs);
  DeviceRuntime& d = o.tensors[0].device();
  const KernelId id = intern_kernel(name.c_str());
  std::vector<int64_t> sizes;
  for (const Tensor& t : o.tensors) {
    if (t.defined()) sizes = broadcast_shapes(sizes, t.sizes(), name.c_str());
  }
  std::vector<std::array<int64_t, kMaxDims>> strides(o.tensors.size());
  std::vector<IterOperand> operands;
  for (size_t i = 0; i < o.tensors.size(); ++i) {
    const Tensor& t = o.tensors[i];
    const Dtype dtype = static_cast<Dtype>(o.views[i].dtype);
    if (t.defined()) {
      broadcast_strides(t, sizes, strides[i].data());
      operands.push_back({t.data(), strides[i].data(), dtype});
    } else {
      check(o.views[i].ndim >= 0, name, ": iterated kernels have no absent operands");
      operands.push_back({o.views[i].data, nullptr, dtype});
    }
  }
  need_kernel(d, id, main_dtype(o));
  run_iterated(d, id, main_dtype(o), o.n_out, operands, sizes, a.values);
}

std::vector<std::string> kernel_dtypes(const pb::object& device,
                                       const std::string& name) {
  DeviceRuntime& d = runtime_of(device.ptr(), "kernel_dtypes");
  std::vector<std::string> names;
  for (int i = 0; i < kDtypeCount; ++i) {
    const Dtype t = static_cast<Dtype>(i);
    if (d.find(intern_kernel(name.c_str()), t)) names.emplace_back(short_name(t));
  }
  return names;
}

void hide_kernels(const std::string& type, const std::vector<std::string>& names) {
  DeviceRuntime& d = runtime(parse_device(type));
  check(d.backend != nullptr, "device '", type, "' has no kernels to hide");
  std::vector<KernelId> ids;
  for (const std::string& n : names) ids.push_back(intern_kernel(n.c_str()));
  d.backend->hide(std::move(ids));
}

// ---- fallback
// -----------------------------------------------------------------------------
constexpr const char* kPolicies[] = {"error", "warn", "allow"};

std::string set_policy(const std::string& name) {
  const std::string before = kPolicies[static_cast<int>(fallback_policy())];
  for (int i = 0; i < 3; ++i) {
    if (name != kPolicies[i]) continue;
    set_fallback_policy(static_cast<FallbackPolicy>(i));
    return before;
  }
  fail(ErrorKind::Value, "expected 'error', 'warn' or 'allow' as the fallback policy, ",
       "got '", name, "'");
}

void warn_user(const std::string& message) {
  if (PyErr_WarnEx(PyExc_UserWarning, message.c_str(), 1) < 0) throw_python();
}

pb::list counted() {
  pb::list out;
  for (const FallbackCount& c : fallback_counts()) {
    out.append(pb::make_tuple(std::string(to_string(c.device)), kernel_name(c.kernel),
                              c.calls));
  }
  return out;
}

}  // namespace

void init_kernels(PyObject* module) {
  auto m = pb::reinterpret_borrow<pb::module_>(module);
  m.def("_run_kernel", &run_by_name, pb::arg("name"), pb::arg("outputs"),
        pb::arg("inputs"), pb::arg("attrs") = pb::tuple());
  m.def("_iterate_kernel", &iterate_by_name, pb::arg("name"), pb::arg("outputs"),
        pb::arg("inputs"), pb::arg("attrs") = pb::tuple());
  m.def("_kernel_dtypes", &kernel_dtypes);
  m.def("_hide_kernels", &hide_kernels);
  m.def("_fallback_policy",
        [] { return kPolicies[static_cast<int>(fallback_policy())]; });
  m.def("_set_fallback_policy", &set_policy);
  m.def("_fallback_counts", &counted);
  m.def("_reset_fallback_counts", &reset_fallback_counts);
  warn_hook = warn_user;
}

}  // namespace fl::py
