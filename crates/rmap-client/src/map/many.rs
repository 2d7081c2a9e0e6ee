//! Many keys at once: in one batch where they fit, otherwise in several.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use bytes::Bytes;
use rmap_core::View;
use rmap_proto::{Key, KeyOperation, Revision};

use super::Map;
use super::batch::Batch;
use super::kind;
use super::pauses::MOST_TRIES;
use super::writing::Writing;
use crate::Error;
use crate::written::{Loaded, SetMany};

type Entries = BTreeMap<Key, Bytes>;

/// One change of one key.
enum Step<'a> {
    Set(&'a Key, &'a Bytes),
    Delete(Key),
}

impl Step<'_> {
    fn key(&self) -> &Key {
        match self {
            Self::Set(key, _) => key,
            Self::Delete(key) => key,
        }
    }

    /// As the settings count them.
    fn bytes(&self) -> usize {
        match self {
            Self::Set(key, value) => key.as_bytes().len() + value.len(),
            Self::Delete(key) => key.as_bytes().len(),
        }
    }
}

/// The progress of a load.
#[derive(Debug, Default)]
struct Progress<'a> {
    /// Steps that were carried out. A key that others change meanwhile has several.
    done: usize,
    set: BTreeSet<&'a Key>,
    deleted: usize,
    revision: Option<Revision>,
}

impl<'a> Progress<'a> {
    fn add(&mut self, part: &[Step<'a>], revision: Option<Revision>) {
        self.done += part.len();
        self.revision = revision;
        for step in part {
            match step {
                Step::Set(key, _) => _ = self.set.insert(key),
                Step::Delete(_) => self.deleted += 1,
            }
        }
    }
}

impl Map {
    /// Sets many keys: atomically in one batch when they fit one, otherwise in several batches, in the order of the keys.
    ///
    /// The [settings](crate::MapSettings::batch_steps) say how much fits one batch: 1,000 keys and 4 MiB unless set. Of several
    /// entries with one key the last counts. Every entry is checked before anything is sent.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let map = rmap_client::Client::in_memory().map("config").join().await?;
    /// let done = map.set_many([("color", "red"), ("size", "7")]).await?;
    /// assert_eq!((done.set, done.batches), (2, 1));
    /// map.wait_for(done.revision).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Bad input is rejected before anything is sent. When the first batch fails, see [writes](Map#writes). When a later
    /// batch fails, [`Error::PartlyDone`] has the number of keys set before it, and the failure.
    ///
    /// # Cancel safety
    ///
    /// Nothing is sent before the first poll. Dropping the future later leaves it open which batches were carried out; they
    /// are the first ones, in the order of the keys.
    pub async fn set_many<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<SetMany, Error> {
        let entries = self.entries(entries)?;
        let steps: Vec<_> = entries.iter().map(|(key, value)| Step::Set(key, value)).collect();
        let mut done = SetMany { set: 0, batches: 0, revision: None };
        for part in self.parts(&steps) {
            done.revision =
                self.set_part(part).await.map_err(|cause| partly(done.set, steps.len(), cause))?;
            done.set += part.len();
            done.batches += 1;
        }
        Ok(done)
    }

    /// Makes the map hold exactly these entries, and writes only what differs: a file against the map. Keys that are not
    /// among the entries are deleted.
    ///
    /// Each batch is carried out only if the map is still what the difference was computed from. Otherwise the difference is
    /// computed again from the content of that moment, up to 16 times with random pauses. So at [`Loaded::revision`] the map
    /// held these entries and nothing else. When the difference fits [one batch](crate::MapSettings::batch_steps), everybody sees
    /// it at once; otherwise it comes in several batches, in the order of the keys.
    ///
    /// Where several entries have one key, the last one counts. Every entry is checked before anything is sent. No entries at all
    /// clear the map. While the content [is in doubt](crate::Status::is_in_doubt), it is [verified](Self::verify) first.
    ///
    /// In the phase [`Kept`](crate::Phase::Kept) the load fails, because no server can prove the kept content. Call
    /// [`follow`](Self::follow) first.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), rmap_client::Error> {
    /// # let map = rmap_client::Client::in_memory().map("config").join().await?;
    /// map.set_many([("color", "red"), ("size", "7"), ("old", "x")]).await?;
    /// let file = "color=blue\nsize=7\nnew=y\n";
    /// let loaded = map.load_difference(file.lines().filter_map(|line| line.split_once('='))).await?;
    /// assert_eq!((loaded.set, loaded.deleted, loaded.unchanged), (2, 1, 1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Bad input is rejected before anything is sent. [`Error::Contended`] when others changed the map before each of 16
    /// tries. The load also fails when a [write](Map#writes), [`sync`](Self::sync) or [`verify`](Self::verify) fails. After
    /// some batches were carried out, [`Error::PartlyDone`] has the number of their changes, and wraps the failure.
    ///
    /// # Cancel safety
    ///
    /// Nothing is sent before the first poll. Dropping the future later leaves it open which batches were carried out.
    pub async fn load_difference<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Loaded, Error> {
        let entries = self.entries(entries)?;
        if self.status().is_stored() {
            self.sync().await?;
        }
        if self.status().is_in_doubt() && !self.verify().await?.complete {
            self.sync().await?;
        }
        let mut progress = Progress::default();
        for tries in 1..=MOST_TRIES {
            let (view, began) = (self.view(), Instant::now());
            let steps = difference(&view, &entries);
            if self.apply(&view, &steps, &mut progress).await? {
                let (set, deleted, revision) = (progress.set.len(), progress.deleted, progress.revision);
                return Ok(Loaded { set, deleted, unchanged: entries.len() - set, revision });
            }
            let (done, total) = (progress.done, progress.done + steps.len());
            let looked = async {
                self.pause(tries, began.elapsed()).await?;
                self.sync().await
            };
            looked.await.map_err(|cause| partly(done, total, cause))?;
        }
        let left = difference(&self.view(), &entries).len();
        let contended = Error::Contended { map: self.name().clone(), key: None, tries: MOST_TRIES };
        Err(partly(progress.done, progress.done + left, contended))
    }

    /// Carries out the steps from this view to the entries. False when the map is not, or no longer, what the view says.
    async fn apply<'a>(
        &self,
        view: &View,
        steps: &[Step<'a>],
        progress: &mut Progress<'a>,
    ) -> Result<bool, Error> {
        let total = progress.done + steps.len();
        // Without a step the server is asked all the same whether this is its content.
        let parts = if steps.is_empty() { vec![steps] } else { self.parts(steps) };
        let mut at = view.revision();
        for part in parts {
            let applied = self.apply_part(view, at, part).await;
            match applied.map_err(|cause| partly(progress.done, total, cause))? {
                Applied::Not => return Ok(false),
                Applied::Yes { revision, alone } => {
                    progress.add(part, revision);
                    at = revision;
                    if !alone {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// Carries out one part if the map is at this revision.
    async fn apply_part(
        &self,
        view: &View,
        at: Option<Revision>,
        part: &[Step<'_>],
    ) -> Result<Applied, Error> {
        if let [Step::Set(key, value)] = part
            && part[0].bytes() > self.0.settings.batch_bytes
        {
            // Too large for a batch, so that the value alone is tested. The revision shows whether anything else changed.
            let written = self.set_over(view, key, value).await?;
            let alone = at.and_then(Revision::next) == written.revision;
            return Ok(if written.applied {
                Applied::Yes { revision: written.revision, alone }
            } else {
                Applied::Not
            });
        }
        let written = self.batch_of(part).test_revision(at).commit().await?;
        Ok(if written.applied {
            Applied::Yes { revision: written.revision, alone: true }
        } else {
            Applied::Not
        })
    }

    /// Sets a key that holds what the view says.
    fn set_over(&self, view: &View, key: &Key, value: &Bytes) -> Writing<kind::TestedSet> {
        let (key, value) = (key.clone(), value.clone());
        self.write_key(Ok(match view.get(&key) {
            Some(old) => KeyOperation::TestAndSet { key, test: Bytes::copy_from_slice(old), value },
            None => KeyOperation::SetIfNotExists { key, value },
        }))
    }

    /// Carries out one part, whatever the map holds.
    async fn set_part(&self, part: &[Step<'_>]) -> Result<Option<Revision>, Error> {
        if let [Step::Set(key, value)] = part {
            let (key, value) = ((*key).clone(), (*value).clone());
            let writing: Writing<kind::Set> = self.write_key(Ok(KeyOperation::Set { key, value }));
            return Ok(Some(writing.await?.revision));
        }
        Ok(self.batch_of(part).commit().await?.revision)
    }

    fn batch_of(&self, part: &[Step<'_>]) -> Batch {
        part.iter().fold(self.batch(), |batch, step| match step {
            Step::Set(key, value) => batch.set(key, value),
            Step::Delete(key) => batch.delete(key),
        })
    }

    /// Parts that each fit a batch, or are a single step.
    fn parts<'s, 'a>(&self, mut steps: &'s [Step<'a>]) -> Vec<&'s [Step<'a>]> {
        let mut parts = Vec::new();
        while !steps.is_empty() {
            let mut bytes = 0;
            let fit = steps.iter().take(self.0.settings.batch_steps).take_while(|step| {
                bytes += step.bytes();
                bytes <= self.0.settings.batch_bytes
            });
            let (part, rest) = steps.split_at(fit.count().max(1));
            parts.push(part);
            steps = rest;
        }
        parts
    }

    /// The entries by their keys, each checked.
    fn entries<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Entries, Error> {
        entries.into_iter().map(|(key, value)| self.entry(key.as_ref(), value.as_ref())).collect()
    }
}

/// The outcome of one part.
enum Applied {
    /// The map was not what it was expected to be.
    Not,
    /// `alone`: nothing else has changed the map since the part before.
    Yes { revision: Option<Revision>, alone: bool },
}

/// The steps from the view to the entries, in the order of the keys.
fn difference<'a>(view: &View, entries: &'a Entries) -> Vec<Step<'a>> {
    let differs = |(key, value): &(&Key, &Bytes)| view.get(key).is_none_or(|held| **held != **value);
    let set = entries.iter().filter(|entry| differs(entry)).map(|(key, value)| Step::Set(key, value));
    let gone = view.keys().map(Key::from).filter(|key| !entries.contains_key(key));
    let mut steps: Vec<_> = set.chain(gone.map(Step::Delete)).collect();
    steps.sort_unstable_by(|one, other| one.key().cmp(other.key()));
    steps
}

/// The error of a call of which so many changes are done.
fn partly(done: usize, total: usize, cause: Error) -> Error {
    if done == 0 { cause } else { Error::PartlyDone { done, total, cause: Box::new(cause) } }
}
