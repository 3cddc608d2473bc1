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
typedef enum kith_signal_type { KITH_SIGNAL_DESCRIPTION, KITH_SIGNAL_CANDIDATE } kith_signal_type;

typedef struct kith_signal kith_signal; /* owns the strings */

/* Reads either dictionary; other members are ignored. What has a "candidate" is a candidate. The
 * text `null`, which a browser's onicecandidate gives at the end of gathering, is a candidate
 * too: the NULL that ends all candidates. */
KITH_API KITH_MUST_CHECK kith_err kith_signal_from_json(const char *json, size_t len,
                                                        kith_signal **out);
KITH_API kith_signal_type kith_signal_get_type(const kith_signal *signal);
KITH_API const kith_session_description *kith_signal_description(
    const kith_signal *signal);                                                      /* or NULL */
KITH_API const kith_ice_candidate *kith_signal_candidate(const kith_signal *signal); /* or NULL */
KITH_API void kith_signal_free(kith_signal *signal);

/* Gives what the text said to pc: set_remote_description or add_ice_candidate. */
KITH_API KITH_MUST_CHECK kith_err kith_pc_apply_json(kith_pc *pc, const char *json, size_t len);

/* An array of the report's objects with W3C member names, as [...report.values()] gives. */
KITH_API KITH_MUST_CHECK kith_err kith_stats_report_to_json(const kith_stats_report *report,
                                                            char **json);

#ifdef __cplusplus
}
#endif
#endif
