// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011),
// one work item for each block of four words. What element i becomes depends on seed,
// offset and i alone, and is told in docs/extending/kernels.md to the bit.
#pragma OPENCL FP_CONTRACT OFF

typedef struct {
  long o[1];
  inum seed, offset;
#ifdef INTEGERS
  inum low, range;
#else
  fnum a, b, top, last;  // low, range; or mean, deviation
#endif
  uint n, unused;
} params;

inline uint4 philox(uint block, const params p) {
  uint4 c = (uint4)(block, 0, (uint)p.offset.v, (uint)((ulong)p.offset.v >> 32));
  uint2 key = (uint2)((uint)p.seed.v, (uint)((ulong)p.seed.v >> 32));
  for (int round = 0; round < 10; round++) {
    const uint high0 = mul_hi(0xD2511F53u, c.x), low0 = 0xD2511F53u * c.x;
    const uint high1 = mul_hi(0xCD9E8D57u, c.z), low1 = 0xCD9E8D57u * c.z;
    c = (uint4)(high1 ^ c.y ^ key.x, low1, high0 ^ c.w ^ key.y, low0);
    key += (uint2)(0x9E3779B9u, 0xBB67AE85u);
  }
  return c;
}
inline ulong word64(uint low, uint high) { return (ulong)high << 32 | low; }

#ifdef WIDE
#define PER_BLOCK 2
#else
#define PER_BLOCK 4
#endif

// The uniforms of one block.
inline void uniforms(uint4 w, W* u) {
#ifdef WIDE
  u[0] = (W)(word64(w.x, w.y) >> 11) * (W)0x1p-53;
  u[1] = (W)(word64(w.z, w.w) >> 11) * (W)0x1p-53;
#else
  u[0] = (W)(w.x >> 8) * (W)0x1p-24f;
  u[1] = (W)(w.y >> 8) * (W)0x1p-24f;
  u[2] = (W)(w.z >> 8) * (W)0x1p-24f;
  u[3] = (W)(w.w >> 8) * (W)0x1p-24f;
#endif
}

#ifdef INTEGERS
kernel void randint(const params p, global char* b0) {
  const uint block = get_global_id(0);
  const uint4 w = philox(block, p);
  const ulong words[2] = {word64(w.x, w.y), word64(w.z, w.w)};
  const ulong range = (ulong)p.range.v;
  for (uint k = 0; k < 2 && 2 * block + k < p.n; k++) {
    const ulong x = range ? words[k] % range : words[k];
    O_ST((global O_S*)(b0 + p.o[0]), 2 * block + k, (long)(x + (ulong)p.low.v));
  }
}
#else
kernel void uniform(const params p, global char* b0) {
  const uint block = get_global_id(0);
  global O_S* out = (global O_S*)(b0 + p.o[0]);
  W u[PER_BLOCK];
  uniforms(philox(block, p), u);
  const W low = p.a.v, range = p.b.v, top = p.top.v, last = p.last.v;
  for (uint k = 0; k < PER_BLOCK && PER_BLOCK * block + k < p.n; k++) {
    const W scaled = range * u[k];
    const W x = low + scaled;
    const W rounded = O_OF(O_BITS(x));  // as it will be stored: that may reach the end
    O_ST(out, PER_BLOCK * block + k, rounded < top || !(low < top) ? x : last);
  }
}
// Box and Muller, on pairs of uniforms.
kernel void normal(const params p, global char* b0) {
  const uint block = get_global_id(0);
  global O_S* out = (global O_S*)(b0 + p.o[0]);
  W u[PER_BLOCK];
  uniforms(philox(block, p), u);
  for (uint k = 0; k < PER_BLOCK; k += 2) {
    const uint i = PER_BLOCK * block + k;
    const W radius = (W)p.b.v * sqrt(-2 * log1p(-u[k])), turn = 2 * u[k + 1];
    if (i < p.n) O_ST(out, i, (W)p.a.v + radius * cospi(turn));
    if (i + 1 < p.n) O_ST(out, i + 1, (W)p.a.v + radius * sinpi(turn));
  }
}
#endif
