//! The roles of the functions, as the template has them: each request of a function under test is judged by its own.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use aws_sdk_dynamodb::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextRef},
    error::BoxError,
};
use stack::{
    iam::{Role, roles},
    template::Template,
};

use crate::{bounds::asked, database};

static ROLES: LazyLock<BTreeMap<String, Role>> = LazyLock::new(|| of_table(database::table()));

/// How many requests of each function and operation were judged in this process.
static JUDGED: Mutex<BTreeMap<(&'static str, String), u64>> = Mutex::new(BTreeMap::new());

/// The roles for a table of this name.
pub fn of_table(table: &str) -> BTreeMap<String, Role> {
    Template::local().and_then(|template| roles(&template, table)).expect("the policies of the template")
}

/// The role of a function, for the table of this process.
pub fn role(function: &str) -> &'static Role {
    ROLES.get(function).unwrap_or_else(|| panic!("template.yaml has no function {function}"))
}

/// How many requests of a function with this operation were judged in this process.
pub fn judged(function: &str, operation: &str) -> u64 {
    let judged = JUDGED.lock().unwrap_or_else(PoisonError::into_inner);
    judged.iter().find(|((f, o), _)| *f == function && o == operation).map_or(0, |(_, count)| *count)
}

/// Ends the test where a function asks the database for what its policy does not allow: in AWS that would be an
/// `AccessDeniedException`.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) function: &'static str,
}

impl Intercept for Guard {
    fn name(&self) -> &'static str {
        "Guard"
    }

    // Once for each request, however often it is tried.
    fn read_after_serialization(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (operation, body) = asked(context);
        if let Err(denied) = role(self.function).may(operation, &body) {
            panic!("{denied:#}");
        }
        let mut judged = JUDGED.lock().unwrap_or_else(PoisonError::into_inner);
        *judged.entry((self.function, operation.to_owned())).or_default() += 1;
        Ok(())
    }
}
