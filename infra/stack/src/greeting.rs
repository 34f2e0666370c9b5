//! What a user is told once the stack is up: where everything is, and lines to paste.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::{
    config::{Config, Database},
    emulator::EVENTS_QUEUE,
    functions,
    seed::{Demo, EMAIL, MENTOR, ORGCODE, PASSCODE, REFERRAL_CODE},
    template::Template,
};

/// Where everything is, and what to do next.
pub fn greeting(config: &Config, demo: &Demo) -> Result<String> {
    let template = Template::local()?;
    let (gateway, table, bus) = (config.gateway(), template.table()?.table_name, template.bus()?);
    let (database, emulator, bucket) = (config.database_url(), config.emulator(), template.bucket()?.name);
    let services: Vec<_> =
        template.functions()?.into_iter().filter(|f| !f.paths.is_empty()).map(|f| f.name).collect();
    let kind = match config.database {
        Database::Embedded => "embedded",
        Database::DynamoDbLocal(_) => "DynamoDB Local",
    };
    let stays = if config.persist {
        format!("kept in {}", config.data().display())
    } else {
        "gone when you stop; `make up PERSIST=1` keeps it".to_owned()
    };
    let page = config.reference_url().unwrap_or_else(|| "none: `make up` installs the viewer".to_owned());
    Ok(format!(
        "
The stack is up. Ctrl-C stops it.

  HTTP API   {gateway}/<service>/...  with {}
  reference  {page}  every route, to be read and tried out
  operator   {gateway}/2015-03-31/functions/operator/invocations
  database   {database}  table {table} ({kind}, {stays})
  emulator   {emulator}  bucket {bucket}, bus {bus}, queue {EVENTS_QUEUE}
  demo       orgcode {ORGCODE}, log in as {EMAIL} with {PASSCODE}

Watch every event in another terminal: make events

Paste these lines in a third, once after each start: they use up an invitation. They make an org, a cost centre and a customer, and delete the customer again; then the
referral page's own examples, from a click to its deletion, which ask for no credential:

{}",
        services.join(", "),
        lines(config, demo),
    ))
}

/// A shell script that takes an org and a customer from their making to the customer's end.
fn lines(config: &Config, demo: &Demo) -> String {
    let Demo { session_guid, api_key, invitation_code, .. } = demo;
    let (code, mentor) = (REFERRAL_CODE, MENTOR);
    let orgcode = format!("SHOP{}", &invitation_code[invitation_code.len().saturating_sub(4)..]);
    format!(
        r#"api={api} session={session_guid} key={api_key} org={orgcode}
person="x-session-guid: $session" tenant="x-orgcode: $org" json="content-type: application/json"
field() {{ python3 -c 'import functools, json, sys
answer = json.load(sys.stdin)
if "data" not in answer: sys.exit(json.dumps(answer, indent=1))
print(functools.reduce(lambda value, name: value[name], sys.argv[1].split("."), answer["data"]))' "$1"; }}

revision=$(curl -sS $api/ofm/org/create -H "$person" -H "$json" -d '{{"orgcode": "'$org'", "caption": "My shop", "invitation_code": "{invitation_code}"}}' | field revision)
curl -sS $api/2015-03-31/functions/operator/invocations -d '{{"action": "org-status-set", "actor": "me", "reason": "Papers seen", "orgcode": "'$org'", "status": "verified", "expected_revision": "'$revision'"}}'; echo
curl -sS $api/ofm/cost-centre/create -H "$person" -H "$json" -d '{{"orgcode": "'$org'", "caption": "Flagship store"}}'; echo
customer=$(curl -sS $api/crm/customer/create -H "$person" -H "$tenant" -H "$json" -d '{{"customer": {{"given_name": "Dana", "family_name": "Reyes", "emails": [{{"email": "dana.reyes@example.com", "primary": true}}]}}, "reason": "Walked in"}}' | field customer.customer_guid)
curl -sS $api/crm/customer/get -H "$person" -H "$tenant" -H "$json" -d '{{"email": "dana.reyes@example.com"}}'; echo
curl -sS $api/crm/customer/list -H "$person" -H "$tenant" -H "$json" -d '{{"limit": 10}}'; echo
curl -sS $api/crm/customer/delete -H "$person" -H "$tenant" -H "$json" -d '{{"customer_guid": "'$customer'", "reason": "Asked for it"}}'; echo
curl -sS $api/crm/customer/list -H "x-api-key: $key" -H "x-orgcode: {ORGCODE}" -H "$json" -d '{{"limit": 10}}'; echo

referrals=$api/api/v1/referral-attributions
click='{{"code": "{code}", "ip_address": "185.12.34.56", "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0)", "referrer_url": "https://instagram.com", "occurred_at": "2026-03-20T14:22:00Z"}}'
id=$(curl -sS $referrals -H "$json" -d "$click" | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
curl -sS $referrals; echo
curl -sS $referrals/$id; echo
curl -sS -X PUT $referrals/$id -H "$json" -d '{{"code": "{code}", "new_member_id": "usr_5892", "confirmed_at": "2026-03-25T10:00:00Z"}}'; echo
curl -sS $referrals/mentor/{mentor}; echo
curl -sS $referrals/mentor/{mentor}/total; echo
curl -sS -X DELETE $referrals/$id; echo
"#,
        api = config.gateway(),
    )
}

/// Leaves the same for programs: `demo.env`, which a shell can source, `functions.env`, what the functions find in their
/// environment, and `try.sh`, the lines to paste.
pub fn write_files(config: &Config, demo: &Demo) -> Result<()> {
    let Demo { org_guid, user_guid, session_guid, api_key, .. } = demo;
    let variables = format!(
        "G3N_URL={}\nG3N_REFERENCE_URL={}\nG3N_ORGCODE={ORGCODE}\nG3N_ORG_GUID={org_guid}\nG3N_USER_GUID={user_guid}\n\
         G3N_SESSION_GUID={session_guid}\nG3N_API_KEY={api_key}\n",
        config.gateway(),
        config.reference_url().unwrap_or_default(),
    );
    write(&config.directory.join("demo.env"), &variables)?;
    let environment = functions::environment(config, &Template::local()?)?;
    let environment: Vec<_> =
        environment.into_iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    write(&config.directory.join("functions.env"), &environment.concat())?;
    write(&config.directory.join("try.sh"), &lines(config, demo))
}

fn write(path: &Path, content: &str) -> Result<()> {
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}
