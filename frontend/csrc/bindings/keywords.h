// Arguments of hand-written functions: positional or by keyword, by name.
#pragma once

#include <array>
#include <string_view>

#include "bindings/python.h"

namespace fl::py {

// Borrowed references in the order of `names`, nullptr where not given; TypeError for
// what does not fit.  `required`: how many at the front must be there; `positional`:
// how many may come without a keyword.
template <size_t N>
std::array<PyObject*, N> keywords(const char* function,
                                  const std::array<const char*, N>& names,
                                  PyObject* const* args, Py_ssize_t n,
                                  PyObject* kwnames, size_t required = 0,
                                  size_t positional = N) {
  std::array<PyObject*, N> out{};
  check(static_cast<size_t>(n) <= positional, ErrorKind::Type, function,
        "() takes at most ", positional, " positional arguments (", n, " given)");
  for (Py_ssize_t i = 0; i < n; ++i) out[static_cast<size_t>(i)] = args[i];
  const Py_ssize_t k = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  for (Py_ssize_t j = 0; j < k; ++j) {
    PyObject* name = PyTuple_GET_ITEM(kwnames, j);
    size_t at = 0;
    while (at < N && PyUnicode_CompareWithASCIIString(name, names[at]) != 0) ++at;
    check(at < N, ErrorKind::Type, function, "() got an unexpected keyword argument '",
          text_of(name), "'");
    check(!out[at], ErrorKind::Type, function, "() got multiple values for argument '",
          names[at], "'");
    out[at] = args[n + j];
  }
  for (size_t i = 0; i < required; ++i) {
    check(out[i] != nullptr, ErrorKind::Type, function,
          "() missing required argument '", names[i], "' (position ", i + 1, ")");
  }
  return out;
}

inline bool given(PyObject* o) { return o && o != Py_None; }
inline bool truth(PyObject* o, bool otherwise) {
  if (!o || o == Py_None) return otherwise;
  const int v = PyObject_IsTrue(o);
  need(v);
  return v == 1;
}

}  // namespace fl::py
