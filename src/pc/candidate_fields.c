/* RTCIceCandidate's members, from a line or from what the ICE agent knows. The grammar is
 * wire/candidate.c's. */
#include "pc/candidate_fields.h"

#include <stdio.h>

#include "base/address.h"
#include "base/config.h"
#include "base/error.h"

kith_err kith_candidate_fields_of(kith_candidate_fields *out, const kith_candidate *candidate)
{
    kith_candidate_fields fields = {
        .component = candidate->component,
        .port = candidate->address.port,
        .priority = candidate->priority,
        .protocol = candidate->protocol == KITH_UDP ? "udp" : "tcp",
        .type = kith_candidate_type_name(candidate->type),
        .tcp_type = kith_candidate_tcp_type_name(candidate->tcp_type),
        .related_port = candidate->related.port,
    };
    snprintf(fields.foundation, sizeof fields.foundation, "%s", candidate->foundation);
    snprintf(fields.username_fragment, sizeof fields.username_fragment, "%s", candidate->ufrag);
    if (candidate->hostname[0] != '\0')
        snprintf(fields.address, sizeof fields.address, "%s", candidate->hostname);
    else
        kith_address_format_ip(&candidate->address, fields.address, sizeof fields.address);
    if (candidate->related.family != 0)
        kith_address_format_ip(&candidate->related, fields.related_address,
                               sizeof fields.related_address);
    return kith_config_write(out, sizeof fields, &fields, "KITH_CANDIDATE_FIELDS_INIT");
}

kith_err kith_candidate_fields_parse(kith_candidate_fields *out, const char *text)
{
    kith_candidate candidate;
    if (!text || !kith_candidate_parse(&candidate, kith_span_text(text)))
        return kith_fail(KITH_ERR_SYNTAX, "this is no candidate");
    if (candidate.is_unknown)
        return kith_fail(KITH_ERR_NOT_SUPPORTED, "a transport or a type that kith does not know");
    return kith_candidate_fields_of(out, &candidate);
}
