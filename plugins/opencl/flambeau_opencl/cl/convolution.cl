// Convolutions as products: A is the weight, o x (c, kernel); B is what the windows see
// of x, (c, kernel) x (images, out), fetched as it is needed and never stored.
//
// `table` tells for each k: the offset of the weight's element; the offset in x of its
// channel (and of its place in the window, unless strided back); its place in the window,
// z, y and x, and their number. A transposed convolution walks the window backwards; with a stride of its
// own it finds only every stride-th place filled (STRIDED_BACK).
typedef struct {
  long o[TENSORS];
  long x[5], out[5];        // strides of image, channel, z, y, x
  long a_row, a_group, x_group, out_group, bias_step;
  int in_size[3], out_size[3], step[3], origin[3];
  int back[3], unused;      // strides of a transposed convolution
  int m, n, k, taps;        // taps: places in the window
} params;

#define LOCALS local int to_column[TILE];
#define SETUP                                                                      \
  global const A_S* row_a =                                                        \
      (global const A_S*)(b2 + p.o[2]) + batch * p.a_group + m * p.a_row;          \
  global const int* table = (global const int*)tables;                             \
  int rest = n;                                                                    \
  const int ox = rest % p.out_size[2];                                             \
  rest /= p.out_size[2];                                                           \
  const int oy = rest % p.out_size[1];                                             \
  rest /= p.out_size[1];                                                           \
  const int oz = rest % p.out_size[0], image = rest / p.out_size[0];               \
  to_column[lane] = image * (int)p.out[0] + oz * (int)p.out[2] +                   \
                    oy * (int)p.out[3] + ox * (int)p.out[4];                       \
  const int z0 = oz * p.step[0] + p.origin[0], y0 = oy * p.step[1] + p.origin[1],  \
            x0 = ox * p.step[2] + p.origin[2];                                     \
  global const A_S* in = (global const A_S*)(b1 + p.o[1]) + batch * p.x_group +    \
                         image * p.x[0] + ORIGIN;                                  \
  global O_S* at_out = (global O_S*)(b0 + p.o[0]) + batch * p.out_group;           \
  SETUP_MASK                                                                       \
  SETUP_BIAS

#define FETCH_A(at_k) A_LD(row_a, table[at_k])
#define QUICK_A false
#define QUICK_B false

// A negative place is a large one when it is taken without a sign.
#define INSIDE(at_k)                                                \
  ((uint)(z0 + table[2 * p.k + (at_k)]) < (uint)p.in_size[0] &&     \
   (uint)(y0 + table[3 * p.k + (at_k)]) < (uint)p.in_size[1] &&     \
   (uint)(x0 + table[4 * p.k + (at_k)]) < (uint)p.in_size[2])
#define SETUP_MASK

#ifdef STRIDED_BACK
#define ORIGIN 0
inline T fetch(const params p, global const A_S* in, int channel, int z, int y, int x) {
  const int iz = z / p.back[0], iy = y / p.back[1], ix = x / p.back[2];
  const bool inside = z >= 0 && iz * p.back[0] == z && iz < p.in_size[0] && y >= 0 &&
                      iy * p.back[1] == y && iy < p.in_size[1] && x >= 0 &&
                      ix * p.back[2] == x && ix < p.in_size[2];
  return inside
             ? A_LD(in, channel + iz * (int)p.x[2] + iy * (int)p.x[3] + ix * (int)p.x[4])
             : (T)0;
}
#define FETCH_B(at_k)                                                                \
  fetch(p, in, table[p.k + (at_k)], z0 + table[2 * p.k + (at_k)],                       \
        y0 + table[3 * p.k + (at_k)], x0 + table[4 * p.k + (at_k)])
#else
#define ORIGIN z0 * (int)p.x[2] + y0 * (int)p.x[3] + x0 * (int)p.x[4]
#ifdef MASKED
#undef SETUP_MASK
#define SETUP_MASK                                                              \
  ulong mask = 0; /* the first places of the table are those of one channel */  \
  for (int t = 0; t < p.taps; t++) mask |= (ulong)INSIDE(t) << t;
#define FETCH_B(at_k) \
  (mask >> table[5 * p.k + (at_k)] & 1 ? A_LD(in, table[p.k + (at_k)]) : (T)0)
#else
#define FETCH_B(at_k) (INSIDE(at_k) ? A_LD(in, table[p.k + (at_k)]) : (T)0)
#endif
#endif

#ifdef WITH_BIAS
#define SETUP_BIAS                                                                  \
  global const A_S* bias =                                                          \
      (global const A_S*)(b3 + p.o[3]) + batch * p.m * p.bias_step;
#define ADDEND(row_at) +A_LD(bias, (row_at) * p.bias_step)
#else
#define SETUP_BIAS
#define ADDEND(row_at)
#endif
#define STORE(row_at, n, column, v) \
  O_ST(at_out, (row_at) * p.out[1] + to_column[column], (v)ADDEND(row_at))
