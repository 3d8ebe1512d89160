// out = alpha a b + beta c, in batches, by strides.
typedef struct {
  long o[TENSORS];
  NUMBER alpha, beta;
  long a[3], b[3], c[3], out[3];  // strides of batch, row and column
  int m, n, k, unused;
} params;

#define LOCALS
#define SETUP                                                                        \
  global const A_S* at_a = (global const A_S*)(b1 + p.o[1]) + batch * p.a[0];        \
  global const A_S* at_b = (global const A_S*)(b2 + p.o[2]) + batch * p.b[0];        \
  global O_S* at_out = (global O_S*)(b0 + p.o[0]) + batch * p.out[0];                \
  global const A_S* row_a = at_a + m * p.a[1];                                       \
  global const A_S* column_b = at_b + n * p.b[2];                                    \
  const T alpha = p.alpha.v;                                                         \
  SETUP_C
#define FETCH_A(k) A_LD(row_a, (k) * p.a[2])
#define FETCH_B(k) A_LD(column_b, (k) * p.b[1])
#ifdef PLAIN  // stored as computed: whole rows can be copied where they are contiguous
#define QUICK_A                          \
  (p.a[1] == 1 && m0 + TILE <= p.m &&    \
   copy_rows(a_tile, at_a + m0 + k0 * p.a[2], p.a[2], depth, lane))
#define QUICK_B                          \
  (p.b[2] == 1 && n0 + TILE <= p.n &&    \
   copy_rows(b_tile, at_b + n0 + k0 * p.b[1], p.b[1], depth, lane))
#else
#define QUICK_A false
#define QUICK_B false
#endif
#ifdef WITH_C
#define SETUP_C                                                                \
  const T beta = p.beta.v;                                                     \
  global const A_S* at_c = (global const A_S*)(b3 + p.o[3]) + batch * p.c[0];
#define ADDEND(m, n) +beta* A_LD(at_c, (m) * p.c[1] + (n) * p.c[2])
#else
#define SETUP_C
#define ADDEND(m, n)
#endif
#define STORE(m, n, column, v) \
  O_ST(at_out, (m) * p.out[1] + (n) * p.out[2], alpha * (v) ADDEND(m, n))
