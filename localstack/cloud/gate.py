"""Refuses requests to the emulated AWS APIs without their access key, and those that a web page may have sent.

Anybody who reaches these APIs can create a function and so run code as the user of this machine. The access key is random at each
start; MiniStack itself would accept any. A browser sends requests of any page to 127.0.0.1: it adds Origin or Sec-Fetch-Site, and
after DNS rebinding the page's own name as Host. Only the local API (proxy.ts) may call the HTTP API of the stack."""

import hmac
import json
import os
import re
from urllib.parse import parse_qs

from ministack import app
from ministack.services import sts

import calls

HTTP_API = "/_aws/execute-api/"
HEALTH = ("/_localstack/health", "/_ministack/health")
PROXY_HEADER = "x-millrace-access-key"  # proxy.ts sends it
CONSOLE_ORIGINS = [f"http://{host}:{os.environ['API_PORT']}" for host in ("127.0.0.1", "localhost")]
HOSTS = ("127.0.0.1", "localhost")
ACCESS_KEY = os.environ["AWS_ACCESS_KEY_ID"]

NOT_LOCAL = "The local cloud answers only at 127.0.0.1 and localhost."
FROM_PAGE = "The local cloud does not answer web pages. Use the command line or an AWS SDK."
NOT_FROM_PROXY = "The local cloud serves the HTTP API only at apiUrl of .millrace/outputs.json."
NO_KEY = "The local cloud demands its access key, which is new at each start: accessKeyId of .millrace/outputs.json."


def refusal(method, path, query, headers):
    """Why a request is refused; None if it is not. `headers` have lower-case names."""
    host = headers.get("host", "").rsplit(":", 1)[0]
    if host not in HOSTS:
        return NOT_LOCAL
    if path.startswith(HTTP_API):
        return None if is_access_key(headers.get(PROXY_HEADER, "")) else NOT_FROM_PROXY
    origin = headers.get("origin")
    # A link to a signed object, such as a report.
    is_signed_link = origin is None and "X-Amz-Signature=" in query
    is_same_site = headers.get("sec-fetch-site", "none") in ("none", "same-origin") or is_signed_link
    if origin not in CONSOLE_ORIGINS and (origin is not None or not is_same_site):
        return FROM_PAGE
    if path in HEALTH and method in ("GET", "HEAD"):
        return None
    return None if is_known(credential(query, headers)) else NO_KEY


def credential(query, headers):
    """The access key of a signed request, from the place where MiniStack looks for it."""
    signed = re.match(r"AWS4-HMAC-SHA256 +Credential=([^/,\s]+)/", headers.get("authorization", ""))
    if signed:
        return signed.group(1)
    presigned = parse_qs(query).get("X-Amz-Credential", [""])[0]
    return "" if "authorization" in headers else presigned.split("/")[0]


def is_known(key):
    """The access key, or that of a role: who assumed it had the access key."""
    return is_access_key(key) or key in sts._sessions


def is_access_key(key):
    return hmac.compare_digest(key.encode(), ACCESS_KEY.encode())


def install():
    answer = app.app

    async def gate(scope, receive, send):
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        if scope["type"] != "http":
            return await answer(scope, receive, send)
        headers = {name.decode("latin1").lower(): value.decode("latin1") for name, value in scope["headers"]}
        reason = refusal(scope["method"], scope["path"], scope["query_string"].decode("latin1"), headers)
        if reason:
            return await refuse(send, reason)
        scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0].lower() != PROXY_HEADER.encode()]}
        key = credential(scope["query_string"].decode("latin1"), headers)
        receive, send = calls.recorded(key, scope, headers, receive, send)
        is_for_pages = scope["path"].startswith(HTTP_API) or headers.get("origin") in CONSOLE_ORIGINS
        await answer(scope, receive, send if is_for_pages else without_cors(send))

    app.app = gate


async def refuse(send, reason):
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps({"message": reason}).encode()})


def without_cors(send):
    """MiniStack allows every origin to read its responses."""

    async def send_without(message):
        if message["type"] == "http.response.start":
            headers = [pair for pair in message["headers"] if not pair[0].lower().startswith(b"access-control-")]
            message = {**message, "headers": headers}
        await send(message)

    return send_without
