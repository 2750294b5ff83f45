//! Share links: their values are sealed under a key of their own, which this function makes and `open-share` uses too.

use crypto::KeyContext;
use edge::Error;
use edge::seal::{Share, Shared, SharedValue};
use rules::nouns::{Project, ShareLink, ShareLinkKey};
use store::{CommitError, project, share};

use crate::SealSecret;

impl SealSecret {
    pub(crate) async fn share(&self, ask: Share) -> Result<Shared, Error> {
        let Share { link, value, passphrase_hash, record } = ask;
        let project = self.project(link.vault, link.project).await?;
        let value = match value {
            SharedValue::Given(value) => value,
            SharedValue::Generated(generator) => generator.make(),
        };
        if value.is_empty() || value.len() > ShareLink::VALUE_BYTES {
            return Err(Error::internal("a value that is out of bounds came this far"));
        }
        let key = self.keys.share_key(&self.share_link_key(&project).await?, self.clock.now()).await?;
        let sealed = key.seal(&link.place(&passphrase_hash), &value);
        let mut write = self.store.transaction();
        let in_project = write.require(&project::row(project.id));
        write.put_new(&link);
        write.put_new(&share::SharedValue { link: link.hash.clone(), passphrase_hash, sealed });
        write.put(&link.expiry());
        write.record(&record);
        if write.commit_unless_refused(in_project).await? { Ok(Shared {}) } else { Err(Error::not_found("Project")) }
    }

    /// The key of a project's share links, which is made with the first of them.
    async fn share_link_key(&self, project: &Project) -> Result<ShareLinkKey, Error> {
        let row = share::key(project.id);
        if let Some(key) = self.store.get(&row).await? {
            return Ok(key);
        }
        let context = KeyContext::Share(project.vault, project.id);
        let key = self.keys.maker().make_wrapped(&context).await?;
        let made = ShareLinkKey { vault: project.vault, project: project.id, key };
        let mut write = self.store.transaction();
        write.require(&project::row(project.id));
        write.put_new(&made);
        match write.commit().await {
            Ok(()) => Ok(made),
            // Somebody else was faster, or the project is gone.
            Err(CommitError::Refused(_)) => self.store.get(&row).await?.ok_or_else(|| Error::not_found("Project")),
            Err(error) => Err(error.into()),
        }
    }
}
