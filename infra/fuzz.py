"""What Schemathesis is told about this API beside the documents: hooks, loaded by `make fuzz`.

Generated ids are of nobody's records, and then all that is tested is 404. So requests of the right form are made to
name the demo org. Requests of the wrong form stay as they are.
"""

import os
import re
import unicodedata

import requests
import schemathesis

URL = os.environ["G3N_URL"]
ORG_GUID = os.environ["G3N_ORG_GUID"]
ORGCODE = os.environ["G3N_ORGCODE"]
# Of these fields a request has one: the documents' schemas do not say so. The first is the one that is left.
ONE_OF = {
    "/crm/customer/get": ["customer_guid", "customer_code", "email", "phone", "external_ref"],
    "/crm/retention/policy/get": ["version", "as_of"],
    "/ofm/member/invite/create": ["email", "user_guid"],
    "/ofm/member/invite/list": ["email", "user_guid"],
    "/ofm/shift/list": ["logical_guid", "user_guid"],
    "/ofm/team/list": ["logical_guid", "org_wide"],
    "/ofm/timesheet/list": ["logical_guid", "user_guid"],
}
# What a slot of each level is named by.
SLOTS = {"member": ["user_guid", "logical_guid"], "facility": ["logical_guid"], "org": []}
NOBODY = "e3e70682-c209-4cac-a29f-6fbed82c07cd"
CCCODE = "[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}"
REFERRALS = "/api/v1/referral-attributions"
REFERRAL_CODE = "JAN-VERV-8F3A"

# These end the session that calls them, or all of its person's. Each call has a session of its own, of a person who
# does nothing else.
ENDING = ("/usm/session/close", "/usm/session/logout_other_devices", "/usm/session/logout_everywhere")


@schemathesis.hook
def filter_body(ctx, body):
    """`cargo lambda watch` itself answers 500 to a body that is not UTF-8; API Gateway hands such a body on in base64."""
    if not isinstance(body, bytes):
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


# What may stand only where letters need it, which a pattern does not say.
JOINERS_AND_SELECTORS = re.compile("[\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# A moment of these days may be on another one in UTC, which the calendar does not have.
ENDS_OF_TIME = re.compile("(0001-01-01|9999-12-31)[Tt]")


def readable(value):
    """A value of the right form as it may be sent: no letter is joined to nothing, no map has two keys alike."""
    if isinstance(value, str):
        return "2026-03-04T05:06:07Z" if ENDS_OF_TIME.match(value) else JOINERS_AND_SELECTORS.sub("", value)
    if isinstance(value, list):
        return [readable(item) for item in value]
    if isinstance(value, dict):
        kept = {}
        for name, item in value.items():
            name = readable(name)
            alike = {unicodedata.normalize("NFC", other.strip()) for other in kept}
            if unicodedata.normalize("NFC", name.strip()) not in alike:
                kept[name] = readable(item)
        return kept
    return value


@schemathesis.hook
def map_case(ctx, case):
    """Requests of the right form name the demo org; no context or cursor that nobody can have made up; nothing twice."""
    if not case.meta or not case.meta.generation.mode.is_positive:
        return case
    if isinstance(case.body, dict):
        case.body = readable(case.body)
    if case.operation.path.startswith(REFERRALS):
        return referral(case)
    # The coverage phase makes codes that the pattern in the document does not match.
    code = (case.headers or {}).get("x-cccode")
    if code is not None and not re.fullmatch(CCCODE, code):
        del case.headers["x-cccode"]
    # Without a body, this one asks for nothing.
    if case.operation.path == "/crm/customer/get" and not isinstance(case.body, dict):
        case.body, case.media_type = {}, "application/json"
    if isinstance(case.body, dict):
        known = {"org_guid": ORG_GUID, "orgcode": ORGCODE, "request_context": {}, "next_token": None}
        body = {**case.body, **{name: known[name] for name in known if case.body.get(name) is not None}}
        if "idempotency-key" in (case.headers or {}):
            body.pop("idempotency_key", None)
        if case.operation.path == "/crm/customer/get" and not given(case, body):
            body["customer_code"] = "C0"
        if case.operation.path == "/crm/customer/create":
            one_primary(body.get("customer"))
        # A schema cannot say that a span ends after it begins.
        if body.get("valid_from") is not None and body.get("valid_until") is not None:
            del body["valid_from"]
        case.body = whole(together(case, one_of(case, body)))
    return case


def together(case, body):
    """Fields that go together, which the documents' schemas do not say either."""
    path = case.operation.path
    if path in ("/ofm/profile/assign", "/ofm/profile/unassign"):
        wanted = SLOTS.get(body.get("level"), [])
        body = {name: value for name, value in body.items() if name not in ("user_guid", "logical_guid")}
        body.update({name: NOBODY for name in wanted})
    if path in ("/ofm/shift/list", "/ofm/timesheet/list") and not given(case, body):
        body["logical_guid"] = NOBODY
    if path == "/ofm/shift/list":
        # A day, or a span of days that is not too long.
        body = {name: value for name, value in body.items() if name not in ("from", "to")}
        body["date"] = body.get("date") or "2026-03-04"
    if path == "/ofm/timesheet/list":
        body["to"] = body["from"]
    if path == "/ofm/override-code/list" and body.get("to") is not None:
        body.pop("from", None)
    if path == "/ofm/member/invite/create":
        body.pop("expires_at", None)
        if not given(case, body):
            body["user_guid"] = NOBODY
    if path == "/ofm/service-account/assignments" and body.get("logical_guid") is None:
        body["service_account_guid"] = body.get("service_account_guid") or NOBODY
    return body


def given(case, body):
    """Which fields of those of which a request has one are there."""
    return [name for name in ONE_OF.get(case.operation.path, []) if body.get(name) is not None]


def one_of(case, body):
    """The body with one of them."""
    surplus = given(case, body)[1:]
    return {name: value for name, value in body.items() if name not in surplus}


def one_primary(customer):
    """Leaves one entry of each list the primary one, which a schema cannot say."""
    for entries in customer.values() if isinstance(customer, dict) else ():
        if isinstance(entries, list):
            primaries = [entry for entry in entries if isinstance(entry, dict) and entry.get("primary")]
            for entry in primaries[1:]:
                entry["primary"] = False


def referral(case):
    """Clicks are on the demo code, from the pages that browsers come from; and no page is too deep: JSON Schema cannot
    multiply."""
    headers = case.headers or {}
    if "x-orgcode" in headers:
        headers["x-orgcode"] = ORGCODE
    if not re.fullmatch(CCCODE, headers.get("x-cccode", "AAAA-AAAA-AAAA")):
        del headers["x-cccode"]
    if isinstance(case.body, dict):
        case.body = {**case.body, "code": REFERRAL_CODE}
        # Now is in every window, and not ahead.
        for field in ("occurred_at", "confirmed_at"):
            case.body.pop(field, None)
        if case.body.get("referrer_url") is not None:
            case.body["referrer_url"] = "https://instagram.com/stories?of=jan"
    query = case.query or {}
    if "page" in query or "limit" in query:
        page, limit = int(query.get("page") or 1), min(int(query.get("limit") or 20), 100)
        query["page"] = min(page, 10_000 // limit)
    return case


def whole(value):
    """To a JSON Schema 19.0 is the whole number 19; the services take no number that is written with a point."""
    if isinstance(value, dict):
        return {name: whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """A session of its own for what ends one; and one field of several also where a link filled in another."""
    if case.meta and case.meta.generation.mode.is_positive and isinstance(case.body, dict):
        case.body = one_of(case, case.body)
    headers = kwargs.get("headers") or {}
    if case.operation.path in ENDING and "x-session-guid" in headers:
        kwargs["headers"] = {**headers, "x-session-guid": throw_away_session()}


PERSON = {"email": "leaver@example.com", "passcode": "Leaver-passcode-1"}


def throw_away_session():
    """Logs the leaver in; the first time, makes them."""
    log_in = {**PERSON, "replace_oldest": True}
    answer = requests.post(f"{URL}/usm/session/create", json=log_in, timeout=30).json()
    if not answer["success"]:
        user = operate("user-create", display_name="Leaver", **PERSON)
        user = operate("email-confirm", user_guid=user["user_guid"], email=PERSON["email"])
        revision = user["revision"]
        operate("user-status-set", user_guid=user["user_guid"], status="verified", expected_revision=revision)
        answer = requests.post(f"{URL}/usm/session/create", json=log_in, timeout=30).json()
    return answer["data"]["session_guid"]


def operate(action, **fields):
    """Invokes an operator action."""
    request = {"action": action, "actor": "fuzz", "reason": "Fuzz", **fields}
    url = f"{URL}/2015-03-31/functions/operator/invocations"
    return requests.post(url, json=request, timeout=30).json()["data"]
