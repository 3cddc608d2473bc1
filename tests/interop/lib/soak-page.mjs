// The page's side of the soak: sends numbered pieces, hears them again from kith's --echo, and judges each.
// Runs in the page; refers to nothing outside itself.
export function installSoak({ pieces, size, window: mostOutstanding }) {
  const soak = (window.soak = { sent: 0, heard: 0, error: null, signals: [] });
  const connection = (soak.connection = new RTCPeerConnection());
  const pattern = number => {
    const words = new Uint32Array(size / 4);
    for (let index = 0, value = number; index < words.length; index++) words[index] = value = (value * 1664525 + 1013904223) >>> 0;
    words[0] = number;
    return words;
  };

  let channel;
  function send() {
    while (soak.sent < pieces && soak.sent - soak.heard < mostOutstanding) channel.send(pattern(soak.sent++));
  }

  function judge(data) {
    const words = new Uint32Array(data);
    const expected = pattern(soak.heard);
    const wrong = words.length !== expected.length ? 0 : words.findIndex((word, index) => word !== expected[index]);
    if (words.length !== expected.length || wrong >= 0)
      throw new Error(`piece ${soak.heard}: ${data.byteLength} bytes, wrong from ${4 * wrong}`);
    soak.heard++;
  }

  connection.ondatachannel = event => {
    channel = event.channel;
    channel.binaryType = 'arraybuffer';
    channel.onmessage = ({ data }) => {
      try {
        judge(data);
        send();
      } catch (error) {
        soak.error ??= String(error);
      }
    };
    channel.onopen = send;
    channel.onclose = () => (soak.error ??= 'the channel closed');
    if (channel.readyState === 'open') send();
  };
  connection.onconnectionstatechange = () => {
    if (connection.connectionState === 'failed') soak.error ??= connection.connectionState;
  };
  soak.answer = async offer => {
    await connection.setRemoteDescription(offer);
    await connection.setLocalDescription(await connection.createAnswer());
    while (connection.iceGatheringState !== 'complete') await new Promise(resolve => setTimeout(resolve, 20));
    return connection.localDescription.toJSON();
  };
  soak.progress = () => ({ sent: soak.sent, heard: soak.heard, error: soak.error, state: connection.connectionState });
}
