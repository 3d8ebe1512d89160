/* The contract compiles as plain C11, and its structs keep their rules. */
#include "flambeau/backend.h"
#include "flambeau/backend_negotiate.h"

/* Every struct that grows begins with its size, so that a reader may check it first. */
_Static_assert(offsetof(fl_host, size) == 0, "fl_host begins with its size");
_Static_assert(offsetof(fl_call, size) == 0, "fl_call begins with its size");
_Static_assert(offsetof(fl_backend, size) == 0, "fl_backend begins with its size");
_Static_assert(offsetof(fl_device_table, size) == 0, "so does the device table");
_Static_assert(offsetof(fl_memory_table, size) == 0, "so does the memory table");
_Static_assert(offsetof(fl_kernel_table, size) == 0, "so does the kernel table");
_Static_assert(offsetof(fl_stream_table, size) == 0, "so does the stream table");
_Static_assert(sizeof(fl_tensor) == 40, "an operand is five words");

int contract_in_c(const fl_host* host, const char** reason) {
  return fl_negotiate(host, reason) && FL_HAS(host, workspace);
}
