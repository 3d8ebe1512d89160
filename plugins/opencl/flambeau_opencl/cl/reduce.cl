// Reductions. The host defines REDUCE(name) kernels by these bodies, with
//   ACC, INIT, each(x, y), combine(a, b)  what is computed
//   KEPT, ALONG                           the two loop nests: outputs, what is reduced
//   INPUTS, LOADS                         how many operands there are, and their reading
// An output is formed by one work item, or by a group as a tree; of few and long ones
// several groups make a part each, and a second kernel puts the parts together.

// Sums are formed in blocks: the error grows with the block and the number of blocks.
#define BLOCK 256

#ifdef RUNS
// On a CPU a work item takes neighbours, row by row of the innermost dimension, in four
// chains of sums, so that additions need not wait for each other.
inline ACC one_run(const params p, const idx* from, INPUT_POINTERS, uint begin,
                   uint end) {
  const dim last = p.ad[ALONG_RANK - 1];
  ACC total = INIT;
  for (uint r = begin; r < end;) {
    idx at[INPUTS];
    for (int k = 0; k < INPUTS; k++) at[k] = from[k];
    ALONG(r, p.ad, p.as, at)
    const uint place = r - divide(r, last) * last.size;
    const uint n = min(min(end - r, last.size - place), (uint)BLOCK);
    ACC a = INIT, b = INIT, c = INIT, d = INIT;
    uint j = 0;
    for (; j + 4 <= n; j += 4) {
      a = combine(a, each(LOADS(j)));
      b = combine(b, each(LOADS(j + 1)));
      c = combine(c, each(LOADS(j + 2)));
      d = combine(d, each(LOADS(j + 3)));
    }
    for (; j < n; j++) a = combine(a, each(LOADS(j)));
    total = combine(total, combine(combine(a, b), combine(c, d)));
    r += n;
  }
  return total;
}
inline ACC lane_run(const params p, const idx* from, INPUT_POINTERS, uint begin, uint end,
                    uint lane) {
  const uint share = (end - begin + GROUP - 1) / GROUP;
  const uint first = min(begin + lane * share, end);
  return one_run(p, from, INPUT_POINTER_NAMES, first, min(first + share, end));
}
#else
inline ACC stepped_run(const params p, const idx* from, INPUT_POINTERS, uint begin,
                       uint end, uint step) {
  ACC total = INIT;
  for (uint start = begin; start < end; start += BLOCK * step) {
    const uint stop = end - start > BLOCK * step ? start + BLOCK * step : end;
    ACC part = INIT;
    for (uint r = start; r < stop; r += step) {
      idx at[INPUTS];
      for (int k = 0; k < INPUTS; k++) at[k] = from[k];
      ALONG(r, p.ad, p.as, at)
      part = combine(part, each(LOADS(0)));
    }
    total = combine(total, part);
  }
  return total;
}
#define one_run(p, from, ...) stepped_run(p, from, __VA_ARGS__, 1)
inline ACC lane_run(const params p, const idx* from, INPUT_POINTERS, uint begin, uint end,
                    uint lane) {
  return stepped_run(p, from, INPUT_POINTER_NAMES, begin + lane, end, GROUP);
}
#endif

kernel void by_item(const params p, global char* b0, BUFFERS) {
  const uint o = get_global_id(0);
  if (o >= p.outs) return;
  idx at[1 + INPUTS] = {0};
  KEPT(o, p.kd, p.ks, at)
  const ACC total = one_run(p, at + 1, INPUT_NAMES, 0, p.count);
  O_ST((global O_S*)(b0 + p.o[0]), at[0], total);
}

kernel void by_group(const params p, global char* b0, BUFFERS, global ACC* parts) {
  local ACC tree[GROUP];
  const uint g = get_group_id(0), lane = get_local_id(0);
  const uint o = g / p.splits, begin = (g % p.splits) * p.chunk;
  const uint end = min(begin + p.chunk, p.count);
  idx at[1 + INPUTS] = {0};
  KEPT(o, p.kd, p.ks, at)
  tree[lane] = lane_run(p, at + 1, INPUT_NAMES, begin, end, lane);
  for (uint half_size = GROUP / 2; half_size > 0; half_size /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane < half_size) tree[lane] = combine(tree[lane], tree[lane + half_size]);
  }
  if (lane == 0) {
    if (p.splits > 1) {
      parts[g] = tree[0];
    } else {
      O_ST((global O_S*)(b0 + p.o[0]), at[0], tree[0]);
    }
  }
}

kernel void by_parts(const params p, global char* b0, BUFFERS, global const ACC* parts) {
  const uint o = get_global_id(0);
  if (o >= p.outs) return;
  ACC total = parts[o * p.splits];
  for (uint s = 1; s < p.splits; s++) total = combine(total, parts[o * p.splits + s]);
  idx at[1 + INPUTS] = {0};
  KEPT(o, p.kd, p.ks, at)
  O_ST((global O_S*)(b0 + p.o[0]), at[0], total);
}
