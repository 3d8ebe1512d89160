// Philox4x32-10: four random words for each block number, from a seed and an offset
// alone (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3").
#pragma once

#include <cstdint>

#include "kernels/simt.h"

namespace simulated {

struct Philox {
  uint64_t seed, offset;

  struct Words {
    uint32_t w[4];
  };

  __host__ __device__ Words block(uint64_t number) const {
    uint32_t key0 = static_cast<uint32_t>(seed),
             key1 = static_cast<uint32_t>(seed >> 32);
    Words c = {{static_cast<uint32_t>(number), static_cast<uint32_t>(number >> 32),
                static_cast<uint32_t>(offset), static_cast<uint32_t>(offset >> 32)}};
    for (int round = 0; round < 10; ++round) {
      const uint64_t a = uint64_t{0xD2511F53} * c.w[0],
                     b = uint64_t{0xCD9E8D57} * c.w[2];
      c = {{static_cast<uint32_t>(b >> 32) ^ c.w[1] ^ key0, static_cast<uint32_t>(b),
            static_cast<uint32_t>(a >> 32) ^ c.w[3] ^ key1, static_cast<uint32_t>(a)}};
      key0 += 0x9E3779B9;
      key1 += 0xBB67AE85;
    }
    return c;
  }

  // The 32-bit word and the 64-bit word that belong to element i.
  __host__ __device__ uint32_t word32(int64_t i) const {
    return block(static_cast<uint64_t>(i) / 4).w[i % 4];
  }
  __host__ __device__ uint64_t word64(int64_t i) const {
    const Words c = block(static_cast<uint64_t>(i) / 2);
    return c.w[2 * (i % 2)] | static_cast<uint64_t>(c.w[2 * (i % 2) + 1]) << 32;
  }
  // In [0, 1).
  __host__ __device__ float unit(float, int64_t i) const {
    return static_cast<float>(word32(i) >> 8) * 0x1p-24f;
  }
  __host__ __device__ double unit(double, int64_t i) const {
    return static_cast<double>(word64(i) >> 11) * 0x1p-53;
  }
};

}  // namespace simulated
