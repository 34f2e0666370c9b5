"""Asks whether the local stack stays as quick as it was: the time of a write at the beginning and after many.

Makes WRITES customers. Around the 1,000th and the last it makes them one after the other and takes their time; between,
several at once, to be done sooner. Fails where the last take more than MOST times as long as the first. Prints what the
stream table and the queue of events hold at the end.
"""

import http.client
import json
import os
import sqlite3
import statistics
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

WRITES = int(os.environ.get("WRITES") or 200_000)
FIRST = 1_000
# So many in a row are timed, and their median counts: a machine has other things to do as well.
TIMED = 300
AT_ONCE = 4
MOST = 1.3

HOST = urlsplit(os.environ["G3N_URL"]).netloc
HEADERS = {
    "content-type": "application/json",
    "x-session-guid": os.environ["G3N_SESSION_GUID"],
    "x-orgcode": os.environ["G3N_ORGCODE"],
}


def make(connection, count):
    """Makes so many customers one after the other; the milliseconds that each took."""
    took = []
    for _ in range(count):
        body = json.dumps({"customer": {"given_name": "Dana", "family_name": "Reyes"}, "reason": "Walked in"})
        begun = time.perf_counter()
        connection.request("POST", "/crm/customer/create", body, HEADERS)
        answer = connection.getresponse()
        text = answer.read()
        took.append((time.perf_counter() - begun) * 1000)
        if answer.status != 200:
            sys.exit(f"error: {answer.status} {text.decode(errors='replace')}")
    return took


def make_at_once(count):
    """Makes so many customers, several at a time."""
    failed = threading.Event()

    def work(share):
        try:
            make(http.client.HTTPConnection(HOST), share)
        except BaseException:
            failed.set()
            raise

    shares = [count // AT_ONCE + (1 if n < count % AT_ONCE else 0) for n in range(AT_ONCE)]
    threads = [threading.Thread(target=work, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed.is_set():
        sys.exit("error: a write failed")


def stream_records():
    """How many records the stream table of the embedded database holds."""
    database = Path(os.environ["G3N_LOCAL"]) / f"dynamodb-{os.environ['G3N_DB_PORT']}.sqlite"
    if not database.exists():
        return None
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return connection.execute("SELECT COUNT(*) FROM _stream_records").fetchone()[0]


def unread_events():
    """How many events nobody has read."""
    host = f"127.0.0.1:{os.environ['G3N_EMULATOR_PORT']}"
    connection = http.client.HTTPConnection(host)
    asked = {"QueueUrl": f"http://{host}/123456789012/g3n-events", "AttributeNames": ["All"]}
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "AmazonSQS.GetQueueAttributes",
        "authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/sqs/aws4_request",
    }
    connection.request("POST", "/", json.dumps(asked), headers)
    return int(json.loads(connection.getresponse().read())["Attributes"]["ApproximateNumberOfMessages"])


def main():
    if WRITES < FIRST + TIMED:
        sys.exit(f"error: WRITES must be at least {FIRST + TIMED}")
    connection = http.client.HTTPConnection(HOST)
    begun = time.monotonic()
    make(connection, FIRST - TIMED)
    medians = {FIRST: statistics.median(make(connection, TIMED))}
    done = FIRST
    while done < WRITES:
        step = min(WRITES // 10, WRITES - done)
        if step > TIMED:
            make_at_once(step - TIMED)
        medians[done + step] = statistics.median(make(connection, min(step, TIMED)))
        done += step
        print(f"{done:>9} writes  {medians[done]:7.2f} ms  {time.monotonic() - begun:7.0f} s", flush=True)
    ratio = medians[WRITES] / medians[FIRST]
    print(f"a write at request {FIRST}: {medians[FIRST]:.2f} ms, at request {WRITES}: {medians[WRITES]:.2f} ms")
    print(f"ratio {ratio:.2f} (at most {MOST})")
    print(f"stream records left: {stream_records()}, events unread: {unread_events()}")
    sys.exit(0 if ratio <= MOST else "error: the stack has become slower")


main()
