// A stable merge sort of lines: runs of RUN by insertion, then runs are merged pair by
// pair. In a merge, each element finds its own place: its rank in its own run and the
// number of elements before it in the other, by binary search; so all of them are placed
// at once, and equal ones stay in order. Keys and positions go between two buffers.
//   BEFORE(a, b)   whether a comes strictly before b

#define RUN 16

kernel void load_runs(const params p, global char* b0, global char* b1, global char* b2,
                      global A_S* keys, global uint* places) {
  const uint runs = (p.count + RUN - 1) / RUN, g = get_global_id(0);
  if (g >= p.outs * runs) return;
  const uint line = g / runs, begin = g % runs * RUN;
  const uint n = min((uint)RUN, p.count - begin);
  idx from[4] = {0};
  KEPT(line, p.kd, p.ks, from)
  global const A_S* in = (global const A_S*)(b2 + p.o[2]);
  A_S key[RUN];
  uint place[RUN];
  for (uint r = 0; r < n; r++) {
    idx at[3] = {from[1], 0, 0};
    ALONG(begin + r, p.ad, p.as, at)
    const A_S bits = in[at[0]];
    const A_C x = A_OF(bits);
    uint k = r;
    for (; k > 0 && BEFORE(x, A_OF(key[k - 1])); k--) {
      key[k] = key[k - 1];
      place[k] = place[k - 1];
    }
    key[k] = bits;
    place[k] = begin + r;
  }
  const uint to = line * p.count + begin;
  for (uint r = 0; r < n; r++) {
    keys[to + r] = key[r];
    places[to + r] = place[r];
  }
}

typedef struct {
  uint lines, count, width, unused;
} merging;

kernel void merge_runs(const merging p, global const A_S* keys, global const uint* places,
                       global A_S* to_keys, global uint* to_places) {
  const uint g = get_global_id(0);
  if (g >= p.lines * p.count) return;
  const uint i = g % p.count, line = g - i, pair = i / (2 * p.width) * 2 * p.width;
  const bool left = i < pair + p.width;
  const uint middle = min(pair + p.width, p.count);
  uint low = left ? middle : pair;
  uint high = left ? min(middle + p.width, p.count) : middle;
  const uint start = low, mine = left ? i - pair : i - middle;
  const A_C x = A_OF(keys[g]);
  while (low < high) {
    const uint at = (low + high) / 2;
    const A_C y = A_OF(keys[line + at]);
    const bool goes_first = left ? BEFORE(y, x) : !BEFORE(x, y);
    if (goes_first) {
      low = at + 1;
    } else {
      high = at;
    }
  }
  const uint to = line + pair + mine + (low - start);
  to_keys[to] = keys[g];
  to_places[to] = places[g];
}

kernel void store_line(const params p, global char* b0, global char* b1, global char* b2,
                       global const A_S* keys, global const uint* places) {
  const uint g = get_global_id(0);
  if (g >= p.outs * p.count) return;
  const uint line = g / p.count, r = g % p.count;
  idx from[4] = {0};
  KEPT(line, p.kd, p.ks, from)
  idx at[3] = {from[1], from[2], from[3]};
  ALONG(r, p.ad, p.as, at)
  ((global A_S*)(b0 + p.o[0]))[at[1]] = keys[g];
  ((global long*)(b1 + p.o[1]))[at[2]] = places[g];
}
