// Reading and writing at indices. The host defines
//   WALK, TENSORS, INDICES, BUFFERS    the loop nest and its operands
//   INDEX_VALUES, VALUE                their reading
//   NUMBER, WRAP                       the op's number; whether negative ones count back
//   COMBINE(x, v)                      what is done to the element there; none: replaced
// params has sizes[] and steps[] of the dimensions that are indexed.

inline bool element_at(const params p, const long* indices, long* address,
                       global volatile int* flag) {
  for (int k = 0; k < INDICES; k++) {
    long i = indices[k];
    if (WRAP && i < 0) i += p.sizes[k];
    if (i < 0 || i >= p.sizes[k]) {
      complain(flag, BAD_INDEX, NUMBER);
      return false;
    }
    *address += i * p.steps[k];
  }
  return true;
}

#ifdef TAKE
// out = self at the indices; operands: out, self, indices.
kernel void take(const params p, BUFFERS, global volatile int* flag) {
  const uint i = get_global_id(0);
  if (i >= p.n) return;
  idx at[TENSORS] = {0};
  WALK(i, p.d, p.s, at)
  long from = at[1];
  const long indices[INDICES] = {INDEX_VALUES};
  if (!element_at(p, indices, &from, flag)) return;
  ((global O_S*)(b0 + p.o[0]))[at[0]] = ((global const O_S*)(b1 + p.o[1]))[from];
}
#else

#ifdef COMBINE
// Of what is written twice, all must count: the element is exchanged as a whole word,
// and tried again where somebody else was faster.
#if O_SIZE == 8
#pragma OPENCL EXTENSION cl_khr_int64_base_atomics : enable
#define WORD ulong
#define EXCHANGE atom_cmpxchg
#else
#define WORD uint
#define EXCHANGE atomic_cmpxchg
#endif
inline void combine_at(global char* base, long i, O_C v) {
  const long byte = i * O_SIZE;
#if O_SIZE < 4
  const uint shift = 8 * (uint)((ulong)(base + byte) & 3);
  const uint mask = ((1u << (8 * O_SIZE)) - 1) << shift;
  global volatile uint* word =
      (global volatile uint*)((ulong)(base + byte) & ~(ulong)3);
#else
  global volatile WORD* word = (global volatile WORD*)(base + byte);
#endif
  WORD seen, found = *word;
  do {
    seen = found;
#if O_SIZE < 4
    const O_S bits = (O_S)((seen & mask) >> shift);
    const O_C x = O_OF(bits);
    const O_S next = (O_S)O_BITS(COMBINE(x, v));
    const WORD put = (seen & ~mask) | (((uint)next << shift) & mask);
#else
    const O_C x = FROM_WORD(seen);
    const WORD put = TO_WORD((O_C)COMBINE(x, v));
#endif
    found = EXCHANGE(word, seen, put);
  } while (found != seen);
}
#endif

// out at the indices op= value; operands: out, value unless it is a number, indices.
kernel void put(const params p, BUFFERS, global volatile int* flag) {
  const uint i = get_global_id(0);
  if (i >= p.n) return;
  idx at[TENSORS] = {0};
  WALK(i, p.d, p.s, at)
  long to = at[0];
  const long indices[INDICES] = {INDEX_VALUES};
  if (!element_at(p, indices, &to, flag)) return;
  const O_C v = VALUE;
#ifdef COMBINE
  combine_at(b0 + p.o[0], to, v);
#else
  O_ST((global O_S*)(b0 + p.o[0]), to, v);
#endif
}
#endif
