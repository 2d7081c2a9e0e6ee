//! The head of a store, which describes its content.

use bytes::Bytes;
use rmap_proto::{MapName, Revision};

use super::fields::{Fields, put_bytes, put_number};
use super::invalid::Problem;
use crate::Proof;

/// Description of the content of a store. The format does not interpret it: the reader of a store decides what it proves.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// The map.
    pub map: MapName,
    /// The revision of the content. `None`: the server had no hash for the map.
    pub revision: Option<Revision>,
    /// Fields of the hash at that revision as HLEN counts them, reserved fields included.
    pub fields: u64,
    /// The last proof of freshness. `None`: there is none that a server could confirm.
    pub proof: Option<Proof>,
    /// Time of the last proof of freshness by the clock of this computer, in milliseconds since the Unix epoch.
    pub proven_at: Option<u64>,
    /// Time of writing by the clock of this computer, in milliseconds since the Unix epoch.
    pub written_at: u64,
}

impl Header {
    /// A header that knows the map and the time of writing, without a revision and without fields.
    #[must_use]
    pub const fn new(map: MapName, written_at: u64) -> Self {
        Self { map, revision: None, fields: 0, proof: None, proven_at: None, written_at }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut to = Vec::new();
        put_bytes(&mut to, self.map.as_bytes());
        put_number(&mut to, self.written_at);
        put_number(&mut to, self.fields);
        put_optional(&mut to, self.revision.map(Revision::get));
        put_optional(&mut to, self.proven_at);
        to.push(self.proof.is_some().into());
        if let Some(proof) = &self.proof {
            put_number(&mut to, proof.revision.get());
            put_bytes(&mut to, &proof.replication_id);
            put_number(&mut to, proof.offset);
            put_number(&mut to, proof.clock);
        }
        to
    }

    pub(super) fn decode(fields: &mut Fields<'_>) -> Result<Self, Problem> {
        let map = MapName::new(fields.bytes()?).map_err(|_| Problem::Name)?;
        let mut header = Self::new(map, fields.number()?);
        header.fields = fields.number()?;
        header.revision = fields.optional(revision)?;
        header.proven_at = fields.optional(Fields::number)?;
        header.proof = fields.optional(proof)?;
        Ok(header)
    }
}

fn proof(fields: &mut Fields<'_>) -> Result<Proof, Problem> {
    let revision = revision(fields)?;
    let replication_id = Bytes::copy_from_slice(fields.bytes()?);
    Ok(Proof::new(revision, replication_id, fields.number()?, fields.number()?))
}

fn put_optional(to: &mut Vec<u8>, number: Option<u64>) {
    to.push(number.is_some().into());
    if let Some(number) = number {
        put_number(to, number);
    }
}

fn revision(fields: &mut Fields<'_>) -> Result<Revision, Problem> {
    Revision::new(fields.number()?).ok_or(Problem::Revision)
}
