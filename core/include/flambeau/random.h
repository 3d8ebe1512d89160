// Random generators: a seed and a count of draws.  A kernel is a pure function of both,
// so one seed gives the same numbers on every device.
#pragma once

#include <cstdint>

#include "flambeau/device.h"
#include "flambeau/ref.h"

namespace fl {

struct Generator {
  static constexpr uint64_t kDefaultSeed = 67280421310721ull;

  uint32_t refs = 0;
  Device device;
  uint64_t seed = kDefaultSeed;
  uint64_t offset = 0;  // of the next draw: every random kernel call takes one

  void manual_seed(uint64_t s) {
    seed = s;
    offset = 0;
  }
  // What the next kernel call is to be given beside the seed.
  uint64_t next() { return offset++; }
  static void destroy(Generator* g) { delete g; }
};

// The one that ops use when they are given none.
inline Generator& default_generator() {
  static Generator* const g = new Generator;
  return *g;
}

}  // namespace fl
