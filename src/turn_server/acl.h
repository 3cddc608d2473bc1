/* Which addresses a server relays to, by range (RFC 8656 section 21.3.2): what an operator denies,
 * what he allows, and else what is on the public internet. An IPv6 address that has an IPv4 address
 * in it is no better than that one. */
#ifndef KITH_TURN_SERVER_ACL_H
#define KITH_TURN_SERVER_ACL_H

#include "base/address.h"

typedef struct kith_network {
    kith_address address;
    unsigned bits;
} kith_network;

typedef struct kith_acl {
    kith_network *denied, *allowed;
    size_t denied_count, allowed_count;
} kith_acl;

typedef enum kith_acl_verdict {
    KITH_ACL_DENIED,
    KITH_ACL_ALLOWED,
    /* no list has it */
    KITH_ACL_PUBLIC,
    KITH_ACL_NOT_PUBLIC,
} kith_acl_verdict;

/* Lists of texts, or NULL. SYNTAX, NO_MEMORY. */
kith_err kith_acl_init(kith_acl *acl, const char *const *denied, const char *const *allowed);
void kith_acl_deinit(kith_acl *acl);
kith_acl_verdict kith_acl_says(const kith_acl *acl, const kith_address *address);

#endif
