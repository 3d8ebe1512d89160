// Along one dimension: positions of extremes, and running sums and products.
//   KEPT, ALONG   the loop nests: lines, and the elements of one
//   for arg:  BETTER(a, b): whether a later a takes the place of b
//   for scan: ACC, COMBINE(a, b)

#ifdef BETTER
typedef struct {
  A_C value;
  uint at;
} best;

inline best best_of(best a, best b) {
  const bool first = b.at < a.at;  // of equal ones the first, NaN above all
  const bool a_wins = BETTER(a.value, b.value), b_wins = BETTER(b.value, a.value);
  if (a_wins != b_wins) return a_wins ? a : b;
  return first ? b : a;
}
inline best best_run(const params p, const idx* from, global const A_S* b1, uint begin,
                     uint step) {
  best found;
  for (uint r = begin; r < p.count; r += step) {
    idx at[1] = {from[0]};
    ALONG(r, p.ad, p.as, at)
    const A_C x = A_LD(b1, at[0]);
    if (r == begin || BETTER(x, found.value)) {
      found.value = x;
      found.at = r;
    }
  }
  return found;
}
kernel void by_item(const params p, global char* b0, global char* b1) {
  const uint o = get_global_id(0);
  if (o >= p.outs) return;
  idx at[2] = {0};
  KEPT(o, p.kd, p.ks, at)
  const best found = best_run(p, at + 1, (global const A_S*)(b1 + p.o[1]), 0, 1);
  ((global long*)(b0 + p.o[0]))[at[0]] = found.at;
}
kernel void by_group(const params p, global char* b0, global char* b1) {
  local best tree[GROUP];
  const uint o = get_group_id(0), lane = get_local_id(0);
  idx at[2] = {0};
  KEPT(o, p.kd, p.ks, at)
  tree[lane] = best_run(p, at + 1, (global const A_S*)(b1 + p.o[1]), lane, GROUP);
  for (uint half_size = GROUP / 2; half_size > 0; half_size /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (lane < half_size) tree[lane] = best_of(tree[lane], tree[lane + half_size]);
  }
  if (lane == 0) ((global long*)(b0 + p.o[0]))[at[0]] = tree[0].at;
}
#else

// Reads and writes its own stretch of the line alone, so it may work in place.
inline ACC scan_run(const params p, const idx* from, global char* b0, global char* b1,
                    uint begin, uint end, ACC total, bool write) {
  for (uint r = begin; r < end; r++) {
    idx at[2] = {from[0], from[1]};
    ALONG(r, p.ad, p.as, at)
    const ACC v = A_LD((global const A_S*)(b1 + p.o[1]), at[1]);
    total = COMBINE(total, v);
    if (write) O_ST((global O_S*)(b0 + p.o[0]), at[0], total);
  }
  return total;
}
kernel void by_item(const params p, global char* b0, global char* b1) {
  const uint o = get_global_id(0);
  if (o >= p.outs) return;
  idx at[3] = {0};
  KEPT(o, p.kd, p.ks, at)
  scan_run(p, at + 1, b0, b1, 0, p.count, INIT, true);
}
kernel void by_group(const params p, global char* b0, global char* b1) {
  local ACC totals[GROUP];
  const uint o = get_group_id(0), lane = get_local_id(0);
  idx at[3] = {0};
  KEPT(o, p.kd, p.ks, at)
  const uint chunk = (p.count + GROUP - 1) / GROUP;
  const uint begin = min(lane * chunk, p.count), end = min(begin + chunk, p.count);
  totals[lane] = scan_run(p, at + 1, b0, b1, begin, end, INIT, false);
  barrier(CLK_LOCAL_MEM_FENCE);
  if (lane == 0) {
    ACC before = INIT;
    for (uint k = 0; k < GROUP; k++) {
      const ACC mine = totals[k];
      totals[k] = before;
      before = COMBINE(before, mine);
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  scan_run(p, at + 1, b0, b1, begin, end, totals[lane], true);
}
#endif
