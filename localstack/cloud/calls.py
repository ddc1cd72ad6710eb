"""Records which AWS calls the functions make, as long as the file $CALLS_FILE exists: one JSON document for each different one, in
a line. test/rights compares them with the rights of the roles.

Each function has credentials of its own, as on AWS, and an address of OpenSearch with its name, which search-gate.ts records."""

import hashlib
import hmac
import json
import os
import re
from urllib.parse import parse_qs, unquote, urlsplit

from ministack.core import lambda_runtime
from ministack.core.responses import get_account_id
from ministack.services import lambda_svc, sts

FILE = os.environ["CALLS_FILE"]
SECRET = os.environ["AWS_SECRET_ACCESS_KEY"].encode()

_functions = {}  # by access key
_written = set()  # the lines of the file


def derived(kind, function):
    return hmac.new(SECRET, f"{kind} {function}".encode(), hashlib.sha256).hexdigest()


def execution_credentials(config):
    """The credentials of a function. Whoever does not know the access key of the cloud cannot guess them."""
    function, role = config["FunctionName"], config.get("Role", "").rsplit("/", 1)[-1]
    key, secret, token = f"ASIA{derived('key', function)[:32].upper()}", derived("secret", function), derived("token", function)
    arn = f"arn:aws:sts::{get_account_id()}:assumed-role/{role}/{function}"
    sts.register_session(key, {"Arn": arn, "UserId": f"{role}:{function}", "SecretAccessKey": secret, "SessionToken": token})
    _functions[key] = function
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


def with_own_search_url(config):
    """The configuration of a function whose address of OpenSearch has the function's name as user."""
    variables = (config.get("Environment") or {}).get("Variables") or {}
    url = urlsplit(variables.get("OPENSEARCH_URL", ""))
    if not url.netloc or url.username:
        return config
    own = url._replace(netloc=f"{config['FunctionName']}:local@{url.netloc}").geturl()
    return {**config, "Environment": {**config["Environment"], "Variables": {**variables, "OPENSEARCH_URL": own}}}


def install():
    start = lambda_runtime.Worker.__init__
    lambda_runtime.Worker.__init__ = lambda self, name, config, code: start(self, name, with_own_search_url(config), code)
    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = execution_credentials


def recorded(key, scope, headers, receive, send):
    """`receive` and `send` of a call that is recorded when its response begins; unchanged for callers other than functions."""
    function = _functions.get(key)
    if function is None or not os.path.exists(FILE):
        return receive, send
    body = bytearray()

    async def receive_and_keep():
        message = await receive()
        body.extend(message.get("body", b""))
        return message

    async def send_and_record(message):
        if message["type"] == "http.response.start":
            write({"function": function, **call(scope, headers, bytes(body)), "status": message["status"]})
        await send(message)

    return receive_and_keep, send_and_record


def write(line):
    """Writes a line that the file lacks. A write for each call would make the whole cloud wait for a busy disk."""
    text = json.dumps(line)
    try:
        if os.path.getsize(FILE) == 0:
            _written.clear()
    except FileNotFoundError:
        return
    if text in _written:
        return
    _written.add(text)
    with open(FILE, "a") as file:
        file.write(text + "\n")


def call(scope, headers, body):
    """What is called: the operation and the resources by their names."""
    query = parse_qs(scope["query_string"].decode("latin1"), keep_blank_values=True)
    signed = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", headers.get("authorization", ""))
    service = signed.group(1) if signed else ""
    if service == "s3":
        return {"service": service, **s3_call(scope["method"], unquote(scope["path"]), query, headers, body)}
    form = parse_qs(body.decode("latin1")) if "x-www-form-urlencoded" in headers.get("content-type", "") else {}
    parameters = {name: value[0] for name, value in form.items()} or json_of(body)
    if service == "glue":
        operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
        table = parameters.get("TableName") or parameters.get("Name", "")
        return {"service": service, "operation": operation, "resources": [f"{parameters.get('DatabaseName', '')}/{table}"]}
    target = re.search(r"\.(\w+)$", headers.get("x-amz-target", "")) or re.search(r"/operation/(\w+)$", scope["path"])
    operation = target.group(1) if target else parameters.get("Action", "")
    return {"service": service, "operation": operation, "resources": named_in(parameters)}


def json_of(body):
    try:
        return json.loads(body)
    except ValueError:
        return {}


def named_in(parameters):
    """The names of tables, streams and topics in the parameters of a call."""
    names = {parameters[key] for key in ("TableName", "StreamName", "StreamARN", "TopicArn") if key in parameters}
    for key in ("RequestItems", "TransactItems"):
        items = parameters.get(key, {})
        names.update(items if isinstance(items, dict) else (next(iter(item.values()))["TableName"] for item in items))
    return sorted(names)


def s3_call(method, path, query, headers, body):
    bucket, _, key = path.lstrip("/").partition("/")
    keys = re.findall(r"<Key>([^<]*)</Key>", body.decode("utf-8")) if method == "POST" and "delete" in query else [key]
    parameters = sorted(set(query) - {"x-id"})
    copied = ["copy"] if "x-amz-copy-source" in headers else []
    listed = {"prefix": query.get("prefix", [""])[0]} if "list-type" in query else {}
    return {"operation": " ".join([method, *parameters, *copied]), "resources": [f"{bucket}/{each}" for each in keys], **listed}
