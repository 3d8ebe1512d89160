// Ops composed of views: splitting, moving and merging dimensions, transposes.
#include "ops/common.h"

namespace fl {
namespace {

using List = std::vector<Tensor>;

Tensor part(const Tensor& self, int64_t dim, int64_t start, int64_t length) {
  Dims sizes(self.sizes());
  sizes[dim] = length;
  return alias(self, sizes, self.strides(),
               self.offset() + start * self.strides()[dim]);
}

List split(const Tensor& self, int64_t split_size, int64_t dim) {
  check(self.dim() > 0, "split: expected at least a 1-dimensional tensor");
  dim = wrap_dim(dim, self.dim());
  const int64_t size = self.sizes()[dim];
  check(split_size > 0 || (split_size == 0 && size == 0),
        "split: expected split_size to be positive, got ", split_size,
        " for dimension size ", size);
  List out;
  if (size == 0) return {part(self, dim, 0, 0)};
  for (int64_t at = 0; at < size; at += split_size) {
    out.push_back(part(self, dim, at, std::min(split_size, size - at)));
  }
  return out;
}

List split_sizes(const Tensor& self, IntList sizes, int64_t dim) {
  check(self.dim() > 0, "split_with_sizes: expected at least a 1-dimensional tensor");
  dim = wrap_dim(dim, self.dim());
  int64_t total = 0;
  for (int64_t s : sizes) {
    check(s >= 0, "split_with_sizes: expected non-negative sizes, got ",
          to_string(sizes));
    total += s;
  }
  check(total == self.sizes()[dim], "split_with_sizes: expected split_sizes to sum to ",
        self.sizes()[dim], " (size at dimension ", dim, "), got ", to_string(sizes));
  List out;
  int64_t at = 0;
  for (int64_t s : sizes) {
    out.push_back(part(self, dim, at, s));
    at += s;
  }
  return out;
}

List unbind(const Tensor& self, int64_t dim) {
  dim = wrap_dim(dim, self.dim());
  check(self.dim() > 0, ErrorKind::Index,
        "unbind: expected at least a 1-dimensional tensor");
  Dims sizes(self.sizes()), strides(self.strides());
  const int64_t n = sizes[dim], step = strides[dim];
  sizes.erase(dim);
  strides.erase(dim);
  List out;
  out.reserve(n);
  for (int64_t i = 0; i < n; ++i) {
    out.push_back(alias(self, sizes, strides, self.offset() + i * step));
  }
  return out;
}

List all_grads(Grad& g) {
  List gs;
  for (size_t i = 0; i < g.gs.size(); ++i) gs.push_back(g.grad_or_zeros(i));
  return gs;
}
Tensor split_back(Grad& g) {
  const List gs = all_grads(g);
  return ops::cat(gs, g.arg<int64_t>(2));
}

const OpRef split_op("split(Tensor self, int split"),
    sizes_op("split_with_sizes(Tensor self");

List run_list(const OpRef& op, const Tensor& self, const Value& v, int64_t dim) {
  return op.all(self, v, dim);
}

List unsafe_split(const Tensor& self, int64_t size, int64_t dim) {
  return run_list(split_op, self, size, dim);
}
List unsafe_split_sizes(const Tensor& self, IntList sizes, int64_t dim) {
  return run_list(sizes_op, self, sizes, dim);
}

List chunk(const Tensor& self, int64_t chunks, int64_t dim) {
  check(self.dim() > 0, "chunk: expected at least a 1-dimensional tensor");
  check(chunks > 0, "chunk: expected chunks to be greater than 0, got ", chunks);
  const int64_t d = wrap_dim(dim, self.dim()), size = self.sizes()[d];
  const int64_t each = (size + chunks - 1) / chunks;
  if (each == 0) {
    const std::vector<int64_t> none(chunks, 0);
    return run_list(sizes_op, self, none, d);
  }
  return run_list(split_op, self, each, d);
}

List split_at(const Tensor& self, IntList places, int64_t dim) {
  const int64_t n = self.sizes()[dim];
  List out;
  int64_t start = 0;
  for (size_t i = 0; i <= places.size(); ++i) {
    const int64_t end = i < places.size() ? places[i] : n;
    out.push_back(ops::slice(self, dim, start, end, 1));
    start = end;
  }
  return out;
}
List tensor_split_places(const Tensor& self, IntList indices, int64_t dim) {
  check(self.dim() > 0, "tensor_split: expected at least a 1-dimensional tensor");
  return split_at(self, indices, wrap_dim(dim, self.dim()));
}
List split_evenly(const Tensor& self, int64_t sections, int64_t dim) {
  const int64_t n = self.sizes()[dim], small = n / sections, large = n % sections;
  std::vector<int64_t> sizes;
  for (int64_t i = 0; i < sections; ++i) sizes.push_back(small + (i < large));
  return run_list(sizes_op, self, sizes, dim);
}
List tensor_split(const Tensor& self, int64_t sections, int64_t dim) {
  check(self.dim() > 0, "tensor_split: expected at least a 1-dimensional tensor");
  check(sections > 0, "tensor_split: expected sections to be larger than 0, got ",
        sections);
  return split_evenly(self, sections, wrap_dim(dim, self.dim()));
}
List tensor_split_by(const Tensor& self, const Tensor& by, int64_t dim) {
  check(by.dtype() == Dtype::Int64 && by.dim() <= 1,
        "tensor_split: expected a 0-D or 1-D int64 tensor for argument ",
        "'tensor_indices_or_sections', got ", describe(by));
  if (by.dim() == 0) return tensor_split(self, item(by).to_int(), dim);
  std::vector<int64_t> places;
  for (int64_t i = 0; i < by.numel(); ++i) {
    places.push_back(item(ops::select(by, 0, i)).to_int());
  }
  return tensor_split_places(self, places, dim);
}

// hsplit, vsplit and dsplit differ in the dimension alone.
int64_t named_dim(const char* op, const Tensor& self, int64_t dim, int64_t least) {
  check(self.dim() >= least, op, ": expected a tensor of at least ", least,
        " dimensions, got ", describe(self));
  return dim == 1 && self.dim() == 1 ? 0 : dim;
}
template <KernelName name, int dim, int least>
List split_named(const Tensor& self, int64_t sections) {
  const int64_t d = named_dim(name.text, self, dim, least);
  check(sections > 0 && self.sizes()[d] % sections == 0, name.text,
        ": expected the size of dimension ", d, " (", self.sizes()[d],
        ") to be divisible by the split_size ", sections);
  return split_evenly(self, sections, d);
}
template <KernelName name, int dim, int least>
List split_named_at(const Tensor& self, IntList indices) {
  return split_at(self, indices, named_dim(name.text, self, dim, least));
}

// ---- moving and merging
// ---------------------------------------------------------------
Tensor movedims(const Tensor& self, IntList source, IntList destination) {
  const int64_t n = self.dim();
  check(source.size() == destination.size(),
        "movedim: expected as many source dims as destination dims, got ",
        to_string(source), " and ", to_string(destination));
  Dims order;
  order.n = static_cast<int>(n);
  uint64_t placed = 0, taken = 0;
  for (size_t i = 0; i < source.size(); ++i) {
    const int64_t s = wrap_dim(source[i], n), d = wrap_dim(destination[i], n);
    check(!(taken >> s & 1), "movedim: repeated dim in source ", to_string(source));
    check(!(placed >> d & 1), "movedim: repeated dim in destination ",
          to_string(destination));
    taken |= 1ull << s, placed |= 1ull << d;
    if (n) order[d] = s;
  }
  int64_t from = 0;
  for (int64_t to = 0; to < n; ++to) {
    if (placed >> to & 1) continue;
    while (taken >> from & 1) ++from;
    order[to] = from++;
  }
  return ops::permute(self, order);
}
Tensor movedim(const Tensor& self, int64_t source, int64_t destination) {
  return movedims(self, IntList(&source, 1), IntList(&destination, 1));
}

Tensor flatten(const Tensor& self, int64_t start_dim, int64_t end_dim) {
  if (self.dim() == 0) {
    wrap_dim(start_dim, 0), wrap_dim(end_dim, 0);
    return ops::reshape(self, IntList{1});
  }
  const int64_t a = wrap_dim(start_dim, self.dim()), b = wrap_dim(end_dim, self.dim());
  check(a <= b, "flatten: start_dim cannot come after end_dim, got ", start_dim,
        " and ", end_dim);
  if (a == b) return self;
  Dims shape;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (d > a && d <= b) {
      shape[shape.n - 1] *= self.sizes()[d];
    } else {
      shape.push(self.sizes()[d]);
    }
  }
  return ops::reshape(self, shape);
}

Tensor ravel(const Tensor& self) {
  return ops::reshape(ops::contiguous(self), IntList{-1});
}

Tensor unflatten(const Tensor& self, int64_t dim, IntList sizes) {
  const int64_t d = wrap_dim(dim, self.dim());
  check(!sizes.empty(), "unflatten: sizes must be non-empty");
  check(self.dim() > 0, "unflatten: expected at least a 1-dimensional tensor");
  int64_t known = 1, unknown = 0;
  for (int64_t s : sizes) s == -1 ? ++unknown : known *= s;
  const int64_t have = self.sizes()[d];
  check(unknown <= 1 && (unknown ? known > 0 && have % known == 0 : known == have),
        "unflatten: provided sizes ", to_string(sizes), " don't multiply up to the ",
        "size of dim ", dim, " (", have, ") in the input tensor");
  Dims shape;
  for (int64_t i = 0; i < d; ++i) shape.push(self.sizes()[i]);
  for (int64_t s : sizes) shape.push(s == -1 ? have / known : s);
  for (int64_t i = d + 1; i < self.dim(); ++i) shape.push(self.sizes()[i]);
  return ops::view(self, shape);
}

Tensor view_as(const Tensor& self, const Tensor& other) {
  return ops::view(self, other.sizes());
}
Tensor reshape_as(const Tensor& self, const Tensor& other) {
  return ops::reshape(self, other.sizes());
}
Tensor expand_as(const Tensor& self, const Tensor& other) {
  return ops::expand(self, other.sizes());
}
Tensor broadcast_to(const Tensor& self, IntList size) {
  return ops::expand(self, size);
}

// ---- transposes, parts of complex numbers
// ---------------------------------------------
Tensor reversed(const Tensor& self) {
  Dims order;
  for (int64_t d = self.dim() - 1; d >= 0; --d) order.push(d);
  return ops::permute(self, order);
}
Tensor hermitian(const Tensor& self) {
  check(self.dim() == 0 || self.dim() == 2,
        "tensor.H: only supported on matrices (2-D tensors), got ", describe(self));
  const Tensor t = reversed(self);
  return is_complex(self.dtype()) ? ops::conj(t) : t;
}
Tensor swap_last(const char* op, const Tensor& self) {
  check(self.dim() >= 2, op,
        ": only supported on matrices or batches of matrices, got ", describe(self));
  return ops::transpose(self, -2, -1);
}
Tensor matrix_t(const Tensor& self) { return swap_last("tensor.mT", self); }
Tensor matrix_h(const Tensor& self) {
  const Tensor t = swap_last("tensor.mH", self);
  return is_complex(self.dtype()) ? ops::conj(t) : t;
}
Tensor adjoint(const Tensor& self) {
  if (self.dim() == 0) return self;
  const Tensor t = swap_last("adjoint", self);
  return is_complex(self.dtype()) ? ops::conj(t) : t;
}
Tensor component(const Tensor& self, int64_t which) {
  return ops::select(ops::view_as_real(self), -1, which);
}
Tensor real(const Tensor& self) {
  return is_complex(self.dtype()) ? component(self, 0) : self;
}
Tensor imag(const Tensor& self) {
  check(is_complex(self.dtype()),
        "imag: expected a complex tensor for argument 'self', got ", describe(self));
  return component(self, 1);
}
Tensor itself(const Tensor& self) { return self; }

// ---- the same, in place: the tensor takes its view's geometry
// ------------------------
template <class... A>
Tensor become(const OpRef& op, const Tensor& self, const A&... args) {
  if (tls.grad_enabled) check_inplace(self, "in-place view");
  const Tensor view = op(self, args...);
  self->set_geometry(view.sizes(), view.strides());
  self->offset = view.offset();
  if (const Ref<Node> node = grad_fn(view)) {
    set_history(self, node, view->autograd->output_index);
  }
  bump_version(self);
  return self;
}
const OpRef squeeze_all_op("squeeze(Tensor self)"),
    squeeze_op("squeeze(Tensor self, int dim"),
    squeezes_op("squeeze(Tensor self, int[]"), unsqueeze_op("unsqueeze("),
    transpose_op("transpose(Tensor self, int"), t_op("t("), strided_op("as_strided(");
Tensor squeeze_all_(const Tensor& self) { return become(squeeze_all_op, self); }
Tensor squeeze_(const Tensor& self, int64_t dim) {
  return become(squeeze_op, self, dim);
}
Tensor squeezes_(const Tensor& self, IntList dim) {
  return become(squeezes_op, self, dim);
}
Tensor unsqueeze_(const Tensor& self, int64_t dim) {
  return become(unsqueeze_op, self, dim);
}
Tensor transpose_(const Tensor& self, int64_t a, int64_t b) {
  return become(transpose_op, self, a, b);
}
Tensor t_(const Tensor& self) { return become(t_op, self); }
Tensor as_strided_(const Tensor& self, IntList size, IntList stride,
                   std::optional<int64_t> offset) {
  return become(strided_op, self, size, stride, offset);
}

const char* const kSplitDoc = "Pieces of a size along a dimension.";
const char* const kNamedDoc = "Pieces along the dimension that the name says.";

const Records splits = {
    Op("split(Tensor self, int split_size, int dim=0) -> Tensor[]", kSplitDoc)
        .view<split>()
        .derivative("self", 0, split_back),
    Op("split_with_sizes(Tensor self, int[] split_sizes, int dim=0) -> Tensor[]",
       kSplitDoc)
        .view<split_sizes>()
        .derivative("self", 0, split_back),
    Op("split(Tensor self, int[] split_size, int dim=0) -> Tensor[]", kSplitDoc)
        .impl<unsafe_split_sizes>(),
    Op("split(Tensor tensor, int split_size_or_sections, int dim=0) -> Tensor[]",
       kSplitDoc)
        .impl<unsafe_split>()
        .no_method(),
    Op("split(Tensor tensor, int[] split_size_or_sections, int dim=0) -> Tensor[]",
       kSplitDoc)
        .impl<unsafe_split_sizes>()
        .no_method(),
    Op("unsafe_split(Tensor self, int split_size, int dim=0) -> Tensor[]", kSplitDoc)
        .impl<unsafe_split>(),
    Op("unsafe_split_with_sizes(Tensor self, int[] split_sizes, int dim=0) -> Tensor[]",
       kSplitDoc)
        .impl<unsafe_split_sizes>(),
    Op("unbind(Tensor self, int dim=0) -> Tensor[]", "All positions along a dimension.")
        .view<unbind>()
        .derivative(
            "self", 0,
            [](Grad& g) { return ops::stack(all_grads(g), g.arg<int64_t>(1)); }),
    Op("chunk(Tensor self, int chunks, int dim=0) -> Tensor[]",
       "At most so many pieces of equal size along a dimension.")
        .impl<chunk>(),
    Op("unsafe_chunk(Tensor self, int chunks, int dim=0) -> Tensor[]",
       "At most so many pieces of equal size along a dimension.")
        .impl<chunk>(),
    Op("tensor_split(Tensor self, int sections, int dim=0) -> Tensor[]",
       "So many pieces along a dimension, their sizes at most one apart.")
        .impl<tensor_split>(),
    Op("tensor_split(Tensor self, int[] indices, int dim=0) -> Tensor[]",
       "Pieces that end before each index.")
        .impl<tensor_split_places>(),
    Op("tensor_split(Tensor self, Tensor tensor_indices_or_sections, int dim=0) "
       "-> Tensor[]",
       "tensor_split by numbers that a tensor holds.")
        .impl<tensor_split_by>(),
    Op("hsplit(Tensor self, int sections) -> Tensor[]", kNamedDoc)
        .impl<split_named<"hsplit", 1, 1>>(),
    Op("hsplit(Tensor self, int[] indices) -> Tensor[]", kNamedDoc)
        .impl<split_named_at<"hsplit", 1, 1>>(),
    Op("vsplit(Tensor self, int sections) -> Tensor[]", kNamedDoc)
        .impl<split_named<"vsplit", 0, 2>>(),
    Op("vsplit(Tensor self, int[] indices) -> Tensor[]", kNamedDoc)
        .impl<split_named_at<"vsplit", 0, 2>>(),
    Op("dsplit(Tensor self, int sections) -> Tensor[]", kNamedDoc)
        .impl<split_named<"dsplit", 2, 3>>(),
    Op("dsplit(Tensor self, int[] indices) -> Tensor[]", kNamedDoc)
        .impl<split_named_at<"dsplit", 2, 3>>(),
};

const char* const kMoveDoc = "Dimensions moved to other places, the rest in order.";

const Records shapes = {
    Op("movedim(Tensor self, int source, int destination) -> Tensor", kMoveDoc)
        .impl<movedim>()
        .alias("moveaxis"),
    Op("movedim(Tensor self, int[] source, int[] destination) -> Tensor", kMoveDoc)
        .impl<movedims>()
        .alias("moveaxis"),
    Op("flatten(Tensor self, int start_dim=0, int end_dim=-1) -> Tensor",
       "A range of dimensions made one.")
        .impl<flatten>(),
    Op("ravel(Tensor self) -> Tensor", "All elements on one contiguous line.")
        .impl<ravel>(),
    Op("unflatten(Tensor self, int dim, int[] sizes) -> Tensor",
       "A dimension made several.")
        .impl<unflatten>(),
    Op("view_as(Tensor self, Tensor other) -> Tensor", "A view with other's sizes.")
        .impl<view_as>()
        .method_only(),
    Op("reshape_as(Tensor self, Tensor other) -> Tensor", "Reshaped to other's sizes.")
        .impl<reshape_as>()
        .method_only(),
    Op("expand_as(Tensor self, Tensor other) -> Tensor", "Expanded to other's sizes.")
        .impl<expand_as>()
        .method_only(),
    Op("broadcast_to(Tensor self, int[] size) -> Tensor", "Expanded to a size.")
        .impl<broadcast_to>(),
    Op("T(Tensor self) -> Tensor", "The dimensions in reverse.")
        .impl<reversed>()
        .method_only(),
    Op("H(Tensor self) -> Tensor", "The conjugate transpose of a matrix.")
        .impl<hermitian>()
        .method_only(),
    Op("mT(Tensor self) -> Tensor", "The last two dimensions swapped.")
        .impl<matrix_t>()
        .method_only(),
    Op("mH(Tensor self) -> Tensor", "The last two dimensions swapped, conjugated.")
        .impl<matrix_h>()
        .method_only(),
    Op("adjoint(Tensor self) -> Tensor", "The last two dimensions swapped, conjugated.")
        .impl<adjoint>(),
    Op("real(Tensor self) -> Tensor", "The real parts, a view.").impl<real>(),
    Op("imag(Tensor self) -> Tensor", "The imaginary parts, a view.").impl<imag>(),
    Op("resolve_conj(Tensor self) -> Tensor", "The tensor: conjugation is never lazy.")
        .impl<itself>(),
    Op("resolve_neg(Tensor self) -> Tensor", "The tensor: negation is never lazy.")
        .impl<itself>(),
    Op("squeeze_(Tensor self) -> Tensor", "squeeze, in place.")
        .impl<squeeze_all_>()
        .method_only(),
    Op("squeeze_(Tensor self, int dim) -> Tensor", "squeeze, in place.")
        .impl<squeeze_>()
        .method_only(),
    Op("squeeze_(Tensor self, int[] dim) -> Tensor", "squeeze, in place.")
        .impl<squeezes_>()
        .method_only(),
    Op("unsqueeze_(Tensor self, int dim) -> Tensor", "unsqueeze, in place.")
        .impl<unsqueeze_>()
        .method_only(),
    Op("transpose_(Tensor self, int dim0, int dim1) -> Tensor", "transpose, in place.")
        .impl<transpose_>()
        .method_only(),
    Op("swapaxes_(Tensor self, int axis0, int axis1) -> Tensor", "swapaxes, in place.")
        .impl<transpose_>()
        .method_only(),
    Op("swapdims_(Tensor self, int dim0, int dim1) -> Tensor", "swapdims, in place.")
        .impl<transpose_>()
        .method_only(),
    Op("t_(Tensor self) -> Tensor", "t, in place.").impl<t_>().method_only(),
    Op("as_strided_(Tensor self, int[] size, int[] stride, int? storage_offset=None) "
       "-> Tensor",
       "as_strided, in place.")
        .impl<as_strided_>(),
};

}  // namespace
}  // namespace fl
