"""Refuses requests to the emulated AWS APIs that a web page may have sent.

Anybody who reaches these APIs can create a function and so run code as the user of this machine. A browser sends requests of any
page to 127.0.0.1: it adds Origin or Sec-Fetch-Site, and after DNS rebinding the page's own name as Host. The HTTP API of the stack
is for pages, so its requests need a local Host only."""

import json
import os

from ministack import app

HTTP_API = "/_aws/execute-api/"
CONSOLE_ORIGINS = [f"http://{host}:{os.environ['API_PORT']}" for host in ("127.0.0.1", "localhost")]
HOSTS = ("127.0.0.1", "localhost")


def refusal(path, query, headers):
    """Why a request is refused; None if it is not. `headers` have lower-case names."""
    host = headers.get("host", "").rsplit(":", 1)[0]
    if host not in HOSTS:
        return "The local cloud answers only at 127.0.0.1 and localhost."
    if path.startswith(HTTP_API):
        return None
    origin = headers.get("origin")
    if origin in CONSOLE_ORIGINS:
        return None
    # A link to a signed object, such as a report.
    is_signed_link = origin is None and "X-Amz-Signature=" in query
    if origin is not None or (headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not is_signed_link):
        return "The local cloud does not answer web pages. Use the command line or an AWS SDK."
    return None


def install():
    answer = app.app

    async def gate(scope, receive, send):
        if scope["type"] != "http":
            return await answer(scope, receive, send)
        headers = {name.decode("latin1").lower(): value.decode("latin1") for name, value in scope["headers"]}
        reason = refusal(scope["path"], scope["query_string"].decode("latin1"), headers)
        if reason:
            return await refuse(send, reason)
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
