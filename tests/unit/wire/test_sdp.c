/* Building a description, asking it, and running out of memory at every place. */
#include "sdp_kit.h"

#include <stdlib.h>

START_TEST(built_description_reads_as_it_was_built)
{
    kith_sdp *sdp;
    ck_assert_int_eq(kith_sdp_new(&sdp), KITH_OK);
    sdp->origin.session_id = 4611686018427387903u;
    sdp->origin.session_version = 2;
    kith_sdp_add_to_group(sdp, "BUNDLE", "0");
    kith_sdp_add_to_group(sdp, "BUNDLE", "1");
    kith_sdp_add_to_group(sdp, "LS", "1");
    kith_sdp_add_text(sdp, &sdp->common.ice_options, "trickle");
    kith_sdp_add_text(sdp, &sdp->common.ice_options, "ice2");
    kith_sdp_media *m = kith_sdp_add_media(sdp, "application", 9, "UDP/DTLS/SCTP");
    kith_sdp_media *audio = kith_sdp_add_media(sdp, "audio", 0, "UDP/TLS/RTP/SAVPF");
    kith_sdp_add_text(sdp, &m->formats, "webrtc-datachannel");
    kith_sdp_add_text(sdp, &audio->formats, "0");
    m->mid = kith_sdp_text(sdp, "%d", 0);
    audio->mid = kith_sdp_text(sdp, "%d", 1);
    m->common.connection = (kith_sdp_connection){"IN", "IP4", "0.0.0.0"};
    m->common.setup = KITH_SDP_SETUP_ACTPASS;
    m->has_sctp_port = true;
    m->sctp_port = 5000;
    kith_fingerprint fp = {.hash = KITH_HASH_SHA1, .digest = {0xAB, 1}};
    kith_sdp_add_fingerprint(sdp, &m->common, &fp);
    kith_candidate candidate;
    const char line[] = "candidate:1 1 udp 2122265343 192.0.2.2 5000 typ host";
    ck_assert(kith_candidate_parse(&candidate, kith_span_text(line)));
    kith_sdp_add_candidate(sdp, m, &candidate);
    kith_sdp_add_bandwidth(sdp, &m->common, "AS", 30);
    kith_sdp_msid *msid = KITH_SDP_APPEND(sdp, audio->msids);
    msid->stream = "-";
    ck_assert(!kith_sdp_bad(sdp));
    char *text = kith_sdp_write(sdp);
    ck_assert_str_eq(text, "v=0\r\no=- 4611686018427387903 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
                           "a=group:BUNDLE 0 1\r\na=group:LS 1\r\na=ice-options:trickle ice2\r\n"
                           "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                           "c=IN IP4 0.0.0.0\r\nb=AS:30\r\n"
                           "a=candidate:1 1 udp 2122265343 192.0.2.2 5000 typ host\r\n"
                           "a=fingerprint:sha-1 AB:01:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:"
                           "00:00:00\r\n"
                           "a=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\n"
                           "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\na=msid:-\r\n");
    kith_free(text);
    kith_sdp_free(sdp);
}
END_TEST

START_TEST(lists_grow_without_losing_what_they_had)
{
    kith_sdp *sdp;
    ck_assert_int_eq(kith_sdp_new(&sdp), KITH_OK);
    kith_sdp_media *m = kith_sdp_add_media(sdp, "video", 9, "RTP/AVP");
    kith_sdp_ssrc_group *group = KITH_SDP_APPEND(sdp, m->ssrc_groups);
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t *ssrc = KITH_SDP_APPEND(sdp, group->ssrcs);
        ck_assert_uint_eq(*ssrc, 0);
        *ssrc = i;
    }
    ck_assert_uint_eq(group->ssrcs.count, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(group->ssrcs.items[i], i);
    for (int i = 0; i < 100; i++)
        ck_assert_ptr_nonnull(kith_sdp_add_media(sdp, "x", 0, "y"));
    ck_assert_ptr_eq(sdp->media.items[0], m);
    kith_sdp_free(sdp);
}
END_TEST

START_TEST(section_is_rejected_by_port_zero_unless_bundle_only)
{
    kith_sdp *sdp =
        taken(HEAD "m=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\na=bundle-only\r\n" DATA);
    ck_assert(kith_sdp_is_rejected(section(sdp, 0)));
    ck_assert(!kith_sdp_is_rejected(section(sdp, 1)));
    ck_assert(!kith_sdp_is_rejected(section(sdp, 2)));
    kith_sdp_free(sdp);
}
END_TEST

START_TEST(rtp_is_known_by_its_protocol)
{
    static const struct {
        const char *proto;
        bool rtp;
    } cases[] = {
        {"UDP/TLS/RTP/SAVPF", true}, {"TCP/DTLS/RTP/SAVPF", true}, {"RTP/AVP", true},
        {"RTP/SAVPF", true},         {"UDP/DTLS/SCTP", false},     {"udptl", false},
        {"XRTP/AVP", false},         {"TCP/MSRP", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kith_sdp_media m = {.proto = cases[i].proto};
        ck_assert_msg(kith_sdp_is_rtp(&m) == cases[i].rtp, "%s", cases[i].proto);
    }
}
END_TEST

START_TEST(free_of_nothing_is_fine)
{
    kith_sdp_free(NULL);
}
END_TEST

/* ---- out of memory ---- */

static struct {
    long left; /* allocations that still succeed */
} budget;

static void *take(size_t size, void *user)
{
    (void)user;
    return budget.left-- > 0 ? malloc(size) : NULL;
}

static void *retake(void *memory, size_t size, void *user)
{
    (void)user;
    return budget.left-- > 0 ? realloc(memory, size) : NULL;
}

static void give(void *memory, void *user)
{
    (void)user;
    free(memory);
}

START_TEST(out_of_memory_is_told_at_every_place)
{
    const kith_allocator allocator = {.alloc = take, .resize = retake, .release = give};
    static char text[20000];
    strcpy(text, HEAD "a=group:BUNDLE 0\r\n" VIDEO "a=rid:1 send pt=96;max-fps=1\r\na=mid:0\r\n"
                      "a=simulcast:send 1\r\na=fingerprint:sha-256 " SHA256 "\r\n"
                      "a=ssrc-group:FID 1 2\r\na=ssrc:1 cname:x\r\na=ice-options:trickle\r\n");
    for (int i = 0; i < 60; i++)
        strcat(text, "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\na=rtcp-fb:96 nack pli\r\n");
    kith_set_allocator(&allocator);
    long places = 0;
    for (;; places++) {
        kith_sdp *sdp = NULL;
        budget.left = places;
        kith_err err = kith_sdp_parse(&sdp, text, strlen(text));
        if (err == KITH_ERR_NO_MEMORY) {
            ck_assert_ptr_null(sdp);
            continue;
        }
        ck_assert_int_eq(err, KITH_OK);
        char *written = kith_sdp_write(sdp);
        bool whole = written;
        kith_free(written);
        kith_sdp_free(sdp);
        if (whole)
            break;
    }
    kith_set_allocator(NULL);
    ck_assert_int_gt(places, 10);
}
END_TEST

START_TEST(building_without_memory_is_sticky)
{
    const kith_allocator allocator = {.alloc = take, .resize = retake, .release = give};
    kith_sdp *sdp;
    kith_set_allocator(&allocator);
    budget.left = 1;
    ck_assert_int_eq(kith_sdp_new(&sdp), KITH_OK);
    ck_assert_str_eq(kith_sdp_text(sdp, "%s", "x"), "");
    ck_assert(kith_sdp_bad(sdp));
    budget.left = 1000;
    ck_assert_ptr_null(kith_sdp_add_media(sdp, "audio", 9, "RTP/AVP"));
    kith_sdp_add_to_group(sdp, "BUNDLE", "0");
    kith_sdp_add_bandwidth(sdp, &sdp->common, "AS", 1);
    kith_sdp_add_text(sdp, &sdp->common.ice_options, "trickle");
    ck_assert_ptr_null(kith_sdp_write(sdp));
    kith_sdp_free(sdp);
    budget.left = 0;
    ck_assert_int_eq(kith_sdp_new(&sdp), KITH_ERR_NO_MEMORY);
    kith_set_allocator(NULL);
}
END_TEST

UNIT_MAIN("wire: sdp", built_description_reads_as_it_was_built,
          lists_grow_without_losing_what_they_had,
          section_is_rejected_by_port_zero_unless_bundle_only, rtp_is_known_by_its_protocol,
          free_of_nothing_is_fine, out_of_memory_is_told_at_every_place,
          building_without_memory_is_sticky)
