// Products of matrices by tiles in local memory. A group of 64 items forms a tile of
// 64 x 64 sums, each item 4 rows of 16 columns in registers; TILE_K columns of A and rows
// of B are fetched at a time, item i the i-th row of the one and the i-th column of the
// other. Whoever includes this defines
//   T, T16, MULTIPLY_ADD(a, b, c)   the type of sums, 16 of them, and a * b + c
//   SETUP                  what an item finds out of its row m and its column n
//   FETCH_A(k), FETCH_B(k) an element of that row and that column
//   QUICK_A, QUICK_B       statements that fetch a whole tile and say so, or `false`
//   STORE(m, n, column, v) what becomes of a sum; column counts within the tile

#define TILE 64

#define FETCH(tile, limit, quick, fetch, inside)                    \
  if (!(quick)) {                                                   \
    if (inside) {                                                   \
      for (int k = 0; k < depth; k++) tile[k * TILE + lane] = fetch(k0 + k); \
    } else {                                                        \
      for (int k = 0; k < depth; k++) tile[k * TILE + lane] = 0;    \
    }                                                               \
  }

// Copies `depth` rows of 64 contiguous elements.
inline bool copy_rows(local T* tile, global const T* from, long step, int depth,
                      int lane) {
  for (int e = lane; e < 4 * depth; e += TILE) {
    const int k = e / 4, part = e % 4 * 16;
    *(local T16*)(tile + k * TILE + part) = LOAD16(from + k * step + part);
  }
  return true;
}

kernel __attribute__((reqd_work_group_size(TILE, 1, 1))) void product(const params p,
                                                                      BUFFERS) {
  local T a_tile[TILE_K * TILE] __attribute__((aligned(128)));
  local T b_tile[TILE_K * TILE] __attribute__((aligned(128)));
  LOCALS
  const int lane = get_local_id(0);
  const int column = lane % 4 * 16, row = lane / 4 * 4;
  const int m0 = get_group_id(1) * TILE, n0 = get_group_id(0) * TILE;
  const int m = m0 + lane, n = n0 + lane, batch = get_group_id(2);
  SETUP
  const bool useful = m0 + row < p.m && n0 + column < p.n;
  T16 sums[4];
  for (int r = 0; r < 4; r++) sums[r] = (T16)(0);
  for (int k0 = 0; k0 < p.k; k0 += TILE_K) {
    const int depth = min(TILE_K, p.k - k0);
    FETCH(a_tile, p.m, QUICK_A, FETCH_A, m < p.m)
    FETCH(b_tile, p.n, QUICK_B, FETCH_B, n < p.n)
    barrier(CLK_LOCAL_MEM_FENCE);
    // Named one by one: an array that lives across barriers stays in memory.
    T16 s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    for (int k = 0; k < (useful ? depth : 0); k++) {
      const T16 b = *(local const T16*)(b_tile + k * TILE + column);
      local const T* a = a_tile + k * TILE + row;
      s0 = MULTIPLY_ADD((T16)(a[0]), b, s0);
      s1 = MULTIPLY_ADD((T16)(a[1]), b, s1);
      s2 = MULTIPLY_ADD((T16)(a[2]), b, s2);
      s3 = MULTIPLY_ADD((T16)(a[3]), b, s3);
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  for (int r = 0; r < 4; r++) {
    const int to = m0 + row + r;
    if (to >= p.m) break;
    T out[16] __attribute__((aligned(128)));
    *(T16*)out = sums[r];
    for (int j = 0; j < 16 && n0 + column + j < p.n; j++) {
      STORE(to, n0 + column + j, column + j, out[j]);
    }
  }
}
