// Data types: promotion as a lattice, casts, and the conversion of host scalars.
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "check.h"
#include "flambeau/dtype.h"

using namespace fl;

namespace {

Dtype at(int i) { return static_cast<Dtype>(i); }

template <class T>
T stored(Scalar s, Dtype d) {
  T out{};
  s.store(d, &out);
  return out;
}

}  // namespace

TEST(promotion_is_commutative_and_an_upper_bound) {
  for (int i = 0; i < kDtypeCount; ++i) {
    CHECK(promote(at(i), at(i)) == at(i));
    for (int j = 0; j < kDtypeCount; ++j) {
      Dtype p = promote(at(i), at(j));
      CHECK(p == promote(at(j), at(i)));
      CHECK(can_cast(at(i), p) && can_cast(at(j), p));
    }
  }
}

TEST(promotion_of_special_pairs) {
  CHECK(promote(Dtype::UInt8, Dtype::Int8) == Dtype::Int16);
  CHECK(promote(Dtype::UInt8, Dtype::Int64) == Dtype::Int64);
  CHECK(promote(Dtype::Float16, Dtype::BFloat16) == Dtype::Float32);
  CHECK(promote(Dtype::Int64, Dtype::Float16) == Dtype::Float16);
  CHECK(promote(Dtype::Float64, Dtype::Complex64) == Dtype::Complex128);
  CHECK(promote(Dtype::Float32, Dtype::Complex64) == Dtype::Complex64);
  CHECK(promote(Dtype::Bool, Dtype::UInt8) == Dtype::UInt8);
}

TEST(casts) {
  CHECK(can_cast(Dtype::Float64, Dtype::Float16));
  CHECK(!can_cast(Dtype::Float32, Dtype::Int64));
  CHECK(!can_cast(Dtype::UInt8, Dtype::Bool));
  CHECK(!can_cast(Dtype::Complex64, Dtype::Float64));
}

TEST(every_half_survives_the_way_through_float) {
  for (uint32_t h = 0; h < 0x10000; ++h) {
    auto bits = static_cast<uint16_t>(h);
    float f = half_to_float(bits);
    if (std::isnan(f)) {
      CHECK(std::isnan(half_to_float(float_to_half(f))));
    } else {
      CHECK_EQ(float_to_half(f), bits);
    }
    float b = bfloat16_to_float(bits);
    if (!std::isnan(b)) CHECK_EQ(float_to_bfloat16(b), bits);
  }
}

TEST(half_rounds_to_nearest_even) {
  CHECK_EQ(float_to_half(1.0f + 0x1p-11f), 0x3C00);      // half way, down to even
  CHECK_EQ(float_to_half(1.0f + 3 * 0x1p-11f), 0x3C02);  // half way, up to even
  CHECK_EQ(float_to_half(1.0f + 0x1p-11f + 0x1p-20f), 0x3C01);  // above half way
  CHECK_EQ(float_to_half(65519.0f), 0x7BFF);
  CHECK_EQ(float_to_half(65520.0f), 0x7C00);  // rounds to infinity
  CHECK_EQ(float_to_half(-1e30f), 0xFC00);
  CHECK_EQ(float_to_half(0x1p-25f), 0x0000);
  CHECK_EQ(float_to_half(0x1.8p-25f), 0x0001);
  CHECK_EQ(float_to_half(-0.0f), 0x8000);
}

TEST(bfloat16_rounds_to_nearest_even) {
  CHECK_EQ(float_to_bfloat16(1.0f + 0x1p-8f), 0x3F80);
  CHECK_EQ(float_to_bfloat16(1.0f + 3 * 0x1p-8f), 0x3F82);
  CHECK_EQ(float_to_bfloat16(std::numeric_limits<float>::infinity()), 0x7F80);
  CHECK_EQ(float_to_bfloat16(std::numeric_limits<float>::max()), 0x7F80);
}

TEST(scalars_are_converted_when_stored) {
  CHECK_EQ(stored<int32_t>(Scalar(3.9), Dtype::Int32), 3);
  CHECK_EQ(stored<int32_t>(Scalar(-3.9), Dtype::Int32), -3);
  CHECK_EQ(stored<uint8_t>(Scalar(int64_t{258}), Dtype::UInt8), 2);
  CHECK_EQ(stored<uint8_t>(Scalar(0.5), Dtype::Bool), 1);
  CHECK_EQ(stored<float>(Scalar(true), Dtype::Float32), 1.0f);
  CHECK_EQ(stored<double>(Scalar(std::complex<double>(2, 5)), Dtype::Float64), 2.0);
  auto c =
      stored<std::complex<float>>(Scalar(std::complex<double>(2, 5)), Dtype::Complex64);
  CHECK(c == std::complex<float>(2, 5));
}

TEST(numbers_out_of_range_are_defined) {
  double inf = std::numeric_limits<double>::infinity();
  CHECK_EQ(stored<int64_t>(Scalar(inf), Dtype::Int64), INT64_MAX);
  CHECK_EQ(stored<int64_t>(Scalar(-inf), Dtype::Int64), INT64_MIN);
  CHECK_EQ(stored<int64_t>(Scalar(std::nan("")), Dtype::Int64), INT64_MIN);
  CHECK_EQ(stored<int64_t>(Scalar(0x1p63), Dtype::Int64), INT64_MAX);
  CHECK_EQ(stored<int64_t>(Scalar(-0x1p63), Dtype::Int64), INT64_MIN);
  CHECK_EQ(stored<int64_t>(Scalar(9.21e18), Dtype::Int64),
           int64_t{9210000000000000000});
}

TEST(what_is_stored_is_loaded) {
  for (int i = 0; i < kDtypeCount; ++i) {
    char memory[16] = {};
    Scalar(int64_t{1}).store(at(i), memory);
    CHECK(Scalar::load(at(i), memory).equals(1));
  }
}

TEST(a_lone_number_has_the_default_dtype) {
  CHECK(Scalar(true).dtype() == Dtype::Bool);
  CHECK(Scalar(1).dtype() == Dtype::Int64);
  CHECK(Scalar(1.0).dtype() == Dtype::Float32);
  set_default_dtype(Dtype::Float64);
  CHECK(Scalar(std::complex<double>(1, 1)).dtype() == Dtype::Complex128);
  set_default_dtype(Dtype::Float32);
}
