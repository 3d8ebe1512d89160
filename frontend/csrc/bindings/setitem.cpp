// Writing parts of tensors: t[index] = value.
#include "autograd/node.h"
#include "bindings/call.h"
#include "bindings/index.h"
#include "bindings/index_parse.h"
#include "ops/ops.h"
#include "ops/record.h"

namespace fl::py {

namespace {

// What is assigned: a tensor, or a number.
Value assigned(const Tensor& t, PyObject* value) {
  if (is_tensor(value)) return Value(unwrap(value));
  Scalar s;
  if (as_number(value, s)) return Value(s);
  fail(ErrorKind::Type, "can't assign a ", type_of(value), " to a ", describe(t));
}

// Leading dimensions of one that the target lacks are dropped, as in PyTorch.
Tensor without_leading_ones(const Tensor& v, int64_t ndim) {
  int64_t drop = 0;
  while (v.dim() - drop > ndim && v->sizes[drop] == 1) ++drop;
  if (drop == 0) return v;
  return ops::view(v, v.sizes().subspan(static_cast<size_t>(drop)));
}

void assign_view(const Tensor& view, const Value& value) {
  if (!value.is_tensor()) {
    if (!tls.modes && !view.requires_grad()) {
      check_inplace(view, "__setitem__");
      fill_with(view, value.scalar());
      bump_version(view);
      return;
    }
    const int64_t none[] = {0};
    Tensor number = empty(IntList(none, size_t{0}), view.dtype(), view.device());
    fill_with(number, value.scalar());
    ops_copy_inplace(view, number);
    return;
  }
  ops_copy_inplace(view, without_leading_ones(Tensor(value.tensor), view.dim()));
}

// t[mask] = number
bool assign_mask(const Tensor& t, PyObject* index, const Value& value) {
  if (!is_tensor(index) || impl_of(index)->dtype != Dtype::Bool) return false;
  const Tensor mask = unwrap(index);
  const bool one = !value.is_tensor() || value.tensor->ndim == 0;
  if (!one || !mask.sizes().equals(t.sizes())) return false;
  static const Op& op = find_op("masked_fill(");
  const Value args[] = {Value(t), Value(mask), value};
  Frame f;
  f.args = args;
  call_inplace(op, f);
  return true;
}

void assign_indexed(const IndexParts& p, const Value& value) {
  Tensor v;
  if (value.is_tensor()) {
    v = Tensor(value.tensor);
    check(v.dtype() == p.view.dtype() || v.dim() == 0, ErrorKind::Runtime,
          "Index put requires the source and destination dtypes match, got ",
          describe(p.view), " for the destination and ", describe(v),
          " for the source.");
    if (v.dtype() != p.view.dtype()) v = ops::to_dtype(v, p.view.dtype());
  } else {
    v = empty(IntList(), p.view.dtype(), p.view.device());
    fill_with(v, value.scalar());
  }
  static const Op& op = find_op("index_put(");
  const Value args[] = {Value(p.view), Value(TensorList(p.indices)), Value(v),
                        Value(false)};
  Frame f;
  f.args = args;
  call_inplace(op, f);
}

}  // namespace

void set_item(const Tensor& t, PyObject* index, PyObject* object) {
  const Value value = assigned(t, object);
  if (assign_mask(t, index, value)) return;
  IndexParts p = parse_index(t, index);
  if (p.indices.empty()) {
    assign_view(p.view, value);
  } else {
    assign_indexed(p, value);
  }
}

}  // namespace fl::py
