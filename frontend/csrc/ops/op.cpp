// Op records, their registry, and the one path that every call takes.
//
// Note [Op records]
// A call arrives as a Frame: the record and one Value per schema argument. call() asks
// the modes (one flag when there are none), finds out whether a gradient will be
// wanted, and runs the record in one of three ways:
//   - it has derivatives: the implementation runs with recording off, and one OpNode is
//     hung on its outputs;
//   - it has a decomposition and gradients flow: the decomposition runs, and its parts
//     are recorded;
//   - it has neither: the implementation is itself a composition of ops.
// In-place and out= forms run the same record with `given` set. Implementations that
// can write there do; for the others the result is copied.
#include "ops/op.h"

#include <algorithm>
#include <map>

#include "autograd/node.h"
#include "ops/record.h"

namespace fl {

Schema parse_schema(const char* text);

// ---- values ------------------------------------------------------------------------

Value::Value(const Scalar& s) : i(0) {
  switch (s.kind) {
    case Scalar::Kind::Bool:
      *this = Value(s.i != 0);
      break;
    case Scalar::Kind::Int:
      *this = Value(s.i);
      break;
    case Scalar::Kind::Float:
      *this = Value(s.f);
      break;
    case Scalar::Kind::Complex:
      tag = Tag::Complex;
      f = s.f;
      im = s.im;
  }
}

Scalar Value::scalar() const {
  switch (tag) {
    case Tag::Bool:
      return Scalar(i != 0);
    case Tag::Int:
      return Scalar(i);
    case Tag::Float:
      return Scalar(f);
    case Tag::Complex:
      return Scalar(std::complex<double>(f, im));
    case Tag::Tensor:
      return item(Tensor(tensor));
    default:
      fail(ErrorKind::Type, "expected a number");
  }
}

// ---- records
// --------------------------------------------------------------------------

Op::Op(const char* text, const char* d) : schema(parse_schema(text)), doc(d) {
  for (size_t i = 0; i < schema.args.size(); ++i) {
    ArgType t = schema.args[i].type;
    if (t == ArgType::Tensor || t == ArgType::Tensors || t == ArgType::Operand) {
      tensor_args |= 1u << i;
      if (!schema.args[i].nullable) needed_args |= 1u << i;
    }
  }
  // Methods take the tensor first, by the name `self`.
  has_method = (tensor_args & 1u) && schema.args[0].name == "self";
  if (schema.name.front() == '_') has_method = false;
}

Op& Op::pointwise(Promote p, const char* k) {
  is_pointwise = true;
  promote = p;
  kernel = intern_kernel(k ? k : name());
  run = run_pointwise_record;
  return *this;
}

Op& Op::derivative(const char* input, uint32_t reads, DerivativeFn fn) {
  single.push_back({schema.index_of(input), reads, fn});
  return *this;
}

Op& Op::derivatives(uint32_t reads, JointDerivativeFn fn) {
  joint = fn;
  joint_reads = reads;
  return *this;
}

Op& Op::not_differentiable() {
  differentiable = false;
  return *this;
}
Op& Op::nondifferentiable_output(int i) {
  nondifferentiable |= 1u << i;
  return *this;
}
Op& Op::no_method() {
  has_method = false;
  return *this;
}
Op& Op::method_only() {
  has_function = false;
  has_method = true;
  return *this;
}
Op& Op::inplace() {
  has_inplace = true;
  return *this;
}
Op& Op::writes_alike() {
  may_overlap = true;
  return *this;
}
Op& Op::out(uint8_t rules) {
  has_out = true;
  out_rules = rules;
  return *this;
}
Op& Op::alias(const char* n) {
  aliases.push_back(n);
  return *this;
}
Op& Op::autocast(Autocast how) {
  cast = how;
  return *this;
}

namespace {

struct Registry {
  std::vector<std::unique_ptr<Op>> ops;
  std::map<std::string, std::unique_ptr<Overloads>, std::less<>> by_name;
  std::vector<Overloads*> all;
};

Registry& registry() {
  static auto* r = new Registry;
  return *r;
}

std::string qualified(std::string_view space, std::string_view name) {
  return space.empty() ? std::string(name) : concat(space, ".", name);
}

void add_overload(const Op* op, const char* name) {
  Registry& r = registry();
  auto& slot = r.by_name[qualified(op->schema.space, name)];
  if (!slot) {
    slot = std::make_unique<Overloads>();
    slot->space = op->schema.space;
    slot->name = name;
    r.all.push_back(slot.get());
  }
  slot->ops.push_back(op);
}

}  // namespace

Records::Records(std::initializer_list<Op> list) {
  for (const Op& op : list) {
    check(op.run != nullptr, "op '", op.name(), "' has no implementation");
    registry().ops.push_back(std::make_unique<Op>(op));
    const Op* stored = registry().ops.back().get();
    add_overload(stored, stored->name());
    for (const char* a : stored->aliases) add_overload(stored, a);
  }
}

const std::vector<Overloads*>& all_overloads() { return registry().all; }

const Overloads* find_overloads(std::string_view space, std::string_view name) {
  auto at = registry().by_name.find(qualified(space, name));
  return at == registry().by_name.end() ? nullptr : at->second.get();
}

const Op& find_op(std::string_view prefix) {
  std::string name(prefix.substr(0, prefix.find('(')));
  auto at = registry().by_name.find(name);
  if (at != registry().by_name.end()) {
    for (const Op* op : at->second->ops) {
      if (op->schema.text.compare(0, prefix.size(), prefix) == 0) return *op;
    }
  }
  fail(ErrorKind::Runtime, "there is no op '", prefix, "'");
}

// ---- calling
// -------------------------------------------------------------------------

namespace {

bool wants_grad(const Op& op, const Frame& f) {
  uint32_t mask = op.tensor_args;
  while (mask) {
    int i = __builtin_ctz(mask);
    mask &= mask - 1;
    const Value& v = f.args[i];
    if (v.tag == Tag::Tensor) {
      if (v.tensor->requires_grad()) return true;
    } else if (v.tag == Tag::Tensors) {
      for (uint32_t k = 0; k < v.n; ++k) {
        if (v.tensors[k].defined() && v.tensors[k].requires_grad()) return true;
      }
    }
  }
  return false;
}

bool has_derivative(const Op& op) { return !op.single.empty() || op.joint; }

inline void mark_view(const Tensor& v, TensorImpl* of, bool one_of_many) {
  if (!v.defined() || v.get() == of || v->storage != of->storage) return;
  make_view(v, of);
  if (one_of_many) v->set(kMultiView, true);
}
inline void mark_views(const Frame& f) {
  TensorImpl* of = f.args[0].tensor;
  if (f.n_out > 0) mark_view(f.out, of, f.list);
  for (int i = 1; i < f.n_out; ++i) mark_view(f.more[i - 1], of, f.list);
}

void run_plain(const Op& op, Frame& f) {
  op.run(f);
  if (op.is_view) mark_views(f);
}

}  // namespace

void call(const Op& op, Frame& f) {
  f.op = &op;
  if (tls.modes) [[unlikely]] {
    if (run_modes(op, f)) return;
  }
  if (!tls.grad_enabled || !wants_grad(op, f)) {
    run_plain(op, f);
    return;
  }
  if (!op.differentiable) {
    GradGuard off(false);
    run_plain(op, f);
    return;
  }
  if (!has_derivative(op)) {
    if (op.composite) {
      op.composite(f);
    } else {
      run_plain(op, f);
    }
    return;
  }
  {
    GradGuard off(false);
    op.run(f);
  }
  if (op.is_view) mark_views(f);
  Ref<OpNode> node = record(op, f, /*clone_self=*/false);
  finish_record(*node, f);
}

void call_inplace(const Op& op, Frame& f) {
  f.op = &op;
  Tensor self(f.args[0].tensor);
  if (tls.modes) [[unlikely]] {
    if (run_modes_inplace(op, f)) return;
  }
  check_inplace(self, op.name(), op.may_overlap);
  bool grad = tls.grad_enabled && wants_grad(op, f);
  if (grad && op.differentiable && !has_derivative(op)) {
    call(op, f);  // a composition: its result, with its history, goes into self
    ops_copy_inplace(self, f.out);
    f.out = self;
    return;
  }
  Ref<OpNode> node;
  if (grad && op.differentiable) node = record(op, f, /*clone_self=*/true);
  {
    GradGuard off(false);
    f.given = self;
    f.inplace = true;
    op.run(f);
    if (!f.out.same(self)) {
      check_exact(op, f.out.dtype(), self.dtype());
      store_result(self, f.out, op.name(), true);
    }
  }
  f.out = self;
  bump_version(self);
  if (node) {
    finish_record_inplace(*node, f);
  } else if (grad && !op.differentiable) {
    rebase_history(self, Ref<Node>(), 0);
  }
}

namespace {

bool same_elements(const Tensor& a, const Tensor& b) {
  return a.offset() == b.offset() && a.sizes().equals(b.sizes()) &&
         a.strides().equals(b.strides());
}

// Views with gaps may lie between each other's elements: only dense ones are refused.
void check_apart(const Op& op, const Tensor& out, const Tensor& operand, bool itself) {
  if (!operand.defined() || !overlaps(out, operand)) return;
  if (itself && same_elements(out, operand)) return;
  check(!(is_dense(out) && is_dense(operand)), op.name(),
        ": unsupported operation: some elements of the input tensor and the ",
        "written-to tensor refer to a single memory location. Please clone() the ",
        "tensor before performing the operation.");
}

// An op that has an in-place form may write over self, element by element.
void check_apart(const Op& op, const Frame& f, const Tensor& out) {
  for (uint32_t mask = op.tensor_args; mask; mask &= mask - 1) {
    const int i = __builtin_ctz(mask);
    const Value& v = f.args[i];
    if (v.is_tensor()) {
      check_apart(op, out, Tensor(v.tensor), i == 0 && op.has_inplace);
    } else if (v.tag == Tag::Tensors) {
      for (uint32_t k = 0; k < v.n; ++k) check_apart(op, out, v.tensors[k], false);
    }
  }
}

}  // namespace

void call_out(const Op& op, Frame& f, std::span<Tensor> given) {
  f.op = &op;
  if (tls.grad_enabled) {
    bool grad = wants_grad(op, f);
    for (const Tensor& t : given) grad = grad || t.requires_grad();
    check(!grad, op.name(), "(): functions with out=... arguments don't support ",
          "automatic differentiation, but one of the arguments requires grad.");
  }
  if (op.out_rules & kOutApart) {
    for (const Tensor& t : given) check_apart(op, f, t);
  }
  GradGuard off(false);
  if (given.size() == 1) f.given = given[0];
  if (tls.modes) [[unlikely]] {
    if (!run_modes(op, f)) op.run(f);
  } else {
    op.run(f);
  }
  check(f.n_out == static_cast<int>(given.size()), ErrorKind::Type, op.name(),
        "(): expected ", f.n_out, " tensors in out=, got ", given.size());
  for (int i = 0; i < f.n_out; ++i) {
    if (!f.output(i).same(given[i])) {
      check_exact(op, f.output(i).dtype(), given[i].dtype());
      store_result(given[i], f.output(i), op.name(), false);
    }
    bump_version(given[i]);
    f.output(i) = given[i];
  }
}

void check_exact(const Op& op, Dtype result, Dtype given) {
  check(!(op.out_rules & kOutExact) || result == given, op.name(),
        ": Expected out tensor to have dtype ", type_name(result), ", but got ",
        type_name(given), " instead");
}

void store_result(const Tensor& to, const Tensor& result, const char* op,
                  bool inplace) {
  check(can_cast(result.dtype(), to.dtype()), op, ": result type ",
        type_name(result.dtype()), " can't be cast to the desired output type ",
        type_name(to.dtype()));
  if (!result.sizes().equals(to.sizes())) {
    check(!inplace, op, "_: output with shape ", to_string(to.sizes()),
          " doesn't match the broadcast shape ", to_string(result.sizes()));
    resize_output(to, result.sizes());
  }
  copy_into(to, result);
}

void resize_output(const Tensor& out, IntList sizes) {
  if (out.sizes().equals(sizes)) return;
  int64_t need = (count(sizes) + out.offset()) * item_size(out.dtype());
  if (need > static_cast<int64_t>(out->storage->nbytes)) out->storage->resize(need);
  out->set_contiguous(sizes);
}

void ops_copy_inplace(const Tensor& to, const Tensor& from) {
  static const OpRef copy("copy(");
  copy.inplace(to, from);
}

// ---- OpRef
// ---------------------------------------------------------------------------

const Op& OpRef::get() const {
  if (!op_) [[unlikely]] {
    op_ = &find_op(prefix_);
  }
  return *op_;
}

namespace {
// Callers may leave out trailing arguments that have defaults.
struct FullArgs {
  // Raw memory: most calls need none of it, and get() writes what the others do.
  alignas(Value) unsigned char raw[28 * sizeof(Value)];
  const Value* get(const Op& op, const Value* args, size_t n) {
    size_t all = op.schema.args.size();
    for (uint32_t mask = op.needed_args; mask; mask &= mask - 1) {
      size_t i = static_cast<size_t>(__builtin_ctz(mask));
      check(i < n && !args[i].none(), op.name(), ": internal: no tensor for argument '",
            op.schema.args[std::min(i, all - 1)].name, "'");
    }
    if (n == all) return args;
    check(n < all, op.name(), ": called with too many arguments from C++");
    auto* buffer = reinterpret_cast<Value*>(raw);
    std::copy(args, args + n, buffer);
    for (size_t i = n; i < all; ++i) buffer[i] = op.schema.args[i].value;
    return buffer;
  }
};
}  // namespace

Frame OpRef::run(const Value* args, size_t n) const {
  const Op& op = get();
  FullArgs full;
  Frame f;
  f.args = full.get(op, args, n);
  call(op, f);
  return f;
}

Tensor OpRef::run_inplace(const Value* args, size_t n) const {
  const Op& op = get();
  FullArgs full;
  Frame f;
  f.args = full.get(op, args, n);
  call_inplace(op, f);
  return f.out;
}

std::vector<Tensor> OpRef::collect(Frame&& f) {
  std::vector<Tensor> out;
  for (int i = 0; i < f.n_out; ++i) out.push_back(std::move(f.output(i)));
  return out;
}

}  // namespace fl
