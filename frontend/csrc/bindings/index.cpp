// Reading and writing parts of tensors: t[...], t[...] = v.
//
// An index is taken apart once into a view (ints, slices, None, Ellipsis) and, when
// there are tensors among it, a list of index tensors per dimension of that view.
#include "bindings/index.h"

#include <algorithm>
#include <cstring>

#include "autograd/node.h"
#include "bindings/call.h"
#include "bindings/data.h"
#include "bindings/index_parse.h"
#include "flambeau/iter.h"
#include "ops/ops.h"

namespace fl::py {

namespace {

// Views of a tensor that no gradient flows through need no node: geometry is enough.
bool plain(const Tensor& t) { return !tls.modes && !t.requires_grad(); }

// The geometry of a view under construction.
struct View {
  int ndim = 0;
  int64_t offset = 0;
  int64_t sizes[kMaxDims + 8], strides[kMaxDims + 8];
};

void check_index(int64_t i, int64_t size, int dim) {
  if (i < -size || i >= size) [[unlikely]] {
    fail(ErrorKind::Index, "index ", i, " is out of bounds for dimension ", dim,
         " with size ", size);
  }
}

struct Range {
  int64_t start, stop, step, length;
};

int64_t slice_bound(PyObject* o, int64_t otherwise) {
  if (o == Py_None) return otherwise;
  int64_t v;
  if (small_int(o, v)) return v;
  if (PyLong_Check(o)) {
    int overflow = 0;
    v = PyLong_AsLongLongAndOverflow(o, &overflow);
    return overflow > 0 ? INT64_MAX : overflow < 0 ? INT64_MIN : v;
  }
  check(as_int(o, v), ErrorKind::Type,
        "slice indices must be integers or None or have an __index__ method");
  return v;
}

Range range_of(PyObject* slice, int64_t size) {
  const auto* s = reinterpret_cast<PySliceObject*>(slice);
  Range r;
  r.step = slice_bound(s->step, 1);
  check(r.step > 0, ErrorKind::Value, "step must be greater than zero");
  r.start = slice_bound(s->start, 0);
  r.stop = slice_bound(s->stop, INT64_MAX);
  if (r.start < 0) r.start = r.start < -size ? 0 : r.start + size;
  if (r.stop < 0) r.stop = r.stop < -size ? 0 : r.stop + size;
  r.start = std::min(r.start, size);
  r.stop = std::min(r.stop, size);
  r.length = std::max<int64_t>(r.stop - r.start, 0);
  if (r.step != 1 && r.length > 0) r.length = (r.length - 1) / r.step + 1;
  return r;
}

Tensor make_alias(const Tensor& t, const View& v) {
  Tensor out = alias(t, IntList(v.sizes, v.ndim), IntList(v.strides, v.ndim), v.offset);
  make_view(out, t.get());
  return out;
}

Tensor select_first(const Tensor& t, int64_t i) {
  check(t.dim() > 0, ErrorKind::Index,
        "invalid index of a 0-dim tensor. Use `tensor.item()` to convert a 0-dim ",
        "tensor to a number");
  check_index(i, t->sizes[0], 0);
  if (!plain(t)) return ops::select(t, 0, i);
  if (i < 0) i += t->sizes[0];
  Tensor out = alias(t, t.sizes().subspan(1), t.strides().subspan(1),
                     t.offset() + i * t->strides[0]);
  make_view(out, t.get());
  return out;
}

Tensor slice_first(const Tensor& t, PyObject* slice) {
  check(t.dim() > 0, ErrorKind::Index, "slice() cannot be applied to a 0-dim tensor.");
  const Range r = range_of(slice, t->sizes[0]);
  if (!plain(t)) return ops::slice(t, 0, r.start, r.stop, r.step);
  View v;
  v.ndim = static_cast<int>(t.dim());
  std::copy_n(t->sizes, v.ndim, v.sizes);
  std::copy_n(t->strides, v.ndim, v.strides);
  v.sizes[0] = r.length;
  v.strides[0] *= r.step;
  v.offset = t.offset() + r.start * t->strides[0];
  return make_alias(t, v);
}

// ---- general indices
// ------------------------------------------------------------------

enum class Kind { Int, Slice, NewAxis, Ellipsis, Bool, Advanced };

Kind kind_of(PyObject* o) {
  if (o == Py_None) return Kind::NewAxis;
  if (o == Py_Ellipsis) return Kind::Ellipsis;
  if (PySlice_Check(o)) return Kind::Slice;
  if (PyBool_Check(o)) return Kind::Bool;
  if (PyLong_Check(o)) return Kind::Int;
  if (is_tensor(o)) {
    const TensorImpl* t = impl_of(o);
    if (t->ndim == 0 && is_integral(t->dtype)) {
      return t->dtype == Dtype::Bool ? Kind::Advanced : Kind::Int;
    }
    return Kind::Advanced;
  }
  if (is_numpy_scalar(o)) {
    if (strncmp(type_of(o), "bool", 4) == 0) return Kind::Bool;
    return Kind::Int;
  }
  if (PyList_Check(o) || PyTuple_Check(o) || is_numpy(o)) return Kind::Advanced;
  return PyIndex_Check(o) ? Kind::Int : Kind::Advanced;
}

Tensor index_tensor(PyObject* o, const Tensor& of) {
  if (is_tensor(o)) {
    Tensor t = unwrap(o);
    check(t.dtype() == Dtype::Int64 || t.dtype() == Dtype::Int32 ||
              t.dtype() == Dtype::Bool || t.dtype() == Dtype::UInt8 ||
              t.dtype() == Dtype::Int16 || t.dtype() == Dtype::Int8,
          ErrorKind::Index, "tensors used as indices must be long, int, byte or bool ",
          "tensors, got ", describe(t));
    if (t.dtype() == Dtype::UInt8) return ops::to_dtype(t, Dtype::Bool);
    if (t.dtype() == Dtype::Int16 || t.dtype() == Dtype::Int8) {
      return ops::to_dtype(t, Dtype::Int64);
    }
    return t;
  }
  check(
      PyList_Check(o) || PyTuple_Check(o) || is_numpy(o), ErrorKind::Index,
      "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables ",
      "are valid indices (got ", type_of(o), ")");
  Tensor t = tensor_from(o, std::nullopt, of.device());
  if (t.numel() == 0 && is_floating(t.dtype())) t = cast_to(t, Dtype::Int64);
  check(is_integral(t.dtype()), ErrorKind::Index,
        "only integers and bools are valid in lists of indices, got ", describe(t));
  return t;
}

class Parser {
 public:
  explicit Parser(const Tensor& t) : t_(t), record_(!plain(t)) {
    v_.offset = t.offset();
    current_ = t;
  }

  IndexParts run(PyObject* const* items, Py_ssize_t n) {
    prepare(items, n);
    for (const Item& item : items_) take(item);
    while (dim_ < t_.dim()) keep();
    IndexParts p;
    p.view = record_ ? current_ : make_alias(t_, v_);
    if (advanced_) {
      indices_.resize(static_cast<size_t>(p.view.dim()));
      p.indices = std::move(indices_);
    }
    return p;
  }

 private:
  struct Item {
    PyObject* object;
    Kind kind;
    Tensor index;  // of Kind::Advanced
  };

  void prepare(PyObject* const* items, Py_ssize_t n) {
    int64_t used = 0;
    bool ellipsis = false;
    items_.reserve(static_cast<size_t>(n));
    for (Py_ssize_t i = 0; i < n; ++i) {
      Item& item = items_.emplace_back(Item{items[i], kind_of(items[i]), {}});
      if (item.kind == Kind::Advanced) {
        item.index = index_tensor(item.object, t_);
        used += item.index.dtype() == Dtype::Bool ? item.index.dim() : 1;
      } else if (item.kind == Kind::Int || item.kind == Kind::Slice) {
        ++used;
      } else if (item.kind == Kind::Ellipsis) {
        check(!ellipsis, ErrorKind::Index,
              "an index can only have a single ellipsis ('...')");
        ellipsis = true;
      }
    }
    check(used <= t_.dim(), ErrorKind::Index,
          "too many indices for tensor of dimension ", t_.dim());
    skipped_ = t_.dim() - used;
  }

  int64_t size() const { return t_->sizes[dim_]; }

  void push(int64_t size, int64_t stride) {
    check(v_.ndim < kMaxDims, "index: the result has too many dimensions");
    v_.sizes[v_.ndim] = size;
    v_.strides[v_.ndim] = stride;
    ++v_.ndim;
  }

  void keep() {
    push(size(), t_->strides[dim_]);
    ++dim_;
  }

  void take(const Item& item) {
    switch (item.kind) {
      case Kind::Int:
        return take_int(item.object);
      case Kind::Slice:
        return take_slice(item.object);
      case Kind::NewAxis:
        return new_axis();
      case Kind::Ellipsis:
        for (int64_t i = 0; i < skipped_; ++i) keep();
        return;
      case Kind::Bool:
        return take_bool(item.object);
      case Kind::Advanced:
        return take_advanced(item.index);
    }
  }

  void take_int(PyObject* o) {
    int64_t i;
    check(as_int(o, i), ErrorKind::Type, "expected an int as index, got ", type_of(o));
    check_index(i, size(), static_cast<int>(dim_));
    if (i < 0) i += size();
    if (record_) current_ = ops::select(current_, v_.ndim, i);
    v_.offset += i * t_->strides[dim_];
    ++dim_;
  }

  void take_slice(PyObject* o) {
    const Range r = range_of(o, size());
    const bool whole = r.start == 0 && r.step == 1 && r.length == size();
    if (record_ && !whole) {
      current_ = ops::slice(current_, v_.ndim, r.start, r.stop, r.step);
    }
    v_.offset += r.start * t_->strides[dim_];
    push(r.length, t_->strides[dim_] * r.step);
    ++dim_;
  }

  void new_axis() {
    if (record_) current_ = ops::unsqueeze(current_, v_.ndim);
    push(1, v_.ndim ? v_.strides[v_.ndim - 1] * v_.sizes[v_.ndim - 1] : 1);
  }

  // True and False add a dimension of one or of none.
  void take_bool(PyObject* o) {
    new_axis();
    const int64_t sizes[] = {1};
    Tensor mask = empty(IntList(sizes, 1), Dtype::Bool, t_.device());
    fill_with(mask, Scalar(PyObject_IsTrue(o) == 1));
    set_index(v_.ndim - 1, mask);
  }

  void take_advanced(const Tensor& index) {
    if (index.dtype() == Dtype::Bool && index.dim() == 0) {
      new_axis();
      set_index(v_.ndim - 1, ops::unsqueeze(index, 0));
      return;
    }
    const int n = index.dtype() == Dtype::Bool ? static_cast<int>(index.dim()) : 1;
    if (index.dtype() == Dtype::Bool) {
      for (int k = 0; k < n; ++k) {
        if (index->sizes[k] == t_->sizes[dim_ + k]) continue;
        fail(ErrorKind::Index, "The shape of the mask ", to_string(index.sizes()),
             " at index ", k, " does not match the shape of the indexed tensor ",
             to_string(t_.sizes()), " at index ", dim_ + k);
      }
    }
    const int at = v_.ndim;
    for (int k = 0; k < n; ++k) keep();
    set_index(at, index);
  }

  void set_index(int at, const Tensor& index) {
    advanced_ = true;
    const bool mask = index.dtype() == Dtype::Bool;
    indices_.resize(static_cast<size_t>(at + (mask ? index.dim() : 1)));
    if (!mask) {
      indices_[at] = index;
      return;
    }
    static const OpRef nonzero("nonzero(");
    const Tensor where = nonzero(index);  // [count, dims of the mask]
    for (int64_t d = 0; d < index.dim(); ++d) {
      indices_[at + d] = ops::select(where, 1, d);
    }
  }

  const Tensor& t_;
  const bool record_;  // views go through ops, so that gradients flow
  Tensor current_;
  View v_;
  int64_t dim_ = 0;
  int64_t skipped_ = 0;
  bool advanced_ = false;
  std::vector<Item> items_;
  std::vector<Tensor> indices_;
};

// A tuple of nothing but ints, slices, None and Ellipsis, on a tensor without history.
bool quick_view(const Tensor& t, PyObject* tuple, Tensor& out) {
  const Py_ssize_t n = PyTuple_GET_SIZE(tuple);
  if (!plain(t) || n > kMaxDims) return false;
  int64_t used = 0;
  bool ellipsis = false;
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* o = PyTuple_GET_ITEM(tuple, i);
    if (PyLong_CheckExact(o) || PySlice_Check(o)) {
      ++used;
    } else if (o == Py_Ellipsis && !ellipsis) {
      ellipsis = true;
    } else if (o != Py_None) {
      return false;
    }
  }
  check(used <= t.dim(), ErrorKind::Index, "too many indices for tensor of dimension ",
        t.dim());
  View v;
  v.offset = t.offset();
  int d = 0;
  const auto push = [&](int64_t size, int64_t stride) {
    check(v.ndim < kMaxDims, "index: the result has too many dimensions");
    v.sizes[v.ndim] = size;
    v.strides[v.ndim++] = stride;
  };
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* o = PyTuple_GET_ITEM(tuple, i);
    if (o == Py_None) {
      push(1, v.ndim ? v.strides[v.ndim - 1] * v.sizes[v.ndim - 1] : 1);
    } else if (o == Py_Ellipsis) {
      for (int64_t k = t.dim() - used; k > 0; --k, ++d)
        push(t->sizes[d], t->strides[d]);
    } else if (PySlice_Check(o)) {
      const Range r = range_of(o, t->sizes[d]);
      v.offset += r.start * t->strides[d];
      push(r.length, t->strides[d] * r.step);
      ++d;
    } else {
      int64_t k;
      as_int(o, k);
      check_index(k, t->sizes[d], d);
      v.offset += (k < 0 ? k + t->sizes[d] : k) * t->strides[d];
      ++d;
    }
  }
  for (; d < t.dim(); ++d) push(t->sizes[d], t->strides[d]);
  out = make_alias(t, v);
  return true;
}

}  // namespace

IndexParts parse_index(const Tensor& t, PyObject* index) {
  if (PyLong_CheckExact(index) || PySlice_Check(index)) return {get_item(t, index), {}};
  Parser p(t);
  if (!PyTuple_Check(index)) return p.run(&index, 1);
  IndexParts parts;
  if (quick_view(t, index, parts.view)) return parts;
  return p.run(PySequence_Fast_ITEMS(index), PyTuple_GET_SIZE(index));
}

Tensor get_item(const Tensor& t, PyObject* index) {
  if (PyLong_CheckExact(index)) {
    int64_t i;
    as_int(index, i);
    return select_first(t, i);
  }
  if (PySlice_Check(index)) return slice_first(t, index);
  Tensor out;
  if (PyTuple_CheckExact(index) && quick_view(t, index, out)) return out;
  IndexParts p = parse_index(t, index);
  return p.indices.empty() ? p.view : ops::index(p.view, p.indices);
}

}  // namespace fl::py
