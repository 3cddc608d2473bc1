/* SSRCs whose streams ended: a ring of the last, walked where an SSRC is new. */
#include "rtp/session.h"

bool kith_rtp_is_ended(const kith_rtp_session *s, uint32_t ssrc)
{
    for (size_t i = 0; i < KITH_RTP_MAX_ENDED; i++)
        if (s->ended.ssrcs[i] == ssrc)
            return ssrc != 0;
    return false;
}

void kith_rtp_note_used(kith_rtp_session *s, uint32_t ssrc)
{
    for (size_t i = 0; i < KITH_RTP_MAX_ENDED; i++)
        if (s->ended.ssrcs[i] == ssrc)
            s->ended.ssrcs[i] = 0;
}

void kith_rtp_note_ended(kith_rtp_session *s, uint32_t ssrc)
{
    kith_rtp_ended *ended = &s->ended;
    kith_rtp_note_used(s, ssrc);
    ended->ssrcs[ended->next] = ssrc;
    ended->next = (ended->next + 1) % KITH_RTP_MAX_ENDED;
    ended->untold += ended->untold < KITH_RTP_MAX_ENDED;
    s->has_events = true;
}

bool kith_rtp_tell_ended(kith_rtp_session *s, uint32_t *ssrc)
{
    kith_rtp_ended *ended = &s->ended;
    for (*ssrc = 0; *ssrc == 0 && ended->untold > 0; ended->untold--)
        *ssrc =
            ended->ssrcs[(ended->next + KITH_RTP_MAX_ENDED - ended->untold) % KITH_RTP_MAX_ENDED];
    return *ssrc != 0;
}
