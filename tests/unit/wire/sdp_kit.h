/* What the tests of SDP share: descriptions to put one line into, and the three things that are
 * asked of a text: that it is taken, that it is refused in words, that it comes back as it was. */
#ifndef KITH_TESTS_UNIT_SDP_KIT_H
#define KITH_TESTS_UNIT_SDP_KIT_H

#include <stdio.h>
#include <string.h>

#include "kith/base.h"
#include "unit.h"
#include "wire/sdp.h"

#define HEAD  "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" /* lines 1 to 4 */
#define AUDIO "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
#define VIDEO "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"
#define DATA  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
#define SHA256                                                                                   \
    "E8:BE:9F:D5:29:B6:75:E2:C8:3B:03:97:68:E6:DC:CA:3A:89:5B:7B:95:79:34:BC:06:11:A1:D1:2F:16:" \
    "3C:"                                                                                        \
    "60"

/* As much of a text as a failure report can hold. */
static inline int shown(size_t len)
{
    return len < 1000 ? (int)len : 1000;
}

static inline kith_sdp *taken_span(const char *text, size_t len)
{
    kith_sdp *sdp = NULL;
    kith_err err = kith_sdp_parse(&sdp, text, len);
    ck_assert_msg(err == KITH_OK, "line %d: %s\n%.*s", kith_last_error()->sdp_line_number,
                  kith_last_error()->message, shown(len), text);
    ck_assert_ptr_nonnull(sdp);
    return sdp;
}

static inline kith_sdp *taken(const char *text)
{
    return taken_span(text, strlen(text));
}

/* Refused at that line, with these words in the sentence, and nothing handed out. */
static inline void refused_span(const char *text, size_t len, int line, const char *words)
{
    kith_sdp *sdp = NULL;
    kith_err err = kith_sdp_parse(&sdp, text, len);
    const kith_error *error = kith_last_error();
    ck_assert_msg(err == KITH_ERR_SDP_SYNTAX, "taken: %.*s", shown(len), text);
    ck_assert_ptr_null(sdp);
    ck_assert_int_eq(error->error_detail, KITH_ERROR_DETAIL_SDP_SYNTAX_ERROR);
    ck_assert_msg(error->sdp_line_number == line, "line %d, not %d: %s", error->sdp_line_number,
                  line, error->message);
    ck_assert_msg(strstr(error->message, words), "\"%s\" is not in: %s", words, error->message);
}

static inline void refused(const char *text, int line, const char *words)
{
    refused_span(text, strlen(text), line, words);
}

/* Taken without that line, for a reason with these words. */
static inline void left_out(const char *text, int line, const char *words)
{
    kith_sdp *sdp = taken(text);
    ck_assert_uint_eq(sdp->ignored_lines, 1);
    ck_assert_uint_eq(sdp->remarks.count, 1);
    ck_assert_int_eq(sdp->remarks.items[0].line, line);
    ck_assert_msg(strstr(sdp->remarks.items[0].text, words), "\"%s\" is not in: %s", words,
                  sdp->remarks.items[0].text);
    kith_sdp_free(sdp);
}

/* Taken without that line, whose section cannot be used for that reason. */
static inline void spoils_section(const char *text, int line, const char *words)
{
    kith_sdp *sdp = taken(text);
    int section_line = 0;
    for (size_t i = 0; i < sdp->media.count; i++) {
        const kith_sdp_media *m = sdp->media.items[i];
        if (!m->fault.text)
            continue;
        ck_assert_int_eq(section_line, 0); /* one alone */
        section_line = m->line;
        ck_assert_int_eq(m->fault.line, line);
        ck_assert_msg(strstr(m->fault.text, words), "\"%s\" is not in: %s", words, m->fault.text);
    }
    ck_assert_msg(section_line > 0 && section_line < line, "no section has a fault:\n%s", text);
    kith_sdp_free(sdp);
    left_out(text, line, words);
}

/* Does the line stand in the text, as a whole line? */
static inline bool has_line(const char *text, const char *line)
{
    size_t len = strlen(line);
    for (const char *at = text; *at; at = strchr(at, '\n') + 1)
        if (strncmp(at, line, len) == 0 && at[len] == '\r' && at[len + 1] == '\n')
            return true;
    return false;
}

/* The lines, a= or other, put behind `before`, come back from parsing and writing as they were. */
static inline void comes_back(const char *before, const char *line)
{
    char text[4096];
    snprintf(text, sizeof text, "%s%s\r\n", before, line);
    kith_sdp *sdp = taken(text);
    char *written = kith_sdp_write(sdp);
    ck_assert_ptr_nonnull(written);
    ck_assert_msg(has_line(written, line), "\"%s\" is not in:\n%s", line, written);
    kith_free(written);
    kith_sdp_free(sdp);
}

/* The line is no error, and it is not kept. */
static inline void ignored(const char *before, const char *line)
{
    char text[4096];
    snprintf(text, sizeof text, "%s%s\r\n", before, line);
    kith_sdp *sdp = taken(text);
    char *written = kith_sdp_write(sdp);
    ck_assert_ptr_nonnull(written);
    ck_assert_msg(!has_line(written, line), "\"%s\" is in:\n%s", line, written);
    ck_assert_uint_eq(sdp->ignored_attributes, 1);
    kith_free(written);
    kith_sdp_free(sdp);
}

/* The line behind `before`, which has `lines` lines, is refused with these words. */
static inline void refused_after(const char *before, int lines, const char *line, const char *words)
{
    char text[4096];
    snprintf(text, sizeof text, "%s%s\r\n", before, line);
    refused(text, lines + 1, words);
}

static inline void spoils_section_after(const char *before, int lines, const char *line,
                                        const char *words)
{
    char text[4096];
    snprintf(text, sizeof text, "%s%s\r\n", before, line);
    spoils_section(text, lines + 1, words);
}

static inline void left_out_after(const char *before, int lines, const char *line,
                                  const char *words)
{
    char text[4096];
    snprintf(text, sizeof text, "%s%s\r\n", before, line);
    left_out(text, lines + 1, words);
}

static inline kith_sdp_media *section(const kith_sdp *sdp, size_t index)
{
    ck_assert_uint_lt(index, sdp->media.count);
    return sdp->media.items[index];
}

#endif
