/* See nat.h. Mappings never expire: scenarios that need it unplug the host. */
#include "nat.h"

#include <assert.h>
#include <stdlib.h>

#include "base/address.h"

#define MAX_MAPPINGS 256

/* A packet went from `inside` to `outside` and was given `port`. */
typedef struct mapping {
    kith_address inside, outside;
    uint16_t port;
} mapping;

struct nat {
    nat_type type;
    kith_address public_address;
    mapping mappings[MAX_MAPPINGS];
    size_t count;
    uint16_t next_port;
};

nat *nat_new(nat_type type, const kith_address *public_address)
{
    nat *n = calloc(1, sizeof *n);
    n->type = type;
    n->public_address = *public_address;
    n->next_port = 40000;
    return n;
}

void nat_free(nat *n)
{
    free(n);
}

void nat_skip_ports(nat *n, uint16_t count)
{
    n->next_port = (uint16_t)(n->next_port + count);
}

/* The port that an earlier packet from `inside` was given, if this one shares it; 0: none. */
static uint16_t shared_port(const nat *n, const kith_address *inside, const kith_address *outside)
{
    for (size_t i = 0; i < n->count; i++) {
        const mapping *m = &n->mappings[i];
        if (!kith_address_equal(&m->inside, inside))
            continue;
        if (n->type != NAT_SYMMETRIC || kith_address_equal(&m->outside, outside))
            return m->port;
    }
    return 0;
}

static bool is_known(const nat *n, const kith_address *inside, const kith_address *outside)
{
    for (size_t i = 0; i < n->count; i++)
        if (kith_address_equal(&n->mappings[i].inside, inside) &&
            kith_address_equal(&n->mappings[i].outside, outside))
            return true;
    return false;
}

void nat_outward(nat *n, kith_address *source, const kith_address *destination)
{
    uint16_t port = shared_port(n, source, destination);
    if (port == 0)
        port = n->next_port++;
    if (!is_known(n, source, destination)) {
        assert(n->count < MAX_MAPPINGS);
        n->mappings[n->count++] =
            (mapping){.inside = *source, .outside = *destination, .port = port};
    }
    *source = n->public_address;
    source->port = port;
}

static bool lets_in(const nat *n, const mapping *m, const kith_address *source)
{
    switch (n->type) {
    case NAT_FULL_CONE:
        return true;
    case NAT_ADDRESS_RESTRICTED:
        return kith_address_same_ip(&m->outside, source);
    case NAT_PORT_RESTRICTED:
    case NAT_SYMMETRIC:
        return kith_address_equal(&m->outside, source);
    case NAT_NONE:
        break;
    }
    return false;
}

bool nat_inward(nat *n, const kith_address *source, kith_address *destination)
{
    if (!kith_address_same_ip(&n->public_address, destination))
        return false;
    for (size_t i = 0; i < n->count; i++) {
        const mapping *m = &n->mappings[i];
        if (m->port == destination->port && lets_in(n, m, source)) {
            *destination = m->inside;
            return true;
        }
    }
    return false;
}
