//! A key layer that counts its calls and can be taken away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use crypto::Sealed;
use crypto::envelope::KeyContext;
use store::key_layer::KeyBytes;
use store::{KeyError, KeyLayer, LocalKeyLayer};

use crate::rights;

/// A local server key with switches.
pub struct TestKeys {
    layer: LocalKeyLayer,
    unwrapped: AtomicUsize,
    down: AtomicBool,
    hangs: AtomicBool,
}

impl Default for TestKeys {
    fn default() -> Self {
        Self {
            layer: LocalKeyLayer::ephemeral(),
            unwrapped: AtomicUsize::new(0),
            down: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
        }
    }
}

impl TestKeys {
    /// How often a key was unwrapped.
    pub fn unwrapped(&self) -> usize {
        self.unwrapped.load(Ordering::SeqCst)
    }

    /// Takes the key layer away, or gives it back.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Lets no call come to an end.
    pub fn hang(&self) {
        self.hangs.store(true, Ordering::SeqCst);
    }

    async fn check(&self) -> Result<(), KeyError> {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.down.load(Ordering::SeqCst) {
            Err(KeyError::Unavailable("taken away by a test".into()))
        } else {
            Ok(())
        }
    }
}

/// A function's way to the key layer: what it asks of it is written down.
pub(crate) struct FunctionKeys {
    pub(crate) function: &'static str,
    pub(crate) layer: Arc<dyn KeyLayer>,
}

#[async_trait]
impl KeyLayer for FunctionKeys {
    async fn make_wrapped(&self, context: &KeyContext) -> Result<Sealed, KeyError> {
        rights::key_call(self.function, "kms:GenerateDataKeyWithoutPlaintext", context);
        self.layer.make_wrapped(context).await
    }

    async fn unwrap(&self, context: &KeyContext, wrapped: &Sealed) -> Result<KeyBytes, KeyError> {
        rights::key_call(self.function, "kms:Decrypt", context);
        self.layer.unwrap(context, wrapped).await
    }
}

#[async_trait]
impl KeyLayer for TestKeys {
    async fn make_wrapped(&self, context: &KeyContext) -> Result<Sealed, KeyError> {
        self.check().await?;
        self.layer.make_wrapped(context).await
    }

    async fn unwrap(&self, context: &KeyContext, wrapped: &Sealed) -> Result<KeyBytes, KeyError> {
        self.check().await?;
        self.unwrapped.fetch_add(1, Ordering::SeqCst);
        self.layer.unwrap(context, wrapped).await
    }
}
