//! `GET /v1/bundle/{token}`: the one download of a pre-provisioned identity, as a ZIP.
//!
//! The private key is opened and packed first, then the bundle's row is deleted, then the ZIP is sent: a key layer
//! that is down does not cost the bundle, and of many downloads one wins. Afterwards 410.

use std::io::{Cursor, Write as _};
use std::sync::Arc;

use axum::extract::State;
use crypto::{Plaintext, TokenHash};
use edge::answer::{File, Zip};
use edge::{Base, Clock, Config, Error, Ids, Origins, Routes, SourceAddress};
use http::header;
use protocol::bodies::Identity;
use rules::audit::{Action, ActorKind};
use rules::nouns::{Bundle, Machine, Vault};
use store::{KeyRing, Put as _, Store, bundle, machine, vault};
use zeroize::Zeroizing;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Where the bundle is meant to be mounted.
const MOUNTED_AT: &str = "/etc/sikkerkey";

#[derive(Clone)]
struct App {
    store: Store,
    keys: KeyRing,
    clock: Clock,
    config: Arc<Config>,
    origins: Origins,
}

/// The function's route.
pub fn routes(base: &Base, keys: KeyRing) -> Routes {
    let (store, clock, config) = (base.store.clone(), base.clock.clone(), base.config.clone());
    let app = App { store, keys, clock, config, origins: Origins::new(base) };
    Routes::of("download-bundle").get("/v1/bundle/{token}", download).with_state(app)
}

async fn download(State(app): State<App>, Ids(token): Ids<String>, from: SourceAddress) -> Result<File<Zip>, Error> {
    let hash = TokenHash::of_link_text(&token).ok_or_else(Error::gone)?;
    let now = app.clock.now();
    let bundle: Option<Bundle> = app.store.get(&bundle::row(&hash)).await?;
    let bundle = bundle.filter(|bundle| bundle.expires_at > now).ok_or_else(Error::gone)?;
    let vault: Vault = app.store.get(&vault::row(bundle.vault)).await?.ok_or_else(Error::gone)?;
    let machine: Machine = app.store.get(&machine::row(bundle.machine)).await?.ok_or_else(Error::gone)?;

    let vault_key = app.keys.vault_key(&vault, now).await?;
    let private_key = vault_key.open(Bundle::PURPOSE, &bundle.id, &bundle.private_key)?;
    let archive = app.archive(&machine, &private_key)?;

    let origin = app.origins.of(&vault, ActorKind::External, Some(from.ip()), now);
    let record = origin.entry(Action::BundleDownload, format!("Identity of machine {} downloaded", machine.name));
    let mut write = app.store.transaction();
    let fetched = write.delete_existing(&bundle::row(&hash));
    write.delete(&bundle.expiry().key());
    write.record(&record.machine(machine.id));
    if !write.commit_unless_refused(fetched).await? {
        return Err(Error::gone());
    }
    let name = "attachment; filename=\"sikkerkey-identity.zip\"";
    Ok(File::new(archive).with_header(header::CONTENT_DISPOSITION, name))
}

impl App {
    /// The ZIP: the three files at the top, and the identity again where the published command line looks for it.
    fn archive(&self, machine: &Machine, private_key: &Plaintext) -> Result<Zeroizing<Vec<u8>>, Error> {
        let failed = |error: &dyn std::error::Error| Error::internal(format!("bundle archive: {error}"));
        let identity = Identity {
            machine_id: machine.id,
            machine_name: machine.name.clone(),
            vault_id: machine.vault,
            api_url: self.config.url.clone(),
            private_key_path: format!("{MOUNTED_AT}/private.pem"),
        };
        let identity = serde_json::to_vec_pretty(&identity).map_err(|error| failed(&error))?;
        let folder = format!("vaults/{}", machine.vault);
        let files = [
            ("identity.json".to_owned(), identity.as_slice()),
            ("private.pem".to_owned(), private_key.expose()),
            ("cli.json".to_owned(), b"{}".as_slice()),
            (format!("{folder}/identity.json"), identity.as_slice()),
            (format!("{folder}/private.pem"), private_key.expose()),
        ];
        // Stored uncompressed, in a buffer that does not grow, so that no copy of the key is left behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1_024));
        let mut archive = ZipWriter::new(Cursor::new(&mut *bytes));
        let options =
            SimpleFileOptions::default().compression_method(CompressionMethod::Stored).unix_permissions(0o600);
        for (name, content) in files {
            archive.start_file(name, options).map_err(|error| failed(&error))?;
            archive.write_all(content).map_err(|error| failed(&error))?;
        }
        archive.finish().map_err(|error| failed(&error))?;
        Ok(bytes)
    }
}
