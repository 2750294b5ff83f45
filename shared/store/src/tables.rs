//! The tables, in one place: names, keys, indexes.
//!
//! | table | key | index | holds |
//! |---|---|---|---|
//! | vault | `pk`, `sk` | `by-owner`: `ownerPk`, `ownerSk` | vaults, projects, secrets' metadata, machines, grants, tokens |
//! | values | `pk`, `sk` | | encrypted versions |
//! | audit | `pk` | `by-time`: `vaultDay`, `order`; `by-agent`: `agent`, `order` | audit records and nonces |
//! | accounts | `pk`, `sk` | `by-owner` | people and sessions |
//! | agents | `pk`, `sk` | `by-owner` | AI agents and their bootstrap tokens |
//!
//! All bill on demand and expire rows by the attribute `ttl` (epoch seconds).

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, TimeToLiveSpecification,
};

use crate::StoreError;

/// One of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Everything about vaults but values.
    Vault,
    /// Encrypted values.
    Values,
    /// Audit records and nonces.
    Audit,
    /// People and sessions.
    Accounts,
    /// AI agents. No function of the machine plane has a right on it.
    Agents,
}

/// The index of what belongs to a vault, project, secret or person.
pub(crate) const BY_OWNER: &str = "by-owner";
/// The index of audit records in order of time.
pub(crate) const BY_TIME: &str = "by-time";
/// The index of what AI agents did, in order of time. Sparse: other records are not in it.
pub(crate) const BY_AGENT: &str = "by-agent";

impl Table {
    /// Every table.
    pub const ALL: [Self; 5] = [Self::Vault, Self::Values, Self::Audit, Self::Accounts, Self::Agents];

    /// The table's name, under the deployment's prefix.
    #[must_use]
    pub fn name(self, prefix: &str) -> String {
        let name = match self {
            Self::Vault => "vault",
            Self::Values => "values",
            Self::Audit => "audit",
            Self::Accounts => "accounts",
            Self::Agents => "agents",
        };
        format!("{prefix}-{name}")
    }

    fn has_sort_key(self) -> bool {
        self != Self::Audit
    }

    /// The indexes' names and their two key attributes.
    fn indexes(self) -> &'static [(&'static str, [&'static str; 2])] {
        match self {
            Self::Vault | Self::Accounts | Self::Agents => &[(BY_OWNER, ["ownerPk", "ownerSk"])],
            Self::Audit => &[(BY_TIME, ["vaultDay", "order"]), (BY_AGENT, ["agent", "order"])],
            Self::Values => &[],
        }
    }
}

fn invalid(error: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!("table definition: {error}"))
}

fn schema(hash: &str, range: Option<&str>) -> Result<Vec<KeySchemaElement>, StoreError> {
    let element = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    std::iter::once(element(hash, KeyType::Hash))
        .chain(range.map(|range| element(range, KeyType::Range)))
        .collect::<Result<_, _>>()
        .map_err(invalid)
}

/// Makes the tables that are not there yet: for local mode and tests. On AWS the template makes them.
pub async fn create_missing(client: &Client, prefix: &str) -> Result<(), StoreError> {
    for table in Table::ALL {
        let name = table.name(prefix);
        let mut attributes = BTreeSet::from(["pk"]);
        attributes.extend(table.has_sort_key().then_some("sk"));
        let mut request = client
            .create_table()
            .table_name(&name)
            .billing_mode(BillingMode::PayPerRequest)
            .set_key_schema(Some(schema("pk", table.has_sort_key().then_some("sk"))?));
        for (index, [hash, range]) in table.indexes() {
            attributes.extend([hash, range]);
            let index = GlobalSecondaryIndex::builder()
                .index_name(*index)
                .set_key_schema(Some(schema(hash, Some(range))?))
                .projection(Projection::builder().projection_type(ProjectionType::All).build())
                .build()
                .map_err(invalid)?;
            request = request.global_secondary_indexes(index);
        }
        for attribute in attributes {
            let definition = AttributeDefinition::builder()
                .attribute_name(attribute)
                .attribute_type(ScalarAttributeType::S)
                .build()
                .map_err(invalid)?;
            request = request.attribute_definitions(definition);
        }
        match request.send().await {
            Err(SdkError::ServiceError(error)) if error.err().is_resource_in_use_exception() => continue,
            other => other?,
        };
        let ttl = TimeToLiveSpecification::builder().attribute_name("ttl").enabled(true).build().map_err(invalid)?;
        client.update_time_to_live().table_name(&name).time_to_live_specification(ttl).send().await?;
    }
    Ok(())
}
