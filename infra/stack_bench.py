"""Asks whether the local stack stays as quick as it was: the time of a write at the beginning and after many requests.

Sends REQUESTS requests: a customer is made, then read three times. Around the 1,000th and the last it only makes
customers, one after the other, and takes their time; between, several at once, to be done sooner. Before it takes the
time of the last ones it waits until the relay has handed on the events of the others, because both share the processors.
Fails if the last take more than MOST times as long as the first. Prints what the stream table and the queue of events
hold at the end.
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

REQUESTS = int(os.environ.get("REQUESTS") or 200_000)
FIRST = 1_000
# So many writes in a row are timed, and their lower quartile counts: a machine has other things to do as well.
TIMED = 400
AT_ONCE = 4
READS_PER_WRITE = 3
MOST = 1.3
# The relay has caught up once the stream table holds fewer records, and fails to if it takes longer.
FEW_RECORDS = 20
MOST_SECONDS_BEHIND = 1800

HOST = urlsplit(os.environ["G3N_URL"]).netloc
HEADERS = {
    "content-type": "application/json",
    "x-session-guid": os.environ["G3N_SESSION_GUID"],
    "x-orgcode": os.environ["G3N_ORGCODE"],
}


def send(connection, path, request):
    """The data of the answer."""
    connection.request("POST", path, json.dumps(request), HEADERS)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        sys.exit(f"error: {answer.status} {text.decode(errors='replace')}")
    return json.loads(text)["data"]


def make(connection):
    """Makes a customer: its id, and the milliseconds that it took."""
    request = {"customer": {"given_name": "Dana", "family_name": "Reyes"}, "reason": "Walked in"}
    begun = time.perf_counter()
    data = send(connection, "/crm/customer/create", request)
    return data["customer"]["customer_guid"], (time.perf_counter() - begun) * 1000


def time_of_a_write(connection, count):
    """The lower quartile of so many writes, in milliseconds."""
    return statistics.quantiles([make(connection)[1] for _ in range(count)], n=4)[0]


def send_at_once(count):
    """Sends so many requests, several at a time."""
    failed = threading.Event()

    def work(share):
        try:
            connection = http.client.HTTPConnection(HOST)
            for _ in range(share // (1 + READS_PER_WRITE)):
                customer, _ = make(connection)
                for _ in range(READS_PER_WRITE):
                    send(connection, "/crm/customer/get", {"customer_guid": customer})
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
        sys.exit("error: a request failed")


def stream_records():
    """How many records the stream table of the embedded database holds."""
    database = Path(os.environ["G3N_LOCAL"]) / f"dynamodb-{os.environ['G3N_DB_PORT']}.sqlite"
    if not database.exists():
        return None
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return connection.execute("SELECT COUNT(*) FROM _stream_records").fetchone()[0]


def catch_up():
    """Waits until the relay has handed on what was written; the seconds that it took."""
    begun = time.monotonic()
    while (stream_records() or 0) >= FEW_RECORDS:
        if time.monotonic() - begun > MOST_SECONDS_BEHIND:
            sys.exit(f"error: after {MOST_SECONDS_BEHIND} s the relay is {stream_records()} records behind")
        time.sleep(0.2)
    return time.monotonic() - begun


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
    if REQUESTS < FIRST + 10 * 2 * TIMED:
        sys.exit(f"error: REQUESTS must be at least {FIRST + 10 * 2 * TIMED}")
    connection = http.client.HTTPConnection(HOST)
    begun = time.monotonic()
    for _ in range(FIRST - TIMED):
        make(connection)
    catch_up()
    took = {FIRST: time_of_a_write(connection, TIMED)}
    done = FIRST
    while done < REQUESTS:
        step = REQUESTS // 10 if REQUESTS - done >= 2 * (REQUESTS // 10) else REQUESTS - done
        send_at_once(step - TIMED)
        behind = catch_up()
        took[done + step] = time_of_a_write(connection, TIMED)
        done += step
        seconds = time.monotonic() - begun
        print(f"{done:>9} requests  {took[done]:7.2f} ms  {seconds:7.0f} s  relay behind {behind:4.0f} s", flush=True)
    ratio = took[done] / took[FIRST]
    print(f"a write at request {FIRST}: {took[FIRST]:.2f} ms, at request {done}: {took[done]:.2f} ms")
    print(f"ratio {ratio:.2f} (at most {MOST})")
    print(f"stream records left: {stream_records()}, events unread: {unread_events()}")
    sys.exit(0 if ratio <= MOST else "error: the stack has become slower")


main()
