/* A description's tree as JSON: a function for each struct of wire/sdp.h, in its order. It shows
 * the tree as it was written; what a section inherits from the session is not copied into it. */
#include "sdp_tree.h"

/* ---- members; what is absent is left out ---- */

static void put(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

static void put_text(json_t *object, const char *key, const char *text)
{
    if (text)
        put(object, key, json_string(text));
}

static void put_flag(json_t *object, const char *key, bool flag)
{
    if (flag)
        put(object, key, json_true());
}

static void put_number(json_t *object, const char *key, uint64_t number)
{
    put(object, key, json_integer((json_int_t)number));
}

/* Numbers that JSON's readers would round (RFC 8259 section 6) are texts. */
static void put_large(json_t *object, const char *key, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    if (number < UINT64_C(1) << 53)
        put_number(object, key, number);
    else
        put_text(object, key, text);
}

static void put_count(json_t *object, const char *key, uint32_t count)
{
    if (count > 0)
        put_number(object, key, count);
}

/* An array under key if there is anything in it. */
static void put_array(json_t *object, const char *key, json_t *array)
{
    if (json_array_size(array) > 0)
        put(object, key, array);
    else
        json_decref(array);
}

static json_t *texts(const kith_sdp_texts *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_string(list->items[i]));
    return array;
}

/* The array of what `convert` makes of each item of a list. */
#define EACH(list, array, convert)                     \
    json_t *array = json_array();                      \
    for (size_t each = 0; each < (list).count; each++) \
    json_array_append_new(array, convert(&(list).items[each]))

/* ---- at either level ---- */

static json_t *connection(const kith_sdp_connection *c)
{
    json_t *object = json_object();
    put_text(object, "networkType", c->nettype);
    put_text(object, "addressType", c->addrtype);
    put_text(object, "address", c->address);
    return object;
}

static json_t *bandwidth(const kith_sdp_bandwidth *b)
{
    json_t *object = json_object();
    put_text(object, "type", b->type);
    put_large(object, "value", b->value);
    return object;
}

static json_t *fingerprint(const kith_fingerprint *fp)
{
    char hex[KITH_FINGERPRINT_TEXT];
    json_t *object = json_object();
    put_text(object, "algorithm", kith_hash_name(fp->hash));
    put_text(object, "value", kith_fingerprint_format(fp, hex));
    return object;
}

static json_t *extmap(const kith_sdp_extmap *map)
{
    json_t *object = json_object();
    put_number(object, "id", map->id);
    put_text(object, "direction", kith_sdp_direction_text(map->direction));
    put_text(object, "uri", map->uri);
    put_text(object, "attributes", map->attributes);
    return object;
}

static void put_common(json_t *object, const kith_sdp_common *common)
{
    put_text(object, "information", common->information);
    if (common->connection.address)
        put(object, "connection", connection(&common->connection));
    EACH(common->bandwidths, bandwidths, bandwidth);
    put_array(object, "bandwidths", bandwidths);
    put_text(object, "direction", kith_sdp_direction_text(common->direction));
    put_text(object, "iceUfrag", common->ice_ufrag);
    put_text(object, "icePwd", common->ice_pwd);
    put_array(object, "iceOptions", texts(&common->ice_options));
    put_flag(object, "endOfCandidates", common->end_of_candidates);
    EACH(common->fingerprints, fingerprints, fingerprint);
    put_array(object, "fingerprints", fingerprints);
    put_count(object, "ignoredFingerprints", common->ignored_fingerprints);
    put_text(object, "setup", kith_sdp_setup_text(common->setup));
    put_text(object, "tlsId", common->tls_id);
    EACH(common->extmaps, extmaps, extmap);
    put_array(object, "extmaps", extmaps);
    put_flag(object, "extmapAllowMixed", common->extmap_allow_mixed);
}

/* ---- of the media sections ---- */

static json_t *candidate(const kith_candidate *c)
{
    static const char *const tcp_types[] = {NULL, "active", "passive", "so"};
    char ip[KITH_ADDRESS_TEXT];
    kith_address address = c->address, related = c->related;
    address.port = related.port = 0;
    json_t *object = json_object();
    put_text(object, "foundation", c->foundation);
    put_number(object, "component", c->component);
    put_text(object, "protocol", c->protocol == KITH_TCP ? "tcp" : "udp");
    put_number(object, "priority", c->priority);
    put_text(object, "address",
             c->hostname[0] ? c->hostname : kith_address_format_ip(&address, ip, sizeof ip));
    put_number(object, "port", c->address.port);
    put_text(object, "type", kith_candidate_type_name(c->type));
    put_text(object, "tcpType", tcp_types[c->tcp_type]);
    if (c->related.family != 0) {
        put_text(object, "relatedAddress", kith_address_format_ip(&related, ip, sizeof ip));
        put_number(object, "relatedPort", c->related.port);
    }
    put_text(object, "usernameFragment", c->ufrag[0] ? c->ufrag : NULL);
    return object;
}

static json_t *sctpmap(const kith_sdp_sctpmap *map)
{
    json_t *object = json_object();
    put_number(object, "port", map->port);
    put_text(object, "protocol", map->protocol);
    put_count(object, "streams", map->streams);
    return object;
}

static json_t *msid(const kith_sdp_msid *m)
{
    json_t *object = json_object();
    put_text(object, "stream", m->stream);
    put_text(object, "track", m->track);
    return object;
}

static json_t *rtpmap(const kith_sdp_rtpmap *map)
{
    json_t *object = json_object();
    put_number(object, "payloadType", map->payload_type);
    put_text(object, "name", map->name);
    put_number(object, "clockRate", map->clock_rate);
    put_count(object, "channels", map->channels);
    return object;
}

static json_t *fmtp(const kith_sdp_fmtp *f)
{
    json_t *object = json_object();
    if (f->payload_type >= 0)
        put_number(object, "payloadType", (uint64_t)f->payload_type);
    else
        put_text(object, "format", f->format);
    put_text(object, "parameters", f->parameters);
    return object;
}

static json_t *rtcp_fb(const kith_sdp_rtcp_fb *fb)
{
    json_t *object = json_object();
    if (fb->payload_type >= 0)
        put_number(object, "payloadType", (uint64_t)fb->payload_type);
    else
        put_text(object, "payloadType", "*");
    put_text(object, "type", fb->type);
    put_text(object, "parameter", fb->parameter);
    return object;
}

static json_t *source(const kith_sdp_ssrc *ssrc)
{
    json_t *object = json_object();
    put_number(object, "ssrc", ssrc->ssrc);
    put_text(object, "attribute", ssrc->attribute);
    put_text(object, "value", ssrc->value);
    return object;
}

static json_t *source_number(const uint32_t *ssrc)
{
    return json_integer((json_int_t)*ssrc);
}

static json_t *source_group(const kith_sdp_ssrc_group *group)
{
    json_t *object = json_object();
    put_text(object, "semantics", group->semantics);
    EACH(group->ssrcs, ssrcs, source_number);
    put(object, "ssrcs", ssrcs);
    return object;
}

static json_t *payload_type(const uint8_t *type)
{
    return json_integer((json_int_t)*type);
}

static json_t *rid(const kith_sdp_rid *r)
{
    json_t *object = json_object();
    put_text(object, "id", r->id);
    put_text(object, "direction", r->send ? "send" : "recv");
    EACH(r->payload_types, types, payload_type);
    put_array(object, "payloadTypes", types);
    json_t *restrictions = json_object();
    for (size_t i = 0; i < r->restrictions.count; i++) {
        const char *value = r->restrictions.items[i].value;
        put(restrictions, r->restrictions.items[i].name, value ? json_string(value) : json_null());
    }
    put(object, "restrictions", restrictions);
    return object;
}

static json_t *simulcast_rid(const kith_sdp_simulcast_rid *r)
{
    json_t *object = json_object();
    put_text(object, "rid", r->id);
    put_flag(object, "paused", r->paused);
    return object;
}

static json_t *simulcast_stream(const kith_sdp_simulcast_stream *stream)
{
    EACH(*stream, alternatives, simulcast_rid);
    return alternatives;
}

static void put_simulcast(json_t *object, const kith_sdp_media *m)
{
    if (m->simulcast_send.count == 0 && m->simulcast_recv.count == 0)
        return;
    json_t *both = json_object();
    EACH(m->simulcast_send, send, simulcast_stream);
    EACH(m->simulcast_recv, recv, simulcast_stream);
    put_array(both, "send", send);
    put_array(both, "recv", recv);
    put(object, "simulcast", both);
}

static void put_sctp(json_t *object, const kith_sdp_media *m)
{
    if (m->has_sctp_port)
        put_number(object, "sctpPort", m->sctp_port);
    if (m->has_max_message_size)
        put_large(object, "maxMessageSize", m->max_message_size);
    EACH(m->sctpmaps, sctpmaps, sctpmap);
    put_array(object, "sctpmaps", sctpmaps);
    put_array(object, "dcmaps", texts(&m->dcmaps));
    put_array(object, "dcsas", texts(&m->dcsas));
}

static void put_rtcp(json_t *object, const kith_sdp_media *m)
{
    put_flag(object, "rtcpMux", m->rtcp_mux);
    put_flag(object, "rtcpMuxOnly", m->rtcp_mux_only);
    put_flag(object, "rtcpRsize", m->rtcp_rsize);
    put_text(object, "rtcpXr", m->rtcp_xr);
    if (!m->has_rtcp)
        return;
    json_t *rtcp = m->rtcp_connection.address ? connection(&m->rtcp_connection) : json_object();
    put_number(rtcp, "port", m->rtcp_port);
    put(object, "rtcp", rtcp);
}

static void put_rtp(json_t *object, const kith_sdp_media *m)
{
    put_rtcp(object, m);
    EACH(m->msids, msids, msid);
    put_array(object, "msids", msids);
    EACH(m->rtpmaps, rtpmaps, rtpmap);
    put_array(object, "rtpmaps", rtpmaps);
    EACH(m->fmtps, fmtps, fmtp);
    put_array(object, "fmtps", fmtps);
    EACH(m->rtcp_fbs, feedback, rtcp_fb);
    put_array(object, "rtcpFeedback", feedback);
    EACH(m->ssrcs, sources, source);
    put_array(object, "ssrcs", sources);
    EACH(m->ssrc_groups, groups, source_group);
    put_array(object, "ssrcGroups", groups);
    EACH(m->rids, rids, rid);
    put_array(object, "rids", rids);
    put_simulcast(object, m);
    put_array(object, "imageattrs", texts(&m->imageattrs));
    put_text(object, "ptime", m->ptime);
    put_text(object, "maxptime", m->maxptime);
    put_text(object, "framerate", m->framerate);
    put_text(object, "label", m->label);
    put_text(object, "content", m->content);
}

static json_t *media(kith_sdp_media *const *item)
{
    const kith_sdp_media *m = *item;
    json_t *object = json_object();
    put_number(object, "line", (uint64_t)m->line);
    put_text(object, "kind", m->kind);
    put_number(object, "port", m->port);
    put_count(object, "portCount", m->num_ports);
    put_text(object, "protocol", m->proto);
    put(object, "formats", texts(&m->formats));
    put_text(object, "mid", m->mid);
    put_flag(object, "bundleOnly", m->bundle_only);
    put_common(object, &m->common);
    put_flag(object, "iceMismatch", m->ice_mismatch);
    EACH(m->candidates, candidates, candidate);
    put_array(object, "candidates", candidates);
    put_count(object, "ignoredCandidates", m->ignored_candidates);
    put_text(object, "remoteCandidates", m->remote_candidates);
    put_sctp(object, m);
    put_rtp(object, m);
    return object;
}

/* ---- of the session ---- */

static json_t *origin(const kith_sdp_origin *o)
{
    json_t *object = json_object();
    put_text(object, "username", o->username);
    put_large(object, "sessionId", o->session_id);
    put_large(object, "sessionVersion", o->session_version);
    put_text(object, "networkType", o->nettype);
    put_text(object, "addressType", o->addrtype);
    put_text(object, "address", o->address);
    return object;
}

static json_t *time_of(const kith_sdp_time *t)
{
    json_t *object = json_object();
    put_large(object, "start", t->start);
    put_large(object, "stop", t->stop);
    put_array(object, "repeats", texts(&t->repeats));
    return object;
}

static json_t *remark(const kith_sdp_remark *r)
{
    json_t *object = json_object();
    put(object, "line", json_integer(r->line));
    put_text(object, "reason", r->text);
    return object;
}

static json_t *group(const kith_sdp_group *g)
{
    json_t *object = json_object();
    put_text(object, "semantics", g->semantics);
    put(object, "mids", texts(&g->mids));
    return object;
}

json_t *sdp_tree_to_json(const kith_sdp *sdp)
{
    json_t *object = json_object();
    put(object, "origin", origin(&sdp->origin));
    put_text(object, "name", sdp->name);
    put_text(object, "uri", sdp->uri);
    put_array(object, "emails", texts(&sdp->emails));
    put_array(object, "phones", texts(&sdp->phones));
    EACH(sdp->times, times, time_of);
    put(object, "times", times);
    put_text(object, "zones", sdp->zones);
    EACH(sdp->groups, groups, group);
    put_array(object, "groups", groups);
    put_flag(object, "iceLite", sdp->ice_lite);
    put_count(object, "icePacing", sdp->ice_pacing_ms);
    put_text(object, "identity", sdp->identity);
    put_array(object, "msidSemantics", texts(&sdp->msid_semantics));
    put_common(object, &sdp->common);
    EACH(sdp->media, sections, media);
    put(object, "media", sections);
    put_count(object, "ignoredAttributes", sdp->ignored_attributes);
    put_count(object, "ignoredLines", sdp->ignored_lines);
    EACH(sdp->remarks, remarks, remark);
    put_array(object, "remarks", remarks);
    return object;
}
