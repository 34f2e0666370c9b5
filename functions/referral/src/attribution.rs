//! Attributions: a click, and the recruitment that may come of it (referral §1).

use contract::{
    attribution_id::AttributionId,
    codes::ReferralCode,
    foreign_id::ForeignId,
    personal::Personal,
    revision::Counter,
    time::{Moment, Time},
    web::{IpAddress, UserAgent, WebUrl},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Ctx, Resource};
use store::{Entity, Indexes, Key, Org, Stored, classes};

use crate::keys;

/// An attribution. What it stands for follows from whether it is confirmed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attribution {
    /// Its id.
    pub id: AttributionId,
    /// The code that was clicked.
    pub code: ReferralCode,
    /// Whose code it was.
    pub mentor_id: ForeignId,
    /// For so many times 24 hours after the click it can be confirmed, as the code said.
    pub window_days: u16,
    /// Who was recruited.
    pub new_member_id: Option<Personal<ForeignId>>,
    /// Where the click came from; none after retention.
    pub ip_address: Option<Personal<IpAddress>>,
    /// What program made it; none after retention.
    pub user_agent: Option<Personal<UserAgent>>,
    /// Which page it was on; none after retention.
    pub referrer_url: Option<Personal<WebUrl>>,
    /// When it was clicked.
    pub clicked_at: Time,
    /// When the recruitment was confirmed.
    pub confirmed_at: Option<Time>,
}

classes!(Attribution {
    id: Plain,
    code: Plain,
    mentor_id: Plain,
    window_days: Plain,
    new_member_id: Identity,
    ip_address: Contact,
    user_agent: Contact,
    referrer_url: FreeText,
    clicked_at: Plain,
    confirmed_at: Plain,
});

impl Attribution {
    /// Whether there is nothing left to blank after retention.
    pub fn is_blank(&self) -> bool {
        self.ip_address.is_none() && self.user_agent.is_none() && self.referrer_url.is_none()
    }

    /// The same without address, agent and referrer.
    #[must_use]
    pub fn blanked(self) -> Self {
        Self { ip_address: None, user_agent: None, referrer_url: None, ..self }
    }
}

impl Entity for Attribution {
    const SERVICE: &'static str = "referral";
    const TYPE: &'static str = "referral-attribution";
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::attribution::by_id(org, &self.id)
    }

    fn indexes(&self, org: &Org, _: Time) -> Indexes {
        keys::attribution::lists(org, self)
    }

    fn id(&self) -> String {
        self.id.to_string()
    }
}

/// What a record stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Somebody followed a mentor's code.
    Click,
    /// Who did became a member.
    Conversion,
}

/// How a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is a click.
    Pending,
    /// It is a conversion.
    Confirmed,
}

/// An attribution as it is answered, whole.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Attribution")]
pub struct AttributionView {
    /// Its id.
    id: AttributionId,
    /// The code that was clicked.
    code: ReferralCode,
    /// Whose code it was.
    mentor_id: ForeignId,
    /// What it stands for.
    r#type: Kind,
    /// How it stands.
    status: Status,
    /// Who was recruited; null unless it is a conversion.
    new_member_id: Option<Personal<ForeignId>>,
    /// Where the click came from; null after retention.
    ip_address: Option<Personal<IpAddress>>,
    /// What program made it; null after retention.
    user_agent: Option<Personal<UserAgent>>,
    /// Which page it was on.
    referrer_url: Option<Personal<WebUrl>>,
    /// The time of what it stands for: of the click, then of the confirmation.
    occurred_at: Moment,
    /// When it was clicked, where that is not told by `occurred_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    clicked_at: Option<Moment>,
    /// When it was confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_at: Option<Moment>,
    /// When it was recorded.
    created_at: Moment,
}

impl AttributionView {
    /// The record as a click, also where it became a conversion since: what a click is answered with.
    pub(crate) fn of_click(stored: &Stored<Attribution>) -> Self {
        let record = Attribution { new_member_id: None, confirmed_at: None, ..stored.record.clone() };
        Self::of(record, stored.created_at)
    }

    /// The same without the page that somebody else may have come from.
    pub(crate) fn without_referrer(self) -> Self {
        Self { referrer_url: None, ..self }
    }

    fn of(record: Attribution, created_at: Time) -> Self {
        let Brief { id, code, mentor_id, r#type, status, new_member_id, occurred_at } = Brief::of(&record);
        let confirmed_at = record.confirmed_at.map(Moment);
        Self {
            id,
            code,
            mentor_id,
            r#type,
            status,
            new_member_id,
            ip_address: record.ip_address,
            user_agent: record.user_agent,
            referrer_url: record.referrer_url,
            occurred_at,
            clicked_at: confirmed_at.map(|_| Moment(record.clicked_at)),
            confirmed_at,
            created_at: Moment(created_at),
        }
    }
}

impl Resource for Attribution {
    type View = AttributionView;

    fn view(stored: &Stored<Self>, _: &Ctx) -> AttributionView {
        AttributionView::of(stored.record.clone(), stored.created_at)
    }
}

/// An attribution in the list of a mentor.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MentorAttribution")]
pub(crate) struct Brief {
    /// Its id.
    id: AttributionId,
    /// The code that was clicked.
    code: ReferralCode,
    /// Whose code it was.
    mentor_id: ForeignId,
    /// What it stands for.
    r#type: Kind,
    /// How it stands.
    status: Status,
    /// Who was recruited; null unless it is a conversion.
    new_member_id: Option<Personal<ForeignId>>,
    /// The time of what it stands for: of the click, then of the confirmation.
    occurred_at: Moment,
}

impl Brief {
    pub(crate) fn of(record: &Attribution) -> Self {
        let Attribution { id, code, mentor_id, new_member_id, clicked_at, confirmed_at, .. } = record.clone();
        let (r#type, status) = match confirmed_at {
            None => (Kind::Click, Status::Pending),
            Some(_) => (Kind::Conversion, Status::Confirmed),
        };
        let occurred_at = Moment(confirmed_at.unwrap_or(clicked_at));
        Self { id, code, mentor_id, r#type, status, new_member_id, occurred_at }
    }
}
