/* A NAT in front of one host (RFC 4787): which public port a packet leaves from, and who may
 * answer. */
#ifndef KITH_TESTS_SIM_NAT_H
#define KITH_TESTS_SIM_NAT_H

#include "world.h"

typedef struct nat nat;

nat *nat_new(nat_type type, const kith_address *public_address);
void nat_free(nat *n);
/* Mappings to come have other ports: the NAT was restarted. */
void nat_skip_ports(nat *n, uint16_t count);
/* Rewrites source to the public address of its mapping, and remembers the destination. */
void nat_outward(nat *n, kith_address *source, const kith_address *destination);
/* Rewrites a public destination to the private one; false: not ours, or filtered. */
bool nat_inward(nat *n, const kith_address *source, kith_address *destination);

#endif
