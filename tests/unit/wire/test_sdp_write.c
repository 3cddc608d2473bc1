/* What browsers and other stacks really say (tests/data/sdp): every captured description comes back
 * from parsing and writing with all its lines, and no piece of it upsets the parser. */
#include "sdp_kit.h"

#include <dirent.h>
#include <stdlib.h>

typedef struct capture {
    char name[256];
    char *text;
    size_t len;
} capture;

#define MAX_CAPTURES 64
static capture captures[MAX_CAPTURES];
static size_t capture_count;

static void load(const char *folder, const char *name)
{
    char path[2048];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file, "%s", path);
    ck_assert_uint_lt(capture_count, MAX_CAPTURES);
    capture *c = &captures[capture_count++];
    snprintf(c->name, sizeof c->name, "%s", name);
    c->text = malloc(KITH_SDP_MAX_SIZE);
    ck_assert_ptr_nonnull(c->text);
    c->len = fread(c->text, 1, KITH_SDP_MAX_SIZE, file);
    ck_assert_uint_gt(c->len, 0);
    fclose(file);
}

static void load_all(void)
{
    const char *data = getenv("KITH_TEST_DATA");
    char folder[900];
    snprintf(folder, sizeof folder, "%s/sdp", data ? data : "tests/data");
    DIR *dir = opendir(folder);
    ck_assert_msg(dir, "%s cannot be read; KITH_TEST_DATA names tests/data", folder);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        if (strstr(entry->d_name, ".sdp"))
            load(folder, entry->d_name);
    closedir(dir);
    ck_assert_uint_ge(capture_count, 17);
}

static void unload_all(void)
{
    while (capture_count > 0)
        free(captures[--capture_count].text);
}

/* ---- lines as a multiset ---- */

/* What may be lost, and why: nothing else. */
static const char *const lost_attributes[] = {
    "a=sctp-init:", /* draft-hancke-tsvwg-snap: no standard */
};
/* Extensions of candidates that no RFC defines; "generation" was an early draft's. */
static const char *const lost_extensions[] = {" generation ", " network-id ", " network-cost "};

static bool may_be_lost(const char *line)
{
    for (size_t i = 0; i < sizeof lost_attributes / sizeof lost_attributes[0]; i++)
        if (strncmp(line, lost_attributes[i], strlen(lost_attributes[i])) == 0)
            return true;
    return false;
}

/* The line as kith writes it: transports in lower case, extensions without a standard dropped. */
static void normalize(char *line)
{
    if (strncmp(line, "a=candidate:", 12) != 0)
        return;
    char *transport = strstr(line, " UDP ") ? strstr(line, " UDP ") : strstr(line, " TCP ");
    for (int i = 1; transport && i < 4; i++)
        transport[i] = (char)(transport[i] + ('a' - 'A'));
    for (size_t i = 0; i < sizeof lost_extensions / sizeof lost_extensions[0]; i++) {
        char *at = strstr(line, lost_extensions[i]);
        if (!at)
            continue;
        char *value = at + strlen(lost_extensions[i]);
        char *next = value + strcspn(value, " ");
        memmove(at, next, strlen(next) + 1);
    }
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Cuts the text, which is changed, into sorted lines; their number. */
static size_t sorted_lines(char *text, char **lines, size_t max)
{
    size_t count = 0;
    for (char *line = strtok(text, "\r\n"); line; line = strtok(NULL, "\r\n")) {
        if (may_be_lost(line))
            continue;
        normalize(line);
        ck_assert_uint_lt(count, max);
        lines[count++] = line;
    }
    qsort(lines, count, sizeof *lines, compare_lines);
    return count;
}

START_TEST(every_captured_line_comes_back)
{
    static char *before[2000], *after[2000];
    load_all();
    for (size_t c = 0; c < capture_count; c++) {
        kith_sdp *sdp = taken_span(captures[c].text, captures[c].len);
        char *written = kith_sdp_write(sdp);
        ck_assert_ptr_nonnull(written);
        char *original = strndup(captures[c].text, captures[c].len);
        size_t count = sorted_lines(original, before, 2000);
        ck_assert_uint_eq(sorted_lines(written, after, 2000), count);
        for (size_t i = 0; i < count; i++)
            ck_assert_msg(strcmp(before[i], after[i]) == 0, "%s: \"%s\" became \"%s\"",
                          captures[c].name, before[i], after[i]);
        free(original);
        kith_free(written);
        kith_sdp_free(sdp);
    }
    unload_all();
}
END_TEST

/* ---- trees ---- */

#define SAME(member)       ck_assert_int_eq((long)a->member, (long)b->member)
#define SAME_COUNT(member) ck_assert_uint_eq(a->member.count, b->member.count)
#define SAME_TEXT(member)  ck_assert_pstr_eq(a->member, b->member)

static void same_common(const kith_sdp_common *a, const kith_sdp_common *b)
{
    SAME_TEXT(connection.address);
    SAME_COUNT(bandwidths);
    SAME(direction);
    SAME_TEXT(ice_ufrag);
    SAME_TEXT(ice_pwd);
    SAME_COUNT(ice_options);
    SAME(end_of_candidates);
    SAME_COUNT(fingerprints);
    for (size_t i = 0; i < a->fingerprints.count; i++)
        ck_assert(kith_fingerprint_equal(&a->fingerprints.items[i], &b->fingerprints.items[i]));
    SAME(setup);
    SAME_TEXT(tls_id);
    SAME_COUNT(extmaps);
    for (size_t i = 0; i < a->extmaps.count; i++) {
        SAME(extmaps.items[i].id);
        SAME(extmaps.items[i].direction);
        SAME_TEXT(extmaps.items[i].uri);
    }
    SAME(extmap_allow_mixed);
}

static void same_formats(const kith_sdp_media *a, const kith_sdp_media *b)
{
    SAME_COUNT(formats);
    for (size_t i = 0; i < a->formats.count; i++)
        SAME_TEXT(formats.items[i]);
    SAME_COUNT(rtpmaps);
    for (size_t i = 0; i < a->rtpmaps.count; i++) {
        SAME(rtpmaps.items[i].payload_type);
        SAME(rtpmaps.items[i].clock_rate);
        SAME(rtpmaps.items[i].channels);
        SAME_TEXT(rtpmaps.items[i].name);
    }
    SAME_COUNT(fmtps);
    for (size_t i = 0; i < a->fmtps.count; i++) {
        SAME(fmtps.items[i].payload_type);
        SAME_TEXT(fmtps.items[i].parameters);
    }
    SAME_COUNT(rtcp_fbs);
    for (size_t i = 0; i < a->rtcp_fbs.count; i++) {
        SAME(rtcp_fbs.items[i].payload_type);
        SAME_TEXT(rtcp_fbs.items[i].type);
        SAME_TEXT(rtcp_fbs.items[i].parameter);
    }
}

static void same_media(const kith_sdp_media *a, const kith_sdp_media *b)
{
    SAME_TEXT(kind);
    SAME(port);
    SAME_TEXT(proto);
    SAME_TEXT(mid);
    SAME(bundle_only);
    SAME_COUNT(candidates);
    for (size_t i = 0; i < a->candidates.count; i++)
        ck_assert_mem_eq(&a->candidates.items[i], &b->candidates.items[i],
                         sizeof a->candidates.items[i]);
    SAME(has_sctp_port);
    SAME(sctp_port);
    SAME(has_max_message_size);
    SAME(max_message_size);
    SAME(rtcp_mux);
    SAME(rtcp_rsize);
    SAME(has_rtcp);
    SAME(rtcp_port);
    SAME_TEXT(rtcp_xr);
    SAME_COUNT(msids);
    SAME_COUNT(ssrcs);
    for (size_t i = 0; i < a->ssrcs.count; i++) {
        SAME(ssrcs.items[i].ssrc);
        SAME_TEXT(ssrcs.items[i].value);
    }
    SAME_COUNT(ssrc_groups);
    SAME_COUNT(rids);
    SAME_COUNT(simulcast_send);
    SAME_COUNT(simulcast_recv);
    same_common(&a->common, &b->common);
    same_formats(a, b);
}

static void same_tree(const kith_sdp *a, const kith_sdp *b)
{
    SAME_TEXT(origin.username);
    SAME(origin.session_id);
    SAME(origin.session_version);
    SAME_TEXT(name);
    SAME_COUNT(times);
    SAME_COUNT(groups);
    SAME(ice_lite);
    SAME_COUNT(msid_semantics);
    SAME_COUNT(media);
    same_common(&a->common, &b->common);
    for (size_t i = 0; i < a->media.count; i++)
        same_media(a->media.items[i], b->media.items[i]);
}

START_TEST(written_and_parsed_again_every_capture_is_the_same_tree_and_text)
{
    load_all();
    for (size_t c = 0; c < capture_count; c++) {
        kith_sdp *first = taken_span(captures[c].text, captures[c].len);
        char *text = kith_sdp_write(first);
        kith_sdp *second = taken(text);
        same_tree(first, second);
        char *again = kith_sdp_write(second);
        ck_assert_str_eq(text, again);
        ck_assert_uint_eq(second->ignored_attributes, 0);
        kith_free(text);
        kith_free(again);
        kith_sdp_free(first);
        kith_sdp_free(second);
    }
    unload_all();
}
END_TEST

START_TEST(every_prefix_of_every_capture_is_taken_or_refused_by_line)
{
    load_all();
    for (size_t c = 0; c < capture_count; c++)
        for (size_t len = 0; len <= captures[c].len; len++) {
            /* A copy of exactly that size, so that reading past the end is seen. */
            char *prefix = malloc(len + (len == 0));
            ck_assert_ptr_nonnull(prefix);
            memcpy(prefix, captures[c].text, len);
            int lines = 1;
            for (size_t i = 0; i < len; i++)
                lines += prefix[i] == '\n';
            kith_sdp *sdp = NULL;
            kith_err err = kith_sdp_parse(&sdp, prefix, len);
            if (err != KITH_OK) {
                int line = kith_last_error()->sdp_line_number;
                ck_assert_int_eq(err, KITH_ERR_SDP_SYNTAX);
                ck_assert_ptr_null(sdp);
                ck_assert_msg(line >= 1 && line <= lines, "%s, %zu octets: line %d of %d",
                              captures[c].name, len, line, lines);
            }
            kith_sdp_free(sdp);
            free(prefix);
        }
    unload_all();
}
END_TEST

/* ---- known answers ---- */

static kith_sdp *captured(const char *name)
{
    for (size_t c = 0; c < capture_count; c++)
        if (strcmp(captures[c].name, name) == 0)
            return taken_span(captures[c].text, captures[c].len);
    ck_abort_msg("there is no capture %s", name);
    return NULL;
}

START_TEST(chromium_offer_means_what_it_says)
{
    load_all();
    kith_sdp *sdp = captured("chromium156-offer-av-sendrecv-data.sdp");
    ck_assert_uint_eq(sdp->media.count, 3);
    const kith_sdp_group *bundle = kith_sdp_find_group(sdp, "BUNDLE", "2");
    ck_assert_uint_eq(bundle->mids.count, 3);
    const kith_sdp_media *video = kith_sdp_find_mid(sdp, "1");
    ck_assert_str_eq(video->kind, "video");
    ck_assert_str_eq(kith_sdp_find_rtpmap(video, 45)->name, "AV1");
    ck_assert_str_eq(kith_sdp_find_fmtp(video, 97)->parameters, "apt=96");
    ck_assert_uint_eq(video->ssrc_groups.items[0].ssrcs.items[0], 2397511204u);
    ck_assert_uint_eq(video->common.extmaps.count, 11);
    const kith_sdp_media *data = section(sdp, 2);
    ck_assert(kith_sdp_is_data(data));
    ck_assert_int_eq(kith_sdp_sctp_port(data), 5000);
    ck_assert_uint_eq(kith_sdp_max_message_size(data), 262144);
    ck_assert_str_eq(kith_sdp_ice_ufrag(sdp, data), "/bWi");
    ck_assert(kith_sdp_has_ice_option(sdp, data, "trickle"));
    const kith_sdp_fingerprints *prints = kith_sdp_media_fingerprints(sdp, data);
    ck_assert_uint_eq(prints->count, 1);
    ck_assert_uint_eq(prints->items[0].digest[0], 0xE8);
    kith_sdp_free(sdp);
    unload_all();
}
END_TEST

START_TEST(firefox_offer_inherits_from_its_session)
{
    load_all();
    kith_sdp *sdp = captured("firefox153-offer-av-sendrecv-data.sdp");
    const kith_sdp_media *data = kith_sdp_find_mid(sdp, "2");
    ck_assert_uint_eq(data->common.fingerprints.count, 0);
    ck_assert_uint_eq(kith_sdp_media_fingerprints(sdp, data)->items[0].digest[0], 0x43);
    ck_assert(kith_sdp_has_ice_option(sdp, data, "trickle"));
    ck_assert_uint_eq(kith_sdp_max_message_size(data), 1073741823);
    ck_assert_int_eq(kith_sdp_media_setup(sdp, data), KITH_SDP_SETUP_ACTPASS);
    ck_assert_str_eq(section(sdp, 0)->msids.items[0].stream,
                     "{4118a76d-9905-4276-8938-74bd70919051}");
    kith_sdp_free(sdp);
    sdp = captured("chromium156-snap-sped-offer.sdp");
    ck_assert(kith_sdp_has_ice_option(sdp, section(sdp, 0), "googspedv1"));
    ck_assert_uint_eq(sdp->ignored_attributes, 1); /* a=sctp-init */
    kith_sdp_free(sdp);
    unload_all();
}
END_TEST

UNIT_MAIN("wire: sdp_write", every_captured_line_comes_back,
          written_and_parsed_again_every_capture_is_the_same_tree_and_text,
          every_prefix_of_every_capture_is_taken_or_refused_by_line,
          chromium_offer_means_what_it_says, firefox_offer_inherits_from_its_session)
