/* The vectors of RFC 7714. */
#ifndef KITH_TESTS_SRTP_VECTORS_H
#define KITH_TESTS_SRTP_VECTORS_H

#include "kit.h"

/* RFC 7714 sections 16 and 17 give session keys. */
static const char gcm_key[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char gcm_salt[] = "517569642070726f2071756f";
static const char gcm_rtp[] = "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669"
                              "736120696e207061727465732074726573";
static const char gcm_rtcp[] = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61"
                               "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
#define GCM_RTCP_INDEX 0x5d4

static const struct gcm_vector {
    uint16_t profile;
    const char *rtp, *rtcp;
} gcm_vectors[] = {
    {KITH_SRTP_AEAD_AES_128_GCM,
     "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b"
     "36de3adf8833899d7f27beb16a9152cf765ee4390cce",
     "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b46"
     "86303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4"},
    {KITH_SRTP_AEAD_AES_256_GCM,
     "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f"
     "1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
     "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658"
     "c61de0476f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4"},
};
static inline packet_bytes bytes_of(const char *hex)
{
    packet_bytes p;
    p.len = from_hex(p.bytes, hex);
    return p;
}

static inline void check_equal(const packet_bytes *got, const packet_bytes *want)
{
    ck_assert_uint_eq(got->len, want->len);
    ck_assert_mem_eq(got->bytes, want->bytes, want->len);
}

#endif
