/* Judging records by what stands in the clear: epoch, length, type, and whether a message fits
 * the place that the handshake has come to. */
#include "tls/gate.h"

#include "base/reader.h"

/* One handshake message: certificate chains of WebRTC peers have one or two kilobytes. OpenSSL
 * reserves what the first fragment announces. */
#define MAX_MESSAGE 16384

/* HandshakeType, RFC 5246 section 7.4 and RFC 6347 section 4.2.2. */
enum {
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    HELLO_VERIFY_REQUEST = 3,
    CERTIFICATE = 11,
    SERVER_KEY_EXCHANGE = 12,
    CERTIFICATE_REQUEST = 13,
    SERVER_HELLO_DONE = 14,
    CERTIFICATE_VERIFY = 15,
    CLIENT_KEY_EXCHANGE = 16,
};

/* What a peer says in the clear, in the order of RFC 5246 section 7.3. Finished is always
 * encrypted; HelloRequest, NewSessionTicket and CertificateStatus answer nothing of ours. */
static const uint8_t of_client[] = {CLIENT_HELLO, CERTIFICATE, CLIENT_KEY_EXCHANGE,
                                    CERTIFICATE_VERIFY};
static const uint8_t of_server[] = {SERVER_HELLO, CERTIFICATE, SERVER_KEY_EXCHANGE,
                                    CERTIFICATE_REQUEST, SERVER_HELLO_DONE};

/* The shortest and the longest body that each can have; all of a peer's together bind 37 kB. */
static const struct {
    uint8_t type;
    uint32_t least, most;
} lengths[] = {
    /* version, random, session_id, cookie, a suite, a compression method */
    {CLIENT_HELLO, 2 + 32 + 1 + 1 + 4 + 2, MAX_MESSAGE},
    /* version, random, session_id, the suite, the compression method */
    {SERVER_HELLO, 2 + 32 + 1 + 2 + 1, 2048},
    /* version, cookie<0..2^8-1> */
    {HELLO_VERIFY_REQUEST, 2 + 1, 2 + 1 + 255},
    {CERTIFICATE, 3, MAX_MESSAGE},
    /* RFC 8422 section 5.4: named curve, X25519's point, algorithm, the shortest signature */
    {SERVER_KEY_EXCHANGE, 3 + 33 + 4 + 8, 2048},
    /* certificate_types, supported_signature_algorithms, certificate_authorities */
    {CERTIFICATE_REQUEST, 2 + 4 + 2, MAX_MESSAGE},
    {SERVER_HELLO_DONE, 0, 0},
    /* algorithm, a signature of up to 8192 bits */
    {CERTIFICATE_VERIFY, 4 + 8, 4 + 1024},
    /* RFC 8422 section 5.7: points of X25519 and P-521 */
    {CLIENT_KEY_EXCHANGE, 33, 134},
};

static bool length_fits(uint8_t type, uint32_t length)
{
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        if (lengths[i].type == type)
            return length >= lengths[i].least && length <= lengths[i].most;
    return false;
}

static bool client_may_say(const kith_dtls_gate *gate, uint8_t type, uint16_t seq)
{
    return seq < sizeof of_client && type == of_client[seq] && (seq == 0 || gate->hello_done);
}

/* A HelloVerifyRequest, if any, has number 0 and moves the others by one. */
static bool server_may_say(const kith_dtls_gate *gate, uint8_t type, uint16_t seq)
{
    if (seq == 0 && type == HELLO_VERIFY_REQUEST)
        return true;
    bool verified =
        gate->announced[0] != 0 && (gate->announced[0] - 1) >> 24 == HELLO_VERIFY_REQUEST;
    size_t place = seq - (verified ? 1u : 0u);
    if (place >= sizeof of_server)
        return false;
    /* The request for our certificate may be left out. */
    return type == of_server[place] ||
           (type == SERVER_HELLO_DONE && of_server[place] == CERTIFICATE_REQUEST);
}

/* One fragment of RFC 6347 section 4.2.2; all fragments of a message must announce the same. */
static bool judge_fragment(kith_dtls_gate *gate, kith_reader *r)
{
    uint8_t type = kith_rd_u8(r);
    uint32_t length = kith_rd_u24(r);
    uint16_t seq = kith_rd_u16(r);
    uint32_t offset = kith_rd_u24(r);
    uint32_t fragment = kith_rd_u24(r);
    kith_rd_skip(r, fragment);
    bool expected = gate->role == KITH_DTLS_SERVER ? client_may_say(gate, type, seq)
                                                   : server_may_say(gate, type, seq);
    if (r->bad || !expected || !length_fits(type, length) || offset + fragment > length ||
        (fragment == 0 && length > 0))
        return false;
    uint32_t announced = ((uint32_t)type << 24 | length) + 1;
    if (gate->announced[seq] == announced)
        return true;
    if (gate->announced[seq] != 0)
        return false;
    gate->announced[seq] = announced;
    return true;
}

/* All messages of a record, or none. */
static kith_dtls_verdict judge_handshake(kith_dtls_gate *gate, kith_span body)
{
    kith_dtls_gate after = *gate;
    kith_reader r = kith_rd(body.data, body.len);
    if (body.len == 0)
        return KITH_DTLS_DROP;
    while (kith_rd_left(&r) > 0)
        if (!judge_fragment(&after, &r))
            return KITH_DTLS_DROP;
    *gate = after;
    return KITH_DTLS_PASS;
}

/* There is one epoch with keys in a DTLS 1.2 association without renegotiation. In it OpenSSL hears
 * the peer's Finished or its alert. A server may send data at once behind its Finished, and the
 * network may bring it before. */
static kith_dtls_verdict judge_encrypted(const kith_dtls_gate *gate, const kith_dtls_record *record)
{
    bool fits = record->body.len > gate->overhead &&
                record->body.len <= gate->overhead + KITH_DTLS_MAX_DATA;
    if (!gate->hello_done || record->version != KITH_DTLS_VERSION || record->epoch != 1 || !fits)
        return KITH_DTLS_DROP;
    if (record->type == KITH_DTLS_APPLICATION_DATA)
        return gate->role == KITH_DTLS_CLIENT ? KITH_DTLS_EARLY : KITH_DTLS_DROP;
    bool is_heard = record->type == KITH_DTLS_HANDSHAKE || record->type == KITH_DTLS_ALERT;
    return gate->keyed && is_heard ? KITH_DTLS_PASS : KITH_DTLS_DROP;
}

kith_dtls_verdict kith_dtls_gate_judge(kith_dtls_gate *gate, const kith_dtls_record *record)
{
    if (record->epoch > 0)
        return judge_encrypted(gate, record);
    switch (record->type) {
    case KITH_DTLS_HANDSHAKE:
        return judge_handshake(gate, record->body);
    case KITH_DTLS_CHANGE_CIPHER_SPEC:
        return gate->hello_done && record->body.len == 1 && record->body.data[0] == 1
                   ? KITH_DTLS_PASS
                   : KITH_DTLS_DROP;
    case KITH_DTLS_ALERT:
        return record->body.len == 2 ? KITH_DTLS_PLAIN_ALERT : KITH_DTLS_DROP;
    default: /* application data of epoch 0: never (RFC 8827 section 6.5, no NULL ciphers) */
        return KITH_DTLS_DROP;
    }
}
