//! A stand-in for S3 with the deployment's bucket in it: for all tests of a process, since no two of them know the same
//! key.
//!
//! It takes what is presigned as S3 does, and answers functions over HTTP, each by its policy.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError},
};

use contract::{checksum::Checksum, time::Time};
use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use service::Objects;
use stack::template::Template;
use store::{Authorities, Credentials, Endpoint};
use tokio::net::TcpListener;

use crate::{iam, sigv4::Arrived};

/// The bucket's name.
pub const BUCKET: &str = "ofm-sales-channel-config-test";
const SECRET: &str = "local";

/// An object of a version.
#[derive(Clone, Debug)]
struct Version {
    id: String,
    content_type: String,
    content: Vec<u8>,
}

/// What there is of an object.
#[derive(Debug, Default)]
struct Kept {
    /// How many versions there ever were: an id is given once.
    made: usize,
    versions: Vec<Version>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Kept>,
    /// What keys that fail begin with.
    failing: BTreeSet<String>,
}

static STATE: Mutex<State> = Mutex::new(State { objects: BTreeMap::new(), failing: BTreeSet::new() });
static ADDRESS: OnceLock<String> = OnceLock::new();

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn address() -> &'static str {
    ADDRESS.get_or_init(|| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        // A thread of its own, for it serves tests of many runtimes.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(serve(listener));
        });
        address
    })
}

async fn serve(listener: std::net::TcpListener) {
    let listener = TcpListener::from_std(listener).expect("a listener");
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            // A client that hangs up has what it wanted.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
    }
}

/// The bucket as a function of the template has it; none for those that have none.
pub fn of(function: &str) -> Option<Box<dyn Objects>> {
    static HOLDERS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
        let functions = Template::local().and_then(|template| template.functions()).expect("functions");
        let has_bucket = |variables: &[String]| variables.iter().any(|name| name == "G3N_BUCKET");
        functions.into_iter().filter(|f| has_bucket(&f.variables)).map(|f| f.name).collect()
    });
    let holds = HOLDERS.contains(function);
    holds.then(|| Box::new(objects::Bucket::new(endpoint(function), BUCKET.to_owned())) as _)
}

/// Where a function finds it. By the access key id it is told whose policy holds.
pub fn endpoint(function: &str) -> Endpoint {
    Endpoint {
        region: "us-east-1".to_owned(),
        url: Some(address().to_owned()),
        authorities: Authorities::Machine,
        credentials: Credentials::new(function, SECRET, None, None, "test"),
    }
}

/// The request that a service presigned, as its caller is told to send it.
pub fn presigned(presign: &Value) -> Arrived {
    let headers = presign["headers"].as_object().expect("headers").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let headers = headers.map(|(name, value)| (name.clone(), text(value))).collect();
    Arrived::at(&text(&presign["method"]), &text(&presign["upload_url"]), headers)
}

/// Sends a presigned request, at a time: tells the status, and S3's code where it is refused.
pub fn send(request: &Arrived, content: &[u8], now: Time) -> Result<(), (u16, &'static str)> {
    let function = request.signed_by(SECRET, now).map_err(|_| (403, "SignatureDoesNotMatch"))?;
    let key = key(&request.path()).ok_or((404, "NoSuchBucket"))?;
    iam::role(&function).may_object("PutObject", &key).map_err(|_| (403, "AccessDenied"))?;
    if request.header("content-length").is_some_and(|said| said != content.len().to_string()) {
        return Err((400, "IncompleteBody"));
    }
    if request.header("x-amz-checksum-sha256").is_some_and(|said| said != Checksum::of(content).as_str()) {
        return Err((400, "BadDigest"));
    }
    put(&key, request.header("content-type").unwrap_or("binary/octet-stream"), content);
    Ok(())
}

/// Puts an object there behind everybody's back.
pub fn put(key: &str, content_type: &str, content: &[u8]) {
    let mut state = state();
    let kept = state.objects.entry(key.to_owned()).or_default();
    kept.made += 1;
    let id = format!("version-{}", kept.made);
    kept.versions.push(Version { id, content_type: content_type.to_owned(), content: content.to_vec() });
}

/// How many versions of an object there are.
pub fn versions(key: &str) -> usize {
    version_ids(key).len()
}

/// The ids of the versions of an object, the oldest first.
pub fn version_ids(key: &str) -> Vec<String> {
    let state = state();
    let versions = state.objects.get(key).map_or(&[][..], |kept| &kept.versions);
    versions.iter().map(|version| version.id.clone()).collect()
}

/// Lets every request for a key that begins so fail from now on, or succeed again.
pub fn set_failing(prefix: &str, failing: bool) {
    let prefixes = &mut state().failing;
    if failing {
        prefixes.insert(prefix.to_owned());
    } else {
        prefixes.remove(prefix);
    }
}

/// The object in the bucket that a path names: none where it is of another bucket, empty where it is the bucket itself.
fn key(path: &str) -> Option<String> {
    let rest = path.strip_prefix('/')?.strip_prefix(BUCKET)?;
    if rest.is_empty() { Some(String::new()) } else { rest.strip_prefix('/').map(str::to_owned) }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let arrived = Arrived::at(request.method().as_str(), &format!("{}{target}", address()), Vec::new());
    let authorization = request.headers().get("authorization").and_then(|header| header.to_str().ok());
    let id = authorization.and_then(|header| header.split_once("Credential=")?.1.split('/').next());
    let parameters: BTreeMap<_, _> = arrived.parameters().into_iter().collect();
    let (Some(key), Some(function)) = (key(&arrived.path()), id) else {
        return Ok(refusal(400, "InvalidRequest"));
    };
    Ok(match (arrived.method.as_str(), parameters.get("versionId"), parameters.get("prefix")) {
        ("GET", None, Some(prefix)) if key.is_empty() && parameters.contains_key("versions") => {
            list_versions(prefix, function)
        }
        ("GET", None, None) if !key.is_empty() => get(&key, function),
        ("DELETE", Some(version_id), None) if !key.is_empty() => delete(&key, version_id, function),
        _ => refusal(400, "InvalidRequest"),
    })
}

fn is_failing(state: &State, key: &str) -> bool {
    state.failing.iter().any(|prefix| key.starts_with(prefix))
}

/// So many versions are told at once: far fewer than S3 tells, so that tests need not make as many.
const LISTED: usize = 10;

fn list_versions(prefix: &str, function: &str) -> Response<Full<Bytes>> {
    if iam::role(function).may_list_versions(prefix).is_err() {
        return refusal(403, "AccessDenied");
    }
    let state = state();
    if is_failing(&state, prefix) {
        return refusal(503, "SlowDown");
    }
    let found = state.objects.iter().filter(|(key, _)| key.starts_with(prefix));
    let all = found.flat_map(|(key, kept)| kept.versions.iter().rev().map(move |version| (key, &version.id)));
    let versions: Vec<_> = all.collect();
    let told = versions.iter().take(LISTED);
    let told =
        told.map(|(key, id)| format!("<Version><Key>{key}</Key><VersionId>{id}</VersionId></Version>"));
    let (told, more) = (told.collect::<String>(), versions.len() > LISTED);
    xml(200, &format!("<ListVersionsResult><IsTruncated>{more}</IsTruncated>{told}</ListVersionsResult>"))
}

fn delete(key: &str, version_id: &str, function: &str) -> Response<Full<Bytes>> {
    if iam::role(function).may_object("DeleteObjectVersion", key).is_err() {
        return refusal(403, "AccessDenied");
    }
    let mut state = state();
    if is_failing(&state, key) {
        return refusal(503, "SlowDown");
    }
    if let Some(kept) = state.objects.get_mut(key) {
        kept.versions.retain(|version| version.id != version_id);
    }
    Response::builder().status(204).body(Full::default()).expect("a response")
}

fn get(key: &str, function: &str) -> Response<Full<Bytes>> {
    let role = iam::role(function);
    if role.may_object("GetObject", key).is_err() {
        return refusal(403, "AccessDenied");
    }
    let state = state();
    if is_failing(&state, key) {
        return refusal(503, "SlowDown");
    }
    let newest = state.objects.get(key).and_then(|kept| kept.versions.last());
    let Some(Version { id, content_type, content }) = newest else {
        // Whoever may not list learns of nothing that is not there.
        let may_list = role.may_list_objects().is_ok();
        return if may_list { refusal(404, "NoSuchKey") } else { refusal(403, "AccessDenied") };
    };
    let response = Response::builder()
        .header("content-type", content_type)
        .header("etag", format!("\"{:08x}-{id}\"", crc32fast::hash(content)))
        .header("x-amz-version-id", id);
    response.body(Full::new(Bytes::from(content.clone()))).expect("a response")
}

fn refusal(status: u16, code: &str) -> Response<Full<Bytes>> {
    xml(status, &format!("<Error><Code>{code}</Code></Error>"))
}

fn xml(status: u16, element: &str) -> Response<Full<Bytes>> {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{element}");
    let response = Response::builder().status(status).header("content-type", "application/xml");
    response.body(Full::new(Bytes::from(body))).expect("a response")
}
