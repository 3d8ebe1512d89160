// Every call into MKL's Fourier transforms.
#include <mkl_dfti.h>

#include <map>
#include <tuple>

#include "linalg.h"

namespace linalg {
namespace {

using Long = MKL_LONG;
// Those from kInverse on take the layout of the frequencies as input.
enum Kind { kC2c, kC2cInPlace, kR2c, kInverse, kInverseInPlace, kC2r };

// A committed description of a transform; scale is the caller's.
struct Descriptor {
  DFTI_DESCRIPTOR_HANDLE handle = nullptr;
  ~Descriptor() {
    if (handle) DftiFreeDescriptor(&handle);
  }
};

using Key =
    std::tuple<int, int, double, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t>;

template <class R>
bool describe(Kind kind, const Lines& l, double scale, DFTI_DESCRIPTOR_HANDLE* out) {
  const auto precision = sizeof(R) == 4 ? DFTI_SINGLE : DFTI_DOUBLE;
  const auto domain = kind == kR2c || kind == kC2r ? DFTI_REAL : DFTI_COMPLEX;
  Long in[2] = {0, Long(l.in_stride)}, to[2] = {0, Long(l.out_stride)};
  const bool inverse = kind >= kInverse;
  DFTI_DESCRIPTOR_HANDLE& h = *out;
  Long bad = DftiCreateDescriptor(&h, precision, domain, 1, Long(l.n));
  if (bad) return false;
  bad |= DftiSetValue(
      h, DFTI_PLACEMENT,
      kind == kC2cInPlace || kind == kInverseInPlace ? DFTI_INPLACE : DFTI_NOT_INPLACE);
  bad |= DftiSetValue(h, DFTI_NUMBER_OF_TRANSFORMS, Long(l.count));
  bad |= DftiSetValue(h, DFTI_FWD_STRIDES, inverse ? to : in);
  bad |= DftiSetValue(h, DFTI_BWD_STRIDES, inverse ? in : to);
  bad |= DftiSetValue(h, DFTI_FWD_DISTANCE,
                      Long(inverse ? l.out_distance : l.in_distance));
  bad |= DftiSetValue(h, DFTI_BWD_DISTANCE,
                      Long(inverse ? l.in_distance : l.out_distance));
  bad |= DftiSetValue(h, DFTI_FORWARD_SCALE, R(scale));
  bad |= DftiSetValue(h, DFTI_BACKWARD_SCALE, R(scale));
  if (domain == DFTI_REAL)
    bad |= DftiSetValue(h, DFTI_CONJUGATE_EVEN_STORAGE, DFTI_COMPLEX_COMPLEX);
  return !bad && !DftiCommitDescriptor(h);
}

// To describe a transform costs more than a short one: each thread keeps what it used.
template <class R>
DFTI_DESCRIPTOR_HANDLE find(Kind kind, const Lines& l, double scale) {
  constexpr size_t kMost = 256;
  static thread_local std::map<Key, Descriptor> made;
  const Key key = {kind,        int(sizeof(R)), scale,        l.n,           l.count,
                   l.in_stride, l.in_distance,  l.out_stride, l.out_distance};
  const auto found = made.find(key);
  if (found != made.end()) return found->second.handle;
  if (made.size() >= kMost) made.clear();
  Descriptor& d = made[key];
  if (describe<R>(kind, l, scale, &d.handle)) return d.handle;
  made.erase(key);
  return nullptr;
}

}  // namespace

template <class R>
bool fft_c2c(const Lines& l, const std::complex<R>* in, std::complex<R>* out,
             bool forward, double scale) {
  const bool same = in == out;
  const auto h = find<R>(
      forward ? (same ? kC2cInPlace : kC2c) : (same ? kInverseInPlace : kInverse), l,
      scale);
  if (!h) return false;
  auto* from = const_cast<std::complex<R>*>(in);
  if (same)
    return !(forward ? DftiComputeForward(h, out) : DftiComputeBackward(h, out));
  return !(forward ? DftiComputeForward(h, from, out)
                   : DftiComputeBackward(h, from, out));
}

template <class R>
bool fft_r2c(const Lines& l, const R* in, std::complex<R>* out, double scale) {
  const auto h = find<R>(kR2c, l, scale);
  return h && !DftiComputeForward(h, const_cast<R*>(in), out);
}

template <class R>
bool fft_c2r(const Lines& l, std::complex<R>* in, R* out, double scale) {
  const auto h = find<R>(kC2r, l, scale);
  return h && !DftiComputeBackward(h, in, out);
}

#define FL_INSTANTIATE(R)                                                             \
  template bool fft_c2c(const Lines&, const std::complex<R>*, std::complex<R>*, bool, \
                        double);                                                      \
  template bool fft_r2c(const Lines&, const R*, std::complex<R>*, double);            \
  template bool fft_c2r(const Lines&, std::complex<R>*, R*, double)
FL_INSTANTIATE(float);
FL_INSTANTIATE(double);

}  // namespace linalg
