/* Statistics as JSON: W3C's names and units, and nothing that is not known. */
#include "../unit.h"

#include "json/stats.h"

static const char *json(const kith_stats *stats)
{
    static char buf[1024];
    kith_writer w = kith_wr(buf, sizeof buf);
    kith_stats_write_json(&w, stats);
    kith_wr_u8(&w, 0);
    ck_assert(!w.bad);
    return buf;
}

START_TEST(a_peer_connection_counts_its_channels)
{
    kith_stats stats = {.type = KITH_STATS_PEER_CONNECTION,
                        .id = "P",
                        .timestamp = 1763825000123.5,
                        .peer_connection = {.data_channels_opened = 2, .data_channels_closed = 1}};
    ck_assert_str_eq(json(&stats),
                     "{\"id\":\"P\",\"timestamp\":1763825000123.5,\"type\":\"peer-connection\","
                     "\"dataChannelsOpened\":2,\"dataChannelsClosed\":1}");
}
END_TEST

START_TEST(what_is_unknown_is_left_out)
{
    kith_stats stats = {.type = KITH_STATS_DATA_CHANNEL,
                        .id = "D1",
                        .data_channel = {.label = "x", .data_channel_identifier = -1}};
    ck_assert_str_eq(json(&stats), "{\"id\":\"D1\",\"timestamp\":0,\"type\":\"data-channel\","
                                   "\"label\":\"x\",\"messagesSent\":0,\"bytesSent\":0,"
                                   "\"messagesReceived\":0,\"bytesReceived\":0}");
    stats.data_channel.data_channel_identifier = 0;
    stats.data_channel.bytes_sent = UINT64_MAX;
    ck_assert_str_eq(json(&stats),
                     "{\"id\":\"D1\",\"timestamp\":0,\"type\":\"data-channel\",\"label\":\"x\","
                     "\"dataChannelIdentifier\":0,\"messagesSent\":0,"
                     "\"bytesSent\":18446744073709551615,\"messagesReceived\":0,"
                     "\"bytesReceived\":0}");
}
END_TEST

START_TEST(a_candidate_pair_has_times_in_seconds_and_timestamps_in_unix_milliseconds)
{
    kith_stats stats = {.type = KITH_STATS_CANDIDATE_PAIR,
                        .id = "CP1",
                        .timestamp = 5,
                        .candidate_pair = {.transport_id = "T0",
                                           .state = "succeeded",
                                           .nominated = true,
                                           .priority = 9115038255631187454,
                                           .last_packet_sent_timestamp = 1763825000000.25,
                                           .total_round_trip_time = 0.0035,
                                           .current_round_trip_time = 0.001}};
    ck_assert_str_eq(json(&stats),
                     "{\"id\":\"CP1\",\"timestamp\":5,\"type\":\"candidate-pair\","
                     "\"transportId\":\"T0\",\"state\":\"succeeded\",\"nominated\":true,"
                     "\"priority\":9115038255631187454,\"packetsSent\":0,\"packetsReceived\":0,"
                     "\"bytesSent\":0,\"bytesReceived\":0,"
                     "\"lastPacketSentTimestamp\":1763825000000.25,\"totalRoundTripTime\":0.0035,"
                     "\"currentRoundTripTime\":0.001,\"requestsReceived\":0,\"requestsSent\":0,"
                     "\"responsesReceived\":0,\"responsesSent\":0,\"consentRequestsSent\":0}");
}
END_TEST

START_TEST(local_and_remote_candidates_have_the_same_members)
{
    kith_stats stats = {.type = KITH_STATS_REMOTE_CANDIDATE,
                        .id = "I2",
                        .candidate = {.address = "192.0.2.1",
                                      .port = 5000,
                                      .protocol = "udp",
                                      .candidate_type = "srflx",
                                      .priority = 7,
                                      .related_address = "10.0.0.1",
                                      .related_port = 9}};
    ck_assert_str_eq(json(&stats), "{\"id\":\"I2\",\"timestamp\":0,\"type\":\"remote-candidate\","
                                   "\"address\":\"192.0.2.1\",\"port\":5000,\"protocol\":\"udp\","
                                   "\"candidateType\":\"srflx\",\"priority\":7,"
                                   "\"relatedAddress\":\"10.0.0.1\",\"relatedPort\":9}");
}
END_TEST

START_TEST(a_relayed_candidate_says_how_its_server_is_reached)
{
    kith_stats stats = {.type = KITH_STATS_LOCAL_CANDIDATE,
                        .id = "I1",
                        .candidate = {.port = 5000, .url = "turn:x", .relay_protocol = "udp"}};
    ck_assert_str_eq(json(&stats), "{\"id\":\"I1\",\"timestamp\":0,\"type\":\"local-candidate\","
                                   "\"port\":5000,\"priority\":0,\"url\":\"turn:x\","
                                   "\"relayProtocol\":\"udp\"}");
}
END_TEST

START_TEST(transport_and_certificate_carry_their_texts)
{
    kith_stats stats = {.type = KITH_STATS_TRANSPORT,
                        .id = "T0",
                        .transport = {.packets_sent = 1,
                                      .ice_role = "controlling",
                                      .dtls_state = "connected",
                                      .selected_candidate_pair_changes = 1}};
    ck_assert_str_eq(json(&stats),
                     "{\"id\":\"T0\",\"timestamp\":0,\"type\":\"transport\",\"packetsSent\":1,"
                     "\"packetsReceived\":0,\"bytesSent\":0,\"bytesReceived\":0,"
                     "\"iceRole\":\"controlling\",\"dtlsState\":\"connected\","
                     "\"selectedCandidatePairChanges\":1}");
    stats =
        (kith_stats){.type = KITH_STATS_CERTIFICATE,
                     .id = "C",
                     .certificate = {.fingerprint = "AB:CD", .fingerprint_algorithm = "sha-256"}};
    ck_assert_str_eq(json(&stats),
                     "{\"id\":\"C\",\"timestamp\":0,\"type\":\"certificate\","
                     "\"fingerprint\":\"AB:CD\",\"fingerprintAlgorithm\":\"sha-256\"}");
}
END_TEST

START_TEST(a_received_stream_has_its_numbers)
{
    kith_stats stats = {.type = KITH_STATS_INBOUND_RTP,
                        .id = "IT0V7",
                        .inbound_rtp = {.ssrc = 7,
                                        .kind = "video",
                                        .transport_id = "T0",
                                        .packets_received = 100,
                                        .packets_lost = -2,
                                        .jitter = 0.0125,
                                        .frame_width = 640,
                                        .frame_height = 480,
                                        .frames_received = 0,
                                        .packets_discarded = -1,
                                        .frames_dropped = 6,
                                        .frames_assembled_from_multiple_packets = 9,
                                        .total_assembly_time = 0.5,
                                        .fir_count = 0,
                                        .pli_count = 3,
                                        .nack_count = 5,
                                        .retransmitted_packets_received = 4,
                                        .retransmitted_bytes_received = 4000,
                                        .rtx_ssrc = 8}};
    ck_assert_str_eq(json(&stats),
                     "{\"id\":\"IT0V7\",\"timestamp\":0,\"type\":\"inbound-rtp\",\"ssrc\":7,"
                     "\"kind\":\"video\",\"transportId\":\"T0\",\"packetsReceived\":100,"
                     "\"packetsLost\":-2,\"jitter\":0.0125,\"frameWidth\":640,\"frameHeight\":480,"
                     "\"headerBytesReceived\":0,\"bytesReceived\":0,\"nackCount\":5,\"firCount\":0,"
                     "\"pliCount\":3,\"framesReceived\":0,\"framesDropped\":6,"
                     "\"framesAssembledFromMultiplePackets\":9,\"totalAssemblyTime\":0.5,"
                     "\"retransmittedPacketsReceived\":4,"
                     "\"retransmittedBytesReceived\":4000,\"rtxSsrc\":8}");
}
END_TEST

START_TEST(a_sent_stream_of_audio_has_no_members_of_video)
{
    kith_stats stats = {.type = KITH_STATS_OUTBOUND_RTP,
                        .id = "OT0A7",
                        .outbound_rtp = {.ssrc = 7,
                                         .kind = "audio",
                                         .codec_id = "COT0_111",
                                         .mid = "0",
                                         .media_source_id = "SA1",
                                         .frames_sent = -1,
                                         .key_frames_encoded = -1,
                                         .frames_encoded = -1,
                                         .huge_frames_sent = -1,
                                         .total_packet_send_delay = 0.25,
                                         .fir_count = -1,
                                         .pli_count = -1,
                                         .target_bitrate = 32000,
                                         .active = true}};
    ck_assert_str_eq(json(&stats),
                     "{\"id\":\"OT0A7\",\"timestamp\":0,\"type\":\"outbound-rtp\",\"ssrc\":7,"
                     "\"kind\":\"audio\",\"codecId\":\"COT0_111\",\"packetsSent\":0,"
                     "\"bytesSent\":0,\"mid\":\"0\",\"mediaSourceId\":\"SA1\","
                     "\"headerBytesSent\":0,\"retransmittedPacketsSent\":0,"
                     "\"retransmittedBytesSent\":0,\"totalPacketSendDelay\":0.25,"
                     "\"nackCount\":0,\"targetBitrate\":32000,\"active\":true}");
}
END_TEST

START_TEST(what_the_peer_reported_has_w3c_names)
{
    kith_stats stats = {.type = KITH_STATS_REMOTE_INBOUND_RTP,
                        .id = "RIT0A7",
                        .remote_inbound_rtp = {.ssrc = 7,
                                               .kind = "audio",
                                               .packets_lost = 1,
                                               .jitter = 0.5,
                                               .local_id = "OT0A7",
                                               .fraction_lost = 0.25}};
    ck_assert_str_eq(json(&stats),
                     "{\"id\":\"RIT0A7\",\"timestamp\":0,\"type\":\"remote-inbound-rtp\","
                     "\"ssrc\":7,\"kind\":\"audio\",\"packetsLost\":1,\"jitter\":0.5,"
                     "\"localId\":\"OT0A7\",\"totalRoundTripTime\":0,\"fractionLost\":0.25,"
                     "\"roundTripTimeMeasurements\":0}");
    stats = (kith_stats){.type = KITH_STATS_REMOTE_OUTBOUND_RTP,
                         .id = "ROT0A7",
                         .remote_outbound_rtp = {.ssrc = 7,
                                                 .kind = "audio",
                                                 .packets_sent = 5,
                                                 .local_id = "IT0A7",
                                                 .remote_timestamp = 1.5,
                                                 .reports_sent = 2}};
    ck_assert_str_eq(json(&stats),
                     "{\"id\":\"ROT0A7\",\"timestamp\":0,\"type\":\"remote-outbound-rtp\","
                     "\"ssrc\":7,\"kind\":\"audio\",\"packetsSent\":5,\"bytesSent\":0,"
                     "\"localId\":\"IT0A7\",\"remoteTimestamp\":1.5,\"reportsSent\":2,"
                     "\"totalRoundTripTime\":0,\"roundTripTimeMeasurements\":0}");
}
END_TEST

START_TEST(codecs_and_sources_say_what_they_are)
{
    kith_stats stats = {.type = KITH_STATS_CODEC,
                        .id = "CIT0_0",
                        .codec = {.transport_id = "T0",
                                  .payload_type = 0,
                                  .mime_type = "audio/PCMU",
                                  .clock_rate = 8000,
                                  .channels = 1}};
    ck_assert_str_eq(json(&stats),
                     "{\"id\":\"CIT0_0\",\"timestamp\":0,\"type\":\"codec\",\"payloadType\":0,"
                     "\"transportId\":\"T0\",\"mimeType\":\"audio/PCMU\",\"clockRate\":8000,"
                     "\"channels\":1}");
    stats = (kith_stats){.type = KITH_STATS_MEDIA_SOURCE,
                         .id = "SV1",
                         .media_source = {.track_identifier = "x", .kind = "video", .frames = 9}};
    ck_assert_str_eq(json(&stats), "{\"id\":\"SV1\",\"timestamp\":0,\"type\":\"media-source\","
                                   "\"trackIdentifier\":\"x\",\"kind\":\"video\",\"frames\":9}");
}
END_TEST

UNIT_MAIN("json: stats", a_peer_connection_counts_its_channels, what_is_unknown_is_left_out,
          a_candidate_pair_has_times_in_seconds_and_timestamps_in_unix_milliseconds,
          local_and_remote_candidates_have_the_same_members,
          a_relayed_candidate_says_how_its_server_is_reached,
          transport_and_certificate_carry_their_texts, a_received_stream_has_its_numbers,
          a_sent_stream_of_audio_has_no_members_of_video, what_the_peer_reported_has_w3c_names,
          codecs_and_sources_say_what_they_are)
