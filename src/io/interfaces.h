/* Which addresses this machine has, and which of them peers shall use, in order of preference. */
#ifndef KITH_IO_INTERFACES_H
#define KITH_IO_INTERFACES_H

#include "kith/address.h"

/* Looked at */
#define KITH_INTERFACE_ADDRESSES 256
/* Used: more only make checks slow */
#define KITH_LOCAL_ADDRESSES 64

typedef struct kith_interface_address {
    /* port 0 */
    kith_address address;
    /* of the interface */
    char name[16];
    /* of the interface */
    uint32_t index;
    /* RFC 8981 */
    bool is_temporary;
    /* not yet or no longer to be used: tentative, deprecated (RFC 4862) */
    bool is_unusable;
    /* packets to the world leave from it */
    bool is_default;
} kith_interface_address;

/* The addresses of the interfaces that are up. */
size_t kith_interfaces_list(kith_interface_address *out, size_t cap);

typedef struct kith_interface_rules {
    bool loopback, no_ipv6;
    bool (*filter)(const char *name, const kith_address *address, void *user);
    void *user;
} kith_interface_rules;

/* Pure: leaves in list[0] to list[result - 1] what peers shall use, the preferred first. At most
 * KITH_LOCAL_ADDRESSES. */
size_t kith_interfaces_choose(kith_interface_address *list, size_t count,
                              const kith_interface_rules *rules);

/* A file descriptor that becomes readable when addresses or interfaces change; -1 where there is
 * none. */
int kith_interfaces_watch(void);
/* Empties it. */
void kith_interfaces_drain(int fd);

#endif
