/* Our SSRCs that leave (RFC 3550 section 6.6): BYE, and then nothing more is sent with them. Room
 * for each is made when its stream is, so that none is forgotten for want of memory: SRTP keeps an
 * SSRC until it is told that it went. */
#include <assert.h>

#include "base/error.h"
#include "base/memory.h"
#include "rtp/session.h"

kith_err kith_rtp_leaving_reserve(kith_rtp_session *s, size_t more)
{
    size_t wanted = s->leavers.count + more;
    KITH_RTP_EACH_OUT(s, out)
        wanted++;
    if (wanted <= s->leavers.cap)
        return KITH_OK;
    wanted = wanted < 8 ? 8 : 2 * wanted;
    kith_rtp_leaver *grown = kith_resize(s->leavers.all, wanted * sizeof *grown);
    if (!grown)
        return kith_fail_memory();
    s->leavers.all = grown;
    s->leavers.cap = wanted;
    return KITH_OK;
}

void kith_rtp_leaving_deinit(kith_rtp_session *s)
{
    kith_free(s->leavers.all);
}

/* Also where nobody heard of it there may be something to let go. */
void kith_rtp_leave(kith_rtp_session *s, uint32_t ssrc, bool comes_back)
{
    kith_rtp_leavers *leavers = &s->leavers;
    for (size_t i = leavers->said; i < leavers->count; i++)
        if (leavers->all[i].ssrc == ssrc) {
            leavers->all[i].comes_back &= comes_back;
            return;
        }
    assert(leavers->count < leavers->cap);
    leavers->all[leavers->count++] = (kith_rtp_leaver){.ssrc = ssrc, .comes_back = comes_back};
}

size_t kith_rtp_take_leavers(kith_rtp_session *s, uint32_t *ssrcs, size_t max)
{
    kith_rtp_leavers *leavers = &s->leavers;
    size_t count = 0;
    while (leavers->said < leavers->count && count < max)
        ssrcs[count++] = leavers->all[leavers->said++].ssrc;
    return count;
}

bool kith_rtp_next_gone(kith_rtp_session *s, uint32_t *ssrc)
{
    kith_rtp_leavers *leavers = &s->leavers;
    while (leavers->said > 0) {
        kith_rtp_leaver leaver = leavers->all[--leavers->said];
        leavers->all[leavers->said] = leavers->all[--leavers->count];
        *ssrc = leaver.ssrc;
        if (!leaver.comes_back)
            return true;
    }
    return false;
}
