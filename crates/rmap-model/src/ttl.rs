//! The effect of an applied write on the time to live.

use rmap_proto::Ttl;

use super::Authority;

impl Authority {
    pub(super) fn touch(&mut self, now_ms: u64, ttl: Ttl) {
        match ttl {
            Ttl::None => {}
            Ttl::Absolute(millis) => {
                self.deadline.get_or_insert_with(|| now_ms.saturating_add(millis.get()));
            }
            Ttl::Sliding(millis) => self.deadline = Some(now_ms.saturating_add(millis.get())),
        }
    }
}
