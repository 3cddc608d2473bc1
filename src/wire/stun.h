/* STUN messages (RFC 8489) with the attributes of ICE (RFC 8445), TURN (RFC 8656, RFC 6062) and NAT
 * behaviour discovery (RFC 5780): bytes to struct and back, integrity and fingerprint.
 *
 * No transactions, no retransmission, no policy: which attributes a request must have is its
 * receiver's to say. Spans in a parsed message borrow the packet. */
#ifndef KITH_WIRE_STUN_H
#define KITH_WIRE_STUN_H

#include "base/address.h"
#include "base/reader.h"
#include "base/writer.h"
#include "crypto/hash.h"

#define KITH_STUN_HEADER 20
#define KITH_STUN_COOKIE 0x2112A442u
#define KITH_STUN_ID     12

typedef enum kith_stun_class {
    KITH_STUN_REQUEST,
    KITH_STUN_INDICATION,
    KITH_STUN_SUCCESS,
    KITH_STUN_ERROR,
} kith_stun_class;

/* Methods: RFC 8489 section 18.2, RFC 8656 section 17, RFC 6062 section 6.1. */
typedef enum kith_stun_method {
    KITH_STUN_BINDING = 0x001,
    KITH_STUN_ALLOCATE = 0x003,
    KITH_STUN_REFRESH = 0x004,
    KITH_STUN_SEND = 0x006,
    KITH_STUN_DATA_INDICATION = 0x007,
    KITH_STUN_CREATE_PERMISSION = 0x008,
    KITH_STUN_CHANNEL_BIND = 0x009,
    KITH_STUN_CONNECT = 0x00A,
    KITH_STUN_CONNECTION_BIND = 0x00B,
    KITH_STUN_CONNECTION_ATTEMPT = 0x00C,
} kith_stun_method;

/* Every attribute: name, type, and how its value is read (the names of the readers in stun.c). */
#define KITH_STUN_ATTRIBUTE_LIST(X)                                         \
    X(MAPPED_ADDRESS, 0x0001, address, mapped_address)                      \
    X(CHANGE_REQUEST, 0x0003, u32, change_request)                          \
    X(USERNAME, 0x0006, span, username)                                     \
    X(MESSAGE_INTEGRITY, 0x0008, sha1, integrity)                           \
    X(ERROR_CODE, 0x0009, error, error_code)                                \
    X(UNKNOWN_ATTRIBUTES, 0x000A, span, unknown_attributes)                 \
    X(CHANNEL_NUMBER, 0x000C, u16_padded, channel_number)                   \
    X(LIFETIME, 0x000D, u32, lifetime)                                      \
    X(XOR_PEER_ADDRESS, 0x0012, xor_address, xor_peer_address)              \
    X(DATA, 0x0013, span, data)                                             \
    X(REALM, 0x0014, span, realm)                                           \
    X(NONCE, 0x0015, span, nonce)                                           \
    X(XOR_RELAYED_ADDRESS, 0x0016, xor_address, xor_relayed_address)        \
    X(REQUESTED_ADDRESS_FAMILY, 0x0017, family, requested_address_family)   \
    X(EVEN_PORT, 0x0018, u8, even_port)                                     \
    X(REQUESTED_TRANSPORT, 0x0019, u8_padded, requested_transport)          \
    X(DONT_FRAGMENT, 0x001A, flag, dont_fragment)                           \
    X(MESSAGE_INTEGRITY_SHA256, 0x001C, sha256, integrity_sha256)           \
    X(PASSWORD_ALGORITHM, 0x001D, algorithm, password_algorithm)            \
    X(USERHASH, 0x001E, hash32, userhash)                                   \
    X(XOR_MAPPED_ADDRESS, 0x0020, xor_address, xor_mapped_address)          \
    X(RESERVATION_TOKEN, 0x0022, u64, reservation_token)                    \
    X(PRIORITY, 0x0024, u32, priority)                                      \
    X(USE_CANDIDATE, 0x0025, flag, use_candidate)                           \
    X(PADDING, 0x0026, span, padding)                                       \
    X(RESPONSE_PORT, 0x0027, u16_padded, response_port)                     \
    X(CONNECTION_ID, 0x002A, u32, connection_id)                            \
    X(ADDITIONAL_ADDRESS_FAMILY, 0x8000, family, additional_address_family) \
    X(ADDRESS_ERROR_CODE, 0x8001, address_error, address_error_code)        \
    X(PASSWORD_ALGORITHMS, 0x8002, span, password_algorithms)               \
    X(ALTERNATE_DOMAIN, 0x8003, span, alternate_domain)                     \
    X(ICMP, 0x8004, icmp, icmp)                                             \
    X(SOFTWARE, 0x8022, span, software)                                     \
    X(ALTERNATE_SERVER, 0x8023, address, alternate_server)                  \
    X(NOMINATION, 0xC001, u32, nomination)                                  \
    X(FINGERPRINT, 0x8028, u32, fingerprint)                                \
    X(ICE_CONTROLLED, 0x8029, u64, ice_controlled)                          \
    X(ICE_CONTROLLING, 0x802A, u64, ice_controlling)                        \
    X(RESPONSE_ORIGIN, 0x802B, address, response_origin)                    \
    X(OTHER_ADDRESS, 0x802C, address, other_address)

/* Types on the wire: KITH_STUN_ATTR_USERNAME = 0x0006. */
typedef enum kith_stun_attr {
#define KITH_STUN_ATTR_ENUM(name, type, reader, member) KITH_STUN_ATTR_##name = type,
    KITH_STUN_ATTRIBUTE_LIST(KITH_STUN_ATTR_ENUM)
#undef KITH_STUN_ATTR_ENUM
} kith_stun_attr;

/* Places in kith_stun.present: KITH_STUN_HAS_USERNAME. */
enum kith_stun_has {
#define KITH_STUN_HAS_ENUM(name, type, reader, member) KITH_STUN_HAS_##name,
    KITH_STUN_ATTRIBUTE_LIST(KITH_STUN_HAS_ENUM)
#undef KITH_STUN_HAS_ENUM
        KITH_STUN_HAS_COUNT
};

/* Bits of CHANGE-REQUEST (RFC 5780 section 7.2). */
#define KITH_STUN_CHANGE_IP   0x4u
#define KITH_STUN_CHANGE_PORT 0x2u

/* PASSWORD-ALGORITHM (RFC 8489 section 18.5). */
typedef enum kith_stun_algorithm {
    KITH_STUN_ALGORITHM_NONE = 0,
    KITH_STUN_ALGORITHM_MD5 = 1,
    KITH_STUN_ALGORITHM_SHA256 = 2,
} kith_stun_algorithm;

/* ERROR-CODE, and ADDRESS-ERROR-CODE with its family. */
typedef struct kith_stun_error {
    /* 300 to 699 */
    int code;
    uint8_t family;
    kith_span reason;
} kith_stun_error;

/* ICMP (RFC 8656 section 18.13). */
typedef struct kith_stun_icmp {
    uint8_t type;
    uint16_t code;
    uint32_t error_data;
} kith_stun_icmp;

/* As many comprehension-required attributes as an answer to them would name. */
#define KITH_STUN_MAX_UNKNOWN 8

typedef struct kith_stun {
    kith_stun_class class;
    uint16_t method;
    uint8_t id[KITH_STUN_ID];
    /* ask kith_stun_has */
    uint64_t present;
    /* the whole message */
    kith_span packet;
    /* comprehension-required and not understood */
    uint16_t unknown_types[KITH_STUN_MAX_UNKNOWN];
    unsigned unknown_count;
    /* The second of a dual allocation (RFC 8656 section 7.2); family 0: there was one. */
    kith_address xor_relayed_address2;

    kith_address mapped_address, xor_mapped_address, alternate_server;
    kith_address xor_peer_address, xor_relayed_address;
    kith_address response_origin, other_address;
    kith_span username, realm, nonce, software, data, padding, alternate_domain;
    /* 32 bytes */
    kith_span userhash;
    /* UNKNOWN-ATTRIBUTES: 16-bit types */
    kith_span unknown_attributes;
    /* see kith_stun_choose_algorithm */
    kith_span password_algorithms;
    kith_span integrity, integrity_sha256;
    kith_stun_error error_code, address_error_code;
    kith_stun_icmp icmp;
    uint64_t ice_controlled, ice_controlling, reservation_token;
    uint32_t priority, lifetime, change_request, connection_id, nomination, fingerprint;
    uint16_t channel_number, response_port, password_algorithm;
    /* KITH_IPV4 or KITH_IPV6 */
    uint8_t requested_address_family, additional_address_family;
    /* 0x80: reserve the next one too */
    uint8_t even_port;
    /* IP protocol number: 17 UDP, 6 TCP */
    uint8_t requested_transport;
    bool use_candidate, dont_fragment;
} kith_stun;

/* ---- reading ---- */

/* Does it look like STUN: the two zero bits, the length, the cookie (RFC 8489 section 5)? */
bool kith_stun_is(const uint8_t *data, size_t len);
/* Reads a message that fills the span. Of a repeated attribute the first counts; what follows an
 * integrity attribute is ignored as RFC 8489 section 14.5 says. False: malformed, or a FINGERPRINT
 * that is wrong or not last. A missing FINGERPRINT is the caller's to judge. */
bool kith_stun_parse(kith_stun *out, const uint8_t *data, size_t len);
/* KITH_STUN_HAS_… */
static inline bool kith_stun_has(const kith_stun *m, enum kith_stun_has what)
{
    return (m->present >> what & 1) != 0;
}
/* Every XOR-PEER-ADDRESS of a parsed message, which may have several (RFC 8656 section 10.1):
 * `at` begins as kith_stun_peers. */
kith_reader kith_stun_peers(const kith_stun *m);
bool kith_stun_next_peer(const kith_stun *m, kith_reader *at, kith_address *out);
/* Is MESSAGE-INTEGRITY (hmac of SHA-1) or MESSAGE-INTEGRITY-SHA256 (hmac of SHA-256) there and
 * right? In constant time. `key` is the password, or the long-term key (kith_stun_long_term_key).
 */
bool kith_stun_check_integrity(const kith_stun *m, kith_hmac *sha1);
bool kith_stun_check_integrity_sha256(const kith_stun *m, kith_hmac *sha256);

/* ---- writing: a message is the writer's whole content, from its first byte ---- */

void kith_stun_begin(kith_writer *w, kith_stun_class class, uint16_t method,
                     const uint8_t id[KITH_STUN_ID]);
void kith_stun_put_flag(kith_writer *w, kith_stun_attr attr);
void kith_stun_put_u8(kith_writer *w, kith_stun_attr attr, uint8_t v); /* EVEN-PORT: one byte */
/* Numbers that stand at the head of four bytes, the rest reserved. */
void kith_stun_put_u8_padded(kith_writer *w, kith_stun_attr attr, uint8_t v);
void kith_stun_put_u16_padded(kith_writer *w, kith_stun_attr attr, uint16_t v);
void kith_stun_put_u32(kith_writer *w, kith_stun_attr attr, uint32_t v);
void kith_stun_put_u64(kith_writer *w, kith_stun_attr attr, uint64_t v);
void kith_stun_put_span(kith_writer *w, kith_stun_attr attr, kith_span value);
void kith_stun_put_family(kith_writer *w, kith_stun_attr attr, uint8_t family);
void kith_stun_put_address(kith_writer *w, kith_stun_attr attr, const kith_address *address);
void kith_stun_put_xor_address(kith_writer *w, kith_stun_attr attr, const kith_address *address);
/* `reason` NULL: the standard phrase. */
void kith_stun_put_error(kith_writer *w, int code, const char *reason);
void kith_stun_put_address_error(kith_writer *w, uint8_t family, int code);
void kith_stun_put_unknown_attributes(kith_writer *w, const uint16_t *types, unsigned count);
void kith_stun_put_algorithm(kith_writer *w, kith_stun_algorithm algorithm);
/* The list a server offers, in its order of preference. */
void kith_stun_put_algorithms(kith_writer *w, const kith_stun_algorithm *list, unsigned count);
void kith_stun_put_icmp(kith_writer *w, const kith_stun_icmp *icmp);
void kith_stun_put_integrity(kith_writer *w, kith_hmac *sha1);
void kith_stun_put_integrity_sha256(kith_writer *w, kith_hmac *sha256);
void kith_stun_put_fingerprint(kith_writer *w);
/* Settles the length; the message is complete. put_integrity and put_fingerprint have done it too.
 */
void kith_stun_end(kith_writer *w);

/* The phrase RFC 8489, 8656 and 8445 give to an error code; "Error" for others. */
const char *kith_stun_reason(int code);

/* ---- long-term credentials (RFC 8489 section 9.2); stun_auth.c ---- */

#define KITH_STUN_USERHASH 32

/* The key for the integrity attributes: 16 (MD5) or 32 bytes (SHA-256); 0 when something is too
 * long (RFC 8489: username 508, realm 763 bytes) or memory is short. The texts are in OpaqueString
 * form already. */
size_t kith_stun_long_term_key(uint8_t out[32], kith_stun_algorithm algorithm, kith_span username,
                               kith_span realm, kith_span password);
bool kith_stun_userhash(uint8_t out[KITH_STUN_USERHASH], kith_span username, kith_span realm);
/* The first algorithm of a PASSWORD-ALGORITHMS value that kith knows; NONE if it has none. */
kith_stun_algorithm kith_stun_choose_algorithm(kith_span password_algorithms);
/* Security features that a nonce announces (RFC 8489 section 9.2): false when it has no nonce
 * cookie. */
#define KITH_STUN_FEATURE_PASSWORD_ALGORITHMS 0x1u
#define KITH_STUN_FEATURE_USERNAME_ANONYMITY  0x2u
bool kith_stun_nonce_features(kith_span nonce, uint32_t *features);

#endif
