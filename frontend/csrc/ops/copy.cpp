// Copies and conversions: clone, copy_, fill_, to, and what changes a tensor's storage.
#include "ops/factory.h"
#include "ops/record.h"

namespace fl {

std::vector<int64_t> host_ints(const Tensor& t) {
  DeviceRuntime& host = host_runtime();
  check(!t.device().is_meta(), "expected a tensor with data, got ", describe(t));
  const Tensor line = empty(t.sizes(), Dtype::Int64, host);
  put_values(line, t);
  return {line.data<int64_t>(), line.data<int64_t>() + t.numel()};
}

namespace {

using Opt = std::optional<int64_t>;

// ---- clone, contiguous
// -----------------------------------------------------------------
Tensor clone(const Tensor& self, Opt format) {
  Tensor out = empty_in_format(self, self.dtype(), self.device(),
                               format.value_or(kPreserveFormat));
  put_values(out, self);
  return out;
}

bool has_format(const Tensor& t, int64_t format) {
  if (format == kContiguousFormat) return t.contiguous();
  if (format == kPreserveFormat) return true;
  const int n = format == kChannelsLast ? 4 : 5;
  if (t.dim() != n) return false;
  int64_t step = 1;
  for (int d : {1, 4, 3, 2, 0}) {
    if (d >= n) continue;
    if (t.sizes()[d] != 1 && t.strides()[d] != step) return false;
    step *= t.sizes()[d];
  }
  return true;
}

Tensor contiguous(const Tensor& self, Opt format) {
  static const OpRef op("clone(");
  const int64_t f = format.value_or(kContiguousFormat);
  check(f != kPreserveFormat, "contiguous: preserve memory format is unsupported");
  return has_format(self, f) ? self : op(self, f);
}
bool is_contiguous(const Tensor& self, Opt format) {
  return has_format(self, format.value_or(kContiguousFormat));
}

// ---- copy_, fill_
// ----------------------------------------------------------------------
void copy(Frame& f) {
  const Tensor self(f.args[0].tensor), src(f.args[1].tensor);
  f.out = f.given.defined() ? f.given : empty_like(self);
  const int64_t extra = src.dim() - f.out.dim();
  for (int64_t d = 0; d < src.dim(); ++d) {
    const int64_t have = src.sizes()[d];
    check(have == 1 || (d >= extra && f.out.sizes()[d - extra] == have),
          "copy_: the shape of argument 'src' ", describe(src),
          " cannot be broadcast to ", describe(f.out));
  }
  if (f.out.numel() && !f.out.device().is_meta()) {
    copy_into(f.out, src, !f.args[2].none() && f.args[2].i);
  }
}
Tensor copy_back(Grad& g) {
  Tensor grad = sum_to(g.g, g.shape(1));
  if (g.dtype(1) != grad.dtype()) grad = ops::to_dtype(grad, g.dtype(1));
  if (&grad.device() != &g.device(1)) {
    static const OpRef to("_to_copy(");
    grad = to(grad, grad.dtype(), g.device(1).device, int64_t{kPreserveFormat});
  }
  return grad;
}

void fill(Frame& f) {
  const Tensor self(f.args[0].tensor);
  const Value& value = f.args[1];
  f.out = f.given.defined() ? f.given : empty_like(self);
  if (value.is_tensor()) {
    const Tensor v(value.tensor);
    check(v.dim() == 0, "fill_: only supports a 0-dimension value tensor, got ",
          describe(v));
    put_values(f.out, v);
  } else {
    fill_values(f.out, value.scalar());
  }
}
void zero(Frame& f) {
  f.out = f.given.defined() ? f.given : empty_like(Tensor(f.args[0].tensor));
  fill_values(f.out, Scalar(0));
}
Tensor nothing(Grad&) { return Tensor(); }

Tensor fill_diagonal(const Tensor& self, const Scalar& value, bool wrap) {
  check(self.dim() >= 2, "fill_diagonal_: dimensions must be larger than 1, got ",
        describe(self));
  const IntList sizes = self.sizes();
  int64_t step = 0, length = sizes[0];
  for (int64_t d = 0; d < self.dim(); ++d) {
    step += self.strides()[d];
    length = std::min(length, sizes[d]);
    check(self.dim() == 2 || sizes[d] == sizes[0],
          "fill_diagonal_: all dimensions of input must be of equal length, got ",
          describe(self));
  }
  static const OpRef filled("fill(");
  filled.inplace(ops::as_strided(self, IntList{length}, IntList{step}, self.offset()),
                 value);
  if (wrap && self.dim() == 2 && sizes[0] > sizes[1] + 1) {
    const int64_t cols = sizes[1], rest = sizes[0] - cols - 1;
    fill_diagonal(ops::narrow(self, 0, cols + 1, rest), value, true);
  }
  return self;
}

// ---- conversions
// -----------------------------------------------------------------------
Tensor to_dtype(const Tensor& self, Dtype dtype) {
  Tensor out = empty_like(self, dtype);
  put_values(out, self);
  return out;
}
Tensor to_dtype_back(Grad& g) { return ops::to_dtype(g.g, g.dtype(0)); }

Tensor to_copy(const Tensor& self, Dtype dtype, Device device, int64_t format) {
  DeviceRuntime& where = runtime(device);
  check(where.is_meta() || !self.device().is_meta(), ErrorKind::NotImplemented,
        "to: cannot copy out of a meta tensor; no data!");
  Tensor out = empty_in_format(self, dtype, where, format);
  put_values(out, self);
  return out;
}
Tensor to_copy_back(Grad& g) {
  static const OpRef op("_to_copy(");
  return op(g.g, g.dtype(0), g.device(0).device, int64_t{kPreserveFormat});
}

Tensor convert(const Tensor& self, Dtype dtype, DeviceRuntime& device, bool copy,
               const Value& format) {
  const int64_t f = format_of(format);
  const bool same_device = &device == &self.device();
  if (!copy && same_device && dtype == self.dtype() && has_format(self, f)) return self;
  if (same_device && dtype != self.dtype() && f == kPreserveFormat) {
    return ops::to_dtype(self, dtype);
  }
  static const OpRef op("_to_copy(");
  return op(self, dtype, device.device, f);
}
Tensor to_type(const Tensor& self, Dtype dtype, bool, bool copy, const Value& format) {
  return convert(self, dtype, self.device(), copy, format);
}
Tensor to_place(const Tensor& self, std::optional<Device> device,
                std::optional<Dtype> dtype, bool, bool copy, const Value& format) {
  return convert(self, dtype.value_or(self.dtype()),
                 device ? runtime(*device) : self.device(), copy, format);
}
Tensor to_other(const Tensor& self, const Tensor& other, bool, bool copy,
                const Value& format) {
  return convert(self, other.dtype(), other.device(), copy, format);
}
Tensor type_as(const Tensor& self, const Tensor& other) {
  return convert(self, other.dtype(), other.device(), false, Value());
}
template <Dtype dtype>
Tensor cast(const Tensor& self, const Value& format) {
  return convert(self, dtype, self.device(), false, format);
}
template <Dtype dtype>
Op cast_method(const char* schema) {
  return Op(schema, "The values as another dtype.").impl<cast<dtype>>().method_only();
}

// ---- storage
// ---------------------------------------------------------------------------
Tensor resize(const Tensor& self, IntList size, const Value& format) {
  check(!self.requires_grad(), "resize_: cannot resize variables that require grad");
  for (int64_t s : size) {
    check(s >= 0, "resize_: negative size in ", to_string(size));
  }
  resize_output(self, size);
  if (!format.none() && format.i >= kChannelsLast) {
    const Tensor model = empty_in_format(self, self.dtype(), self.device(), format.i);
    self->set_geometry(model.sizes(), model.strides());
  }
  return self;
}
Tensor resize_as(const Tensor& self, const Tensor& other, const Value& format) {
  return resize(self, other.sizes(), format);
}

void take_storage(const Tensor& self, Storage* storage) {
  ++storage->refs;
  if (self->storage && --self->storage->refs == 0) Storage::destroy(self->storage);
  self->storage = storage;
}
Tensor set_empty(const Tensor& self) {
  take_storage(self, Storage::make(self.device(), 0).get());
  self->offset = 0;
  self->set_contiguous(IntList{0});
  return self;
}
Tensor set_tensor(const Tensor& self, const Tensor& source) {
  check(self.dtype() == source.dtype(), "set_: expected the dtype of 'source' to be ",
        short_name(self.dtype()), ", got ", describe(source));
  take_storage(self, source->storage);
  self->device = source->device;
  self->offset = source.offset();
  self->set_geometry(source.sizes(), source.strides());
  bump_version(self);
  return self;
}
Tensor set_strided(const Tensor& self, const Tensor& source, int64_t offset,
                   IntList size, IntList stride) {
  set_tensor(self, source);
  Dims strides(stride);
  if (stride.empty() && !size.empty()) {
    strides.n = static_cast<int>(size.size());
    contiguous_strides(size, strides.v);
  }
  self->offset = offset;
  self->set_geometry(size, strides);
  return self;
}

const Records copies = {
    Op("clone(Tensor self, *, int? memory_format=None) -> Tensor", "A copy.")
        .impl<clone>()
        .derivative("self", 0, [](Grad& g) { return g.g; }),
    Op("contiguous(Tensor self, int? memory_format=None) -> Tensor",
       "The tensor itself when its elements lie in order, else a copy in order.")
        .impl<contiguous>()
        .method_only(),
    Op("is_contiguous(Tensor self, int? memory_format=None) -> bool",
       "Whether the elements lie in memory in the order of a format.")
        .impl<is_contiguous>()
        .method_only(),
    Op("copy(Tensor self, Tensor src, bool non_blocking=False) -> Tensor",
       "The values of src, broadcast, in self's shape and dtype.")
        .impl<copy>()
        .method_only()
        .inplace()
        .derivative("self", 0, nothing)
        .derivative("src", 0, copy_back),
    Op("fill(Tensor self, Operand value) -> Tensor", "One value everywhere.")
        .impl<fill>()
        .no_method()
        .inplace()
        .writes_alike()
        .derivative("self", 0, nothing)
        .derivative("value", 0, [](Grad& g) { return ops::sum(g.g); }),
    Op("zero(Tensor self) -> Tensor", "Zero everywhere.")
        .impl<zero>()
        .no_method()
        .inplace()
        .writes_alike()
        .derivative("self", 0, nothing),
    Op("fill_diagonal_(Tensor self, Scalar fill_value, bool wrap=False) -> Tensor",
       "Writes a value on the main diagonal.")
        .impl<fill_diagonal>()
        .method_only(),
    Op("_to_dtype(Tensor self, ScalarType dtype) -> Tensor", "A copy in another dtype.")
        .impl<to_dtype>()
        .derivative("self", 0, to_dtype_back),
    Op("_to_copy(Tensor self, ScalarType dtype, Device device, int memory_format) "
       "-> Tensor",
       "A copy in another dtype, on another device or in another format.")
        .impl<to_copy>()
        .derivative("self", 0, to_copy_back),
    Op("to(Tensor self, ScalarType dtype, bool non_blocking=False, bool copy=False, *, "
       "int? memory_format=None) -> Tensor",
       "The values in another dtype; the tensor itself when nothing changes.")
        .impl<to_type>()
        .method_only(),
    Op("to(Tensor self, Device? device=None, ScalarType? dtype=None, "
       "bool non_blocking=False, bool copy=False, *, int? memory_format=None) -> "
       "Tensor",
       "The values on another device; the tensor itself when nothing changes.")
        .impl<to_place>()
        .method_only(),
    Op("to(Tensor self, Tensor other, bool non_blocking=False, bool copy=False, *, "
       "int? memory_format=None) -> Tensor",
       "The values with the dtype and device of another tensor.")
        .impl<to_other>()
        .method_only(),
    Op("type_as(Tensor self, Tensor other) -> Tensor",
       "The values with the dtype and device of another tensor.")
        .impl<type_as>()
        .method_only(),
};

const Records casts = {
    cast_method<Dtype::Float32>(
        "float(Tensor self, int? memory_format=None) -> Tensor"),
    cast_method<Dtype::Float64>(
        "double(Tensor self, int? memory_format=None) -> Tensor"),
    cast_method<Dtype::Float16>("half(Tensor self, int? memory_format=None) -> Tensor"),
    cast_method<Dtype::BFloat16>(
        "bfloat16(Tensor self, int? memory_format=None) -> Tensor"),
    cast_method<Dtype::Int32>("int(Tensor self, int? memory_format=None) -> Tensor"),
    cast_method<Dtype::Int64>("long(Tensor self, int? memory_format=None) -> Tensor"),
    cast_method<Dtype::Int16>("short(Tensor self, int? memory_format=None) -> Tensor"),
    cast_method<Dtype::Int8>("char(Tensor self, int? memory_format=None) -> Tensor"),
    cast_method<Dtype::UInt8>("byte(Tensor self, int? memory_format=None) -> Tensor"),
    cast_method<Dtype::Bool>("bool(Tensor self, int? memory_format=None) -> Tensor"),
    cast_method<Dtype::Complex64>(
        "cfloat(Tensor self, int? memory_format=None) -> Tensor"),
    cast_method<Dtype::Complex128>(
        "cdouble(Tensor self, int? memory_format=None) -> Tensor"),
};

const Records storages = {
    Op("resize_(Tensor self, int[] size, *, int? memory_format=None) -> Tensor",
       "Another size; the storage grows where it must.")
        .impl<resize>()
        .method_only(),
    Op("resize_as_(Tensor self, Tensor the_template, *, int? memory_format=None) "
       "-> Tensor",
       "The size of another tensor.")
        .impl<resize_as>()
        .method_only(),
    Op("set_(Tensor self) -> Tensor", "No elements, an empty storage.")
        .impl<set_empty>()
        .method_only(),
    Op("set_(Tensor self, Tensor source) -> Tensor", "Source's storage and geometry.")
        .impl<set_tensor>()
        .method_only(),
    Op("set_(Tensor self, Tensor source, int storage_offset, int[] size, "
       "int[] stride=[]) -> Tensor",
       "Source's storage in another geometry.")
        .impl<set_strided>()
        .method_only(),
};

}  // namespace
}  // namespace fl
