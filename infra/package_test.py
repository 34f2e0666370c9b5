"""Invokes each function as `make build` packaged it, once with each of events/*.json, through the runtime API.

Each package is a process of its own, started as Lambda starts it: with the environment that the stack gives its
functions, and with the address of the runtime API, which is served here. Its answer must be a success.

`make package-test` runs it, beside a running local stack, whose database and demo tenant the functions use.
"""

import gzip
import http.server
import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = pathlib.Path(os.environ.get("G3N_PACKAGES", ROOT / ".aws-sam" / "build"))
LOCAL = pathlib.Path(os.environ.get("G3N_LOCAL") or ROOT / ".local")
# What provided.al2023 has. A binary that was linked against a newer one does not start there.
GLIBC = (2, 34)
DEADLINE_SECONDS = 30
# The longest `Timeout` in the template, the relay's: with much less left it would not begin to publish.
TIMEOUT_SECONDS = 60


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A function that is ended leaves its connection open in the middle of its next poll."""


class RuntimeApi:
    """Lambda's runtime API for one invocation: hands out the event, and waits for what becomes of it."""

    def __init__(self, event):
        self.polled_at = None
        self.outcome = queue.Queue()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if api.polled_at is not None:
                    # The function asks for its next event, and there is none: it waits until it is ended.
                    threading.Event().wait()
                api.polled_at = time.monotonic()
                self.send_response(200)
                self.send_header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
                self.send_header("lambda-runtime-deadline-ms", str(int((time.time() + TIMEOUT_SECONDS) * 1000)))
                self.send_header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:f:live")
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(event)))
                self.end_headers()
                self.wfile.write(event)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0)) or self.chunks()
                api.outcome.put((time.monotonic(), self.path.rsplit("/", 1)[1], body))
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

            def chunks(self):
                """The body, where it comes in chunks."""
                body = b""
                while size := int(self.rfile.readline() or b"0", 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                return body

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server.server_address[1]}"


def settings(file):
    """What the running stack left for programs: `demo.env` or `functions.env`."""
    path = LOCAL / file
    if not path.exists():
        sys.exit(f"error: there is no {path}: `make up` in another terminal writes it")
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def environment(function, api):
    return settings("functions.env") | {
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_LAMBDA_FUNCTION_NAME": f"g3n-local-{function}",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/g3n-local-{function}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
    }


def is_success(function, answer):
    if function == "relay":
        return answer == {"batchItemFailures": []}
    if "statusCode" in answer:
        # The referral endpoints answer without an envelope.
        return 200 <= answer["statusCode"] < 300 and json.loads(answer["body"]).get("success", True) is True
    return answer.get("success") is True


def invoke(function, bootstrap, sample):
    """Sends a sample, with what it says of a session and an org said of the demo tenant. Milliseconds, or an error."""
    demo = settings("demo.env")
    event = sample.read_text().replace("SESSION_GUID", demo["G3N_SESSION_GUID"])
    # Addresses are taken once: those of another run are other ones, but for that of the demo tenant's owner.
    event = re.sub(r"(?<!demo)@example\.com", f"@{time.time_ns()}.example.com", event)
    api = RuntimeApi(event.replace("DEMO", demo["G3N_ORGCODE"]).encode())
    log = (LOCAL / f"{sample.stem}.log").open("w")
    started = time.monotonic()
    process = subprocess.Popen([bootstrap], env=environment(function, api), stdout=log, stderr=log)
    try:
        while True:
            try:
                answered_at, kind, body = api.outcome.get(timeout=0.1)
                break
            except queue.Empty:
                if process.poll() is not None:
                    return f"it ended with {process.returncode}; its log is {log.name}"
                if time.monotonic() - started > DEADLINE_SECONDS:
                    return f"no answer after {DEADLINE_SECONDS} s; its log is {log.name}"
        if kind != "response" or not is_success(function, json.loads(body)):
            return f"{kind}: {body.decode()[:500]}"
        return (api.polled_at - started) * 1000, (answered_at - api.polled_at) * 1000
    finally:
        process.kill()
        process.wait()


def newest_glibc(binary):
    """The newest version of the C library of which the binary wants a symbol."""
    versions = re.findall(rb"GLIBC_(\d+)\.(\d+)", binary)
    return max((int(major), int(minor)) for major, minor in versions)


def binaries():
    """The functions' names in the workspace, by the name of their resource, from the template that SAM built."""
    built = PACKAGES / "template.yaml"
    if not built.exists():
        sys.exit(f"error: there is no package in {PACKAGES}: `make build ARCH=<of this machine>` makes them")
    text = built.read_text()
    functions = re.findall(r"^  (\w+):\n    Type: AWS::Serverless::Function$", text, re.M)
    return {name.lower(): PACKAGES / name / "bootstrap" for name in functions}


def main():
    failed = False
    samples = sorted((ROOT / "events").glob("*.json"))
    packages = binaries()
    print(f"{'function':10} {'bytes':>10} {'gzip':>10} {'glibc':>6}")
    for function, bootstrap in sorted(packages.items()):
        binary = bootstrap.read_bytes()
        glibc = newest_glibc(binary)
        verdict = "" if glibc <= GLIBC else f"  too new: Lambda has {GLIBC[0]}.{GLIBC[1]}"
        failed |= bool(verdict)
        print(f"{function:10} {len(binary):10} {len(gzip.compress(binary, 6)):10} {glibc[0]}.{glibc[1]:<4}{verdict}")
    print(f"\n{'event':16} {'first poll, ms':>14} {'answer, ms':>11}")
    for sample in samples:
        function = re.split(r"[-.]", sample.name)[0]
        if function not in packages:
            outcome = f"there is no package of {function}"
        else:
            outcome = invoke(function, packages[function], sample)
        if isinstance(outcome, str):
            failed = True
            print(f"{sample.stem:16} FAILED: {outcome}")
        else:
            print(f"{sample.stem:16} {outcome[0]:14.1f} {outcome[1]:11.1f}")
    for function in set(packages) - {re.split(r"[-.]", sample.name)[0] for sample in samples}:
        failed = True
        print(f"{function}: there is no event for it in events/")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
