/* TCP connections of peers (RFC 6544): what is a packet in their bytes, whose they are, and what
 * waits until they take more. The driver makes and carries them, ICE says which are wanted. A
 * packet is framed as RFC 4571 has it, both ways. */
#ifndef KITH_PC_STREAMS_H
#define KITH_PC_STREAMS_H

#include "base/ring.h"
#include "pc/endpoint.h"

/* One that has come is nameless until a check on it was authentic: so many of one listener and of
 * one remote site at a time, so long, and the check may be no longer than this. The longest that
 * RFC 8445 and RFC 8489 make has 1160 bytes: a head of 20, a USERNAME of ours and of 256 bytes of
 * the peer's (276), PRIORITY (8), a role (12), USE-CANDIDATE (4), a SOFTWARE of 763 bytes (768),
 * both integrities (24 and 36) and FINGERPRINT (8), padded. What browsers add to it, a first flight
 * of DTLS too, they keep to what any path of IPv6 carries (RFC 8489 section 6.1). */
#define KITH_STREAMS_NAMELESS         64
#define KITH_STREAMS_NAMELESS_OF_SITE 8
#define KITH_STREAMS_NAMELESS_TIME    KITH_SECONDS(5)
#define KITH_STREAMS_NAMELESS_FRAME   1280
/* The longest frame; a longer one ends the connection. */
#define KITH_STREAMS_MAX_FRAME ((size_t)16 * 1024)
/* Checks and answers that wait until a connection takes bytes; data waits where it is made. */
#define KITH_STREAMS_WAITING ((size_t)64 * 1024)

typedef struct kith_stream {
    /* in kith_endpoint.streams; key: &path */
    kith_map_node by_path;
    /* in kith_transport.streams, or in kith_endpoint.nameless in the order of coming */
    kith_list_node in_list;
    /* NULL: nobody has said anything on it */
    kith_transport *owner;
    kith_path path;
    bool is_nameless;
    /* the driver takes bytes */
    bool is_writable;
    kith_time accepted_at;
    /* becomes the request to close it, so that this needs no memory */
    kith_pending_request *request;
    /* A frame that is here in part: its head, then so much of its bytes. */
    uint8_t head[2];
    uint8_t head_len;
    uint8_t *frame;
    size_t frame_len, frame_has;
    /* frames, with their heads */
    kith_ring waiting;
} kith_stream;

/* ---- of an endpoint ---- */

/* Bytes came: all frames that they complete are routed. */
void kith_streams_input(kith_endpoint *ep, kith_time now, const kith_path *path, kith_span piece);
/* A listener is gone, and what came there with it. */
void kith_streams_listener_removed(kith_endpoint *ep, const kith_address *listener);
/* Closes what has been nameless too long; when that is due next. */
void kith_streams_tick(kith_endpoint *ep, kith_time now);
kith_time kith_streams_deadline(const kith_endpoint *ep);
/* Frees the nameless; the others are gone with their transports. */
void kith_streams_deinit(kith_endpoint *ep);

/* ---- of a transport ---- */

/* ICE wants a connection for a pair, or no longer has one. */
void kith_streams_connect(kith_transport *t, uint32_t pair_id, const kith_path *path);
void kith_streams_pair_gone(kith_transport *t, uint32_t pair_id, const kith_path *path);
/* The answer to the request of kith_streams_connect, which is taken. path NULL: there is no
 * connection, and why. */
void kith_streams_connected(kith_transport *t, kith_pending_request *pending, const kith_path *path,
                            const char *why);
/* A check on the path was authentic: the connection is t's. */
void kith_streams_name(kith_transport *t, const kith_path *path);
/* Closes all. */
void kith_streams_close(kith_transport *t);

/* Is the path no connection, or one that t may speak on? One belongs to one transport all its
 * life. */
bool kith_streams_may_use(kith_transport *t, const kith_path *path);
/* Is it a connection that takes no bytes? */
bool kith_streams_is_full(const kith_transport *t, const kith_path *path);
/* Is it no connection, or one that takes bytes? The last words of a closed peer are taken behind
 * what a full one has left, for nothing follows. */
bool kith_streams_take_bytes(const kith_transport *t, const kith_path *path);
/* Puts a check or an answer of `len` bytes at buf, with room for a head, into a frame there, and
 * returns what leaves now; 0: it waits, or there is no connection any more. */
size_t kith_streams_wrap(kith_transport *t, const kith_path *path, uint8_t *buf, size_t len);
/* The same, and it waits in any case. */
void kith_streams_keep(kith_transport *t, const kith_path *path, uint8_t *buf, size_t len);
/* The next that waited; 0: none. */
size_t kith_streams_output(kith_transport *t, kith_path *path, uint8_t *buf, size_t cap);

#endif
