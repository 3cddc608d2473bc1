/* docs/examples/mirror.c with codecs that kith does not know: it declares them, and mirrors their
 * packets. */
#include <kith/kith.h>

static kith_err new_with_codecs(kith_pc **out, kith_endpoint *ep, const kith_pc_config *config)
{
    static const kith_rtp_codec codecs[] = {
        {.mime_type = "video/VP9", .clock_rate = 90000},
        {.mime_type = "audio/G722", .clock_rate = 8000, .channels = 1, .payload_type = 9},
    };
    kith_err err = kith_pc_new(out, ep, config);
    return err == KITH_OK ? kith_pc_set_codecs(*out, codecs, 2) : err;
}

#define kith_pc_new new_with_codecs
#include "../../docs/examples/mirror.c"
