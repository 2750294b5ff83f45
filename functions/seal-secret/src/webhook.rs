//! Signing secrets of webhooks: sealed under a key of their own, which `deliver-webhooks` alone unwraps besides.

use crypto::KeyContext;
use edge::Error;
use edge::seal::{SealSigningSecret, SealedSecret};
use protocol::VaultId;
use rules::nouns::WrappedWebhookKey;
use store::webhook;

use crate::SealSecret;

impl SealSecret {
    pub(crate) async fn seal_signing_secret(&self, ask: SealSigningSecret) -> Result<SealedSecret, Error> {
        let key = self.webhook_key(ask.vault).await?;
        let key = self.keys.webhook_key(&key, self.clock.now()).await?;
        Ok(SealedSecret { sealed: key.seal(&ask.webhook, &ask.secret) })
    }

    /// The key of a vault's signing secrets, which is made with the first of them.
    async fn webhook_key(&self, vault: VaultId) -> Result<WrappedWebhookKey, Error> {
        let make = async || {
            let key = self.keys.maker().make_wrapped(&KeyContext::Webhook(vault)).await?;
            Ok(WrappedWebhookKey { vault, key })
        };
        self.store.get_or_put(&webhook::key(vault), make).await
    }
}
