/* The whole contract between Flambeau and a device: plain C11, one exported symbol.
 *
 * A backend is a shared library that exports `flambeau_backend_query`.  The host calls
 * it once, with the range of versions it speaks and its own function table; the
 * library answers with a table it fills, or with a reason in words.
 *
 * Version rule: every struct begins with its size in bytes.  Fields are only ever
 * appended.  A reader checks the size before it reads a field that was appended after
 * the first version (FL_HAS); a larger struct than known is fine, its tail is ignored.
 * What each kernel computes, with its operands and attributes, is told in
 * docs/extending/kernels.md.
 */
#ifndef FLAMBEAU_BACKEND_H
#define FLAMBEAU_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FL_ABI_VERSION 1u /* of this header */
#define FL_ABI_OLDEST 1u  /* oldest version that this header's host still speaks */

/* True when the struct that `s` points to is large enough to hold `field`. */
#define FL_HAS(s, field) \
  ((s)->size >= (size_t)((const char*)(&(s)->field + 1) - (const char*)(s)))

#define FL_EXPORT __attribute__((visibility("default")))

/* ---- data types; the numbers are part of the contract ------------------------- */
typedef enum fl_dtype {
  FL_BOOL = 0, /* one byte, 0 or 1 */
  FL_UINT8 = 1,
  FL_INT8 = 2,
  FL_INT16 = 3,
  FL_INT32 = 4,
  FL_INT64 = 5,
  FL_FLOAT16 = 6,
  FL_BFLOAT16 = 7,
  FL_FLOAT32 = 8,
  FL_FLOAT64 = 9,
  FL_COMPLEX64 = 10,
  FL_COMPLEX128 = 11,
  FL_DTYPE_COUNT = 12
} fl_dtype;

#define FL_DTYPE_BIT(d) (1u << (d))
#define FL_DTYPES_ALL ((1u << FL_DTYPE_COUNT) - 1u)

/* ---- status ------------------------------------------------------------------- */
typedef enum fl_status {
  FL_OK = 0,
  FL_ERROR = 1,         /* the message says what; becomes RuntimeError */
  FL_OUT_OF_MEMORY = 2, /* the host frees its cache and tries once more */
  FL_UNSUPPORTED = 3,   /* this kernel cannot do this call: the host falls back */
  FL_INDEX_ERROR = 4,   /* an index in the data is out of range: IndexError */
  FL_LINALG_ERROR = 5,  /* singular, not positive definite, ...: LinAlgError */
  FL_DEVICE_LOST = 6    /* the device is gone for good: every later call is refused */
} fl_status;

/* ---- operands ------------------------------------------------------------------ */
enum { FL_HOST_SCALAR = 1 }; /* data points to one value in host memory */

/* A strided view.  Strides count elements; they may be 0 or, for inputs, negative. */
typedef struct fl_tensor {
  void* data;
  const int64_t* sizes;
  const int64_t* strides;
  int64_t numel;
  int32_t ndim;   /* -1: an optional operand that is absent */
  uint16_t dtype; /* fl_dtype */
  uint16_t flags;
} fl_tensor;

/* One attribute; which member holds is fixed per kernel. */
typedef struct fl_attr {
  union {
    int64_t i;
    double f;
    double c[2]; /* complex: real, imaginary */
    const int64_t* ints;
    const char* str;
  } v;
  int64_t count; /* of ints */
} fl_attr;

typedef struct fl_call fl_call;
typedef fl_status (*fl_kernel)(const fl_call* call);

/* What the host offers a backend. */
typedef struct fl_host {
  uint32_t size;
  uint32_t abi_version;
  uint32_t abi_oldest;
  /* Copies the message that belongs to the status about to be returned. */
  void (*set_error)(const char* message);
  /* Scratch memory on the device of the call, from the caching allocator; valid until
   * the call has run on its stream.  NULL when there is none left. */
  void* (*workspace)(const fl_call* call, size_t bytes);
} fl_host;

/* One call of a kernel.  Outputs are allocated by the host. */
struct fl_call {
  uint32_t size;
  int32_t n_out;
  int32_t n_in;
  int32_t n_attr;
  const fl_tensor* out;
  const fl_tensor* in;
  const fl_attr* attr;
  void* device; /* the handle that fl_device_table.open gave */
  void* stream; /* NULL: the default stream */
  const fl_host* host;
  const char* op; /* the name of the kernel; lives as long as the process */
  void* context;  /* what fl_kernel_info.context was */
};

/* ---- tables --------------------------------------------------------------------- */
enum {                     /* flags of fl_properties */
       FL_HOST_MEMORY = 1, /* the host can read and write the device's memory */
       FL_ASYNC = 2        /* kernels return before they have run */
};

typedef struct fl_properties {
  uint32_t size;
  uint32_t flags;
  uint64_t total_memory; /* bytes; 0 when unknown */
  uint64_t alignment;    /* of every allocation: bytes, a power of two */
  char name[128];
} fl_properties;

/* Required.  `index` counts the devices of this type from 0.  `synchronize` returns
 * when all work on the device is done; an error of work that had returned FL_OK before
 * it ran comes out here, its message naming fl_call.op. */
typedef struct fl_device_table {
  uint32_t size;
  int32_t (*count)(void);
  fl_status (*open)(int32_t index, void** device);
  void (*close)(void* device);
  fl_status (*properties)(int32_t index, fl_properties* out);
  fl_status (*synchronize)(void* device);
} fl_device_table;

/* Required.  Raw memory only: caching and statistics are the host's.  Addresses are the
 * device's own; the host adds byte offsets to them and never looks behind them unless
 * FL_HOST_MEMORY is set.  Transfers are ordered after the earlier work on `stream`, and
 * are done with the host's memory when they return. */
typedef struct fl_memory_table {
  uint32_t size;
  fl_status (*allocate)(void* device, size_t bytes, void** out);
  void (*release)(void* device, void* data, size_t bytes);
  fl_status (*from_host)(void* device, void* stream, void* dst, const void* src,
                         size_t bytes);
  fl_status (*to_host)(void* device, void* stream, void* dst, const void* src,
                       size_t bytes);
  /* Optional from here on. */
  fl_status (*available)(void* device, uint64_t* free, uint64_t* total);
  /* Pinned host memory, which the device reaches by itself. */
  fl_status (*allocate_host)(void* device, size_t bytes, void** out);
  void (*release_host)(void* device, void* data, size_t bytes);
  /* As from_host and to_host, but for pinned memory, and they may return before the
   * bytes have moved: the caller waits for the stream. */
  fl_status (*from_pinned)(void* device, void* stream, void* dst, const void* src,
                           size_t bytes);
  fl_status (*to_pinned)(void* device, void* stream, void* dst, const void* src,
                         size_t bytes);
} fl_memory_table;

typedef struct fl_kernel_info {
  uint32_t size;
  uint32_t dtypes; /* FL_DTYPE_BITs accepted for the main dtype of the call: that of
                      in[0], or of out[0] where there is no input */
  fl_kernel run;
  void* context; /* handed back in every call of this kernel */
} fl_kernel_info;

/* Required.  Asked once per name; returns 0 when there is no kernel of that name. */
typedef struct fl_kernel_table {
  uint32_t size;
  int32_t (*find)(const char* op, fl_kernel_info* info);
} fl_kernel_table;

/* Optional.  Absent: there is one stream, and every call is synchronous.  Work on one
 * stream runs in order; streams wait for each other through events alone, the default
 * stream included.  An event that was never recorded counts as reached. */
typedef struct fl_stream_table {
  uint32_t size;
  fl_status (*create)(void* device, int32_t priority, void** stream);
  void (*destroy)(void* device, void* stream);
  fl_status (*synchronize)(void* device, void* stream);
  int32_t (*query)(void* device, void* stream); /* 1: all done */
  fl_status (*event_create)(void* device, int32_t timing, void** event);
  void (*event_destroy)(void* device, void* event);
  fl_status (*event_record)(void* device, void* event, void* stream);
  fl_status (*event_wait)(void* device, void* event, void* stream);
  fl_status (*event_synchronize)(void* device, void* event);
  int32_t (*event_query)(void* device, void* event);
  fl_status (*event_elapsed)(void* device, void* start, void* end, double* ms);
} fl_stream_table;

/* What a library answers.  Optional tables and functions may be NULL. */
typedef struct fl_backend {
  uint32_t size;
  uint32_t abi_version;    /* of the header that the backend was built with */
  const char* device_type; /* "cpu", "cuda", "acme" */
  const char* name;        /* of this implementation: "cpu_mkl" */
  const char* build_info;  /* a line or more for __config__.show() */
  const fl_device_table* device;
  const fl_memory_table* memory;
  const fl_kernel_table* kernels;
  const fl_stream_table* stream;            /* optional */
  void (*set_num_threads)(int32_t threads); /* optional; host threads of kernels */
} fl_backend;

/* The one exported symbol.  On refusal it returns NULL and points *reason at a static
 * text. */
typedef const fl_backend* (*fl_backend_query_fn)(const fl_host* host,
                                                 const char** reason);
FL_EXPORT const fl_backend* flambeau_backend_query(const fl_host* host,
                                                   const char** reason);

#ifdef __cplusplus
}
#endif
#endif
