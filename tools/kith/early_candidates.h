/* Candidates that come before the description that they belong to: signalling that is not one
 * ordered stream brings them so. W3C's addIceCandidate refuses them, so they are kept. */
#ifndef KITH_TOOL_EARLY_CANDIDATES_H
#define KITH_TOOL_EARLY_CANDIDATES_H

#include "kith/kith.h"

/* Bytes of JSON that a peer without a remote description may make us keep: some 300 candidates. */
#define EARLY_CANDIDATES_MAX ((size_t)64 * 1024)

/* Zeros: empty. */
typedef struct early_candidates {
    /* each text ends with a NUL */
    char *texts;
    size_t len;
} early_candidates;

/* Keeps a candidate's JSON, copied. RANGE, told by kith_err_text only, when there are too many. */
kith_err early_candidates_keep(early_candidates *early, const char *json, size_t len);
/* Gives them all to pc, which has its remote description; what it refuses is left out. The result
 * of the first that was refused. */
kith_err early_candidates_give(early_candidates *early, kith_pc *pc);
void early_candidates_clear(early_candidates *early);

#endif
