/* Offers that are odd but legal, and what peers really sent: kith's answers beside Chromium's,
 * which tests/interop/answers.mjs recorded. Each difference has a reason below; there is no other
 * one. */
#include "peers.h"

static const char *const offers[] = {
    "chromium156-default-data-offer",
    "chromium156-offer-av-sendrecv",
    "chromium156-offer-av-sendrecv-data",
    "chromium156-offer-data-only",
    "chromium156-snap-sped-offer",
    "firefox153-default-data-offer",
    "firefox153-offer-av-sendrecv",
    "firefox153-offer-av-sendrecv-data",
    "firefox153-offer-data-only",
    "gst-1.22-offer-data",
    "wrtc-0.10-offer",
    "odd/bundle-only-second",
    "odd/data-between-media",
    "odd/group-in-another-order",
    "odd/group-of-one-of-two",
    "odd/h264-level-not-asymmetric",
    "odd/h264-mode-0-only",
    "odd/h264-without-fmtp",
    "odd/inactive",
    "odd/legacy-msid-of-ssrc",
    "odd/no-codec-at-all-known",
    "odd/no-codec-of-ours",
    "odd/no-direction",
    "odd/no-fingerprint",
    "odd/no-mid-no-bundle",
    "odd/no-mux",
    "odd/one-codec-twice",
    "odd/opus-in-capitals",
    "odd/opus-mono",
    "odd/rejected-section-first",
    "odd/rtcp-mux-only",
    "odd/rtp-savpf",
    "odd/savp-without-feedback",
    "odd/sendonly-without-msid",
    "odd/session-level-keys",
    "odd/setup-active",
    "odd/setup-passive",
    "odd/simulcast",
    "odd/static-payload-types-without-rtpmap",
    "odd/tcp-tls",
    "odd/two-byte-extension-ids",
    "odd/two-of-a-kind",
    "odd/two-sections-without-a-bundle",
    "odd/unknown-application",
    "odd/unknown-media-kind",
    "odd/wildcard-feedback",
};

/* What kith answers otherwise, and why. */
static const struct {
    const char *offer, *what, *reason;
} differences[] = {
    {"odd/bundle-only-second", "setup",
     "a=setup stands in every section of kith's answers, as of its offers (RFC 8842 section 5.2)"},
    {"odd/group-of-one-of-two", "rejected", "a transport of its own: kith has one"},
    {"odd/two-sections-without-a-bundle", "rejected", "a transport of its own: kith has one"},
    {"odd/h264-mode-0-only", "rejected", "kith makes packets of packetization-mode 1"},
    {"odd/h264-without-fmtp", "rejected", "that is packetization-mode 0"},
    {"odd/no-codec-of-ours", "not rejected",
     "a section of the bundle is inactive: aiortc waits for the transport of one that is rejected"},
    {"odd/unknown-media-kind", "not rejected", "the same"},
    {"odd/no-mid-no-bundle", "mid", "an answer names no section that the offer did not name"},
    {"odd/one-codec-twice", "codecs", "kith takes a codec under all of its numbers"},
    {"odd/simulcast", "taken", "kith takes the first layer and answers no a=rid"},
    {"odd/two-byte-extension-ids", "extensions", "kith writes elements in the one-byte form alone"},
    {"odd/unknown-application", "taken",
     "the section is answered with port 0 (RFC 3264 section 6)"},
};

static bool is_seen[sizeof differences / sizeof differences[0]];

static void differ(const char *offer, const char *what, size_t section)
{
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++)
        if (strcmp(differences[i].offer, offer) == 0 && strcmp(differences[i].what, what) == 0) {
            is_seen[i] = true;
            return;
        }
    ck_abort_msg("%s: section %zu: %s", offer, section, what);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The formats that have a row of ours, in order. */
static bool same_codecs(const kith_sdp_media *ours, const kith_sdp_media *theirs)
{
    kith_codec_use a[KITH_CODEC_MAX_USES], b[KITH_CODEC_MAX_USES];
    size_t count = kith_codecs_of(&kith_codecs_known, ours, a);
    if (kith_codecs_of(&kith_codecs_known, theirs, b) != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (a[i].payload_type != b[i].payload_type)
            return false;
    return true;
}

/* Of those that kith has in sections of this kind, with their ids. */
static bool same_extensions(const kith_sdp_media *ours, const kith_sdp_media *theirs)
{
    kith_media_kind media;
    for (kith_rtp_extension_kind kind = 0; kind < KITH_RTP_EXTENSION_COUNT; kind++) {
        const kith_sdp_media *const both[] = {ours, theirs};
        if (kith_codec_kind_of(ours, &media) && !kith_codec_has_extension(media, kind))
            continue;
        int ids[2] = {0};
        for (int side = 0; side < 2; side++)
            for (size_t i = 0; i < both[side]->common.extmaps.count; i++)
                if (strcmp(both[side]->common.extmaps.items[i].uri, kith_rtp_extension_uri(kind)) ==
                    0)
                    ids[side] = both[side]->common.extmaps.items[i].id;
        if (ids[0] != ids[1])
            return false;
    }
    return true;
}

static bool is_grouped(const kith_sdp *sdp, const kith_sdp_media *m)
{
    return m->mid && kith_sdp_find_group(sdp, "BUNDLE", m->mid);
}

static void compare_media(const char *offer, size_t i, const kith_sdp *kith,
                          const kith_sdp *chromium)
{
    const kith_sdp_media *ours = kith->media.items[i], *theirs = chromium->media.items[i];
    if (kith_sdp_media_direction(kith, ours) != kith_sdp_media_direction(chromium, theirs))
        differ(offer, "direction", i);
    if (ours->rtcp_mux != theirs->rtcp_mux)
        differ(offer, "rtcp-mux", i);
    if (ours->rtcp_rsize != theirs->rtcp_rsize)
        differ(offer, "rtcp-rsize", i);
    if (!same_codecs(ours, theirs))
        differ(offer, "codecs", i);
    if (!same_extensions(ours, theirs))
        differ(offer, "extensions", i);
}

static void compare(const char *offer, const kith_sdp *kith, const kith_sdp *chromium)
{
    ck_assert_uint_eq(kith->media.count, chromium->media.count);
    for (size_t i = 0; i < kith->media.count; i++) {
        const kith_sdp_media *ours = kith->media.items[i], *theirs = chromium->media.items[i];
        ck_assert_str_eq(ours->kind, theirs->kind);
        ck_assert_str_eq(ours->proto, theirs->proto);
        if (!same_text(ours->mid, theirs->mid))
            differ(offer, "mid", i);
        if (kith_sdp_is_rejected(ours) != kith_sdp_is_rejected(theirs)) {
            differ(offer, kith_sdp_is_rejected(ours) ? "rejected" : "not rejected", i);
            continue;
        }
        if (kith_sdp_is_rejected(ours))
            continue;
        if (is_grouped(kith, ours) != is_grouped(chromium, theirs))
            differ(offer, "group", i);
        if (kith_sdp_media_setup(kith, ours) != kith_sdp_media_setup(chromium, theirs))
            differ(offer, "setup", i);
        if (!kith_sdp_is_data(ours))
            compare_media(offer, i, kith, chromium);
    }
}

static void compare_answers(const char *offer)
{
    char path[128];
    duo d = duo_new();
    const char *name = strrchr(offer, '/') ? strrchr(offer, '/') + 1 : offer;
    snprintf(path, sizeof path, "%s.sdp", offer);
    char *offered = read_sdp(path);
    snprintf(path, sizeof path, "chromium-answers/%s.sdp", name);
    char *answered = read_sdp(path);
    bool is_refused = strncmp(answered, "v=0", 3) != 0;
    kith_err err = set_remote(d.a, KITH_SDP_OFFER, offered);
    if ((err != KITH_OK) != is_refused) {
        differ(offer, is_refused ? "taken" : "refused", 0);
    } else if (err != KITH_OK) {
        ck_assert_str_eq(kith_err_name(err), "INVALID_ACCESS");
        ck_assert_ptr_nonnull(strstr(answered, "InvalidAccessError"));
    } else {
        kith_sdp *chromium = NULL;
        OK(kith_pc_set_local_description(d.a, NULL));
        OK(kith_sdp_parse(&chromium, answered, strlen(answered)));
        compare(offer, d.a->jsep.current_local->sdp, chromium);
        kith_sdp_free(chromium);
    }
    kith_free(offered);
    kith_free(answered);
    duo_free(&d);
}

START_TEST(odd_offers_are_answered_as_chromium_answers_them)
{
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++)
        compare_answers(offers[i]);
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++)
        ck_assert_msg(is_seen[i], "no difference any more: %s: %s", differences[i].offer,
                      differences[i].what);
}
END_TEST

UNIT_MAIN("pc: corpus", odd_offers_are_answered_as_chromium_answers_them)
