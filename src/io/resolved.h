/* What became of a name, whoever looked it up. */
#ifndef KITH_IO_RESOLVED_H
#define KITH_IO_RESOLVED_H

#include "kith/address.h"

/* More addresses of one name are not used. */
enum { KITH_RESOLVED_ADDRESSES = 8 };

typedef struct kith_resolved {
    uint64_t id;  /* of the request */
    size_t count; /* 0: the name has no address */
    kith_address addresses[KITH_RESOLVED_ADDRESSES];
} kith_resolved;

#endif
