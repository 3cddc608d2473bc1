/* A description's tree as JSON. Not a standard form: names follow the W3C's style, values the
 * RFCs'. */
#ifndef KITH_TOOL_SDP_TREE_H
#define KITH_TOOL_SDP_TREE_H

#include <jansson.h>

#include "wire/sdp.h"

/* A new object with everything the description says; what it does not say is left out. The caller's
 * (json_decref). */
json_t *sdp_tree_to_json(const kith_sdp *sdp);

#endif
