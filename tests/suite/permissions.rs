//! `docs/permissions.md`: who may call what.

use std::{collections::BTreeMap, fmt::Write};

use contract::roles::Role;
use service::{
    Access, Route, Style,
    openapi::{Who, path, who},
};

use crate::{generated, services};

const INTRODUCTION: &str = "\
# Who may call what

Generated from the route tables; a test compares.

| word | who |
| --- | --- |
| public | anyone, without a credential |
| any | any valid session or key |
| human | any valid session; keys are refused |
| key | any valid key |
| associated | an active owner or member of the org, whatever their roles; a key with one of the roles named |
| role | an associated caller with one of the roles named; owners always |
| public or role | in a deployment that is open to the public anyone, without a credential; in any other an associated caller with one of the roles named; owners always |
| grant | an associated caller with an assignment in force to the facility that carries the grant named, or with one of the roles named; owners always |
| in person, grant | the same by a session, and without any role in place of the grant; keys are refused |
| owner | an active owner of the org, or a key with the role `owner` or `ofm_owner` |
| owner-in-person | an active owner's session; keys are refused |
| primary-owner | the active primary owner's session; keys are refused |
| by request | an associated caller, by what the request asks for, as the words after it say; owners always |
| operator | whoever IAM lets invoke the function directly |

Whoever is not associated with the org of a request gets 404, as if there were no such org. `facility:write` implies
`station:write`, and every grant to write implies `facility:read`.
";

#[test]
fn the_committed_page_is_what_the_code_says() {
    let mut page = INTRODUCTION.to_owned();
    for service in services::ALL {
        let _ = write!(
            page,
            "\n## {}\n\n| route | who | a key needs one of | org must be verified |\n",
            service.name
        );
        page.push_str("| --- | --- | --- | --- |\n");
        let mut routes: Vec<_> = service.routes().collect();
        routes.sort_by_key(|route| route.call.path);
        for route in routes {
            let _ = writeln!(page, "{}", row(route));
        }
    }
    page.push_str(&by_role());
    generated::check("docs/permissions.md", &page);
}

fn row(route: &Route) -> String {
    let Who { name, key, roles, grant, rule, .. } = who(route.access);
    let roles_of_people = roles.as_slice();
    let keys_need = match (key, roles.as_slice()) {
        (true, _) if grant.is_some() || rule.is_some() => "the same".to_owned(),
        (false, _) => "–".to_owned(),
        (true, []) => "nothing more".to_owned(),
        (true, roles) => code(roles),
    };
    let name = match route.access {
        Access::OneOf(roles) => format!("role: {}", code(&names(roles))),
        Access::PublicOr(roles) => format!("public or role: {}", code(&names(roles))),
        Access::Granted(..) => match roles_of_people {
            [] => format!("grant: `{}`", grant.unwrap_or_default()),
            roles => format!("grant: `{}`, or role: {}", grant.unwrap_or_default(), code(roles)),
        },
        Access::GrantedInPerson(_) => format!("in person, grant: `{}`", grant.unwrap_or_default()),
        Access::Judged(_) => format!("by request: {}", rule.unwrap_or_default()),
        _ => name.to_owned(),
    };
    let traits = route.handler.traits();
    let gated = if traits.writes && traits.gated && route.access != Access::Operator { "yes" } else { "" };
    format!("| `{} {}` | {name} | {keys_need} | {gated} |", route.call.method, route.call.path)
}

fn names(roles: &[Role]) -> Vec<&'static str> {
    roles.iter().map(|role| role.as_str()).collect()
}

fn code(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
}

/// What each role opens beyond what every member may do.
fn by_role() -> String {
    let mut opened: BTreeMap<&str, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for (service, route) in services::routes() {
        let name = match service.style {
            Style::Enveloped => format!("`{}`", path(service, route)),
            Style::Rest { .. } => format!("`{} {}`", route.call.method, path(service, route)),
        };
        match route.access {
            Access::OneOf(roles) | Access::PublicOr(roles) | Access::Granted(_, roles) => {
                for role in roles {
                    opened.entry(role.as_str()).or_default().0.push(name.clone());
                }
            }
            Access::Associated(roles) => {
                for role in roles {
                    opened.entry(role.as_str()).or_default().1.push(name.clone());
                }
            }
            _ => {}
        }
    }
    let mut text = "\n## By role\n\nWhat a role opens to people and keys, and what it opens to keys alone (every member \
        may do it). A role that is not listed opens nothing yet.\n\n| role | people and keys | keys |\n| --- | --- | --- |\n"
        .to_owned();
    for role in Role::ALL {
        if let Some((both, keys)) = opened.get_mut(role.as_str()) {
            both.sort();
            keys.sort();
            let _ = writeln!(text, "| `{}` | {} | {} |", role.as_str(), both.join(" "), keys.join(" "));
        }
    }
    text
}
