/* Signalling JSON: what is read is written as a text that reads the same. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "kith/json.h"

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void compare(const kith_signaling_message *a, const kith_signaling_message *b)
{
    assert(kith_signaling_message_get_type(a) == kith_signaling_message_get_type(b));
    const kith_session_description *d = kith_signaling_message_description(a);
    const kith_ice_candidate *c = kith_signaling_message_candidate(a);
    if (d) {
        const kith_session_description *other = kith_signaling_message_description(b);
        assert(d->type == other->type);
        assert(strcmp(d->sdp ? d->sdp : "", other->sdp) == 0);
    }
    if (c) {
        const kith_ice_candidate *other = kith_signaling_message_candidate(b);
        assert(same(c->candidate, other->candidate) && same(c->sdp_mid, other->sdp_mid));
        assert(c->sdp_m_line_index == other->sdp_m_line_index);
        assert(same(c->username_fragment, other->username_fragment));
    }
}

static kith_err write(const kith_signaling_message *signal, char **json)
{
    if (kith_signaling_message_description(signal))
        return kith_session_description_to_json(kith_signaling_message_description(signal), json);
    return kith_ice_candidate_to_json(kith_signaling_message_candidate(signal), json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kith_signaling_message *signal, *again;
    char *json;
    if (kith_signaling_message_from_json((const char *)data, size, &signal) != KITH_OK)
        return 0;
    bool is_null =
        !kith_signaling_message_description(signal) && !kith_signaling_message_candidate(signal);
    if (!is_null && write(signal, &json) == KITH_OK) {
        if (kith_signaling_message_from_json(json, strlen(json), &again) != KITH_OK)
            assert(false);
        compare(signal, again);
        kith_signaling_message_free(again);
        kith_free(json);
    }
    kith_signaling_message_free(signal);
    return 0;
}
