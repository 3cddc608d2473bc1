// Pion as an agent (README.md beside this folder has the words):
//
//	pion-agent [--no-trickle]
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/pion/webrtc/v4"
)

// A command; of several members only those that are there are set.
type command struct {
	webrtc.SessionDescription
	webrtc.ICECandidateInit
	Candidate *string         `json:"candidate"`
	SDP       *string         `json:"sdp"`
	Open      *string         `json:"open"`
	Init      json.RawMessage `json:"init"`
	Channel   string          `json:"channel"`
	Text      *string         `json:"text"`
	Binary    *[]byte         `json:"binary"`
	Close     *string         `json:"close"`
	Media     bool            `json:"media"`
	Call      bool            `json:"call"`
	Offer     bool            `json:"offer"`
	Restart   bool            `json:"restart"`
	Bye       bool            `json:"bye"`
}

type object map[string]any

var output sync.Mutex

func say(value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	fmt.Println(string(text))
}

type agent struct {
	connection *webrtc.PeerConnection
	channels   sync.Map // *webrtc.DataChannel by label
	trickle    bool
}

func (a *agent) use(channel *webrtc.DataChannel) {
	label := channel.Label()
	a.channels.Store(label, channel)
	channel.OnOpen(func() {
		say(object{
			"channel": label, "open": true, "ordered": channel.Ordered(), "id": channel.ID(),
			"maxRetransmits": channel.MaxRetransmits(), "maxPacketLifeTime": channel.MaxPacketLifeTime(),
		})
	})
	channel.OnClose(func() { say(object{"channel": label, "open": false}) })
	channel.OnError(func(err error) { say(object{"error": label + ": " + err.Error()}) })
	channel.OnMessage(func(message webrtc.DataChannelMessage) {
		if message.IsString {
			say(object{"channel": label, "text": string(message.Data)})
		} else {
			say(object{"channel": label, "binary": slices.Concat([]byte{}, message.Data)})
		}
	})
}

func (a *agent) find(label string) (*webrtc.DataChannel, error) {
	if channel, found := a.channels.Load(label); found {
		return channel.(*webrtc.DataChannel), nil
	}
	return nil, errors.New("there is no channel " + label)
}

func (a *agent) open(label string, text json.RawMessage) error {
	init := webrtc.DataChannelInit{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &init); err != nil {
			return err
		}
	}
	channel, err := a.connection.CreateDataChannel(label, &init)
	if err == nil {
		a.use(channel)
	}
	return err
}

func (a *agent) send(c *command) error {
	channel, err := a.find(c.Channel)
	if err != nil {
		return err
	}
	if c.Text != nil {
		return channel.SendText(*c.Text)
	}
	return channel.Send(*c.Binary)
}

func (a *agent) describe(description webrtc.SessionDescription, err error) error {
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(a.connection)
	if err = a.connection.SetLocalDescription(description); err != nil {
		return err
	}
	if !a.trickle {
		<-gathered
	}
	say(a.connection.LocalDescription())
	return nil
}

func (a *agent) hear(text []byte) error {
	description := webrtc.SessionDescription{}
	if err := json.Unmarshal(text, &description); err != nil {
		return err
	}
	if err := a.connection.SetRemoteDescription(description); err != nil {
		return err
	}
	if description.Type != webrtc.SDPTypeOffer {
		return nil
	}
	return a.describe(a.connection.CreateAnswer(nil))
}

func (a *agent) hearCandidate(text []byte) error {
	candidate := webrtc.ICECandidateInit{}
	if err := json.Unmarshal(text, &candidate); err != nil {
		return err
	}
	return a.connection.AddICECandidate(candidate)
}

func (a *agent) addMedia() error {
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := a.connection.AddTransceiverFromKind(kind); err != nil {
			return err
		}
	}
	return nil
}

// What comes goes back.
func (a *agent) takePart() error {
	tracks := map[webrtc.RTPCodecType]*webrtc.TrackLocalStaticRTP{}
	for kind, codec := range map[webrtc.RTPCodecType]webrtc.RTPCodecCapability{
		webrtc.RTPCodecTypeAudio: {MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2},
		webrtc.RTPCodecTypeVideo: {MimeType: webrtc.MimeTypeVP8, ClockRate: 90000},
	} {
		track, err := webrtc.NewTrackLocalStaticRTP(codec, kind.String(), "pion")
		if err == nil {
			_, err = a.connection.AddTrack(track)
		}
		if err != nil {
			return err
		}
		tracks[kind] = track
	}
	a.connection.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for count := 1; ; count++ {
			packet, _, err := track.ReadRTP()
			if err != nil || tracks[track.Kind()].WriteRTP(packet) != nil {
				return
			}
			if count == 20 {
				say(object{"track": track.Kind().String()})
			}
		}
	})
	return nil
}

func (a *agent) obey(text []byte) error {
	c := command{}
	if err := json.Unmarshal(text, &c); err != nil {
		return err
	}
	switch {
	case c.SDP != nil:
		return a.hear(text)
	case c.Candidate != nil:
		return a.hearCandidate(text)
	case c.Open != nil:
		return a.open(*c.Open, c.Init)
	case c.Text != nil || c.Binary != nil:
		return a.send(&c)
	case c.Close != nil:
		channel, err := a.find(*c.Close)
		if err != nil {
			return err
		}
		return channel.Close()
	case c.Media:
		return a.addMedia()
	case c.Call:
		return a.takePart()
	case c.Offer || c.Restart:
		return a.describe(a.connection.CreateOffer(&webrtc.OfferOptions{ICERestart: c.Restart}))
	case c.Bye:
		return a.connection.Close()
	}
	return nil
}

func newAgent(trickle bool) (*agent, error) {
	connection, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	a := &agent{connection: connection, trickle: trickle}
	connection.OnDataChannel(a.use)
	connection.OnConnectionStateChange(func(state webrtc.PeerConnectionState) { say(object{"state": state.String()}) })
	connection.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		if !trickle {
			return
		}
		if candidate == nil {
			say(object{"candidate": "", "sdpMid": "0", "sdpMLineIndex": 0})
		} else {
			say(candidate.ToJSON())
		}
	})
	return a, nil
}

func main() {
	a, err := newAgent(!slices.Contains(os.Args, "--no-trickle"))
	if err != nil {
		panic(err)
	}
	say(object{"ready": "pion"})
	for lines := bufio.NewReaderSize(os.Stdin, 1<<20); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		if err = a.obey(line); err != nil {
			say(object{"error": err.Error()})
		}
	}
}
