//! str0m as an agent (README.md beside this folder has the words):
//!
//!     str0m-agent [--no-trickle]
//!
//! str0m does no I/O: what comes, a thread for each source puts into one channel, and the main thread has the rest.

use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::io::BufRead;
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError, Sender};
use std::time::Instant;

use base64::{engine::general_purpose::STANDARD as BASE64, Engine};
use serde_json::{json, Value};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelData, ChannelId, Reliability};
use str0m::media::{Direction, KeyframeRequest, MediaData, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

type Outcome = Result<(), Box<dyn Error>>;

enum Incoming {
    Command(Value),
    Packet { from: SocketAddr, to: SocketAddr, data: Vec<u8> },
    End,
}

fn say(object: Value) {
    println!("{object}");
}

fn word(command: &Value, member: &str) -> String {
    command[member].as_str().unwrap_or_default().to_string()
}

struct Agent {
    rtc: Rtc,
    sockets: HashMap<SocketAddr, UdpSocket>,
    candidates: Vec<String>,
    trickle: bool,
    pending: Option<SdpPendingOffer>,
    /// What goes into the next offer.
    to_offer: Vec<ChannelConfig>,
    media_to_offer: bool,
    channels: HashMap<String, ChannelId>,
    /// Messages that str0m has no room for yet, or whose channel is not open.
    unsent: VecDeque<(ChannelId, bool, Vec<u8>)>,
    /// How many frames of it went back, while there is a call.
    mirrored: Option<HashMap<Mid, u32>>,
}

/// A socket on the address of that family that leads outside; nothing is sent there.
fn bind(any: &str, outside: &str) -> std::io::Result<UdpSocket> {
    let probe = UdpSocket::bind(any)?;
    probe.connect(outside)?;
    UdpSocket::bind((probe.local_addr()?.ip(), 0))
}

/// Those of RFC 5737 and RFC 3849, for documentation; a machine may lack one family.
const OUTSIDE: [(&str, &str); 2] = [("0.0.0.0:0", "192.0.2.254:9"), ("[::]:0", "[2001:db8::fe]:9")];

fn config_of(label: String, init: &Value) -> ChannelConfig {
    let number = |member: &str| init[member].as_u64().map(|number| number as u16);
    let reliability = match (number("maxRetransmits"), number("maxPacketLifeTime")) {
        (Some(retransmits), _) => Reliability::MaxRetransmits { retransmits },
        (_, Some(lifetime)) => Reliability::MaxPacketLifetime { lifetime },
        _ => Reliability::Reliable,
    };
    let ordered = init["ordered"].as_bool().unwrap_or(true);
    ChannelConfig { label, ordered, reliability, ..Default::default() }
}

impl Agent {
    fn new(trickle: bool) -> Result<Self, Box<dyn Error>> {
        // What is buffered at most is also the largest message.
        let mut rtc = Rtc::builder().set_sctp_max_buffered_amount(1 << 20).build(Instant::now());
        let mut sockets = HashMap::new();
        let mut candidates = vec![];
        for socket in OUTSIDE.iter().filter_map(|(any, outside)| bind(any, outside).ok()) {
            let address = socket.local_addr()?;
            let candidate = Candidate::host(address, "udp")?;
            candidates.push(candidate.to_sdp_string());
            rtc.add_local_candidate(candidate);
            sockets.insert(address, socket);
        }
        Ok(Agent {
            rtc,
            sockets,
            candidates,
            trickle,
            pending: None,
            to_offer: vec![],
            media_to_offer: false,
            channels: HashMap::new(),
            unsent: VecDeque::new(),
            mirrored: None,
        })
    }

    fn tell_description(&self, kind: &str, sdp: String) {
        let mid = sdp.lines().find_map(|line| line.strip_prefix("a=mid:")).unwrap_or_default();
        say(json!({"type": kind, "sdp": sdp}));
        if self.trickle {
            for candidate in self.candidates.iter().map(String::as_str).chain([""]) {
                say(json!({"candidate": candidate, "sdpMid": mid, "sdpMLineIndex": 0}));
            }
        }
    }

    fn hear(&mut self, command: &Value) -> Outcome {
        let sdp = word(command, "sdp");
        if word(command, "type") == "offer" {
            let answer = self.rtc.sdp_api().accept_offer(SdpOffer::from_sdp_string(&sdp)?)?;
            self.tell_description("answer", answer.to_sdp_string());
        } else {
            let pending = self.pending.take().ok_or("there was no offer")?;
            self.rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(&sdp)?)?;
        }
        Ok(())
    }

    fn offer(&mut self, restart: bool) -> Outcome {
        let mut changes = self.rtc.sdp_api();
        for config in self.to_offer.drain(..) {
            let label = config.label.clone();
            self.channels.insert(label, changes.add_channel_with_config(config));
        }
        if std::mem::take(&mut self.media_to_offer) {
            for kind in [MediaKind::Audio, MediaKind::Video] {
                changes.add_media(kind, Direction::SendRecv, None, None, None);
            }
        }
        if restart {
            changes.ice_restart(true);
        }
        let (offer, pending) = changes.apply().ok_or("there is nothing to offer")?;
        self.pending = Some(pending);
        self.tell_description("offer", offer.to_sdp_string());
        Ok(())
    }

    fn open(&mut self, config: ChannelConfig) {
        if self.rtc.is_connected() {
            let label = config.label.clone();
            let id = self.rtc.direct_api().create_data_channel(config);
            self.channels.insert(label, id);
        } else {
            self.to_offer.push(config);
        }
    }

    fn find(&self, label: String) -> Result<ChannelId, Box<dyn Error>> {
        Ok(*self.channels.get(&label).ok_or(format!("there is no channel {label}"))?)
    }

    fn obey(&mut self, command: &Value) -> Outcome {
        let has = |member: &str| command.get(member).is_some();
        if has("sdp") {
            self.hear(command)?;
        } else if has("candidate") {
            let candidate = word(command, "candidate");
            if !candidate.is_empty() {
                self.rtc.add_remote_candidate(Candidate::from_sdp_string(&candidate)?);
            }
        } else if has("open") {
            self.open(config_of(word(command, "open"), &command["init"]));
        } else if has("text") {
            let id = self.find(word(command, "channel"))?;
            self.unsent.push_back((id, false, word(command, "text").into_bytes()));
        } else if has("binary") {
            let id = self.find(word(command, "channel"))?;
            self.unsent.push_back((id, true, BASE64.decode(word(command, "binary"))?));
        } else if has("close") {
            let id = self.find(word(command, "close"))?;
            self.rtc.direct_api().close_data_channel(id);
        } else if has("media") {
            self.media_to_offer = true;
        } else if has("call") {
            self.media_to_offer = true;
            self.mirrored = Some(HashMap::new());
        } else if has("offer") || has("restart") {
            self.offer(has("restart"))?;
        } else if has("bye") {
            self.rtc.close()?;
        }
        Ok(())
    }

    fn send(&mut self) -> Outcome {
        while let Some((id, is_binary, data)) = self.unsent.front() {
            let Some(mut channel) = self.rtc.channel(*id) else { break };
            if !channel.write(*is_binary, data)? {
                break;
            }
            self.unsent.pop_front();
        }
        Ok(())
    }

    fn tell_open(&mut self, id: ChannelId, label: String) {
        let channel = self.rtc.channel(id);
        let config = channel.as_ref().and_then(|channel| channel.config());
        let (retransmits, lifetime) = match config.map(|config| config.reliability) {
            Some(Reliability::MaxRetransmits { retransmits }) => (Some(retransmits), None),
            Some(Reliability::MaxPacketLifetime { lifetime }) => (None, Some(lifetime)),
            _ => (None, None),
        };
        say(json!({
            "channel": label, "open": true, "ordered": config.map(|config| config.ordered),
            "maxRetransmits": retransmits, "maxPacketLifeTime": lifetime,
        }));
        self.channels.insert(label, id);
    }

    fn label_of(&self, id: ChannelId) -> &str {
        self.channels.iter().find(|(_, known)| **known == id).map_or("", |(label, _)| label)
    }

    fn tell_message(&self, ChannelData { id, binary, data }: &ChannelData) {
        let label = self.label_of(*id);
        if *binary {
            say(json!({"channel": label, "binary": BASE64.encode(data)}));
        } else {
            say(json!({"channel": label, "text": String::from_utf8_lossy(data)}));
        }
    }

    /// What comes goes back.
    fn mirror(&mut self, data: MediaData) -> Outcome {
        let Some(mirrored) = &mut self.mirrored else { return Ok(()) };
        let kind = self.rtc.media(data.mid).ok_or("frames of no section")?.kind();
        let writer = self.rtc.writer(data.mid).ok_or("a section that cannot send")?;
        let pt = writer.match_params(data.params).ok_or("a codec that cannot be sent")?;
        writer.write(pt, data.network_time, data.time, data.data)?;
        let count = mirrored.entry(data.mid).or_default();
        *count += 1;
        if *count == 20 {
            say(json!({"track": kind.to_string()}));
        }
        Ok(())
    }

    /// Who is mirrored is asked for the key frame.
    fn ask_for_key_frame(
        &mut self,
        KeyframeRequest { mid, rid, kind }: KeyframeRequest,
    ) -> Outcome {
        if let Some(mut writer) = self.rtc.writer(mid) {
            writer.request_keyframe(rid, kind)?;
        }
        Ok(())
    }

    fn tell(&mut self, event: Event) -> Outcome {
        match event {
            Event::Connected => say(json!({"state": "connected"})),
            Event::IceConnectionStateChange(state) if state.is_disconnected() => {
                say(json!({"state": "disconnected"}))
            }
            Event::ChannelOpen(id, label) => self.tell_open(id, label),
            Event::ChannelClose(id) => say(json!({"channel": self.label_of(id), "open": false})),
            Event::ChannelData(data) => self.tell_message(&data),
            Event::MediaData(data) => self.mirror(data)?,
            Event::KeyframeRequest(request) => self.ask_for_key_frame(request)?,
            _ => {}
        }
        Ok(())
    }

    /// Lets out all that str0m has to send and to tell; when it wants to be called again.
    fn output(&mut self) -> Result<Instant, Box<dyn Error>> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(when) => return Ok(when),
                Output::Transmit(packet) => {
                    if let Some(socket) = self.sockets.get(&packet.source) {
                        let _ = socket.send_to(&packet.contents, packet.destination);
                    }
                }
                Output::Event(event) => self.tell(event)?,
            }
        }
    }

    /// One turn; false when it was the last.
    fn turn(&mut self, incoming: &Receiver<Incoming>) -> Result<bool, Box<dyn Error>> {
        self.send()?;
        let until = self.output()?;
        match incoming.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Incoming::Command(command)) => self.obey(&command)?,
            Ok(Incoming::Packet { from, to, data }) => {
                if let Ok(packet) = Receive::new(Protocol::Udp, from, to, &data) {
                    self.rtc.handle_input(Input::Receive(Instant::now(), packet))?;
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                self.rtc.handle_input(Input::Timeout(Instant::now()))?
            }
            Ok(Incoming::End) | Err(RecvTimeoutError::Disconnected) => return Ok(false),
        }
        Ok(true)
    }
}

/// The lines of standard input.
fn read_commands(sender: Sender<Incoming>) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        if let Ok(command) = serde_json::from_str(&line) {
            let _ = sender.send(Incoming::Command(command));
        }
    }
    let _ = sender.send(Incoming::End);
}

fn read_packets(socket: UdpSocket, to: SocketAddr, sender: Sender<Incoming>) {
    let mut buffer = [0; 4000];
    loop {
        // An error is ICMP's, of a packet that met nobody.
        if let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let _ = sender.send(Incoming::Packet { from, to, data: buffer[..len].to_vec() });
        }
    }
}

fn main() -> Outcome {
    str0m::crypto::from_feature_flags().install_process_default();
    let mut agent = Agent::new(!std::env::args().any(|argument| argument == "--no-trickle"))?;
    let (sender, incoming) = channel();
    for (address, socket) in &agent.sockets {
        let (socket, address, sender) = (socket.try_clone()?, *address, sender.clone());
        std::thread::spawn(move || read_packets(socket, address, sender));
    }
    std::thread::spawn(move || read_commands(sender));
    say(json!({"ready": "str0m"}));
    loop {
        match agent.turn(&incoming) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                say(json!({"error": error.to_string()}));
                if !agent.rtc.is_alive() {
                    return Ok(());
                }
            }
        }
    }
}
