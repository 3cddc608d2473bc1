/* The dictionaries that signalling carries, as JSON exactly as a browser's JSON.stringify gives
 * and takes them. Texts handed out are the caller's (kith_free). Texts read are bounded and
 * checked: RANGE above 1 MiB, SYNTAX for what is no JSON (in UTF-8, without NUL), TYPE for a
 * member that is missing or of the wrong type. */
#ifndef KITH_JSON_H
#define KITH_JSON_H

#include "kith/stats.h"

#ifdef __cplusplus
extern "C" {
#endif

/* {"type":"offer","sdp":"v=0…"} */
KITH_API KITH_MUST_CHECK kith_err
kith_session_description_to_json(const kith_session_description *d, char **json);
/* {"candidate":"candidate:…","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"…"} */
KITH_API KITH_MUST_CHECK kith_err kith_ice_candidate_to_json(const kith_ice_candidate *c,
                                                             char **json);

/* What a signalling text said. */
typedef enum kith_signaling_message_type {
    KITH_SIGNALING_MESSAGE_DESCRIPTION,
    KITH_SIGNALING_MESSAGE_CANDIDATE
} kith_signaling_message_type;

/* owns the strings */
typedef struct kith_signaling_message kith_signaling_message;

/* Reads either dictionary, also inside {"description":…} or {"candidate":…} as MDN has it; other
 * members are ignored. What has a "candidate" is a candidate. The text `null`, which a browser's
 * onicecandidate gives at the end of gathering, is a candidate too: the NULL that ends all
 * candidates. */
KITH_API KITH_MUST_CHECK kith_err kith_signaling_message_from_json(const char *json, size_t len,
                                                                   kith_signaling_message **out);
/* NULL is fine. */
KITH_API void kith_signaling_message_free(kith_signaling_message *message);
/* Which of the two it is. */
KITH_API kith_signaling_message_type
kith_signaling_message_get_type(const kith_signaling_message *message);
/* NULL for a candidate. Borrowed. */
KITH_API const kith_session_description *kith_signaling_message_description(
    const kith_signaling_message *message);
/* NULL for a description, and for the end of all candidates. Borrowed. */
KITH_API const kith_ice_candidate *kith_signaling_message_candidate(
    const kith_signaling_message *message);

/* Gives what the text said to pc: set_remote_description or add_ice_candidate. */
KITH_API KITH_MUST_CHECK kith_err kith_pc_apply_json(kith_pc *pc, const char *json, size_t len);

/* An array of the report's objects with W3C member names, as [...report.values()] gives. */
KITH_API KITH_MUST_CHECK kith_err kith_stats_report_to_json(const kith_stats_report *report,
                                                            char **json);

#ifdef __cplusplus
}
#endif
#endif
