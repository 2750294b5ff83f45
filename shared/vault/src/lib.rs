//! The rules of SikkerKey, without I/O, clock or randomness of their own.
//!
//! [`model`] is what a vault holds, [`people`] who may be signed in, [`signer`] who may sign, [`read_gate`] the whole access
//! model in one pure function, [`manage_gate`] and [`scope`] who may manage, [`limits`] what input is taken, [`audit`] every action that is recorded, [`lockout`] and [`enrollment`] the rules of those two. Everything
//! the rules need comes in as an argument, so they are tested without a network, and a reader can trust that nothing
//! else plays a part.

pub mod audit;
pub mod enrollment;
pub mod limits;
pub mod lockout;
pub mod manage_gate;
pub mod model;
pub mod owned;
pub mod people;
pub mod read_gate;
pub mod scope;
pub mod signer;
pub mod structured;
mod time;

pub use time::Time;
