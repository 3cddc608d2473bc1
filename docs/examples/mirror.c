/* A mirror for camera and microphone: what a browser sends goes back to it as it came.
 *
 *   ./mirror         waits for offers
 *   ./mirror offer   offers audio and video
 *
 * Lines of JSON go both ways: descriptions and candidates, as JSON.stringify gives them; the page
 * of `kith serve -- ./mirror` does so. In another, with what carries lines in place of `socket`:
 *
 *   pc = new RTCPeerConnection()
 *   pc.onicecandidate = e => socket.send(JSON.stringify(e.candidate))
 *   socket.onmessage = async m => { const said = JSON.parse(m.data)
 *       await (said.sdp ? pc.setRemoteDescription(said) : pc.addIceCandidate(said)) }
 *   pc.ontrack = e => { video.srcObject = e.streams[0] ?? new MediaStream([e.track]) }
 *   media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true })
 *   media.getTracks().forEach(track => pc.addTrack(track, media))
 *   await pc.setLocalDescription(); socket.send(JSON.stringify(pc.localDescription)) */
#include <kith/kith.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(kith_err err)
{
    if (err == KITH_OK)
        return;
    fprintf(stderr, "%s\n", kith_last_error()->message);
    exit(1);
}

/* Sets the offer or answer that is due, and tells it. Where the browser sends we do, too. */
static void describe(kith_pc *pc)
{
    char *json;
    for (size_t i = 0; i < kith_pc_transceiver_count(pc); i++) {
        kith_transceiver *transceiver = kith_pc_transceiver_at(pc, i);
        if (kith_transceiver_direction(transceiver) == KITH_DIRECTION_RECVONLY)
            must(kith_transceiver_set_direction(transceiver, KITH_DIRECTION_SENDRECV));
    }
    must(kith_pc_set_local_description(pc, NULL));
    must(kith_session_description_to_json(kith_pc_local_description(pc), &json));
    puts(json);
    kith_free(json);
}

static void on_event(kith_loop *loop, const kith_event *ev, void *user)
{
    (void)loop, (void)user;
    char *json;
    switch (ev->type) {
    case KITH_EV_NEGOTIATION_NEEDED:
        describe(ev->pc);
        break;
    case KITH_EV_ICE_CANDIDATE:
        must(kith_ice_candidate_to_json(&ev->ice_candidate, &json));
        puts(json);
        kith_free(json);
        break;
    case KITH_EV_RTP: /* what cannot be sent, while the browser does not want it, is dropped */
        (void)!kith_sender_send_rtp(ev->sender, ev->rtp);
        break;
    case KITH_EV_KEY_FRAME_REQUEST: /* the browser that needs one is the browser that makes it */
        kith_receiver_request_key_frame(ev->receiver);
        break;
    case KITH_EV_SENDER_STATE:
        if (kith_sender_codec(ev->sender))
            fprintf(stderr, "sending %s\n", kith_sender_codec(ev->sender)->mime_type);
        break;
    default:
        break;
    }
}

int main(int argc, char **argv)
{
    kith_loop_config config = KITH_LOOP_CONFIG_INIT;
    config.on_event = on_event;
    config.loopback = true;
    kith_loop *loop;
    kith_pc *pc;
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(kith_loop_new(&loop, &config));
    must(kith_pc_new(&pc, kith_loop_endpoint(loop), NULL));
    if (argc > 1 && strcmp(argv[1], "offer") == 0) {
        must(kith_pc_add_transceiver(pc, KITH_AUDIO, NULL, NULL));
        must(kith_pc_add_transceiver(pc, KITH_VIDEO, NULL, NULL));
    }
    must(kith_loop_start(loop));
    static char line[262144];
    while (fgets(line, sizeof line, stdin)) {
        kith_loop_enter(loop);
        must(kith_pc_apply_json(pc, line, strcspn(line, "\n")));
        if (kith_pc_signaling_state(pc) == KITH_SIGNALING_STATE_HAVE_REMOTE_OFFER)
            describe(pc);
        kith_loop_leave(loop);
    }
    kith_loop_free(loop);
    return 0;
}
