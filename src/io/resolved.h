/* What became of a name, whoever looked it up. */
#ifndef KITH_IO_RESOLVED_H
#define KITH_IO_RESOLVED_H

#include "kith/address.h"

/* More addresses of one name are not used. */
#define KITH_RESOLVED_ADDRESSES 8

typedef struct kith_resolved {
    /* of the request */
    uint64_t id;
    /* 0: the name has no address */
    size_t count;
    kith_address addresses[KITH_RESOLVED_ADDRESSES];
} kith_resolved;

#endif
