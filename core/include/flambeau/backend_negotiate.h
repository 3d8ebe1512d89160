/* The version negotiation that every backend needs, written once.
 *
 *   const fl_backend* flambeau_backend_query(const fl_host* h, const char** why) {
 *     return fl_negotiate(h, why) ? &my_backend : NULL;
 *   }
 */
#ifndef FLAMBEAU_BACKEND_NEGOTIATE_H
#define FLAMBEAU_BACKEND_NEGOTIATE_H

#include "flambeau/backend.h"

/* True when the host speaks this header's version; else *reason says why not. */
static inline int fl_negotiate(const fl_host* host, const char** reason) {
  if (host == NULL || host->size < offsetof(fl_host, set_error)) {
    *reason = "the host's table is too short to hold its version";
    return 0;
  }
  if (host->abi_version < FL_ABI_OLDEST) {
    *reason = "the host is older than this backend supports: update flambeau";
    return 0;
  }
  if (host->abi_oldest > FL_ABI_VERSION) {
    *reason = "this backend is older than the host supports: update the backend";
    return 0;
  }
  if (!FL_HAS(host, workspace)) {
    *reason = "the host's table lacks functions of ABI version 1";
    return 0;
  }
  return 1;
}

#endif
