//! `docs/truth-table.md`: what every kind of caller meets at every route behind HTTP. It is asked, not read from the route
//! table, and then compared with what the table's rule means (contract §4, ofm §1, usm §4).

use std::{collections::BTreeMap, fmt::Write};

use contract::{
    grants::{GivenGrants, Grant, Grants},
    ids::UserGuid,
    roles::Role,
};
use serde_json::json;
use service::{Access, OrgFrom, Route, Service};
use testkit::{Caller, World};

use crate::{
    elsewhere, generated,
    request::{Sample, send},
    samples, services,
};

const INTRODUCTION: &str = "\
# What each caller meets

Asked of every route behind HTTP by a test, which writes this page. `yes` is whatever an access rule does not refuse; a
number is the status of the refusal. Roles that are not named were tried together, and refused.

| column | who |
| --- | --- |
| nobody | a request without a credential |
| foreigner | an owner of another org, with this org's ids |
| member | an active member with no role and no assignment |
| roles of members | each alone opens the route to a member; empty where `member` says `yes` |
| key | the key of a service account with no assignment, and with a role that opens nothing: each has a role |
| roles of keys | each alone opens the route to a key; empty where `key` says `yes` |
| grants | each alone, at the facility, opens the route to a member |
| grants of keys | what the key of an account with every grant at the facility meets |
| expired | what a member meets whose assignment with every grant has ended |
| owner | an active owner who is not the primary one |
| primary | the primary owner |

A dash: the route is about no org or no facility.
";

/// What an answer is where access was refused.
const REFUSALS: &[&str] =
    &["auth-required", "forbidden", "not-owner", "not-primary-owner", "facility-grant-required"];

/// What would tell nothing of the rule.
const CREDENTIALS: &[&str] = &["session-invalid", "session-expired", "api-key-invalid", "api-key-expired"];

/// Routes whose handlers refuse some callers by what the request asks for, beyond the rule in the table.
const JUDGED_TOO: &[&str] = &["/member/resolve", "/override-code/validate", "/sales-channel/status"];

/// A role that opens no route of these services.
const OPENS_NOTHING: Role = Role::AcctExportAdmin;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Met {
    Yes,
    Refused(u16),
}

impl Met {
    fn text(self) -> String {
        match self {
            Self::Yes => "yes".to_owned(),
            Self::Refused(status) => status.to_string(),
        }
    }
}

/// What the callers met at one route.
struct Line {
    nobody: Met,
    member: Met,
    key: Met,
    of_org: Option<OfOrg>,
}

/// What callers met at a route that is about an org.
struct OfOrg {
    foreigner: Met,
    member_roles: Vec<Role>,
    key_roles: Vec<Role>,
    at_facility: Option<AtFacility>,
    owner: Met,
    primary: Met,
}

/// What assignments opened.
struct AtFacility {
    grants: Vec<Grant>,
    key: Met,
    expired: Met,
}

/// Callers by what they have: whether they are keys, and their roles.
type Callers = BTreeMap<(bool, Vec<Role>), Caller>;

/// One route, and those who call it.
struct Asked<'a> {
    service: &'static Service,
    route: &'static Route,
    world: &'a World,
    sample: Sample,
    callers: &'a mut Callers,
}

impl Asked<'_> {
    async fn meets(&mut self, caller: &Caller) -> Met {
        self.sample.caller = caller.clone();
        let reply = send(self.world, self.service, self.route, &self.sample, None).await;
        match reply.tag() {
            Some(tag) if REFUSALS.contains(&tag) => Met::Refused(reply.status),
            Some(tag) if CREDENTIALS.contains(&tag) => panic!("{}: {}", self.route.call.path, reply.text),
            _ => Met::Yes,
        }
    }

    /// The same for whoever an org is not to be shown to.
    async fn meets_as_foreigner(&mut self, caller: &Caller) -> Met {
        self.sample.caller = caller.clone().with("x-orgcode", &self.world.orgcode);
        let reply = send(self.world, self.service, self.route, &self.sample, None).await;
        let hidden = reply.tag().filter(|tag| *tag == "not-found" || REFUSALS.contains(tag));
        hidden.map_or(Met::Yes, |_| Met::Refused(reply.status))
    }

    async fn meets_with(&mut self, is_key: bool, roles: &[Role]) -> Met {
        let kind = (is_key, roles.to_vec());
        let caller = if let Some(caller) = self.callers.get(&kind) {
            caller.clone()
        } else {
            let names: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
            let caller = if is_key { self.world.key(&names).await } else { self.world.member(&names).await };
            self.callers.insert(kind, caller.clone());
            caller
        };
        self.meets(&caller).await
    }

    /// The roles that alone open the route. Those that the rule does not name are asked for together first.
    async fn roles(&mut self, is_key: bool) -> Vec<Role> {
        let named = named(self.route.access);
        // People become owners by other ways than roles.
        let roles = Role::ALL.iter().copied().filter(|role| is_key || !role.is_owner());
        let (mut alone, others): (Vec<_>, Vec<_>) =
            roles.partition(|role| named.contains(role) || role.is_owner());
        // Nobody has more than 64.
        for together in others.chunks(64) {
            if self.meets_with(is_key, together).await == Met::Yes {
                alone.extend(together);
            }
        }
        let mut opening = Vec::new();
        for role in alone {
            if self.meets_with(is_key, &[role]).await == Met::Yes {
                opening.push(role);
            }
        }
        opening.sort();
        opening
    }

    async fn at_facility(&mut self) -> AtFacility {
        let world = self.world;
        let member = world.member(&[]).await;
        assign(world, &member, Grant::ALL, Some(60)).await;
        world.advance_seconds(61);
        let expired = self.meets(&member).await;
        let mut grants = Vec::new();
        for grant in Grant::ALL {
            let member = world.member(&[]).await;
            assign(world, &member, &[*grant], None).await;
            if self.meets(&member).await == Met::Yes {
                grants.push(*grant);
            }
        }
        let key = world.key(&[OPENS_NOTHING.as_str()]).await;
        assign(world, &key, Grant::ALL, None).await;
        AtFacility { grants, key: self.meets(&key).await, expired }
    }

    /// From the weakest on, so that nobody who may do it did it before it is refused to somebody else.
    async fn line(mut self, foreigner: &Caller) -> Line {
        let own = self.sample.caller.clone();
        let nobody = self.meets(&Caller::anonymous()).await;
        let foreigner = self.meets_as_foreigner(foreigner).await;
        let key = self.meets_with(true, &[OPENS_NOTHING]).await;
        // What is about no org may be about a person: then it is the one whom the sample is about who asks.
        let is_own = self.route.org == OrgFrom::Nowhere && own.user_guid != UserGuid::NOWHERE;
        let member = if is_own { self.meets(&own).await } else { self.meets_with(false, &[]).await };
        let mut line = Line { nobody, member, key, of_org: None };
        if self.route.org != OrgFrom::Nowhere {
            let at_facility =
                if hangs_on_facility(self.route) { Some(self.at_facility().await) } else { None };
            line.of_org = Some(OfOrg {
                foreigner,
                at_facility,
                member_roles: if member == Met::Yes { Vec::new() } else { self.roles(false).await },
                key_roles: if key == Met::Yes { Vec::new() } else { self.roles(true).await },
                owner: self.meets(&self.world.second_owner().await).await,
                primary: self.meets(&self.world.owner.clone()).await,
            });
        }
        line
    }
}

/// Assigns somebody to every facility of the org, for so many seconds where it says how many.
async fn assign(world: &World, who: &Caller, grants: &[Grant], seconds: Option<i64>) {
    let post = async |path: &str, fields| world.post(&ofm::SERVICE, &world.owner, path, fields).await;
    let until = seconds.map(|seconds| world.now().plus_seconds(seconds));
    let listed = post("/facility/logical/list", json!({"limit": 256})).await;
    for facility in listed.data()["facilities"].as_array().expect("a list") {
        let mut fields = json!({"logical_guid": facility["logical_guid"], "grants": grants});
        if let Some(until) = until {
            fields["valid_until"] = json!(until);
        }
        if who.user_guid == UserGuid::NOWHERE {
            fields["service_account_guid"] = json!(who.service_account_guid);
            post("/service-account/assign-logical", fields).await.data();
        } else {
            fields["user_guid"] = json!(who.user_guid);
            post("/member/assign-logical", fields).await.data();
        }
    }
}

fn hangs_on_facility(route: &Route) -> bool {
    matches!(route.access, Access::Granted(..) | Access::GrantedInPerson(_) | Access::Judged(_))
}

/// The roles that a rule names.
fn named(access: Access) -> &'static [Role] {
    match access {
        Access::Associated(roles)
        | Access::OneOf(roles)
        | Access::PublicOr(roles)
        | Access::Granted(_, roles) => roles,
        _ => &[],
    }
}

/// Whether what was met is what the rule means; what the handler judges is compared with the page alone.
fn assert_as_said(route: &Route, line: &Line) {
    let place = format!("{} {}", route.call.path, row(route, line));
    let access = route.access;
    let open = |met: Met| met == Met::Yes;
    let public = access == Access::Public;
    assert_eq!(open(line.nobody), public, "{place}");
    let Some(of_org) = &line.of_org else {
        let (to_person, to_key) = match access {
            Access::Public | Access::Any => (true, true),
            Access::Human => (true, false),
            Access::Key => (false, true),
            _ => panic!("{place}: is about an org"),
        };
        assert_eq!((open(line.member), open(line.key)), (to_person, to_key), "{place}");
        return;
    };
    assert_eq!(open(of_org.foreigner), public, "{place}");
    let in_person = matches!(
        access,
        Access::Human | Access::GrantedInPerson(_) | Access::OwnerInPerson | Access::PrimaryOwner
    );
    assert!(open(of_org.primary), "{place}");
    assert_eq!(open(of_org.owner), access != Access::PrimaryOwner, "{place}");
    if matches!(access, Access::Judged(_)) || JUDGED_TOO.contains(&route.call.path) {
        return;
    }
    let any_member = matches!(access, Access::Public | Access::Any | Access::Human | Access::Associated(_));
    assert_eq!(open(line.member), any_member, "{place}");
    assert_eq!(open(line.key), matches!(access, Access::Public | Access::Any | Access::Key), "{place}");
    let opening = |is_key: bool, is_open: bool| -> Vec<Role> {
        let said = |role: &Role| {
            if role.is_owner() { is_key && !in_person } else { named(access).contains(role) }
        };
        Role::ALL.iter().copied().filter(|role| !is_open && said(role)).collect()
    };
    assert_eq!(of_org.member_roles, opening(false, any_member), "{place}");
    assert_eq!(of_org.key_roles, opening(true, open(line.key)), "{place}");
    if let (Access::Granted(needed, _) | Access::GrantedInPerson(needed), Some(met)) =
        (access, &of_org.at_facility)
    {
        let implies = |grant: &&Grant| {
            Grants::from(&GivenGrants::try_from(vec![**grant]).expect("a grant")).contains(needed)
        };
        let opening: Vec<_> = Grant::ALL.iter().filter(implies).copied().collect();
        assert_eq!(met.grants, opening, "{place}");
        assert_eq!((open(met.key), open(met.expired)), (!in_person, false), "{place}");
    }
}

fn row(route: &Route, line: &Line) -> String {
    let roles = |roles: &[Role]| roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" ");
    let dash = || "–".to_owned();
    let (nobody, member, key) = (line.nobody.text(), line.member.text(), line.key.text());
    let cells = match &line.of_org {
        None => [nobody, dash(), member, dash(), key, dash(), dash(), dash(), dash(), dash(), dash()],
        Some(met) => {
            let [grants, of_keys, expired] = met.at_facility.as_ref().map_or_else(
                || [dash(), dash(), dash()],
                |met| {
                    let grants: Vec<_> = met.grants.iter().map(|grant| grant.as_str()).collect();
                    [grants.join(" "), met.key.text(), met.expired.text()]
                },
            );
            let (of_members, of_keys_alone) = (roles(&met.member_roles), roles(&met.key_roles));
            let (foreigner, owner, primary) = (met.foreigner.text(), met.owner.text(), met.primary.text());
            [
                nobody,
                foreigner,
                member,
                of_members,
                key,
                of_keys_alone,
                grants,
                of_keys,
                expired,
                owner,
                primary,
            ]
        }
    };
    format!("| `{} {}` | {} |", route.call.method, route.call.path, cells.join(" | "))
}

/// A request that names nothing there is: the next check after the rule stops it, so that nothing changes. None where a
/// facility decides, for its record must be found, and where the request names nothing anyway: these are done.
async fn harmless(world: &World, service: &'static Service, route: &'static Route) -> Option<Sample> {
    if hangs_on_facility(route) || route.org == OrgFrom::Nowhere {
        return None;
    }
    let mut sample = samples::sample(world, service, route).await;
    let real = sample.fields.clone();
    elsewhere::names_nothing(&mut sample.fields, world);
    (sample.fields != real).then_some(sample)
}

#[tokio::test]
async fn the_committed_page_is_what_callers_meet() {
    let (common, mut callers) = (World::new().await, Callers::new());
    let foreigner = common.another().await.owner;
    let mut page = INTRODUCTION.to_owned();
    for service in services::http() {
        let _ = write!(
            page,
            "\n## {}\n\n| route | nobody | foreigner | member | roles of members | key | roles of keys | grants | \
             grants of keys | expired | owner | primary |\n| {} |\n",
            service.name,
            ["---"; 12].join(" | "),
        );
        let mut routes: Vec<_> = service.routes().collect();
        routes.sort_by_key(|route| route.call.path);
        for route in routes {
            let line = if let Some(sample) = harmless(&common, service, route).await {
                let asked = Asked { service, route, world: &common, sample, callers: &mut callers };
                asked.line(&foreigner).await
            } else {
                let own = common.another().await;
                let sample = samples::sample(&own, service, route).await;
                let asked = Asked { service, route, world: &own, sample, callers: &mut Callers::new() };
                asked.line(&foreigner).await
            };
            assert_as_said(route, &line);
            let _ = writeln!(page, "{}", row(route, &line));
        }
    }
    generated::check("docs/truth-table.md", &page);
}
