/* SDP: what is taken is written as text that is taken again, and that text comes back unchanged;
 * what is refused is refused with the number of one of its lines. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "kith/base.h"
#include "wire/sdp.h"

/* Lines that kith joins (a=ice-options) stay below the limit of a line for texts up to this. */
#define ROUND_TRIP_MAX 8192

static int count_lines(const uint8_t *data, size_t size)
{
    int lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    return lines;
}

/* Asks what the peer connection asks of every section. */
static void ask(const kith_sdp *sdp)
{
    for (size_t i = 0; i < sdp->media.count; i++) {
        const kith_sdp_media *m = sdp->media.items[i];
        assert(m->kind && m->proto && m->formats.count > 0);
        assert(!m->mid || kith_sdp_find_mid(sdp, m->mid) == m);
        assert(m->candidates.count <= KITH_SDP_MAX_CANDIDATES);
        assert(kith_sdp_media_direction(sdp, m) != KITH_SDP_DIRECTION_NONE);
        assert(kith_sdp_sctp_port(m) >= -1 && kith_sdp_sctp_port(m) <= 65535);
        assert(!kith_sdp_is_data(m) || !kith_sdp_is_rtp(m));
        (void)kith_sdp_media_fingerprints(sdp, m);
        (void)kith_sdp_has_ice_option(sdp, m, "trickle");
    }
}

static void round_trip(const kith_sdp *sdp)
{
    kith_sdp *second;
    char *text = kith_sdp_write(sdp);
    assert(text);
    kith_err err = kith_sdp_parse(&second, text, strlen(text));
    assert(err == KITH_OK);
    assert(second->ignored_attributes == 0);
    char *again = kith_sdp_write(second);
    assert(again && strcmp(text, again) == 0);
    kith_free(again);
    kith_free(text);
    kith_sdp_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kith_sdp *sdp = NULL;
    kith_err err = kith_sdp_parse(&sdp, (const char *)data, size);
    if (err != KITH_OK) {
        const kith_error *error = kith_last_error();
        bool is_contents = error->error_detail == KITH_ERROR_DETAIL_NONE;
        assert(!sdp && err == (is_contents ? KITH_ERR_INVALID_ACCESS : KITH_ERR_SDP_SYNTAX));
        assert(error->sdp_line_number >= 1);
        assert(error->sdp_line_number <= count_lines(data, size));
        return 0;
    }
    ask(sdp);
    if (size <= ROUND_TRIP_MAX)
        round_trip(sdp);
    kith_sdp_free(sdp);
    return 0;
}
