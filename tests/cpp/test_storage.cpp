// The caching allocator and storage: size classes, reuse, statistics, limits,
// ownership.
#include <cstring>

#include "check.h"
#include "flambeau/storage.h"

using namespace fl;

namespace {

DeviceRuntime& device() {
  static DeviceRuntime* opened = [] {
    open_backend(FAKES "good.so", "fake_good");
    return &runtime(parse_device("fake_good"));
  }();
  return *opened;
}
CachingAllocator& allocator() { return device().allocator; }

}  // namespace

TEST(size_classes_hold_and_waste_at_most_a_fifth) {
  for (size_t bytes = 1; bytes < 70000; bytes += 7) {
    int c = CachingAllocator::class_of(bytes);
    size_t block = CachingAllocator::class_bytes(c);
    CHECK(block >= bytes);
    if (bytes > 64)
      CHECK(static_cast<double>(bytes) > 0.79 * static_cast<double>(block));
    if (c > 0) CHECK(CachingAllocator::class_bytes(c - 1) < bytes);
  }
}

TEST(classes_grow) {
  for (int c = 1; c < CachingAllocator::kClasses; ++c) {
    size_t here = CachingAllocator::class_bytes(c);
    CHECK(here > CachingAllocator::class_bytes(c - 1));
    CHECK_EQ(CachingAllocator::class_of(here), c);
  }
}

TEST(a_freed_block_is_reused) {
  uint8_t c1, c2;
  void* first = allocator().allocate(1000, &c1);
  allocator().release(first, 1000, c1);
  int64_t reserved = allocator().reserved.current;
  void* second = allocator().allocate(1010, &c2);
  CHECK_EQ(first, second);
  CHECK_EQ(allocator().reserved.current, reserved);
  allocator().release(second, 1010, c2);
}

TEST(statistics_balance) {
  allocator().empty_cache();
  allocator().reset_peak();
  int64_t current = allocator().allocated.current;
  uint8_t c;
  void* data = allocator().allocate(4096, &c);
  CHECK_EQ(allocator().allocated.current, current + 4096);
  CHECK_EQ(allocator().allocated.peak, current + 4096);
  CHECK_EQ(allocator().requested.current, 4096);
  allocator().release(data, 4096, c);
  CHECK_EQ(allocator().allocated.current, current);
  CHECK_EQ(allocator().requested.current, 0);
  CHECK_EQ(allocator().allocated.peak, current + 4096);
  CHECK(allocator().reserved.current >= 4096);
  allocator().empty_cache();
  CHECK_EQ(allocator().reserved.current, current);
}

TEST(nothing_needs_no_memory) {
  uint8_t c = 9;
  CHECK(allocator().allocate(0, &c) == nullptr);
  allocator().release(nullptr, 0, c);
}

TEST(out_of_memory_after_one_retry) {
  uint8_t c;
  int64_t retries = allocator().retries, failures = allocator().failures;
  CHECK_THROWS(allocator().allocate(2 << 20, &c), "out of memory on fake_good");
  CHECK_EQ(allocator().retries, retries + 1);
  CHECK_EQ(allocator().failures, failures + 1);
  CHECK_THROWS(allocator().allocate(SIZE_MAX, &c), "cannot allocate");
  CHECK_THROWS(allocator().allocate(size_t{1} << 50, &c), "cannot allocate");
}

TEST(storage_gives_its_memory_back) {
  int64_t before = allocator().allocated.current;
  {
    Ref<Storage> a = Storage::make(device(), 100);
    Ref<Storage> b = a;
    CHECK_EQ(a->refs, 2u);
    std::memset(a->data, 1, 100);
  }
  CHECK_EQ(allocator().allocated.current, before);
}

TEST(resize_keeps_the_common_bytes) {
  Ref<Storage> s = Storage::make(device(), 8);
  std::memcpy(s->data, "12345678", 8);
  s->resize(5000);
  CHECK_EQ(s->nbytes, 5000u);
  CHECK(std::memcmp(s->data, "12345678", 8) == 0);
  s->resize(4);
  CHECK(std::memcmp(s->data, "1234", 4) == 0);
  s->resize(0);
  CHECK(s->data == nullptr);
}

TEST(wrapped_memory_is_let_go_once) {
  static int calls = 0;
  char memory[16];
  {
    Ref<Storage> s = Storage::wrap(
        device(), memory, sizeof memory,
        [](void* context) { ++*static_cast<int*>(context); }, &calls);
    CHECK_THROWS(s->resize(32), "belongs to another library");
    Ref<Storage> other(std::move(s));
    CHECK_EQ(calls, 0);
  }
  CHECK_EQ(calls, 1);
}
