// What every program begins with: numbers from the host, fast division, bfloat16, the
// flag that tells the host of errors in the data.

#ifdef HAVE_FP64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
typedef double wide;  // a floating-point argument
typedef struct {
  double v;
} fnum;
#else
typedef float wide;
typedef struct {
  float v, unused;
} fnum;
#endif
typedef struct {
  long v;
} inum;

inline ushort to_bfloat16(float x) {
  const uint bits = as_uint(x);
  const uint rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  return isnan(x) ? (ushort)0x7FC0 : (ushort)rounded;
}

inline float half_value(ushort bits) { return vload_half(0, (const private half*)&bits); }
inline ushort half_bits(float x) {
  ushort bits;
  vstore_half_rte(x, 0, (private half*)&bits);
  return bits;
}

// Before a loop whose turns may be taken in any order; said to compilers that listen.
#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT
#endif

// One dimension of a loop nest. Division by its size is a multiplication and a shift
// (Granlund and Montgomery, "Division by invariant integers", 1994), which hold below
// 2^31; the host keeps to that.
typedef struct {
  uint size, multiplier, shift, unused;
} dim;

inline uint divide(uint i, dim d) {
  return (mul_hi(i, d.multiplier) + i) >> d.shift;
}

// The first error in the data stays until the host asks: what, and the kernel's number.
enum { BAD_INDEX = 1, DIVIDED_BY_ZERO = 2 };
inline void complain(global volatile int* flag, int what, int kernel_number) {
  if (atomic_cmpxchg(flag, 0, what) == 0) flag[1] = kernel_number;
}
