/* Texts one behind the other in a block that grows. */
#include "early_candidates.h"

#include <stdlib.h>
#include <string.h>

#include "tool.h"

kith_err early_candidates_keep(early_candidates *early, const char *json, size_t len)
{
    if (len >= EARLY_CANDIDATES_MAX - early->len)
        return KITH_ERR_RANGE;
    early->texts = tool_resize(early->texts, early->len + len + 1);
    memcpy(early->texts + early->len, json, len);
    early->texts[early->len + len] = '\0';
    early->len += len + 1;
    return KITH_OK;
}

kith_err early_candidates_give(early_candidates *early, kith_pc *pc)
{
    kith_err first = KITH_OK;
    for (size_t at = 0; at < early->len; at += strlen(early->texts + at) + 1) {
        kith_err err = kith_pc_apply_json(pc, early->texts + at, strlen(early->texts + at));
        first = first == KITH_OK ? err : first;
    }
    early_candidates_clear(early);
    return first;
}

void early_candidates_clear(early_candidates *early)
{
    free(early->texts);
    *early = (early_candidates){0};
}
