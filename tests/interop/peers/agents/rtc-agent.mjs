// An RTCPeerConnection of JavaScript as an agent (README.md has the words). It runs in a page, too, as the text of this
// function: it refers to nothing outside itself.
//
// environment: { RTCPeerConnection, configuration, say, toBase64, fromBase64, addMedia, takePart, takesEndOfCandidates }
// options: { trickle }
export function rtcAgent(environment, options) {
  const { say } = environment;
  const connection = new environment.RTCPeerConnection(environment.configuration ?? {});
  const channels = new Map();
  let lastCandidate;
  const gathered = new Promise(resolve => (lastCandidate = resolve));

  function use(channel) {
    const { label } = channel;
    channels.set(label, channel);
    channel.binaryType = 'arraybuffer';
    let isOpen = false;
    channel.onopen = () => {
      if (isOpen) return;
      isOpen = true;
      const { ordered, maxRetransmits, maxPacketLifeTime, id, negotiated } = channel;
      say({ channel: label, open: true, ordered, maxRetransmits, maxPacketLifeTime, id, negotiated });
    };
    channel.onclose = () => say({ channel: label, open: false });
    let turn = Promise.resolve(); // messages keep their order while they are encoded
    channel.onmessage = ({ data }) => {
      turn = turn.then(async () => say(typeof data === 'string'
        ? { channel: label, text: data } : { channel: label, binary: await environment.toBase64(data) }));
    };
    if (channel.readyState === 'open') channel.onopen();
  }

  async function describe(description) {
    await connection.setLocalDescription(description);
    if (!options.trickle) await gathered;
    const { type, sdp } = connection.localDescription;
    say({ type, sdp });
  }

  async function offer(offerOptions) {
    await describe(await connection.createOffer(offerOptions));
  }

  async function hear(description) {
    await connection.setRemoteDescription(description);
    if (description.type === 'offer') await describe(await connection.createAnswer());
  }

  async function obey(command) {
    if ('sdp' in command) {
      await hear(command);
    } else if ('candidate' in command) {
      if (command.candidate || environment.takesEndOfCandidates) await connection.addIceCandidate(command);
    } else if ('open' in command) {
      use(connection.createDataChannel(command.open, command.init ?? {}));
    } else if ('text' in command) {
      channels.get(command.channel).send(command.text);
    } else if ('binary' in command) {
      channels.get(command.channel).send(await environment.fromBase64(command.binary));
    } else if ('close' in command) {
      channels.get(command.close).close();
    } else if ('media' in command) {
      await environment.addMedia(connection);
    } else if ('call' in command) {
      await environment.takePart(connection);
    } else if ('offer' in command) {
      await offer();
    } else if ('restart' in command) {
      connection.restartIce?.();
      await offer({ iceRestart: true });
    } else if ('bye' in command) {
      connection.close();
    }
  }

  connection.ondatachannel = ({ channel }) => use(channel);
  connection.onconnectionstatechange = () => say({ state: connection.connectionState });
  connection.onicegatheringstatechange = () => {
    if (connection.iceGatheringState === 'complete') lastCandidate();
  };
  connection.onicecandidate = ({ candidate }) => {
    if (!candidate) lastCandidate();
    if (!options.trickle) return;
    if (!candidate) say({ candidate: '', sdpMid: '0', sdpMLineIndex: 0 });
    else say(candidate.toJSON ? candidate.toJSON() : candidate);
  };

  let turn = Promise.resolve(); // one command after the other
  return command => {
    turn = turn.then(() => obey(command)).catch(error => say({ error: `${Object.keys(command)[0]}: ${error}` }));
    return turn;
  };
}
