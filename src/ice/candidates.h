/* Candidates, local and remote, and the sockets that are their bases (RFC 8445 section 5.1). */
#ifndef KITH_ICE_CANDIDATES_H
#define KITH_ICE_CANDIDATES_H

#include "ice/agent.h"

kith_err kith_ice_copy_remotes(kith_ice *ice, kith_ice_generation *to,
                               const kith_ice_generation *from);
void kith_ice_remove_remote(kith_ice *ice, kith_ice_generation *g, kith_ice_remote *remote);

/* Of a candidate of this type with this base. */
uint32_t kith_ice_candidate_priority(kith_candidate_type type, const kith_ice_base *base);
/* That a packet of this path came to: a socket or a listener of ours, or a relayed address. */
kith_ice_base *kith_ice_base_of_path(const kith_ice_generation *g, const kith_path *path);
kith_ice_base *kith_ice_find_base(const kith_ice_generation *g, const kith_address *address,
                                  kith_tcp_type tcp_type);
/* server: that saw it, or NULL. NULL: over the limit or out of memory. */
kith_ice_local *kith_ice_new_local(kith_ice *ice, kith_ice_generation *g, kith_ice_base *base,
                                   const kith_address *address, kith_candidate_type type,
                                   const kith_ice_server *server);
kith_ice_local *kith_ice_find_local(const kith_ice_generation *g, const kith_ice_base *base,
                                    const kith_address *address);
/* That the packets of this path come from. */
kith_ice_remote *kith_ice_find_remote(const kith_ice_generation *g, const kith_path *path);
/* A peer-reflexive candidate (RFC 8445 section 7.3.1.3); NULL: over the limit or out of memory. */
kith_ice_remote *kith_ice_add_peer_reflexive(kith_ice *ice, kith_ice_generation *g,
                                             const kith_path *path, uint32_t priority,
                                             kith_span ufrag);
/* The local address is gone: everything on it fails. */
void kith_ice_drop_base(kith_ice *ice, kith_ice_generation *g, kith_ice_base *base);
/* A socket, a relayed address or one of TCP: what its address, tcp_type, relay_url and related
 * say. */
kith_err kith_ice_add_base(kith_ice *ice, kith_ice_generation *g, const kith_ice_base *like);
void kith_ice_free_base(kith_ice_base *base);

#endif
