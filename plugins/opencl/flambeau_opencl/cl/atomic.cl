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
