//! How old changes are folded.

use std::collections::{HashMap, VecDeque};

use rmap_core::Change;

use super::{AGED_AT_ONCE, FEW, Log, weight};

impl Log {
    /// Folds what is too much to stay as it is: everything, when all logs of the client together keep too much.
    pub(super) fn age(&mut self) {
        for _ in 0..AGED_AT_ONCE {
            let young = self.slots.len() - self.old;
            let fits = young <= self.limit.count && self.young_bytes <= self.limit.bytes;
            if young == 0 || fits && !self.share.is_too_much() {
                break;
            }
            self.fold_next();
        }
        if self.old > self.many {
            self.fold_all();
        }
        self.share.set(self.bytes);
    }

    /// The oldest of the young ones becomes old.
    fn fold_next(&mut self) {
        let index = self.old;
        self.old += 1;
        let slot = &mut self.slots[index];
        let number = slot.number;
        if slot.standing > 0 {
            self.border = number;
        }
        let Some(change) = slot.change.take() else { return };
        self.young_bytes -= weight(&change);
        let key = change.key.clone();
        let earlier = self.latest.insert(key.clone(), number).filter(|earlier| *earlier >= self.border);
        let earlier = earlier.map(|earlier| self.find(earlier));
        if !self.fold(earlier, index, change) {
            self.latest.remove(&key);
        }
    }

    /// Puts a change at its place, together with an earlier one of its key. False when nothing is left of them: the key is
    /// as it was before both.
    fn fold(&mut self, earlier: Option<usize>, index: usize, mut change: Change) -> bool {
        self.bytes -= weight(&change);
        if let Some(earlier) = earlier.and_then(|earlier| self.slots[earlier].change.take()) {
            self.bytes -= weight(&earlier);
            change.old = earlier.old;
            if change.old == change.new {
                return false;
            }
        }
        self.bytes += weight(&change);
        self.slots[index].change = Some(change);
        true
    }

    /// Folds all old changes between which no stream stands, and closes up.
    fn fold_all(&mut self) {
        let (mut latest, mut border) = (HashMap::new(), 0);
        for index in 0..self.old {
            if self.slots[index].standing > 0 {
                border = index;
            }
            let Some(change) = self.slots[index].change.take() else { continue };
            let earlier = latest.insert(change.key.clone(), index).filter(|earlier| *earlier >= border);
            self.fold(earlier, index, change);
        }
        self.close_up();
    }

    /// Takes emptied slots out. Whoever stands at one stands at the next then.
    fn close_up(&mut self) {
        let mut kept = VecDeque::with_capacity(self.slots.len());
        let mut standing = 0;
        self.latest.clear();
        self.border = 0;
        for mut slot in self.slots.drain(..self.old) {
            standing += slot.standing;
            let Some(change) = &slot.change else { continue };
            slot.standing = std::mem::take(&mut standing);
            if slot.standing > 0 {
                self.border = slot.number;
            }
            self.latest.insert(change.key.clone(), slot.number);
            kept.push_back(slot);
        }
        self.old = kept.len();
        kept.append(&mut self.slots);
        self.slots = kept;
        *self.standing(self.old) += standing;
        self.many = 2 * self.old + FEW;
    }
}
