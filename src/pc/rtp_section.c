/* Sections of audio and video. Nothing is sent or received in them so far: those in the bundle of
 * the data are accepted, but inactive. */
#include "pc/pc.h"
#include "pc/section.h"

static kith_err check(kith_pc *pc, const kith_section *remote)
{
    (void)pc, (void)remote;
    return KITH_OK;
}

/* RFC 9429 section 5.3.1, RFC 3264 section 6.1: what an accepted section must have, and nothing
 * that would ask for packets. What comes all the same is dropped. */
static void add(kith_draft *draft, const char *mid, const kith_sdp_media *like)
{
    kith_draft_add_unused(draft, mid, like);
}

static kith_err apply(kith_pc *pc, const kith_section *remote)
{
    (void)pc, (void)remote;
    return KITH_OK;
}

const kith_section_kind kith_section_rtp = {
    .matches = kith_sdp_is_rtp, .check = check, .add = add, .apply = apply};
