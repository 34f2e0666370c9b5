//! The registry of sales channels: where things are sold, and how long stock is reserved there (contract ofm §12).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SalesChannelFamily")]
pub enum Family {
    /// Tills: stock is reserved for 5 minutes.
    Pos,
    /// Shops that sell to consumers from afar: 15 minutes.
    Dtc,
    /// Sales to dealers: 60 minutes.
    Wholesale,
}

/// The code of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelCode {
    /// The till of this stack.
    G3npos,
    /// The till before it.
    G3nlegacypos,
    /// A kiosk.
    Kiosk,
    /// Any other till.
    PosGeneric,
    /// Shopify.
    Shopify,
    /// Shopify Plus.
    ShopifyPlus,
    /// The Shopify connection before this one.
    G3nlegacyshopify,
    /// Any other shop.
    DtcGeneric,
    /// Wholesale.
    WholesaleGeneric,
}

impl ChannelCode {
    /// The kind of channel.
    pub const fn family(self) -> Family {
        match self {
            Self::G3npos | Self::G3nlegacypos | Self::Kiosk | Self::PosGeneric => Family::Pos,
            Self::Shopify | Self::ShopifyPlus | Self::G3nlegacyshopify | Self::DtcGeneric => Family::Dtc,
            Self::WholesaleGeneric => Family::Wholesale,
        }
    }
}
