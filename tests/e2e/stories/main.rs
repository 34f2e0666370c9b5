//! Stories of the whole deployment, over HTTP, against the functions as `cargo lambda watch` runs them.
//!
//! One stack serves all of them, and its clock is one for all: so they run one after the other, in the order of
//! [`stories`]. That is also why this is no ordinary test program: libtest has no place to stop a stack.

mod config_upload;
mod crash;
mod edges;
mod newcomer;
mod provoked;
mod referral_page;
mod replay;
mod tags;
mod tills;
mod time;
mod walkthrough;

use std::{process::ExitCode, sync::Arc};

use e2e::Deployment;
use libtest_mimic::{Arguments, Trial};
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

/// Every story, those that stop the stack or move the clock after the others.
fn stories(runtime: &Arc<Runtime>, deployment: &Arc<Deployment>) -> Vec<Trial> {
    macro_rules! stories {
        ($($module:ident :: $story:ident),* $(,)?) => {
            vec![$({
                let (runtime, deployment) = (runtime.clone(), deployment.clone());
                Trial::test(concat!(stringify!($module), "::", stringify!($story)), move || {
                    runtime.block_on($module::$story(&deployment));
                    Ok(())
                })
            }),*]
        };
    }
    stories![
        newcomer::from_an_empty_table_to_a_customer_who_is_gone,
        config_upload::a_configuration_is_uploaded_by_its_maker_and_taken_over,
        referral_page::the_worked_example_call_by_call,
        referral_page::every_row_of_the_confirm_table,
        edges::bytes_that_are_no_text_are_refused_as_the_contract_says,
        edges::whatever_is_no_route_is_not_found_in_the_envelope,
        edges::no_page_of_another_site_operates,
        walkthrough::every_command_of_the_document,
        replay::a_repeat_is_answered_alike_whichever_way_its_key_is_sent,
        replay::a_key_is_told_once,
        crash::a_write_that_a_crash_interrupted_happens_once,
        time::a_session_ends_when_it_is_not_used,
        time::a_parked_org_waits_out_its_cooldown,
        time::a_key_ends_when_the_policy_says_so,
        tags::every_tag_that_a_route_can_return_is_provoked,
    ]
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let runtime = Arc::new(Runtime::new().expect("a runtime"));
    let deployment = Arc::new(Deployment::new().expect("ports that are free"));
    if arguments.list {
        return libtest_mimic::run(&arguments, stories(&runtime, &deployment)).exit_code();
    }
    let passed = runtime.block_on(async {
        tokio::select! {
            passed = tell(arguments, &runtime, &deployment) => passed,
            () = stop_asked() => false,
        }
    });
    if passed {
        runtime.block_on(deployment.remove()).expect("the stack stops");
        return ExitCode::SUCCESS;
    }
    runtime.block_on(deployment.halt());
    eprintln!("What the functions logged is in {}", deployment.directory().display());
    ExitCode::FAILURE
}

/// Starts the stack and runs the stories; whether they all held.
async fn tell(arguments: Arguments, runtime: &Arc<Runtime>, deployment: &Arc<Deployment>) -> bool {
    deployment.resume().await.expect("the stack starts");
    let stories = stories(runtime, deployment);
    let told = tokio::task::spawn_blocking(move || !libtest_mimic::run(&arguments, stories).has_failed());
    let passed = told.await.expect("the stories are told");
    let denials = deployment.proxy().denials();
    for denial in &denials {
        eprintln!("denied: {denial}");
    }
    passed && denials.is_empty()
}

/// Resolves when this program is asked to end, so that the stack does not outlive it.
async fn stop_asked() {
    let mut interrupt = signal(SignalKind::interrupt()).expect("a handler");
    let mut terminate = signal(SignalKind::terminate()).expect("a handler");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
