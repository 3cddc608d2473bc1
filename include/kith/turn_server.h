/* A STUN and TURN server (RFC 8489, RFC 8656 over UDP, TCP and TLS, RFC 5780), driven like an
 * endpoint: no I/O, no clock, one thread at a time; who has sockets drives it.
 *
 * A server answers or passes on at most one datagram for each that comes: after every
 * kith_turn_server_handle_… call ask kith_turn_server_poll_packet, once for a datagram and until it
 * gives 0 for a piece of a stream, and kith_turn_server_poll_stream where clients connect. But for
 * what waits for the streams of slow clients nothing is queued. */
#ifndef KITH_TURN_SERVER_H
#define KITH_TURN_SERVER_H

#include "kith/endpoint.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kith_turn_server kith_turn_server;

/* A user with a password, both in OpaqueString form (RFC 8265). Never grows. */
typedef struct kith_turn_user {
    const char *username;
    const char *password;
} kith_turn_user;

/* Everything is copied. Without users and secret the server is one of STUN alone. */
typedef struct kith_turn_server_config {
    size_t size;
    /* at most 127 bytes; NULL: "kith". Answers to who is not known grow with it. */
    const char *realm;
    const kith_turn_user *users;
    size_t user_count;
    /* For time-limited credentials as coturn has them: the user's name is "UNIX-TIME:anything",
     * the password base64(HMAC-SHA1(secret, username)). NULL: none. */
    const char *secret;
    /* also taken, while the secret is being changed */
    const char *old_secret;
    /* As in kith_endpoint_config, for the dates of such credentials. 0: now == 0 is 1 January
     * 2026. */
    uint64_t ntp_time_at_zero;
    /* Networks and addresses as text ("10.0.0.0/8", "2001:db8::1"); NULL ends the list. Peers there
     * are denied; else those there are allowed; else the default denies what is not on the public
     * internet, and this host. */
    const char *const *denied_peers;
    const char *const *allowed_peers;
    /* longest life of an allocation between two refreshes; 0: 3600 s */
    kith_time max_lifetime;
    /* life of a nonce; 0: 600 s */
    kith_time nonce_lifetime;
    /* Bits per second that an allocation may relay each way; what is above is dropped. 0: any. */
    uint64_t max_rate_bps;
    /* 0: 1000 allocations in all, 10 per user, 64 per address (IPv6: per /64) */
    uint32_t max_allocations, max_per_user, max_per_address;
    /* relayed ports, inclusive; 0 and 0: 49152 to 65535 */
    uint16_t port_begin, port_end;
    /* Tells clients how their NAT behaves (RFC 5780): of local addresses of one family, two with
     * the same two ports each, every one answers in another's name too. Answers are three to six
     * times as long as their requests then. */
    bool discovery;
    /* false */
    bool reserved[7];
} kith_turn_server_config;

#ifdef __cplusplus
#define KITH_TURN_SERVER_CONFIG_INIT KITH_INIT_OF(kith_turn_server_config)
#else
#define KITH_TURN_SERVER_CONFIG_INIT            \
    {                                           \
        .size = sizeof(kith_turn_server_config) \
    }
#endif

/* SYNTAX for a network that is none; RANGE for ports that are no range, a realm or a user's name
 * that is too long, a negative time; TYPE when cfg does not begin with its init macro. */
KITH_API KITH_MUST_CHECK kith_err kith_turn_server_new(kith_turn_server **out,
                                                       const kith_turn_server_config *cfg);
/* Its clients are not told. NULL is fine. */
KITH_API void kith_turn_server_free(kith_turn_server *server);

/* The most local addresses that a server has. */
#define KITH_TURN_SERVER_MAX_LOCALS 16

/* A UDP socket for clients is open at `local`, which is no wildcard. Relayed addresses are of the
 * IP that the client asked, for another family of the first local address of it. `external`: how
 * the world sees that IP (1:1 NAT), its port is ignored; NULL: as it is. INVALID_STATE when it is
 * there already, RANGE when there are too many. */
KITH_API KITH_MUST_CHECK kith_err kith_turn_server_add_local(kith_turn_server *server,
                                                             const kith_address *local,
                                                             const kith_address *external);
/* Relayed addresses of that family are of the IP `relay` from now on, whichever IP the client
 * asked: for an anycast address, or another network. Ports are ignored; `external` as above. TYPE
 * when it is no IP address or the families differ. */
KITH_API KITH_MUST_CHECK kith_err kith_turn_server_set_relay(kith_turn_server *server,
                                                             const kith_address *relay,
                                                             const kith_address *external);
/* The local address that was added as number `index`, counted from 0; NULL: there are not so many.
 */
KITH_API const kith_address *kith_turn_server_local(const kith_turn_server *server, size_t index);
/* Lets clients reach this address of this process, which the default would deny: a socket of an
 * endpoint that runs beside the server. NO_MEMORY. */
KITH_API KITH_MUST_CHECK kith_err kith_turn_server_allow_local(kith_turn_server *server,
                                                               const kith_address *local);
/* No longer. Does nothing for an address that was not allowed. */
KITH_API void kith_turn_server_disallow_local(kith_turn_server *server, const kith_address *local);

/* ---- packets and time ---- */

/* What leaves for a datagram that came is at most so much longer than that, or KITH_MAX_PACKET. */
#define KITH_TURN_SERVER_MAX_HEAD 52

/* A datagram came to a local or a relayed address. data is borrowed until the poll that follows. */
KITH_API void kith_turn_server_handle_packet(kith_turn_server *server, kith_time now,
                                             const kith_packet_info *info, const void *data,
                                             size_t len);
/* Writes the next datagram that the last call made leave to buf and says where it goes; 0: none, or
 * it does not fit into cap and can be polled again. */
KITH_API size_t kith_turn_server_poll_packet(kith_turn_server *server, kith_packet_info *info,
                                             void *buf, size_t cap);
/* Ends what has expired. Too early or too often is harmless. */
KITH_API void kith_turn_server_handle_timeout(kith_turn_server *server, kith_time now);
/* The last `packets` that were polled did not leave: their socket was full. They are counted. */
KITH_API void kith_turn_server_handle_unsent(kith_turn_server *server, uint64_t packets);
/* When kith_turn_server_handle_timeout is due; 0 while a request waits; KITH_NEVER. */
KITH_API kith_time kith_turn_server_timeout(const kith_turn_server *server);
/* The next request, KITH_REQUEST_OPEN of a relayed address or KITH_REQUEST_CLOSE; NULL: none.
 * Borrowed until the next poll. */
KITH_API const kith_request *kith_turn_server_poll_request(kith_turn_server *server);
/* Answers KITH_REQUEST_OPEN. bound: the socket's address; NULL when it could not be opened. False:
 * nobody wants the socket any more, close it. */
KITH_API bool kith_turn_server_handle_opened(kith_turn_server *server, kith_time now, uint64_t id,
                                             const kith_address *bound);

/* ---- streams ---- */

/* The certificate of the server, with its chain, and its unencrypted private key, as PEM; for
 * clients that connect from now on. SYNTAX, INVALID_ACCESS when the key is another one's,
 * NO_MEMORY: the former one stays. */
KITH_API KITH_MUST_CHECK kith_err kith_turn_server_set_certificate(kith_turn_server *server,
                                                                   const char *certificates,
                                                                   const char *private_key);
/* A client connected by TCP, path->protocol, from path->remote to path->local, which need not be
 * one of the server's local addresses; relayed addresses are of its IP. uses_tls: it begins with
 * TLS, for which there has to be a certificate. False: close it. There is no memory, or that
 * address has too many: twice max_per_address. Where 1024 have no allocation the oldest is closed.
 */
KITH_API KITH_MUST_CHECK bool kith_turn_server_handle_accepted(kith_turn_server *server,
                                                               kith_time now, const kith_path *path,
                                                               bool uses_tls);
/* The next bytes of the stream, any number of them; borrowed until kith_turn_server_poll_packet
 * gives 0. */
KITH_API void kith_turn_server_handle_stream(kith_turn_server *server, kith_time now,
                                             const kith_path *path, const void *data, size_t len);
/* The stream is at its end or broken, and its allocation gone. */
KITH_API void kith_turn_server_handle_closed(kith_turn_server *server, kith_time now,
                                             const kith_path *path);
/* The next stream that has something to write, `*len` bytes at `*data`, borrowed until the next
 * call: say by kith_turn_server_handle_written how many were. *len 0: close it; the server has
 * forgotten it. False: none. */
KITH_API bool kith_turn_server_poll_stream(kith_turn_server *server, kith_path *path,
                                           const void **data, size_t *len);
/* Where they were fewer than there are, the stream is not polled again before
 * kith_turn_server_handle_writable; at most 256 KiB wait for it, then the oldest messages go. */
KITH_API void kith_turn_server_handle_written(kith_turn_server *server, const kith_path *path,
                                              size_t written);
/* Its socket takes something again. */
KITH_API void kith_turn_server_handle_writable(kith_turn_server *server, const kith_path *path);

/* ---- what happened ---- */

typedef struct kith_turn_server_counters {
    /* of the present */
    uint64_t allocations;
    uint64_t allocations_made, allocations_expired, allocations_released;
    uint64_t bindings, challenges, stale_nonces, permissions, channels;
    /* errors that were answered, challenges and stale nonces not counted */
    uint64_t errors;
    /* answers that the limit on errors kept back */
    uint64_t errors_limited;
    /* requests with a wrong password or of no known user */
    uint64_t wrong_credentials;
    /* CreatePermission and ChannelBind for peers that are denied */
    uint64_t denied_peers;
    uint64_t quota_reached;
    /* relayed, without the heads of TURN */
    uint64_t to_peers_packets, to_peers_bytes, to_clients_packets, to_clients_bytes;
    /* to or from a peer without permission */
    uint64_t unpermitted;
    /* above max_rate_bps */
    uint64_t above_rate;
    /* that a full socket did not take */
    uint64_t unsent;
    /* neither STUN nor channel data of an allocation */
    uint64_t unknown;
    /* streams of the present */
    uint64_t streams;
    uint64_t streams_accepted;
    /* one address had too many */
    uint64_t streams_refused;
    /* without an allocation for too long, or too many of these */
    uint64_t streams_ended;
    /* handshakes and connections of TLS that broke */
    uint64_t tls_failures;
    /* messages that a slow stream's queue had no room for */
    uint64_t dropped;
} kith_turn_server_counters;

/* Counted since the server was made; lives as long as it does. */
KITH_API const kith_turn_server_counters *kith_turn_server_get_counters(
    const kith_turn_server *server);
/* The counters as text for Prometheus, NUL-terminated; kith_free it. NULL: out of memory. */
KITH_API KITH_MUST_CHECK char *kith_turn_server_metrics(const kith_turn_server *server);

#ifdef __cplusplus
}
#endif
#endif
