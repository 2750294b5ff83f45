//! Types that hold secrets can be neither printed nor serialised nor copied: this file does not compile otherwise.

use std::fmt::{Debug, Display};

use crypto::{DataKey, KeyPair, MasterKey, OneTimeToken, Plaintext, ServerKey, VaultKey};
use serde::Serialize;
use static_assertions::assert_not_impl_any;

assert_not_impl_any!(Plaintext: Debug, Display, Serialize, Clone);
assert_not_impl_any!(DataKey: Debug, Display, Serialize, Clone);
assert_not_impl_any!(MasterKey: Debug, Display, Serialize, Clone);
assert_not_impl_any!(VaultKey: Debug, Display, Serialize, Clone);
assert_not_impl_any!(ServerKey: Debug, Display, Serialize, Clone);
assert_not_impl_any!(KeyPair: Debug, Display, Serialize, Clone);
assert_not_impl_any!(OneTimeToken: Debug, Display, Serialize, Clone);

#[test]
fn secret_types_wipe_themselves() {
    fn wipes<T: zeroize::ZeroizeOnDrop>() {}
    wipes::<Plaintext>();
    wipes::<DataKey>();
    wipes::<MasterKey>();
    wipes::<VaultKey>();
    wipes::<ServerKey>();
    wipes::<OneTimeToken>();
}
