//! A trace for ui.perfetto.dev: groups of tracks, with slices, instants, and flows between them.
//!
//! ```text
//!   instance 3 of process 100
//!     fd 4   ▐ registration ████████████████████▌
//!              ADD ↘              ▐ ghost ██████▌
//!                    report … report
//! ```

mod proto;

use crate::shown::{name, text};
use prost::Message as _;
use proto::{DebugAnnotation, Kind, TracePacket, TrackDescriptor, TrackEvent};

/// All packets are of one writer.
const WRITER: u32 = 1;
/// A group's tracks stand in the order in which they are given.
const EXPLICIT: i32 = 3;

/// A trace.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// Its groups, from top to bottom.
    pub groups: Vec<TraceGroup>,
}

/// Tracks that belong together.
#[derive(Debug, Clone, Default)]
pub struct TraceGroup {
    /// Its name.
    pub name: String,
    /// Its tracks, from top to bottom.
    pub tracks: Vec<TraceTrack>,
}

/// A track.
#[derive(Debug, Clone, Default)]
pub struct TraceTrack {
    /// Its name.
    pub name: String,
    /// Its slices. Where some overlap, the track is drawn as several.
    pub slices: Vec<TraceSlice>,
    /// Its instants.
    pub instants: Vec<TraceInstant>,
}

/// A stretch of time.
#[derive(Debug, Clone, Default)]
pub struct TraceSlice {
    /// When it begins, in nanoseconds.
    pub from: u64,
    /// When it ends.
    pub to: u64,
    /// Its name.
    pub name: String,
    /// What is known of it.
    pub notes: Vec<(String, String)>,
    /// Parts of it that stand out, one after the other.
    pub parts: Vec<TraceSlice>,
}

/// A moment.
#[derive(Debug, Clone, Default)]
pub struct TraceInstant {
    /// When, in nanoseconds.
    pub at: u64,
    /// Its name.
    pub name: String,
    /// What is known of it.
    pub notes: Vec<(String, String)>,
    /// The flow that goes through it.
    pub flow: Option<u64>,
    /// The flow ends here.
    pub is_end: bool,
}

impl Trace {
    /// The trace as Perfetto's protobuf.
    pub fn bytes(&self) -> Vec<u8> {
        self.proto().encode_to_vec()
    }

    fn proto(&self) -> proto::Trace {
        let mut packet = Vec::new();
        let mut last = 0;
        let mut uuid = || {
            last += 1;
            last
        };
        for (rank, group) in self.groups.iter().enumerate() {
            let of_group = uuid();
            packet.push(descriptor(of_group, None, &group.name, rank));
            let mut rank = 0;
            for track in &group.tracks {
                for (at, lane) in lanes(&track.slices).into_iter().enumerate() {
                    let id = uuid();
                    packet.push(descriptor(id, Some(of_group), &track.name, rank));
                    rank += 1;
                    put_slices(&mut packet, id, &lane);
                    let instants = track.instants.iter().filter(|_| at == 0);
                    packet.extend(instants.map(|instant| put_instant(id, instant)));
                }
            }
        }
        proto::Trace { packet }
    }
}

/// The slices of a track in lanes, in each of which they come one after the other.
fn lanes(slices: &[TraceSlice]) -> Vec<Vec<&TraceSlice>> {
    let mut sorted: Vec<&TraceSlice> = slices.iter().collect();
    sorted.sort_by_key(|slice| (slice.from, slice.to));
    let mut lanes: Vec<Vec<&TraceSlice>> = vec![Vec::new()];
    for slice in sorted {
        let is_free =
            |lane: &&mut Vec<&TraceSlice>| lane.last().is_none_or(|last| last.to <= slice.from);
        match lanes.iter_mut().find(is_free) {
            Some(lane) => lane.push(slice),
            None => lanes.push(vec![slice]),
        }
    }
    lanes
}

/// The beginning of each slice, its parts, its end.
fn put_slices(packets: &mut Vec<TracePacket>, track: u64, slices: &[&TraceSlice]) {
    for slice in slices {
        let (kind, name) = (Kind::SliceBegin, Some(slice.name.as_str()));
        packets.push(event(slice.from, track, kind, name, &slice.notes));
        let parts: Vec<&TraceSlice> = slice.parts.iter().collect();
        put_slices(packets, track, &parts);
        packets.push(event(slice.to, track, Kind::SliceEnd, None, &[]));
    }
}

fn put_instant(track: u64, instant: &TraceInstant) -> TracePacket {
    let (kind, name) = (Kind::Instant, Some(instant.name.as_str()));
    let mut packet = event(instant.at, track, kind, name, &instant.notes);
    if let Some(event) = &mut packet.track_event {
        let flows = match instant.is_end {
            true => &mut event.terminating_flow_ids,
            false => &mut event.flow_ids,
        };
        flows.extend(instant.flow);
    }
    packet
}

fn descriptor(uuid: u64, parent: Option<u64>, named: &str, rank: usize) -> TracePacket {
    TracePacket {
        trusted_packet_sequence_id: Some(WRITER),
        track_descriptor: Some(TrackDescriptor {
            uuid: Some(uuid),
            name: Some(name(named)),
            parent_uuid: parent,
            child_ordering: parent.is_none().then_some(EXPLICIT),
            sibling_order_rank: i32::try_from(rank).ok(),
        }),
        ..TracePacket::default()
    }
}

fn event(
    at: u64,
    track: u64,
    kind: Kind,
    named: Option<&str>,
    notes: &[(String, String)],
) -> TracePacket {
    let notes = notes.iter().map(|(label, note)| DebugAnnotation {
        name: Some(name(label)),
        string_value: Some(text(note)),
    });
    TracePacket {
        timestamp: Some(at),
        trusted_packet_sequence_id: Some(WRITER),
        track_event: Some(TrackEvent {
            debug_annotations: notes.collect(),
            r#type: Some(kind.into()),
            track_uuid: Some(track),
            categories: named.map(|_| "epoll".to_owned()).into_iter().collect(),
            name: named.map(text),
            ..TrackEvent::default()
        }),
        ..TracePacket::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_that_overlap_have_tracks_of_their_own() {
        let read = read();
        let tracks = read
            .packet
            .iter()
            .filter_map(|it| it.track_descriptor.as_ref());
        let tracks: Vec<_> = tracks
            .map(|it| (it.uuid(), it.parent_uuid, it.name()))
            .collect();
        let expected = [
            (1, None, "instance 3"),
            (2, Some(1), "fd 4"),
            (3, Some(1), "fd 4"),
        ];
        assert_eq!(tracks, expected);
    }

    #[test]
    fn a_trace_is_read_back_with_its_slices_and_instants() {
        let read = read();
        let events = read.packet.iter();
        let events = events.filter_map(|it| Some((it.timestamp?, it.track_event.as_ref()?)));
        let events: Vec<_> = events
            .map(|(at, it)| (at, it.track_uuid(), it.r#type(), it.name()))
            .collect();
        use Kind::{Instant, SliceBegin, SliceEnd};
        let expected = [
            (10, 2, SliceBegin, "registration"),
            (30, 2, SliceBegin, "ghost"),
            (50, 2, SliceEnd, ""),
            (50, 2, SliceEnd, ""),
            (10, 2, Instant, "report\\u{202e}"),
            (40, 2, Instant, "report\\u{202e}"),
            (40, 3, SliceBegin, "registration"),
            (60, 3, SliceEnd, ""),
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn a_flow_goes_on_and_ends() {
        let read = read();
        let events = read.packet.iter().filter_map(|it| it.track_event.as_ref());
        let instants = events.filter(|it| it.r#type() == Kind::Instant);
        let flows: Vec<_> = instants
            .map(|it| (it.flow_ids.clone(), it.terminating_flow_ids.clone()))
            .collect();
        assert_eq!(flows, [(vec![7], vec![]), (vec![], vec![7])]);
    }

    /// A small trace, written and read back.
    fn read() -> proto::Trace {
        let slice = |from, to, name: &str| TraceSlice {
            from,
            to,
            name: name.to_owned(),
            notes: vec![("line".to_owned(), "6".to_owned())],
            parts: Vec::new(),
        };
        let haunted = TraceSlice {
            parts: vec![slice(30, 50, "ghost")],
            ..slice(10, 50, "registration")
        };
        let instant = |at, is_end| TraceInstant {
            at,
            name: "report\u{202e}".to_owned(),
            notes: Vec::new(),
            flow: Some(7),
            is_end,
        };
        let track = TraceTrack {
            name: "fd 4".to_owned(),
            slices: vec![haunted, slice(40, 60, "registration")],
            instants: vec![instant(10, false), instant(40, true)],
        };
        let group = TraceGroup {
            name: "instance 3".to_owned(),
            tracks: vec![track],
        };
        let trace = Trace {
            groups: vec![group],
        };
        proto::Trace::decode(&trace.bytes()[..]).expect("it can be read")
    }
}
