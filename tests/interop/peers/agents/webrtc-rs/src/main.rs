//! webrtc-rs as an agent (README.md beside this folder has the words):
//!
//!     webrtc-rs-agent [--no-trickle]

use std::{collections::HashMap, error::Error, sync::Arc};

use base64::{engine::general_purpose::STANDARD as BASE64, Engine};
use bytes::Bytes;
use serde_json::{json, Value};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::Mutex;
use webrtc::api::interceptor_registry::register_default_interceptors;
use webrtc::api::media_engine::{MediaEngine, MIME_TYPE_OPUS, MIME_TYPE_VP8};
use webrtc::api::APIBuilder;
use webrtc::data_channel::{data_channel_init::RTCDataChannelInit, RTCDataChannel};
use webrtc::ice_transport::ice_candidate::RTCIceCandidateInit;
use webrtc::interceptor::registry::Registry;
use webrtc::peer_connection::offer_answer_options::RTCOfferOptions;
use webrtc::peer_connection::sdp::session_description::RTCSessionDescription;
use webrtc::peer_connection::{configuration::RTCConfiguration, RTCPeerConnection};
use webrtc::rtp_transceiver::rtp_codec::{RTCRtpCodecCapability, RTPCodecType};
use webrtc::track::track_local::track_local_static_rtp::TrackLocalStaticRTP;
use webrtc::track::track_local::TrackLocalWriter;
use webrtc::track::track_remote::TrackRemote;

type Outcome = Result<(), Box<dyn Error>>;
type Channels = Arc<Mutex<HashMap<String, Arc<RTCDataChannel>>>>;

fn say(object: Value) {
    println!("{object}");
}

fn word(command: &Value, member: &str) -> String {
    command[member].as_str().unwrap_or_default().to_string()
}

struct Agent {
    connection: Arc<RTCPeerConnection>,
    channels: Channels,
    trickle: bool,
}

async fn use_channel(channels: &Channels, channel: Arc<RTCDataChannel>) {
    let label = channel.label().to_string();
    channels.lock().await.insert(label.clone(), channel.clone());

    let (opened, of) = (channel.clone(), label.clone());
    channel.on_open(Box::new(move || {
        say(json!({
            "channel": of, "open": true, "ordered": opened.ordered(), "id": opened.id(),
            "maxRetransmits": opened.max_retransmits(), "maxPacketLifeTime": opened.max_packet_lifetime(),
        }));
        Box::pin(async {})
    }));
    let of = label.clone();
    channel.on_close(Box::new(move || {
        say(json!({"channel": of, "open": false}));
        Box::pin(async {})
    }));
    channel.on_message(Box::new(move |message| {
        if message.is_string {
            say(json!({"channel": label, "text": String::from_utf8_lossy(&message.data)}));
        } else {
            say(json!({"channel": label, "binary": BASE64.encode(&message.data)}));
        }
        Box::pin(async {})
    }));
}

/// What comes goes back.
async fn mirror(from: Arc<TrackRemote>, to: Arc<TrackLocalStaticRTP>) {
    let mut count = 0;
    while let Ok((packet, _)) = from.read_rtp().await {
        if let Err(error) = to.write_rtp(&packet).await {
            return say(json!({"error": error.to_string()}));
        }
        count += 1;
        if count == 20 {
            say(json!({"track": from.kind().to_string()}));
        }
    }
}

impl Agent {
    async fn new(trickle: bool) -> Result<Self, Box<dyn Error>> {
        let mut media = MediaEngine::default();
        media.register_default_codecs()?;
        let interceptors = register_default_interceptors(Registry::new(), &mut media)?;
        let api = APIBuilder::new()
            .with_media_engine(media)
            .with_interceptor_registry(interceptors)
            .build();
        let connection = Arc::new(api.new_peer_connection(RTCConfiguration::default()).await?);
        let channels = Channels::default();

        let known = channels.clone();
        connection.on_data_channel(Box::new(move |channel| {
            let known = known.clone();
            Box::pin(async move { use_channel(&known, channel).await })
        }));
        connection.on_peer_connection_state_change(Box::new(|state| {
            say(json!({"state": state.to_string()}));
            Box::pin(async {})
        }));
        connection.on_ice_candidate(Box::new(move |candidate| {
            if trickle {
                let last = json!({"candidate": "", "sdpMid": "0", "sdpMLineIndex": 0});
                let told = candidate.and_then(|candidate| candidate.to_json().ok());
                say(told.map_or(last, |candidate| json!(candidate)));
            }
            Box::pin(async {})
        }));
        Ok(Agent { connection, channels, trickle })
    }

    async fn describe(&self, description: RTCSessionDescription) -> Outcome {
        let mut gathered = self.connection.gathering_complete_promise().await;
        self.connection.set_local_description(description).await?;
        if !self.trickle {
            let _ = gathered.recv().await;
        }
        say(json!(self.connection.local_description().await.ok_or("no local description")?));
        Ok(())
    }

    async fn hear(&self, command: &Value) -> Outcome {
        let description: RTCSessionDescription = serde_json::from_value(command.clone())?;
        self.connection.set_remote_description(description).await?;
        if word(command, "type") == "offer" {
            self.describe(self.connection.create_answer(None).await?).await?;
        }
        Ok(())
    }

    async fn hear_candidate(&self, command: &Value) -> Outcome {
        let candidate: RTCIceCandidateInit = serde_json::from_value(command.clone())?;
        if !candidate.candidate.is_empty() {
            self.connection.add_ice_candidate(candidate).await?;
        }
        Ok(())
    }

    async fn open(&self, label: &str, init: &Value) -> Outcome {
        let number = |member: &str| init[member].as_u64().map(|number| number as u16);
        let init = RTCDataChannelInit {
            ordered: init["ordered"].as_bool(),
            max_retransmits: number("maxRetransmits"),
            max_packet_life_time: number("maxPacketLifeTime"),
            ..Default::default()
        };
        let channel = self.connection.create_data_channel(label, Some(init)).await?;
        use_channel(&self.channels, channel).await;
        Ok(())
    }

    async fn find(&self, label: String) -> Result<Arc<RTCDataChannel>, Box<dyn Error>> {
        let channels = self.channels.lock().await;
        Ok(channels.get(&label).cloned().ok_or(format!("there is no channel {label}"))?)
    }

    async fn add_media(&self) -> Outcome {
        for kind in [RTPCodecType::Audio, RTPCodecType::Video] {
            self.connection.add_transceiver_from_kind(kind, None).await?;
        }
        Ok(())
    }

    async fn take_part(&self) -> Outcome {
        let mut tracks = HashMap::new();
        for (kind, mime_type, clock_rate, channels) in [
            (RTPCodecType::Audio, MIME_TYPE_OPUS, 48000, 2),
            (RTPCodecType::Video, MIME_TYPE_VP8, 90000, 0),
        ] {
            let mime_type = mime_type.to_string();
            let codec =
                RTCRtpCodecCapability { mime_type, clock_rate, channels, ..Default::default() };
            let track = Arc::new(TrackLocalStaticRTP::new(
                codec,
                kind.to_string(),
                "webrtc-rs".to_string(),
            ));
            self.connection.add_track(track.clone()).await?;
            tracks.insert(kind.to_string(), track);
        }
        self.connection.on_track(Box::new(move |from, _, _| {
            // No other track is told of before this returns.
            tokio::spawn(mirror(from.clone(), tracks[&from.kind().to_string()].clone()));
            Box::pin(async {})
        }));
        Ok(())
    }

    async fn obey(&self, command: &Value) -> Outcome {
        let has = |member: &str| command.get(member).is_some();
        if has("sdp") {
            self.hear(command).await?;
        } else if has("candidate") {
            self.hear_candidate(command).await?;
        } else if has("open") {
            self.open(&word(command, "open"), &command["init"]).await?;
        } else if has("text") {
            self.find(word(command, "channel")).await?.send_text(word(command, "text")).await?;
        } else if has("binary") {
            let bytes = Bytes::from(BASE64.decode(word(command, "binary"))?);
            self.find(word(command, "channel")).await?.send(&bytes).await?;
        } else if has("close") {
            self.find(word(command, "close")).await?.close().await?;
        } else if has("media") {
            self.add_media().await?;
        } else if has("call") {
            self.take_part().await?;
        } else if has("offer") || has("restart") {
            let options = RTCOfferOptions { ice_restart: has("restart"), ..Default::default() };
            self.describe(self.connection.create_offer(Some(options)).await?).await?;
        } else if has("bye") {
            self.connection.close().await?;
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Outcome {
    let agent = Agent::new(!std::env::args().any(|argument| argument == "--no-trickle")).await?;
    say(json!({"ready": "webrtc-rs"}));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        if let Err(error) = agent.obey(&serde_json::from_str(&line)?).await {
            say(json!({"error": error.to_string()}));
        }
    }
    std::process::exit(0) // whatever still runs
}
