//! The rules of SikkerKey, without I/O, clock or randomness of their own.
//!
//! [`nouns`] is what there is: vaults, projects, secrets, machines, people and so on, each row with its limits and its
//! small rules. [`owned`] says what belongs to which vault. [`signer`] decides who signed, [`read_gate`] who may read, in
//! one pure function that is the whole access model, and [`manage_gate`] and [`scope`] who may manage. [`policies`] are
//! conditions that a read may have to meet besides. [`limits`] says what input is taken,
//! [`audit`] what is recorded, [`structured`] what a structured value is, [`variables`] what environment variable may be
//! made of one. [`lockout`], [`hold_back`] and [`enrollment`] are the rules of those three. Everything that a rule needs
//! comes in as an argument, so rules are tested without a network, and a reader can trust that nothing else plays a part.

pub mod advice;
pub mod audit;
pub mod enrollment;
pub mod hold_back;
pub mod limits;
pub mod lockout;
pub mod manage_gate;
pub mod names;
pub mod nouns;
pub mod owned;
pub mod plan;
pub mod policies;
pub mod read_gate;
pub mod remedy;
pub mod scope;
pub mod signer;
pub mod structured;
mod time;
pub mod variables;
pub mod webhooks;

pub use time::Time;
