//! A proxy before the DynamoDB API that makes it fail.
//!
//! The emulators never conflict, throttle or lose a reply, so a claim about concurrency or retries
//! tested against them alone holds by itself. The proxy stands between a client and the emulator over
//! plain HTTP, passes every call on, records it, and does to chosen calls what the network and the
//! service do to them in production.
//!
//! ```no_run
//! # async fn example(client_of: impl Fn(&str)) -> std::io::Result<()> {
//! use testkit::proxy::{Fault, Operation, Proxy, When};
//!
//! let proxy = Proxy::start("http://127.0.0.1:8000")?;
//! client_of(proxy.endpoint());
//! proxy.inject(Fault::LoseReply, When::nth(1).of(Operation::TransactWriteItems));
//! // … run the command under test …
//! assert_eq!(proxy.count(&Operation::TransactWriteItems), 2, "the lost reply is retried once");
//! # Ok(())
//! # }
//! ```
//!
//! A test starts its own proxy; proxies share nothing.

mod batch;
mod call;
mod fault;
mod reply;
mod rule;
mod server;

use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use hyper::Uri;
use stack::iam::Role;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time::timeout;

pub use call::{Call, Operation};
pub use fault::Fault;
pub use rule::When;

use server::Exchange;

/// How long [`Proxy::until`] waits: far more than any call takes, so that only a call that never comes meets it.
const DEADLINE: Duration = Duration::from_secs(30);

/// A running proxy. It serves from a thread of its own, so that it outlives the runtime of the test that started
/// it, and stops when it is dropped, closing every connection.
#[derive(Debug)]
pub struct Proxy {
    endpoint: String,
    exchange: Arc<Exchange>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy on a free loopback port, before the DynamoDB API at `upstream` (`http://host:port`).
    ///
    /// # Errors
    /// `upstream` is not a plain-HTTP address, or no port or thread is to be had.
    pub fn start(upstream: &str) -> io::Result<Self> {
        Self::run(upstream, None)
    }

    /// The same, with a proxy that answers as IAM would: a call is carried out only where the role whose name is its
    /// access key id may make it, else it is answered with `AccessDeniedException`.
    ///
    /// # Errors
    /// As for [`Proxy::start`].
    pub fn enforcing(upstream: &str, roles: BTreeMap<String, Role>) -> io::Result<Self> {
        Self::run(upstream, Some(roles))
    }

    fn run(upstream: &str, roles: Option<BTreeMap<String, Role>>) -> io::Result<Self> {
        let upstream: Uri = upstream.parse().map_err(io::Error::other)?;
        if upstream.scheme_str() != Some("http") || upstream.authority().is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "upstream must be http://host:port"));
        }
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let endpoint = format!("http://{}", listener.local_addr()?);

        let exchange = Arc::new(Exchange::new(upstream, roles));
        let (stop, stopped) = oneshot::channel();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let thread = thread::Builder::new().name("dynamodb-proxy".into()).spawn({
            let exchange = Arc::clone(&exchange);
            move || runtime.block_on(server::serve(listener, exchange, stopped))
        })?;
        Ok(Self { endpoint, exchange, stop: Some(stop), thread: Some(thread) })
    }

    /// The address to give to the client instead of the upstream one, `http://127.0.0.1:<port>`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Arms a rule: `fault` befalls the calls that `when` chooses, counted from now.
    ///
    /// Any number of rules may be armed. Each counts for itself, and only calls that its fault can befall (a read
    /// never meets a transaction conflict). Where several choose the same call, the one armed first has it; a rule
    /// that fires once and was beaten takes the next call instead, so no fault is lost unnoticed.
    pub fn inject(&self, fault: Fault, when: When) {
        self.exchange.arm(fault, when);
    }

    /// Disarms every rule. Recorded calls stay, and held ones stay held.
    pub fn clear(&self) {
        self.exchange.disarm();
    }

    /// Lets every call go on that [`Fault::HoldBefore`] or [`Fault::HoldAfter`] is holding now.
    pub fn release(&self) {
        self.exchange.release();
    }

    /// Every call so far, in the order in which they arrived, calls still under way included.
    pub fn calls(&self) -> Vec<Call> {
        self.exchange.calls.borrow().clone()
    }

    /// What was denied so far, and why, in the order in which it arrived.
    pub fn denials(&self) -> Vec<String> {
        let calls = self.exchange.calls.borrow();
        calls.iter().filter_map(|call| call.denied.clone()).collect()
    }

    /// How many calls of an operation have arrived so far, each attempt counted.
    pub fn count(&self, operation: &Operation) -> usize {
        self.exchange.calls.borrow().iter().filter(|call| call.operation == *operation).count()
    }

    /// Waits until the recorded calls satisfy `reached`, and returns them.
    ///
    /// # Panics
    /// After 30 seconds without it.
    pub async fn until(&self, reached: impl Fn(&[Call]) -> bool) -> Vec<Call> {
        let mut calls = self.exchange.calls.subscribe();
        match timeout(DEADLINE, calls.wait_for(|calls| reached(calls))).await {
            Ok(Ok(calls)) => calls.clone(),
            _ => panic!("not reached in {DEADLINE:?}; calls: {:#?}", self.calls()),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed where it happened, and a second one here would abort the tests.
            let _ = thread.join();
        }
    }
}
