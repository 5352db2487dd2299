//! What one kind's choice means while devices come and go. Pure: told what happened and when, it says which
//! device should be open and what the person should hear about it.
//!
//! ```text
//! in use ── gone, or does not open ──▶ away: another one is used instead
//!    ▲                                    │
//!    └───────── opens again ◀── returning ◀ listed again, or a few tries later
//! ```

use std::time::{Duration, Instant};

use maru_media::{DeviceError, DeviceId, DeviceKind, DeviceList};

use crate::engine::Choice;
use crate::notice::{Problem, Sentence};

/// A device that is still listed but broke is tried again after this long, and then after twice as long …
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// … so many times.
const RETRIES: u32 = 3;

/// One kind's choice.
pub(super) struct Chosen {
    kind: DeviceKind,
    choice: Choice,
    /// What the choice means with the devices there are; the one to return to.
    device: Option<DeviceId>,
    /// Why another one is used.
    away: Option<Away>,
    /// What is open.
    open: Option<DeviceId>,
    /// Nothing of this kind works: not tried again until something changes.
    failed: bool,
}

/// The device is gone, or does not work.
struct Away {
    /// It is not in the list: when it is there again, it is back.
    unlisted: bool,
    /// What is used meanwhile.
    instead: Option<DeviceId>,
    /// What else was tried in its place and does not work.
    broken: Vec<DeviceId>,
    /// It is being opened again.
    returning: bool,
    tries: u32,
    retry_at: Option<Instant>,
}

impl Chosen {
    pub fn new(kind: DeviceKind, choice: Choice) -> Self {
        let device = match &choice {
            Choice::Device(id) => Some(id.clone()),
            Choice::Preferred | Choice::None => None,
        };
        Self { kind, choice, device, away: None, open: None, failed: false }
    }

    /// The device that is used, or would be: chosen, or standing in.
    pub fn in_use(&self) -> Option<&DeviceId> {
        match &self.away {
            Some(away) if !away.returning => away.instead.as_ref(),
            _ => self.device.as_ref(),
        }
    }

    /// The device that should be open when one is needed.
    pub fn wanted(&self) -> Option<DeviceId> {
        self.in_use().filter(|_| !self.failed).cloned()
    }

    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The person chose.
    pub fn choose(&mut self, choice: Choice) {
        let open = self.open.take();
        *self = Self { open, ..Self::new(self.kind, choice) };
    }

    /// What failed may be tried again: the person wants it now.
    pub fn retry(&mut self) {
        self.failed = false;
    }

    /// There are other devices than before.
    pub fn listed(&mut self, before: &DeviceList, list: &DeviceList) -> Option<Problem> {
        if self.away.is_some() {
            return self.listed_while_away(list);
        }
        let is = |id: &DeviceId, in_list: &DeviceList| in_list.find(self.kind, id).is_some();
        match &self.choice {
            Choice::None => None,
            Choice::Device(id) if is(id, list) => {
                self.failed &= is(id, before);
                None
            }
            Choice::Device(id) => match before.find(self.kind, id) {
                // It need not be listed: whoever sends a test pattern, or silence, wants no real one to take over.
                Some(device) if device.synthetic => None,
                Some(_) => self.vanished(before, list),
                // Chosen another day, and not plugged in now.
                None => {
                    if id.system_name(self.kind).is_some() && self.open.as_ref() != Some(id) {
                        self.step_aside(true, list);
                    }
                    None
                }
            },
            Choice::Preferred => {
                let used = self.device.as_ref().and_then(|id| before.find(self.kind, id));
                let gone = self.device.as_ref().is_none_or(|id| !is(id, list));
                let made_up = used.is_some_and(|device| device.synthetic);
                if gone && self.is_open() && !made_up {
                    return self.vanished(before, list);
                }
                // What works is not changed under the person's hands, unless it only stands in for a real one.
                if gone || !self.is_open() || made_up {
                    let preferred = list.preferred(self.kind).map(|device| device.id.clone());
                    self.failed &= self.device == preferred;
                    self.device = preferred;
                }
                None
            }
        }
    }

    fn listed_while_away(&mut self, list: &DeviceList) -> Option<Problem> {
        let (Some(away), Some(id)) = (&mut self.away, &self.device) else { return None };
        // What did not work may work now, and what stands in may be gone in its turn.
        away.broken.clear();
        if away.instead.as_ref().is_none_or(|instead| list.find(self.kind, instead).is_none()) {
            away.instead = list.preferred_but(self.kind, &[id]).map(|device| device.id.clone());
            self.failed = false;
        }
        match list.find(self.kind, id) {
            Some(_) if away.unlisted => {
                self.failed = false;
                away.unlisted = false;
                if self.open.is_some() && self.open != self.device {
                    away.returning = true; // said once it is open
                    return None;
                }
                self.away = None;
                return self.back(list);
            }
            Some(_) => {}
            None => away.unlisted = true,
        }
        None
    }

    /// The device is not in the list any more.
    fn vanished(&mut self, before: &DeviceList, list: &DeviceList) -> Option<Problem> {
        let name =
            self.device.as_ref().and_then(|id| before.find(self.kind, id)).map(|device| device.label());
        self.step_aside(true, list);
        let name = name.unwrap_or_default();
        Some(self.replaced(&name, list).unwrap_or_else(|| DeviceError::Lost { kind: self.kind, name }.into()))
    }

    /// Another device takes over from the chosen one.
    fn step_aside(&mut self, unlisted: bool, list: &DeviceList) {
        let broken: Vec<_> = self.device.iter().collect();
        let instead = list.preferred_but(self.kind, &broken).map(|device| device.id.clone());
        self.failed = false;
        let broken = Vec::new();
        self.away = Some(Away { unlisted, instead, broken, returning: false, tries: 0, retry_at: None });
    }

    /// This is open now.
    pub fn opened(&mut self, id: Option<DeviceId>, list: &DeviceList) -> Option<Problem> {
        let returned = self.away.as_ref().is_some_and(|away| away.returning) && id == self.device;
        self.open = id;
        if !returned || self.open.is_none() {
            return None;
        }
        self.away = None;
        self.back(list)
    }

    /// This one did not open; `kept` is still open.
    pub fn failed(
        &mut self,
        now: Instant,
        id: &DeviceId,
        kept: Option<DeviceId>,
        error: DeviceError,
        list: &DeviceList,
    ) -> Option<Problem> {
        self.open = kept;
        if self.in_use() != Some(id) {
            return None; // something else is wanted meanwhile
        }
        match &mut self.away {
            Some(away) if away.returning => {
                away.returning = false;
                if away.instead.is_none() {
                    away.instead = self.open.clone();
                }
                away.retry_at = (away.tries < RETRIES).then(|| now + RETRY_AFTER * 2_u32.pow(away.tries));
                away.tries += 1;
                None
            }
            Some(_) => {
                self.failed = !self.another_stands_in(id, list);
                Some(error.into())
            }
            // The person chose another one, which does not work: the one before it still does.
            None if self.open.is_some() => {
                match (&self.choice, &self.open) {
                    (Choice::Preferred, kept) => self.device.clone_from(kept),
                    (_, Some(kept)) => {
                        let kept = Choice::Device(kept.clone());
                        self.choose(kept);
                    }
                    (_, None) => {}
                }
                Some(error.into())
            }
            None if matches!(error, DeviceError::Denied { .. }) => {
                self.failed = true; // as would be any other
                Some(error.into())
            }
            None => self.lose(now, id, error, list),
        }
    }

    /// This one was open and is not any more.
    pub fn lost(
        &mut self,
        now: Instant,
        id: &DeviceId,
        error: DeviceError,
        list: &DeviceList,
    ) -> Option<Problem> {
        self.open = None;
        match &mut self.away {
            None if self.device.as_ref() == Some(id) => self.lose(now, id, error, list),
            Some(away) if away.instead.as_ref() == Some(id) && !away.returning => {
                self.another_stands_in(id, list);
                Some(error.into())
            }
            _ => None,
        }
    }

    /// What stands in does not work: another one does, each once as long as no device comes or goes. False where
    /// there is none.
    fn another_stands_in(&mut self, id: &DeviceId, list: &DeviceList) -> bool {
        let Some(away) = &mut self.away else { return false };
        away.broken.push(id.clone());
        let broken: Vec<_> = self.device.iter().chain(&away.broken).collect();
        away.instead = list.preferred_but(self.kind, &broken).map(|device| device.id.clone());
        away.instead.is_some()
    }

    /// The chosen device does not work.
    fn lose(
        &mut self,
        now: Instant,
        id: &DeviceId,
        error: DeviceError,
        list: &DeviceList,
    ) -> Option<Problem> {
        let listed = list.find(self.kind, id).map(|device| device.label());
        self.step_aside(listed.is_none(), list);
        if let Some(away) = &mut self.away {
            away.retry_at = listed.is_some().then(|| now + RETRY_AFTER);
            away.tries = 1;
            self.failed = away.instead.is_none();
        }
        let said = match &error {
            // Chosen another day, and nobody knows yet what there is today.
            DeviceError::Unknown { .. } if list.of(self.kind).is_empty() => return None,
            DeviceError::Lost { name, .. } => self.replaced(&listed.unwrap_or_else(|| name.clone()), list),
            DeviceError::Unknown { .. } => listed.and_then(|name| self.replaced(&name, list)),
            _ => None,
        };
        Some(said.unwrap_or_else(|| error.into()))
    }

    /// Lets a device that broke be tried again when it is time to; true when something changed.
    pub fn tick(&mut self, now: Instant) -> bool {
        let Some(away) = &mut self.away else { return false };
        if away.retry_at.is_none_or(|at| now < at) || away.unlisted {
            return false;
        }
        away.retry_at = None;
        away.returning = true;
        self.failed = false;
        true
    }

    /// Another one is used instead; `None` when there is no real one.
    fn replaced(&self, name: &str, list: &DeviceList) -> Option<Problem> {
        let instead = list.find(self.kind, self.in_use()?).filter(|device| !device.synthetic)?;
        let (kind, name, label) = (self.kind, name.to_owned(), instead.label());
        let text = format!("The {kind} “{name}” is gone. “{label}” is used until it is back.");
        let (instead, follows_system) = (instead.name.clone(), instead.follows_system);
        Some(Problem::new(Sentence::DeviceReplaced { kind, name, instead, follows_system }, text))
    }

    /// The chosen device is used again.
    fn back(&self, list: &DeviceList) -> Option<Problem> {
        let device = list.find(self.kind, self.device.as_ref()?).filter(|device| !device.follows_system)?;
        let (kind, name) = (self.kind, device.label());
        let text = format!("The {kind} “{name}” is back and used again.");
        Some(Problem::new(Sentence::DeviceBack { kind, name }, text))
    }
}

#[cfg(test)]
#[path = "chosen_tests.rs"]
mod tests;
