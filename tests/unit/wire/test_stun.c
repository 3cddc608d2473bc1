/* STUN: the vectors of RFC 5769 and RFC 8489 appendix B.1 (with erratum 6268), every attribute
 * there and back, and damage of every kind. */
#include "../unit.h"

#include "wire/stun.h"

#include <string.h>

#define BYTES(text) ((const uint8_t *)(text)), (sizeof(text) - 1)

static const char short_term_password[] = "VOkJxbRl1RmTxUk/WvJxBt";
static const char matrix_user[] =
    "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9";
/* "The<U+00AD>M<U+00AA>tr<U+2168>" after OpaqueString processing */
static const char matrix_password[] = "TheMatrIX";

/* RFC 5769 section 2.1 */
#define SAMPLE_REQUEST                                                                             \
    "\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"             \
    "\x80\x22\x00\x10STUN test client\x00\x24\x00\x04\x6e\x00\x01\xff"                             \
    "\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36" \
    "\x76\x59\x20\x20\x20\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3" \
    "\xf2\x49\xc1\xb5\x71\xa2\x80\x28\x00\x04\xe5\x7a\x3b\xcf"
/* RFC 5769 section 2.2 */
#define SAMPLE_IPV4_RESPONSE                                                                       \
    "\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"             \
    "\x80\x22\x00\x0btest vector \x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"                 \
    "\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7" \
    "\xd7\x80\x28\x00\x04\xc0\x7d\x4c\x96"
/* RFC 5769 section 2.3 */
#define SAMPLE_IPV6_RESPONSE                                                                       \
    "\x01\x01\x00\x48\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"             \
    "\x80\x22\x00\x0btest vector \x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79" \
    "\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9\x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9" \
    "\x7c\x82\x92\xc2\x75\xbf\xe3\xed\x41\x80\x28\x00\x04\xc8\xfb\x0b\x4c"
/* RFC 5769 section 2.4 */
#define SAMPLE_LONG_TERM                                                                           \
    "\x00\x01\x00\x60\x21\x12\xa4\x42\x78\xad\x34\x33\xc6\xad\x72\xc0\x29\xda\x41\x2e"             \
    "\x00\x06\x00\x12\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9\x00" \
    "\x00\x00\x15\x00\x1c"                                                                         \
    "f//499k954d6OL34oL9FSTvy64sA\x00\x14\x00\x0b"                                                 \
    "example.org\x00"                                                                              \
    "\x00\x08\x00\x14\xf6\x70\x24\x65\x6d\xd6\x4a\x3e\x02\xb8\xe0\x71\x2e\x85\xc9\xa2\x8c\xa8\x96" \
    "\x66"
/* RFC 8489 appendix B.1 as corrected by erratum 6268 */
#define SAMPLE_USERHASH                                                                            \
    "\x00\x01\x00\x90\x21\x12\xa4\x42\x78\xad\x34\x33\xc6\xad\x72\xc0\x29\xda\x41\x2e"             \
    "\x00\x1e\x00\x20\x4a\x3c\xf3\x8f\xef\x69\x92\xbd\xa9\x52\xc6\x78\x04\x17\xda\x0f\x24\x81\x94" \
    "\x15\x56\x9e\x60\xb2\x05\xc4\x6e\x41\x40\x7f\x17\x04\x00\x15\x00\x29"                         \
    "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA\x00\x00\x00\x00\x14\x00\x0b"                        \
    "example.org\x00"                                                                              \
    "\x00\x1d\x00\x04\x00\x02\x00\x00\x00\x1c\x00\x20\xb5\xc7\xbf\x00\x5b\x6c\x52\xa2\x1c\x51\xc5" \
    "\xe8\x92\xf8\x19\x24\x13\x62\x96\xcb\x92\x7c\x43\x14\x93\x09\x27\x8c\xc6\x51\x8e\x65"

static const struct {
    const uint8_t *data;
    size_t len;
} samples[] = {{BYTES(SAMPLE_REQUEST)},
               {BYTES(SAMPLE_IPV4_RESPONSE)},
               {BYTES(SAMPLE_IPV6_RESPONSE)},
               {BYTES(SAMPLE_LONG_TERM)},
               {BYTES(SAMPLE_USERHASH)}};

static bool integrity_is_right(const kith_stun *m, const char *password)
{
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_text(password));
    bool right = kith_stun_check_integrity(m, hmac);
    kith_hmac_free(hmac);
    return right;
}

static kith_address address_of(const char *text)
{
    kith_address address;
    ck_assert_int_eq(kith_address_parse(&address, text), KITH_OK);
    return address;
}

START_TEST(sample_request_of_rfc_5769_is_read)
{
    kith_stun m;
    ck_assert(kith_stun_parse(&m, BYTES(SAMPLE_REQUEST)));
    ck_assert_int_eq(m.class, KITH_STUN_REQUEST);
    ck_assert_int_eq(m.method, KITH_STUN_BINDING);
    ck_assert(kith_span_is(m.software, "STUN test client"));
    ck_assert(kith_span_is(m.username, "evtj:h6vY"));
    ck_assert_uint_eq(m.priority, 0x6e0001ff);
    ck_assert_uint_eq(m.ice_controlled, 0x932ff9b151263b36);
    ck_assert(!kith_stun_has(&m, KITH_STUN_HAS_ICE_CONTROLLING));
    ck_assert(kith_stun_has(&m, KITH_STUN_HAS_FINGERPRINT));
    ck_assert(integrity_is_right(&m, short_term_password));
    ck_assert(!integrity_is_right(&m, "VOkJxbRl1RmTxUk/WvJxBT"));
}
END_TEST

START_TEST(sample_responses_of_rfc_5769_are_read)
{
    kith_stun m;
    kith_address v4 = address_of("192.0.2.1:32853");
    kith_address v6 = address_of("[2001:db8:1234:5678:11:2233:4455:6677]:32853");
    ck_assert(kith_stun_parse(&m, BYTES(SAMPLE_IPV4_RESPONSE)));
    ck_assert_int_eq(m.class, KITH_STUN_SUCCESS);
    ck_assert(kith_span_is(m.software, "test vector"));
    ck_assert(kith_address_equal(&m.xor_mapped_address, &v4));
    ck_assert(integrity_is_right(&m, short_term_password));
    ck_assert(kith_stun_parse(&m, BYTES(SAMPLE_IPV6_RESPONSE)));
    ck_assert(kith_address_equal(&m.xor_mapped_address, &v6));
    ck_assert(integrity_is_right(&m, short_term_password));
}
END_TEST

START_TEST(sample_long_term_request_of_rfc_5769_is_read_and_written)
{
    kith_stun m;
    uint8_t key[32], buf[200];
    ck_assert(kith_stun_parse(&m, BYTES(SAMPLE_LONG_TERM)));
    ck_assert(kith_span_is(m.username, matrix_user));
    ck_assert(kith_span_is(m.realm, "example.org"));
    ck_assert(kith_span_is(m.nonce, "f//499k954d6OL34oL9FSTvy64sA"));
    size_t len = kith_stun_long_term_key(key, KITH_STUN_ALGORITHM_MD5, m.username, m.realm,
                                         kith_span_text(matrix_password));
    ck_assert_uint_eq(len, 16);
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_of(key, len));
    ck_assert(kith_stun_check_integrity(&m, hmac));

    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_BINDING, m.id);
    kith_stun_put_span(&w, KITH_STUN_ATTR_USERNAME, m.username);
    kith_stun_put_span(&w, KITH_STUN_ATTR_NONCE, m.nonce);
    kith_stun_put_span(&w, KITH_STUN_ATTR_REALM, m.realm);
    kith_stun_put_integrity(&w, hmac);
    ck_assert(!w.bad);
    ck_assert_uint_eq(w.len, sizeof SAMPLE_LONG_TERM - 1);
    ck_assert_mem_eq(buf, SAMPLE_LONG_TERM, w.len);
    kith_hmac_free(hmac);
}
END_TEST

START_TEST(sample_userhash_request_of_rfc_8489_is_read_and_written)
{
    kith_stun m;
    uint8_t key[32], hash[KITH_STUN_USERHASH], buf[200];
    uint32_t features;
    ck_assert(kith_stun_parse(&m, BYTES(SAMPLE_USERHASH)));
    ck_assert(kith_stun_userhash(hash, kith_span_text(matrix_user), m.realm));
    ck_assert(kith_span_equal(m.userhash, kith_span_of(hash, sizeof hash)));
    ck_assert_int_eq(m.password_algorithm, KITH_STUN_ALGORITHM_SHA256);
    ck_assert(kith_stun_nonce_features(m.nonce, &features));
    ck_assert_uint_eq(features, KITH_STUN_FEATURE_USERNAME_ANONYMITY);
    size_t len =
        kith_stun_long_term_key(key, KITH_STUN_ALGORITHM_SHA256, kith_span_text(matrix_user),
                                m.realm, kith_span_text(matrix_password));
    ck_assert_uint_eq(len, 32);
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA256, kith_span_of(key, len));
    ck_assert(kith_stun_check_integrity_sha256(&m, hmac));

    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stun_begin(&w, KITH_STUN_REQUEST, KITH_STUN_BINDING, m.id);
    kith_stun_put_span(&w, KITH_STUN_ATTR_USERHASH, m.userhash);
    kith_stun_put_span(&w, KITH_STUN_ATTR_NONCE, m.nonce);
    kith_stun_put_span(&w, KITH_STUN_ATTR_REALM, m.realm);
    kith_stun_put_algorithm(&w, KITH_STUN_ALGORITHM_SHA256);
    kith_stun_put_integrity_sha256(&w, hmac);
    ck_assert_uint_eq(w.len, sizeof SAMPLE_USERHASH - 1);
    ck_assert_mem_eq(buf, SAMPLE_USERHASH, w.len);
    kith_hmac_free(hmac);
}
END_TEST

/* Each sample, cut at every length, and with every single bit flipped where the fingerprint covers
 * it. */
START_TEST(every_prefix_of_every_sample_is_refused)
{
    kith_stun m;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        for (size_t len = 0; len < samples[i].len; len++) {
            uint8_t *exact = malloc(len + 1);
            memcpy(exact, samples[i].data, len);
            ck_assert(!kith_stun_parse(&m, exact, len));
            free(exact);
        }
}
END_TEST

START_TEST(every_flipped_bit_breaks_the_fingerprint)
{
    uint8_t copy[sizeof SAMPLE_REQUEST - 1];
    kith_stun m;
    for (size_t bit = 0; bit < sizeof copy * 8; bit++) {
        memcpy(copy, SAMPLE_REQUEST, sizeof copy);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (kith_stun_parse(&m, copy, sizeof copy))
            /* only the FINGERPRINT's own type can be damaged unseen: it is no fingerprint then */
            ck_assert(!kith_stun_has(&m, KITH_STUN_HAS_FINGERPRINT));
    }
}
END_TEST

static const uint8_t id[KITH_STUN_ID] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static kith_writer begin(uint8_t *buf, size_t cap, kith_stun_class class)
{
    kith_writer w = kith_wr(buf, cap);
    kith_stun_begin(&w, class, KITH_STUN_ALLOCATE, id);
    return w;
}

START_TEST(every_class_and_method_survives_the_bit_puzzle)
{
    uint8_t buf[KITH_STUN_HEADER];
    kith_stun m;
    for (unsigned class = 0; class < 4; class ++)
        for (unsigned method = 0; method < 0x1000; method++) {
            kith_writer w = kith_wr(buf, sizeof buf);
            kith_stun_begin(&w, (kith_stun_class) class, (uint16_t)method, id);
            kith_stun_end(&w);
            ck_assert(kith_stun_parse(&m, buf, w.len));
            ck_assert_uint_eq(m.class, class);
            ck_assert_uint_eq(m.method, method);
        }
}
END_TEST

/* RFC 8489 section 5: "The most significant 2 bits of every STUN message MUST be zeroes", which
 * tells STUN from what else comes on the port. */
START_TEST(a_type_with_one_of_the_two_highest_bits_is_no_stun)
{
    uint8_t packet[KITH_STUN_HEADER];
    memcpy(packet, SAMPLE_REQUEST, sizeof packet);
    packet[2] = packet[3] = 0;
    ck_assert(kith_stun_is(packet, sizeof packet));
    for (unsigned bit = 0x40; bit <= 0x80; bit <<= 1) {
        packet[0] = (uint8_t)bit;
        ck_assert(!kith_stun_is(packet, sizeof packet));
        kith_stun m;
        ck_assert(!kith_stun_parse(&m, packet, sizeof packet));
    }
}
END_TEST

START_TEST(turn_attributes_return_as_written)
{
    uint8_t buf[600];
    kith_stun m;
    kith_address peer = address_of("198.51.100.7:4000"), relay4 = address_of("203.0.113.9:50000"),
                 relay6 = address_of("[2001:db8::9]:50001");
    kith_stun_icmp icmp = {.type = 3, .code = 4, .error_data = 1280};
    kith_writer w = begin(buf, sizeof buf, KITH_STUN_SUCCESS);
    kith_stun_put_u16_padded(&w, KITH_STUN_ATTR_CHANNEL_NUMBER, 0x4001);
    kith_stun_put_u32(&w, KITH_STUN_ATTR_LIFETIME, 600);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, &peer);
    kith_stun_put_span(&w, KITH_STUN_ATTR_DATA, kith_span_text("hello"));
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_RELAYED_ADDRESS, &relay4);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_RELAYED_ADDRESS, &relay6);
    kith_stun_put_family(&w, KITH_STUN_ATTR_REQUESTED_ADDRESS_FAMILY, KITH_IPV6);
    kith_stun_put_u8(&w, KITH_STUN_ATTR_EVEN_PORT, 0x80);
    kith_stun_put_u8_padded(&w, KITH_STUN_ATTR_REQUESTED_TRANSPORT, 17);
    kith_stun_put_flag(&w, KITH_STUN_ATTR_DONT_FRAGMENT);
    kith_stun_put_u64(&w, KITH_STUN_ATTR_RESERVATION_TOKEN, 0x0102030405060708);
    kith_stun_put_family(&w, KITH_STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, KITH_IPV6);
    kith_stun_put_address_error(&w, KITH_IPV6, 440);
    kith_stun_put_icmp(&w, &icmp);
    kith_stun_put_u32(&w, KITH_STUN_ATTR_CONNECTION_ID, 77);
    kith_stun_put_fingerprint(&w);
    ck_assert(!w.bad && kith_stun_parse(&m, buf, w.len));
    ck_assert_uint_eq(m.channel_number, 0x4001);
    ck_assert_uint_eq(m.lifetime, 600);
    ck_assert(kith_address_equal(&m.xor_peer_address, &peer));
    ck_assert(kith_span_is(m.data, "hello"));
    ck_assert(kith_address_equal(&m.xor_relayed_address, &relay4));
    ck_assert(kith_address_equal(&m.xor_relayed_address2, &relay6));
    ck_assert_uint_eq(m.requested_address_family, KITH_IPV6);
    ck_assert_uint_eq(m.even_port, 0x80);
    ck_assert_uint_eq(m.requested_transport, 17);
    ck_assert(m.dont_fragment && !m.use_candidate);
    ck_assert_uint_eq(m.reservation_token, 0x0102030405060708);
    ck_assert_uint_eq(m.additional_address_family, KITH_IPV6);
    ck_assert_int_eq(m.address_error_code.code, 440);
    ck_assert_uint_eq(m.address_error_code.family, KITH_IPV6);
    ck_assert_uint_eq(m.icmp.type, 3);
    ck_assert_uint_eq(m.icmp.code, 4);
    ck_assert_uint_eq(m.icmp.error_data, 1280);
    ck_assert_uint_eq(m.connection_id, 77);
}
END_TEST

START_TEST(discovery_and_error_attributes_return_as_written)
{
    uint8_t buf[600];
    kith_stun m;
    const uint16_t unknown[] = {0x0033, 0x0034, 0x0035};
    const kith_stun_algorithm algorithms[] = {KITH_STUN_ALGORITHM_SHA256, KITH_STUN_ALGORITHM_MD5};
    kith_address origin = address_of("192.0.2.1:3478"), other = address_of("[2001:db8::1]:3479");
    kith_writer w = begin(buf, sizeof buf, KITH_STUN_ERROR);
    kith_stun_put_u32(&w, KITH_STUN_ATTR_CHANGE_REQUEST,
                      KITH_STUN_CHANGE_IP | KITH_STUN_CHANGE_PORT);
    kith_stun_put_span(&w, KITH_STUN_ATTR_PADDING, kith_span_text("ppppp"));
    kith_stun_put_u16_padded(&w, KITH_STUN_ATTR_RESPONSE_PORT, 5000);
    kith_stun_put_address(&w, KITH_STUN_ATTR_RESPONSE_ORIGIN, &origin);
    kith_stun_put_address(&w, KITH_STUN_ATTR_OTHER_ADDRESS, &other);
    kith_stun_put_address(&w, KITH_STUN_ATTR_MAPPED_ADDRESS, &origin);
    kith_stun_put_address(&w, KITH_STUN_ATTR_ALTERNATE_SERVER, &other);
    kith_stun_put_span(&w, KITH_STUN_ATTR_ALTERNATE_DOMAIN, kith_span_text("example.net"));
    kith_stun_put_error(&w, 420, NULL);
    kith_stun_put_unknown_attributes(&w, unknown, 3);
    kith_stun_put_algorithms(&w, algorithms, 2);
    kith_stun_put_u64(&w, KITH_STUN_ATTR_ICE_CONTROLLING, UINT64_MAX);
    kith_stun_put_flag(&w, KITH_STUN_ATTR_USE_CANDIDATE);
    kith_stun_end(&w);
    ck_assert(!w.bad && kith_stun_parse(&m, buf, w.len));
    ck_assert_uint_eq(m.change_request, 6);
    ck_assert(kith_span_is(m.padding, "ppppp"));
    ck_assert_uint_eq(m.response_port, 5000);
    ck_assert(kith_address_equal(&m.response_origin, &origin));
    ck_assert(kith_address_equal(&m.other_address, &other));
    ck_assert(kith_address_equal(&m.mapped_address, &origin));
    ck_assert(kith_address_equal(&m.alternate_server, &other));
    ck_assert(kith_span_is(m.alternate_domain, "example.net"));
    ck_assert_int_eq(m.error_code.code, 420);
    ck_assert(kith_span_is(m.error_code.reason, "Unknown Attribute"));
    ck_assert_uint_eq(m.unknown_attributes.len, 6);
    ck_assert_int_eq(kith_stun_choose_algorithm(m.password_algorithms), KITH_STUN_ALGORITHM_SHA256);
    ck_assert_uint_eq(m.ice_controlling, UINT64_MAX);
    ck_assert(m.use_candidate);
}
END_TEST

START_TEST(attributes_behind_the_integrity_are_ignored)
{
    uint8_t buf[300];
    kith_stun m;
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_text("password"));
    kith_hmac *hmac256 = kith_hmac_new(KITH_HASH_SHA256, kith_span_text("password"));
    kith_writer w = begin(buf, sizeof buf, KITH_STUN_REQUEST);
    kith_stun_put_integrity(&w, hmac);
    kith_stun_put_flag(&w, KITH_STUN_ATTR_USE_CANDIDATE);
    kith_stun_put_integrity_sha256(&w, hmac256);
    kith_stun_put_u32(&w, KITH_STUN_ATTR_PRIORITY, 1);
    kith_stun_put_fingerprint(&w);
    ck_assert(kith_stun_parse(&m, buf, w.len));
    ck_assert(!m.use_candidate);
    ck_assert(!kith_stun_has(&m, KITH_STUN_HAS_PRIORITY));
    ck_assert(kith_stun_check_integrity(&m, hmac));
    ck_assert(kith_stun_check_integrity_sha256(&m, hmac256));
    kith_hmac_free(hmac);
    kith_hmac_free(hmac256);
}
END_TEST

START_TEST(truncated_sha256_integrity_counts_from_16_bytes)
{
    for (size_t size = 4; size <= 32; size += 4) {
        uint8_t buf[100], mac[KITH_HASH_MAX];
        kith_stun m;
        kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA256, kith_span_text("password"));
        kith_writer w = begin(buf, sizeof buf, KITH_STUN_REQUEST);
        kith_wr_patch_u16(&w, 2, (uint16_t)(4 + size));
        kith_span all = kith_span_of(buf, w.len);
        kith_hmac_sign(hmac, &all, 1, mac);
        kith_stun_put_span(&w, KITH_STUN_ATTR_MESSAGE_INTEGRITY_SHA256, kith_span_of(mac, size));
        kith_stun_end(&w);
        ck_assert_int_eq(kith_stun_parse(&m, buf, w.len), size >= 16);
        if (size >= 16)
            ck_assert(kith_stun_check_integrity_sha256(&m, hmac));
        kith_hmac_free(hmac);
    }
}
END_TEST

START_TEST(unknown_required_attributes_are_collected_up_to_a_limit)
{
    uint8_t buf[300];
    kith_stun m;
    kith_writer w = begin(buf, sizeof buf, KITH_STUN_REQUEST);
    kith_stun_put_u32(&w, (kith_stun_attr)0xC057, 1); /* optional: not counted */
    for (unsigned i = 0; i < 20; i++)
        kith_stun_put_u32(&w, (kith_stun_attr)(0x7000 + i), i);
    kith_stun_end(&w);
    ck_assert(kith_stun_parse(&m, buf, w.len));
    ck_assert_uint_eq(m.unknown_count, KITH_STUN_MAX_UNKNOWN);
    ck_assert_uint_eq(m.unknown_types[0], 0x7000);
}
END_TEST

START_TEST(values_of_the_wrong_size_are_refused)
{
    static const struct {
        unsigned attr;
        size_t len;
    } wrong[] = {
        {KITH_STUN_ATTR_PRIORITY, 3},           {KITH_STUN_ATTR_PRIORITY, 8},
        {KITH_STUN_ATTR_ICE_CONTROLLED, 4},     {KITH_STUN_ATTR_USE_CANDIDATE, 4},
        {KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, 7}, {KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, 12},
        {KITH_STUN_ATTR_MESSAGE_INTEGRITY, 16}, {KITH_STUN_ATTR_MESSAGE_INTEGRITY_SHA256, 36},
        {KITH_STUN_ATTR_ERROR_CODE, 3},         {KITH_STUN_ATTR_USERHASH, 31}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t buf[100], value[40] = {0, 1, 4, 20};
        kith_stun m;
        kith_writer w = begin(buf, sizeof buf, KITH_STUN_REQUEST);
        kith_stun_put_span(&w, (kith_stun_attr)wrong[i].attr, kith_span_of(value, wrong[i].len));
        kith_stun_end(&w);
        ck_assert_msg(!kith_stun_parse(&m, buf, w.len), "row %zu", i);
    }
}
END_TEST

/* RFC 8656 section 10.1; what stands behind the integrity is nobody's. */
START_TEST(all_peer_addresses_of_a_message_are_found)
{
    const kith_address peers[] = {address_of("192.0.2.1:1"), address_of("[2001:db8::2]:2"),
                                  address_of("192.0.2.3:3")};
    uint8_t buf[200];
    kith_stun m;
    kith_address peer;
    kith_writer w = begin(buf, sizeof buf, KITH_STUN_REQUEST);
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_text("password"));
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, &peers[0]);
    kith_stun_put_u32(&w, KITH_STUN_ATTR_LIFETIME, 600);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, &peers[1]);
    kith_stun_put_integrity(&w, hmac);
    kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, &peers[2]);
    kith_stun_end(&w);
    kith_hmac_free(hmac);
    ck_assert(kith_stun_parse(&m, buf, w.len));
    kith_reader at = kith_stun_peers(&m);
    for (size_t i = 0; i < 2; i++) {
        ck_assert(kith_stun_next_peer(&m, &at, &peer));
        ck_assert(kith_address_equal(&peer, &peers[i]));
    }
    ck_assert(!kith_stun_next_peer(&m, &at, &peer));
}
END_TEST

/* None of the list is served then: a permission for half of it was not asked for. */
START_TEST(a_peer_address_that_is_none_spoils_the_message_wherever_it_stands)
{
    static const uint8_t wrong[] = {0, 3, 4, 20, 1, 2, 3, 4};
    const kith_address good = address_of("192.0.2.1:1");
    for (size_t place = 0; place < 3; place++) {
        uint8_t buf[100];
        kith_stun m;
        kith_writer w = begin(buf, sizeof buf, KITH_STUN_REQUEST);
        for (size_t i = 0; i < 3; i++) {
            if (i == place)
                kith_stun_put_span(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS,
                                   kith_span_of(wrong, sizeof wrong));
            else
                kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_PEER_ADDRESS, &good);
        }
        kith_stun_end(&w);
        ck_assert_msg(!kith_stun_parse(&m, buf, w.len), "at place %zu", place);
    }
}
END_TEST

START_TEST(a_fingerprint_that_is_not_last_is_refused)
{
    uint8_t buf[100];
    kith_stun m;
    kith_writer w = begin(buf, sizeof buf, KITH_STUN_REQUEST);
    kith_stun_put_fingerprint(&w);
    ck_assert(kith_stun_parse(&m, buf, w.len));
    kith_stun_put_u32(&w, KITH_STUN_ATTR_PRIORITY, 1);
    kith_stun_end(&w);
    ck_assert(!kith_stun_parse(&m, buf, w.len));
}
END_TEST

START_TEST(a_message_without_room_leaves_the_writer_bad)
{
    kith_hmac *hmac = kith_hmac_new(KITH_HASH_SHA1, kith_span_text("password"));
    kith_address address = address_of("192.0.2.1:1");
    for (size_t cap = 0; cap < 64; cap++) {
        uint8_t buf[64];
        kith_writer w = begin(buf, cap, KITH_STUN_REQUEST);
        kith_stun_put_xor_address(&w, KITH_STUN_ATTR_XOR_MAPPED_ADDRESS, &address);
        kith_stun_put_integrity(&w, hmac);
        kith_stun_put_fingerprint(&w);
        kith_stun_end(&w);
        ck_assert_int_eq(w.bad, cap < 20 + 12 + 24 + 8);
        ck_assert_uint_le(w.len, cap);
    }
    kith_hmac_free(hmac);
}
END_TEST

START_TEST(nonce_cookie_and_key_limits_are_judged)
{
    uint32_t features;
    uint8_t key[32];
    static char longest[600];
    memset(longest, 'x', sizeof longest);
    ck_assert(!kith_stun_nonce_features(kith_span_text("obMatJos2AAA"), &features));
    ck_assert(!kith_stun_nonce_features(kith_span_text("obMatJos2A*AA"), &features));
    ck_assert(!kith_stun_nonce_features(kith_span_text("anything else"), &features));
    ck_assert(kith_stun_nonce_features(kith_span_text("obMatJos2AAAD"), &features));
    ck_assert_uint_eq(features, 3);
    ck_assert_uint_eq(kith_stun_long_term_key(key, KITH_STUN_ALGORITHM_MD5,
                                              kith_span_of(longest, 509), kith_span_text("r"),
                                              kith_span_text("p")),
                      0);
    ck_assert_int_eq(kith_stun_choose_algorithm(kith_span_of("\x00\x09\x00\x00", 4)),
                     KITH_STUN_ALGORITHM_NONE);
    ck_assert_str_eq(kith_stun_reason(487), "Role Conflict");
    ck_assert_str_eq(kith_stun_reason(699), "Error");
}
END_TEST

UNIT_MAIN("wire: stun", sample_request_of_rfc_5769_is_read, sample_responses_of_rfc_5769_are_read,
          sample_long_term_request_of_rfc_5769_is_read_and_written,
          sample_userhash_request_of_rfc_8489_is_read_and_written,
          every_prefix_of_every_sample_is_refused, every_flipped_bit_breaks_the_fingerprint,
          every_class_and_method_survives_the_bit_puzzle,
          a_type_with_one_of_the_two_highest_bits_is_no_stun, turn_attributes_return_as_written,
          discovery_and_error_attributes_return_as_written,
          attributes_behind_the_integrity_are_ignored,
          truncated_sha256_integrity_counts_from_16_bytes,
          unknown_required_attributes_are_collected_up_to_a_limit,
          values_of_the_wrong_size_are_refused, all_peer_addresses_of_a_message_are_found,
          a_peer_address_that_is_none_spoils_the_message_wherever_it_stands,
          a_fingerprint_that_is_not_last_is_refused, a_message_without_room_leaves_the_writer_bad,
          nonce_cookie_and_key_limits_are_judged)
