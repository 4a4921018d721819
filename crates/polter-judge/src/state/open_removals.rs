//! Registrations that live in Linux's world and are gone in another, by registration and by file.
//!
//! Every event and every close asks for its own, and most have none. So both questions are one look-up.

use super::happens_before::Mark;
use super::world_set::WorldSet;
use eventpoll::{EpitemId, FileId};
use rustc_hash::FxHashMap;

/// Takings that may wait for their end at once; beyond, the log's order counts as the only one.
const MAX_OPEN: usize = 1024;

/// What was taken and has not ended.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    by_story: FxHashMap<u64, OfStory>,
    by_file: FxHashMap<FileId, Vec<u64>>,
    /// How many there are, each world's for itself.
    count: usize,
}

/// What was taken of one registration.
#[derive(Debug)]
struct OfStory {
    id: EpitemId,
    file: FileId,
    takings: Vec<Taking>,
}

/// A registration is gone in a world.
#[derive(Debug)]
pub(crate) struct Taking {
    pub(crate) world: usize,
    pub(crate) mark: Mark,
    /// Who took it knew that it was there.
    pub(crate) knew_of_add: bool,
    /// What broke by it since.
    pub(crate) breaks: u64,
}

impl Taken {
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.count >= MAX_OPEN
    }

    pub(crate) fn has(&self, story: u64, world: usize) -> bool {
        let of_story = self.by_story.get(&story);
        of_story.is_some_and(|of| of.takings.iter().any(|taking| taking.world == world))
    }

    pub(crate) fn insert(&mut self, story: u64, id: EpitemId, file: FileId, taking: Taking) {
        let of_story = self.by_story.entry(story).or_insert_with(|| {
            self.by_file.entry(file).or_default().push(story);
            OfStory {
                id,
                file,
                takings: Vec::new(),
            }
        });
        of_story.takings.push(taking);
        self.count += 1;
    }

    pub(crate) fn marks(&self) -> impl Iterator<Item = Mark> {
        let takings = self.by_story.values().flat_map(|of| &of.takings);
        takings.map(|taking| taking.mark)
    }

    /// A registration's absence was felt in these worlds.
    pub(crate) fn felt(&mut self, story: u64, worlds: WorldSet) {
        if worlds.is_empty() {
            return;
        }
        let of_story = self.by_story.get_mut(&story);
        let takings = of_story.into_iter().flat_map(|of| &mut of.takings);
        for taking in takings.filter(|taking| worlds.has(taking.world)) {
            taking.breaks += 1;
        }
    }

    /// Drops those of a story that are certain.
    pub(crate) fn confirm(&mut self, story: u64, is_certain_fn: impl Fn(&Taking) -> bool) {
        let Some(of_story) = self.by_story.get_mut(&story) else {
            return;
        };
        let before = of_story.takings.len();
        of_story.takings.retain(|taking| !is_certain_fn(taking));
        self.count -= before - of_story.takings.len();
        if of_story.takings.is_empty() {
            self.remove(story);
        }
    }

    /// Takes out what has ended of those of one file, or of all.
    pub(crate) fn take_ended(
        &mut self,
        file: Option<FileId>,
        has_ended_fn: impl Fn(u64, EpitemId) -> bool,
    ) -> Vec<(u64, Taking)> {
        let has_ended = |story: &u64| has_ended_fn(*story, self.by_story[story].id);
        let ended: Vec<u64> = match file {
            Some(file) => {
                let stories = self.by_file.get(&file).into_iter().flatten();
                stories.copied().filter(has_ended).collect()
            }
            None => self.by_story.keys().copied().filter(has_ended).collect(),
        };
        let ended = ended.into_iter().flat_map(|story| {
            let takings = self.remove(story).into_iter();
            takings.map(move |taking| (story, taking))
        });
        ended.collect()
    }

    fn remove(&mut self, story: u64) -> Vec<Taking> {
        let Some(of_story) = self.by_story.remove(&story) else {
            return Vec::new();
        };
        self.count -= of_story.takings.len();
        if let Some(stories) = self.by_file.get_mut(&of_story.file) {
            stories.retain(|other| *other != story);
            if stories.is_empty() {
                self.by_file.remove(&of_story.file);
            }
        }
        of_story.takings
    }
}
