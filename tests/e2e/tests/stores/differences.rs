//! Where a store is known to answer otherwise than DynamoDB.

/// A case that a store answers otherwise than DynamoDB.
pub(crate) struct Difference {
    pub(crate) store: &'static str,
    pub(crate) case: &'static str,
    /// What it answers: an error's name, or `ok`.
    pub(crate) instead: &'static str,
    pub(crate) why: &'static str,
}

const fn differs(store: &'static str, case: &'static str, instead: &'static str, why: &'static str) -> Difference {
    Difference { store, case, instead, why }
}

const FIXED_TEXT: &str = "our expressions are fixed texts; one that is wrong fails on the other stores";

const ANY_REFUSAL: &str = "a transaction that cannot be right is an error to us, whichever way it is refused";
const BY_KIND: &str = "our keys begin with the kind of their row";
const TYPED: &str =
    "values are made by the client's types, which have no such value, and any refusal is an error to us";

/// All that are known.
pub(crate) const DIFFERENCES: [Difference; 17] = [
    differs("DynamoDB Local", "transaction that adds to a text", "ValidationException", ANY_REFUSAL),
    differs(
        "DynamoDB Local",
        "transaction that sets an entry of a map that is not there",
        "ValidationException",
        ANY_REFUSAL,
    ),
    differs("dynoxide", "a number of 39 digits", "SerializationException", TYPED),
    differs("dynoxide", "a number that is none", "SerializationException", TYPED),
    differs("dynoxide", "two types in one value", "SerializationException", TYPED),
    differs("dynoxide", "query with a limit of none", "SerializationException", "our limits are 1 or more"),
    differs("dynoxide", "query by an empty beginning", "ok", BY_KIND),
    differs("dynoxide", "query by an empty partition key", "ok", BY_KIND),
    differs("dynoxide, typed", "query by an empty beginning", "ok", BY_KIND),
    differs("dynoxide, typed", "query by an empty partition key", "ok", BY_KIND),
    differs("ministack", "an update that does not parse", "ok", FIXED_TEXT),
    differs("ministack", "update that sets and removes one attribute", "ok", FIXED_TEXT),
    differs("ministack", "update with one section twice", "ok", FIXED_TEXT),
    differs("ministack", "query with a reserved word", "ok", "we read whole rows, never a projection"),
    differs("ministack", "transaction with two actions in one step", "ok", "a step of ours is made from one action"),
    differs(
        "ministack",
        "update that removes an entry of a map that is not there",
        "ok",
        "the only map with entries of its own, a vault's allowlist, is there from the start",
    ),
    differs(
        "ministack",
        "batch past 16 MiB leaves keys out",
        "ok",
        "a batch asks again for what is left out, and takes an answer that leaves nothing out",
    ),
];
