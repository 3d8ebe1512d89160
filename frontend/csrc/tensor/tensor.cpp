// Tensor geometry, allocation of impls, and the checks that writes in place need.
#include "tensor/tensor.h"

#include <algorithm>
#include <cstring>

#include "autograd/node.h"
#include "flambeau/iter.h"
#include "flambeau/spares.h"

namespace fl {

// ---- impls --------------------------------------------------------------------------

namespace {
constinit Spares<TensorImpl> spares;
}  // namespace

void* TensorImpl::operator new(size_t) { return spares.take(); }
void TensorImpl::operator delete(void* p) { spares.give(p); }

void (*release_python)(PyObject* object) = nullptr;

void TensorImpl::destroy(TensorImpl* t) {
  if (t->flags & kOwnsPython) [[unlikely]] {
    release_python(t->py);
  }
  delete t;
}

TensorImpl::~TensorImpl() {
  if (sizes != inline_) delete[] sizes;
  delete autograd;
  if (storage && --storage->refs == 0) Storage::destroy(storage);
  if (base && --base->refs == 0) destroy(base);
}

namespace {

void reserve_many(TensorImpl& t, size_t ndim) {
  check(ndim <= kMaxDims, "tensor: expected at most ", kMaxDims, " dimensions, got ",
        ndim);
  if (t.sizes != t.inline_) delete[] t.sizes;
  if (ndim <= TensorImpl::kInlineDims) {
    t.sizes = t.inline_;
    t.strides = t.inline_ + TensorImpl::kInlineDims;
  } else {
    t.sizes = new int64_t[2 * ndim];
    t.strides = t.sizes + ndim;
  }
}

inline void reserve_dims(TensorImpl& t, size_t ndim) {
  if (ndim > TensorImpl::kInlineDims || t.sizes != t.inline_) [[unlikely]] {
    reserve_many(t, ndim);
  }
  t.ndim = static_cast<uint8_t>(ndim);
}

[[noreturn]] void refuse_sizes(IntList sizes, int64_t s) {
  check(s >= 0, "Trying to create tensor with negative dimension ", s, ": ",
        to_string(sizes));
  fail(ErrorKind::Runtime, "numel: integer multiplication overflow for shape ",
       to_string(sizes));
}

// numel, refusing negative sizes and products that overflow.
inline int64_t checked_count(IntList sizes) {
  int64_t n = 1;
  for (int64_t s : sizes) {
    if (s < 0 || __builtin_mul_overflow(n, s, &n)) [[unlikely]] {
      refuse_sizes(sizes, s);
    }
  }
  return n;
}

[[noreturn]] void refuse_bytes(int64_t elements, Dtype dtype) {
  fail(ErrorKind::Runtime, "Storage size calculation overflowed: ", elements,
       " elements of ", short_name(dtype));
}

inline size_t checked_bytes(int64_t elements, Dtype dtype) {
  int64_t bytes;
  if (__builtin_mul_overflow(elements, item_size(dtype), &bytes) ||
      bytes >= (int64_t{1} << 60)) [[unlikely]] {
    refuse_bytes(elements, dtype);
  }
  return static_cast<size_t>(bytes);
}

}  // namespace

namespace {

// The geometry of an impl that nobody has seen yet: sizes are checked on the way.
inline void lay_out(TensorImpl& t, IntList sizes) {
  reserve_dims(t, sizes.size());
  int64_t n = 1, stride = 1;
  for (int d = t.ndim - 1; d >= 0; --d) {
    const int64_t size = sizes[d];
    t.sizes[d] = size;
    t.strides[d] = stride;
    if (size < 0 || __builtin_mul_overflow(n, size, &n)) [[unlikely]] {
      refuse_sizes(sizes, size);
    }
    stride *= std::max<int64_t>(size, 1);
  }
  t.numel = n;
  t.flags |= kContiguous;
}
inline void lay_out(TensorImpl& t, IntList sizes, IntList strides) {
  reserve_dims(t, sizes.size());
  bool dense = true;
  int64_t n = 1;
  for (int d = t.ndim - 1; d >= 0; --d) {
    const int64_t size = sizes[d], stride = strides[d];
    t.sizes[d] = size;
    t.strides[d] = stride;
    dense &= size == 1 || stride == n;
    if (size < 0 || __builtin_mul_overflow(n, size, &n)) [[unlikely]] {
      refuse_sizes(sizes, size);
    }
  }
  t.numel = n;
  t.set(kContiguous, dense || n == 0);
}

}  // namespace

void TensorImpl::set_contiguous(IntList s) {
  checked_count(s);
  lay_out(*this, s);
}

void TensorImpl::set_geometry(IntList s, IntList st) {
  check(s.size() <= kMaxDims, "tensor: expected at most ", kMaxDims,
        " dimensions, got ", s.size());
  checked_count(s);
  int64_t copy[2 * kMaxDims];  // the lists may be this impl's own
  std::copy(s.begin(), s.end(), copy);
  std::copy(st.begin(), st.end(), copy + kMaxDims);
  lay_out(*this, IntList(copy, s.size()), IntList(copy + kMaxDims, s.size()));
}

// ---- making
// -----------------------------------------------------------------------------

namespace {

Tensor attach(Ref<Storage> storage, Dtype dtype) {
  Tensor t(new TensorImpl);
  t->dtype = dtype;
  t->device = storage->device;
  t->storage = storage.release();
  if (tls.inference) t->flags |= kInference;
  return t;
}

}  // namespace

Tensor empty(IntList sizes, Dtype dtype, DeviceRuntime& device) {
  Tensor t(new TensorImpl);
  t->dtype = dtype;
  t->device = &device;
  lay_out(*t, sizes);
  t->storage = Storage::make(device, checked_bytes(t->numel, dtype)).release();
  if (tls.inference) t->flags |= kInference;
  return t;
}

Tensor empty_strided(IntList sizes, IntList strides, Dtype dtype,
                     DeviceRuntime& device) {
  check(sizes.size() == strides.size(), "empty_strided: expected as many strides as ",
        "sizes, got ", to_string(strides), " for ", to_string(sizes));
  int64_t reach = 1;
  for (size_t d = 0; d < sizes.size(); ++d) {
    check(strides[d] >= 0, "empty_strided: expected non-negative strides, got ",
          to_string(strides));
    if (sizes[d] == 0) {
      reach = 0;
      break;
    }
    int64_t step;
    check(!__builtin_mul_overflow(sizes[d] - 1, strides[d], &step) &&
              !__builtin_add_overflow(reach, step, &reach),
          "Storage size calculation overflowed with sizes=", to_string(sizes),
          " and strides=", to_string(strides));
  }
  Tensor t = attach(Storage::make(device, checked_bytes(reach, dtype)), dtype);
  lay_out(*t, sizes, strides);
  return t;
}

Tensor empty_like(const Tensor& t) { return empty_like(t, t.dtype()); }

Tensor empty_like(const Tensor& t, Dtype dtype) {
  if (t.contiguous() || !is_dense(t)) return empty(t.sizes(), dtype, t.device());
  return empty_strided(t.sizes(), t.strides(), dtype, t.device());
}

Tensor wrap_storage(Ref<Storage> storage, IntList sizes, IntList strides,
                    int64_t offset, Dtype dtype) {
  Tensor t = attach(std::move(storage), dtype);
  t->offset = offset;
  lay_out(*t, sizes, strides);
  return t;
}

namespace {
// Without sizes yet.
inline Tensor share(const Tensor& t, int64_t offset) {
  Tensor v(new TensorImpl);
  v->dtype = t.dtype();
  v->device = t->device;
  v->storage = t->storage;
  ++v->storage->refs;
  v->offset = offset;
  v->flags = t->flags & (kInference | kUnversioned);
  return v;
}
}  // namespace

Tensor alias(const Tensor& t, IntList sizes, IntList strides, int64_t offset) {
  Tensor v = share(t, offset);
  lay_out(*v, sizes, strides);
  return v;
}
Tensor alias(const Tensor& t, IntList sizes) {
  Tensor v = share(t, t.offset());
  lay_out(*v, sizes);
  return v;
}

Tensor detach_alias(const Tensor& t) {
  return alias(t, t.sizes(), t.strides(), t.offset());
}

// ---- geometry
// ---------------------------------------------------------------------------

std::ostream& operator<<(std::ostream& s, const ListText& l) {
  s << '[';
  for (size_t i = 0; i < l.n; ++i) s << (i ? ", " : "") << l.items[i];
  return s << ']';
}
ListText::operator std::string() const { return concat(*this); }

std::ostream& operator<<(std::ostream& s, const TensorText& t) {
  if (!t.tensor) return s << "None";
  return s << short_name(t.tensor->dtype)
           << ListText{t.tensor->sizes, static_cast<size_t>(t.tensor->ndim)} << " on "
           << to_string(t.tensor->device->device);
}
TensorText::operator std::string() const { return concat(*this); }

int64_t wrap_dim(int64_t d, int64_t ndim) {
  int64_t n = ndim == 0 ? 1 : ndim;
  if (d < -n || d >= n) [[unlikely]] {
    fail(ErrorKind::Index, "Dimension out of range (expected to be in range of [", -n,
         ", ", n - 1, "], but got ", d, ")");
  }
  return d < 0 ? d + n : d;
}

int64_t Tensor::size(int64_t d) const {
  check(dim() > 0, ErrorKind::Index, "Dimension specified as ", d,
        " but tensor has no dimensions");
  return get()->sizes[wrap_dim(d, dim())];
}

int64_t Tensor::stride(int64_t d) const {
  check(dim() > 0, ErrorKind::Index, "Dimension specified as ", d,
        " but tensor has no dimensions");
  return get()->strides[wrap_dim(d, dim())];
}

void contiguous_strides(IntList sizes, int64_t* strides) {
  int64_t stride = 1;
  for (int d = static_cast<int>(sizes.size()) - 1; d >= 0; --d) {
    strides[d] = stride;
    stride *= std::max<int64_t>(sizes[d], 1);
  }
}

int64_t count(IntList sizes) { return checked_count(sizes); }

bool is_dense(const Tensor& t) {
  if (t.contiguous()) return true;
  int order[kMaxDims], m = 0;
  for (int d = 0; d < t.dim(); ++d) {
    if (t->sizes[d] != 1) order[m++] = d;
  }
  std::sort(order, order + m,
            [&](int a, int b) { return t->strides[a] < t->strides[b]; });
  int64_t expect = 1;
  for (int i = 0; i < m; ++i) {
    if (t->strides[order[i]] != expect) return false;
    expect *= t->sizes[order[i]];
  }
  return true;
}

std::vector<int64_t> broadcast_shapes(IntList a, IntList b, const char* op) {
  size_t n = std::max(a.size(), b.size());
  std::vector<int64_t> out(n);
  for (size_t i = 0; i < n; ++i) {  // from the right
    int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    check(x == y || x == 1 || y == 1, op, ": the size of tensor a (", x,
          ") must match the size of tensor b (", y, ") at non-singleton dimension ",
          n - 1 - i, "; shapes are ", to_string(a), " and ", to_string(b));
    out[n - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

Scalar item(const Tensor& t) {
  check(t.numel() == 1, "a Tensor with ", t.numel(),
        " elements cannot be converted to Scalar");
  DeviceRuntime& d = t.device();
  check(!d.is_meta(), "Tensor.item() cannot be called on meta tensors");
  if (d.host_memory) {
    if (d.asynchronous) d.synchronize();
    return Scalar::load(t.dtype(), t.data());
  }
  char value[16];
  d.to_host(value, t.data(), static_cast<size_t>(item_size(t.dtype())), "item");
  return Scalar::load(t.dtype(), value);
}

bool overlaps(const Tensor& a, const Tensor& b) {
  if (a->storage != b->storage || a.numel() == 0 || b.numel() == 0) return false;
  auto extent = [](const Tensor& t) {
    int64_t lo = t.offset(), hi = t.offset();
    for (int d = 0; d < t.dim(); ++d) {
      int64_t step = t->strides[d] * (t->sizes[d] - 1);
      (step < 0 ? lo : hi) += step;
    }
    int64_t z = item_size(t.dtype());
    return std::pair{lo * z, (hi + 1) * z};
  };
  auto [alo, ahi] = extent(a);
  auto [blo, bhi] = extent(b);
  return alo < bhi && blo < ahi;
}

// ---- autograd's view of a tensor
// --------------------------------------------------------

void bump_version(const Tensor& t) {
  if (!t->has(kUnversioned)) ++t->storage->version;
}

void check_inplace(const Tensor& t, const char* op, bool may_overlap) {
  if (t->has(kInference) && !tls.inference) {
    fail(ErrorKind::Runtime, op, ": Inplace update to inference tensor outside ",
         "InferenceMode is not allowed. You can make a clone to get a normal tensor ",
         "before doing inplace update.");
  }
  if (!may_overlap && !t.contiguous() && self_overlaps(t->ndim, t->sizes, t->strides)) {
    fail(ErrorKind::Runtime, op,
         ": unsupported operation: more than one element of the ",
         "written-to tensor refers to a single memory location (sizes ",
         to_string(t.sizes()), ", strides ", to_string(t.strides()),
         "). Please clone() the tensor before performing the operation.");
  }
  if (!tls.grad_enabled || !t.requires_grad()) return;
  const TensorImpl* base = t->base;
  bool leaf = !(t->autograd && t->autograd->grad_fn) && !base;
  check(!leaf, op, ": a leaf Variable that requires grad is being used in an in-place ",
        "operation.");
  if (base) {
    bool base_leaf =
        base->has(kRequiresGrad) && !(base->autograd && base->autograd->grad_fn);
    check(!base_leaf, op, ": a view of a leaf Variable that requires grad is being ",
          "used in an in-place operation.");
    check(!t->has(kMultiView), op, ": Output 0 of a function that returns multiple ",
          "views is a view and is being modified inplace. This is not allowed; use a ",
          "single-output view such as `narrow` or `select` instead.");
    check(!t->has(kNoGradView), op,
          ": A view was created in no_grad mode and is being ",
          "modified inplace with grad mode enabled. Clone it first.");
  }
}

}  // namespace fl
